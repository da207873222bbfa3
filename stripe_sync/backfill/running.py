"""Running: everything an account holds is read, step by step, page by page.

Laws
- A page and the cursor behind it are stored in one transaction, so a run goes on where it was, whoever was killed.
- One worker works on a run at a time, with several lanes: it holds a short lease, renews it while it lives, and
  writes nothing once it lost it.
- A kind counts as complete only when its list was read to the end; facts that need it have no value before.
- A failed run looks failed: what is permanent ends it with the reason, what passes is tried again with patience.
- Nothing is removed because a list did not show it; Stripe is asked about each such object.
- Where there are several lanes, what follows the first lists is done beside the reading of the next: facts then wait
  for nothing but what they need, and Stripe's patience is used to the full.
"""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby
from threading import Event, Lock, Thread

from sqlalchemy.orm import Session

from engine.ids import ConnectionId, WorkspaceId
from engine.ports import Clock
from engine.storage import Database
from stripe_sync import links, mirror_owner_repository, mirror_repository, mirror_write_repository, queue_repository
from stripe_sync.access import Access
from stripe_sync.backfill import repository
from stripe_sync.backfill.heartbeat import Heartbeat
from stripe_sync.backfill.lists import Lists
from stripe_sync.backfill.models import Action, Run, Step, completed_by, plan_run
from stripe_sync.backfill.spans import Span
from stripe_sync.connect import repository as connect_repository
from stripe_sync.connect.models import Connection
from stripe_sync.connect.vault import VaultRefusedError
from stripe_sync.events.refetching import Refetching
from stripe_sync.fact_service import Cause
from stripe_sync.gateway import GatewayError, Page, Trouble
from stripe_sync.kinds import Kind, StripeJson
from stripe_sync.linking import Linking
from stripe_sync.mirroring import Mirroring
from stripe_sync.reader import AccountReader

OUTDATED = "what it had read is older than Stripe's event log remembers; everything is read anew"
LEASE = timedelta(seconds=10)
"""How long after its last sign of life a worker's run is taken up by another."""
RENEW_EVERY = timedelta(seconds=10)
MAX_ATTEMPTS = 50
MAX_PAUSE_S = 300
FACTS_BATCH, SMALL_FACTS_BATCH = 200, 50
"""End users derived in one transaction, on PostgreSQL and on SQLite, where everybody else's writes wait that long."""
SWEEP_BATCH = 500
"""What waits to be fetched again never grows beyond this by a sweep."""


class _LeaseLostError(Exception):
    """Somebody else works on the run now, or it was ended."""


class _TimeUpError(Exception):
    """The job has worked long enough; what is left waits for the next one."""


@dataclass(frozen=True, slots=True)
class Running:
    """Works on runs."""

    database: Database
    clock: Clock
    access: Access
    linking: Linking
    refetching: Refetching
    lists_at_once: int = 1
    heartbeat_s: float = 2.0

    def queue(
        self, workspace_id: WorkspaceId, session: Session, connection_id: ConnectionId, since: datetime | None = None
    ) -> bool:
        """Queue a run unless one is waiting or running; return whether one was queued.

        With `since` one that had read anything before that instant does not count, and ends: nobody will ever tell
        what became of it.
        """
        last = repository.latest(workspace_id, session, connection_id)
        if last is not None and last.finished_at is None:
            if since is None or last.stamp is None or last.stamp >= since:
                return False
            repository.fail_open(workspace_id, session, connection_id, self.clock.now(), OUTDATED)
        number = 1 if last is None else last.number + 1
        run_id = self.clock.new_id("run")
        repository.insert_run(
            workspace_id, session, connection_id, run_id, number, plan_run(number=number), self.clock.now()
        )
        return True

    def run_due(self, until: datetime | None = None) -> int:
        """Work on every run that is due until it is done or must wait, or it is `until`; return how many.

        Jobs are short, so that one worker can do a run and everything else in turns.
        """
        with self.database.system(readonly=True) as session:
            due = repository.system_due(session, self.clock.now())
        return sum(self._run_one(workspace_id, run_id, until) for workspace_id, run_id in due)

    def _run_one(self, workspace_id: WorkspaceId, run_id: str, until: datetime | None) -> bool:
        now = self.clock.now()
        lease = self.clock.new_id("lease")
        with self.database.workspace(workspace_id) as session:
            run = repository.claim(workspace_id, session, run_id, lease, now, now + LEASE)
        if run is None:
            return False
        connection = self.access.find(workspace_id, run.connection_id)
        if connection is None:
            self._finish(run, "the connection ended")
            return True
        try:
            reader = self.access.open(connection, "backfill")
        except VaultRefusedError as error:
            self.access.note_failure(connection, error)
            self._finish(run, str(error))
            return True
        try:
            with Heartbeat(self.heartbeat_s, lambda: self._keep(run, lease)):
                _Work(self, run, connection, reader, lease, until).do()
        except _LeaseLostError:
            pass
        except _TimeUpError:
            with self.database.workspace(workspace_id) as session:
                self.access.note_contact(reader, session)
                repository.release(workspace_id, session, run.id, lease, self.clock.now())
        except GatewayError as error:
            self.access.close(reader, is_healthy=False)
            self._failed(run, connection, error)
        return True

    def _keep(self, run: Run, lease: str) -> bool:
        with self.database.workspace(run.workspace_id) as session:
            return repository.keep(run.workspace_id, session, run.id, lease, self.clock.now() + LEASE)

    def _failed(self, run: Run, connection: Connection, error: GatewayError) -> None:
        self.access.note_failure(connection, error)
        if error.is_permanent or run.attempts + 1 >= MAX_ATTEMPTS:
            self._finish(run, str(error))
            return
        pause = timedelta(seconds=min(MAX_PAUSE_S, 2 ** min(run.attempts, 10)))
        with self.database.workspace(run.workspace_id) as session:
            repository.postpone(
                run.workspace_id,
                session,
                run.id,
                str(error),
                attempts=run.attempts + 1,
                until=self.clock.now() + pause,
            )

    def _finish(self, run: Run, error: str | None) -> None:
        with self.database.workspace(run.workspace_id) as session:
            repository.finish(run.workspace_id, session, run.id, self.clock.now(), error)


class _Work:
    """One worker's work on one run; its lists are read by several lanes side by side."""

    def __init__(
        self,
        running: Running,
        run: Run,
        connection: Connection,
        reader: AccountReader,
        lease: str,
        until: datetime | None,
    ) -> None:
        self._running = running
        self._database = running.database
        self._clock = running.clock
        self._run = run
        self._workspace_id = run.workspace_id
        self._connection = connection
        self._reader = reader
        self._lease = lease
        self._until = until
        self._has_worked = False
        self._refused: set[str] = set()
        """Kinds the credential may not read."""
        self._ending = Lock()
        """Held by the lane that ends a part, so that whoever ends the last one of a kind knows that it is."""
        self._is_overtaken = Event()
        """The lists that are read meanwhile are at their end: everybody's facts are derived once more after them."""
        self._is_stamped = False
        self._renewed_at: datetime | None = None

    def do(self) -> None:
        """Do what is left of the run; raise GatewayError, _LeaseLostError or _TimeUpError."""
        with self._database.workspace(self._workspace_id, readonly=True) as session:
            steps = repository.steps(self._workspace_id, session, self._run.id)
        groups = [
            (are_lists, [step for step in group if not step.is_done])
            for are_lists, group in groupby(steps, lambda step: step.action is Action.LIST)
        ]
        while groups:
            are_lists, left = groups.pop(0)
            if are_lists:
                self._lists(left)
            elif groups and self._running.lists_at_once > 1:
                self._beside(left, groups.pop(0)[1])
            else:
                self._others(left)
        with self._database.workspace(self._workspace_id) as session:
            self._renew(session)
            self._running.access.note_contact(self._reader, session)
            why = f"the key may not read {', '.join(sorted(self._refused))}" if self._refused else None
            repository.finish(self._workspace_id, session, self._run.id, self._clock.now(), why)

    def _others(self, steps: Sequence[Step]) -> None:
        work: dict[Action, Callable[[Step], None]] = {
            Action.REFERENCES: self._references,
            Action.FACTS: self._facts,
            Action.SWEEP: self._sweep,
        }
        for step in steps:
            work[step.action](step)

    def _beside(self, others: Sequence[Step], lists: Sequence[Step]) -> None:
        """Read lists, and do meanwhile what the lists before them made possible."""
        errors: list[BaseException] = []

        def work() -> None:
            try:
                self._others(others)
            except BaseException as error:  # noqa: BLE001  whoever waits for it raises it
                errors.append(error)

        thread = Thread(target=work, name="backfill-facts", daemon=True)
        thread.start()
        try:
            self._lists(lists)
        finally:
            self._is_overtaken.set()
            thread.join()
            self._is_overtaken.clear()
        if errors:
            raise errors[0]

    def _pause_if_time_is_up(self) -> None:
        # Every job does something, however late it is.
        if self._has_worked and self._until is not None and self._clock.now() >= self._until:
            raise _TimeUpError
        self._has_worked = True

    def _renew(self, session: Session) -> None:
        now = self._clock.now()
        if not repository.renew(self._workspace_id, session, self._run.id, self._lease, now + LEASE):
            raise _LeaseLostError
        self._renewed_at = now

    def _keep(self) -> None:
        """Renew the lease, and note what was learnt of Stripe, now and then: lanes must not wait for one row."""
        if self._renewed_at is not None and self._clock.now() - self._renewed_at < RENEW_EVERY:
            return
        with self._database.workspace(self._workspace_id) as session:
            self._renew(session)
            self._running.access.note_contact(self._reader, session)

    def _advance(
        self,
        session: Session,
        position: int,
        *,
        cursor: str | None,
        pages: int = 0,
        objects: int = 0,
        oldest: int | None = None,
        is_done: bool,
    ) -> None:
        is_ours = repository.advance(
            self._workspace_id,
            session,
            self._run.id,
            self._lease,
            position,
            cursor=cursor,
            pages=pages,
            objects=objects,
            oldest=oldest,
            done_at=self._clock.now() if is_done else None,
        )
        if not is_ours:
            raise _LeaseLostError

    def _lists(self, steps: Sequence[Step]) -> None:
        """Read lists side by side, each from its cursor to its end."""
        if not steps:
            return
        lists = Lists(steps, self._read_on, self._cut)
        try:
            lists.work(self._running.lists_at_once)
        finally:
            with self._database.workspace(self._workspace_id) as session:
                self._running.access.note_contact(self._reader, session)

    def _read_on(self, span: Span) -> Span | None:
        """Read and store the next page of a part; return the part after it, None at its end."""
        self._pause_if_time_is_up()
        self._keep()
        try:
            page = self._page(span)
            objects = self._reader.complete(span.kind, page.objects)
        except GatewayError as error:
            if error.trouble is not Trouble.FORBIDDEN:
                raise
            self._refused.add(span.kind.name)
            return None
        after = span.after(objects)
        is_done = not page.has_more or after.is_passed
        with self._ending if is_done else nullcontext():
            self._store_page(after, page, objects, is_done=is_done)
        return None if is_done else after

    def _cut(self, span: Span, at: int) -> Span | None:
        with self._database.workspace(self._workspace_id) as session:
            position = repository.split(self._workspace_id, session, self._run.id, span, at)
        if position is None:
            return None
        return Span(position=position, kind=span.kind, created_from=span.created_from, created_before=at)

    def _store_page(self, span: Span, page: Page, objects: list[StripeJson], *, is_done: bool) -> None:
        with self._database.workspace(self._workspace_id) as session:
            now, stamp = self._clock.now(), self._reader.stamp(page.sent_at)
            if not self._is_stamped:
                repository.set_stamp(self._workspace_id, session, self._run.id, stamp)
            mirroring = Mirroring(self._workspace_id, session, self._connection.id, now)
            touched = mirroring.take_page(span.kind, objects, stamp, self._run.id)
            if span.kind.name == "customers":
                self._running.linking.match_customers(self._workspace_id, session, touched, now)
            self._advance(
                session,
                span.position,
                cursor=span.cursor,
                pages=1,
                objects=len(objects),
                oldest=span.oldest,
                is_done=is_done,
            )
            if is_done:
                self._note_complete(session)
        self._is_stamped = True

    def _page(self, span: Span) -> Page:
        kind, cursor = span.kind, span.cursor
        try:
            return self._reader.read(
                lambda gateway, token: gateway.list_kind(token, kind, span.params, starting_after=cursor), kind.path
            )
        except GatewayError as error:
            if error.trouble is not Trouble.CURSOR_GONE or cursor is None:
                raise
        # The object the page was to start after was deleted meanwhile: begin with its second, some come twice.
        params = self._from_second_of(span, cursor)
        return self._reader.read(lambda gateway, token: gateway.list_kind(token, kind, params), kind.path)

    def _from_second_of(self, span: Span, object_id: str) -> dict[str, object]:
        with self._database.workspace(self._workspace_id, readonly=True) as session:
            rows = mirror_repository.find_rows(self._workspace_id, session, self._connection.id, span.kind, [object_id])
        created = rows[object_id].payload.get("created") if object_id in rows else None
        if not isinstance(created, int):
            return span.params
        return replace(span, created_before=created + 1).params

    def _note_complete(self, session: Session) -> None:
        steps = repository.steps(self._workspace_id, session, self._run.id)
        lists = [step for step in steps if step.action is Action.LIST and step.kind is not None]
        left = {step.kind.name for step in lists if step.kind is not None and not step.is_done}
        done = frozenset(step.kind.name for step in lists if step.kind is not None) - left
        if done >= mirror_owner_repository.TOLD_BY_CHARGES:
            mirror_owner_repository.name_all(self._workspace_id, session, self._connection.id)
        connect_repository.add_synced_kinds(self._workspace_id, session, self._connection.id, completed_by(done))

    def _references(self, step: Step) -> None:
        """Fetch shared objects that are used and were in no list."""
        with self._database.workspace(self._workspace_id) as session:
            self._renew(session)
            missing = mirror_repository.missing_uses(self._workspace_id, session, self._connection.id, SWEEP_BATCH)
            self._want(session, missing, "reference")
            self._advance(session, step.position, cursor=None, objects=len(missing), is_done=True)
        self._running.refetching.drain_connection(self._workspace_id, self._connection.id)

    def _facts(self, step: Step) -> None:
        """Match and derive everybody who has anything to do with the account."""
        cursor, is_done = step.cursor, False
        size = FACTS_BATCH if self._database.is_postgresql else SMALL_FACTS_BATCH
        if cursor is None:
            with self._database.workspace(self._workspace_id) as session:
                mirror_write_repository.system_analyze(session)
        while not is_done:
            self._pause_if_time_is_up()
            with self._database.workspace(self._workspace_id) as session:
                self._renew(session)
                if self._is_overtaken.is_set():
                    self._advance(session, step.position, cursor=cursor, is_done=True)
                    return
                now = self._clock.now()
                batch = links.end_users_after(self._workspace_id, session, self._connection.id, cursor, size)
                self._running.linking.rematch(self._workspace_id, session, batch, now)
                self._running.linking.facts.recompute(self._workspace_id, session, batch, now, Cause.BACKFILL)
                cursor, is_done = (batch[-1] if batch else cursor), len(batch) < size
                self._advance(session, step.position, cursor=cursor, objects=len(batch), is_done=is_done)

    def _sweep(self, step: Step) -> None:
        """Ask Stripe about every object of a kind that its list no longer showed."""
        assert step.kind is not None
        before = self._stamp() or self._clock.now()
        after: str | None = step.cursor
        is_done = False
        while not is_done:
            self._pause_if_time_is_up()
            with self._database.workspace(self._workspace_id) as session:
                self._renew(session)
                gone = mirror_write_repository.unseen(
                    self._workspace_id,
                    session,
                    self._connection.id,
                    step.kind,
                    self._run.id,
                    before,
                    after,
                    SWEEP_BATCH,
                )
                self._want(session, [(step.kind, object_id) for object_id in gone], "sweep")
                after, is_done = (gone[-1] if gone else after), len(gone) < SWEEP_BATCH
                self._advance(session, step.position, cursor=after, objects=len(gone), is_done=is_done)
            if gone:
                self._running.refetching.drain_connection(self._workspace_id, self._connection.id)

    def _stamp(self) -> datetime | None:
        with self._database.workspace(self._workspace_id, readonly=True) as session:
            run = repository.latest(self._workspace_id, session, self._connection.id)
        return run.stamp if run is not None and run.id == self._run.id else None

    def _want(self, session: Session, wanted: list[tuple[Kind, str]], cause: str) -> None:
        queue_repository.want_refetch(
            self._workspace_id, session, self._connection.id, wanted, cause, self._clock.now()
        )

"""Senders nobody knows yet are looked up in Stripe: before their first conversation is decided, or soon after.

Laws
- A look-up is made only where the mirror can't know: while a connection's customers are not all read, or while
  nothing was heard from Stripe for long.
- A request waits `deadline_s` at most, and only where a slot and the connection's allowance are free; whatever is not
  answered by then is decided without, marked pending, and finished by a job.
- A sender who is not in Stripe is not asked for again for `MISS_KEPT`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import BoundedSemaphore, Event, Thread

import structlog
from sqlalchemy.orm import Session

from engine.email_address import normalize
from engine.ids import ConnectionId, EndUserId, WorkspaceId
from engine.inbox import end_user_repository as people
from engine.ports import Clock
from engine.storage import Database
from stripe_sync import candidate_repository, own_kinds_repository
from stripe_sync.access import Access
from stripe_sync.candidate_repository import HISTORY_KINDS
from stripe_sync.connect import repository as connect_repository
from stripe_sync.connect.models import Connection
from stripe_sync.connect.vault import VaultRefusedError
from stripe_sync.gateway import GatewayError
from stripe_sync.links import Subject
from stripe_sync.lookup import repository
from stripe_sync.lookup.limits import LookupLimits
from stripe_sync.lookup.reading import CustomerReading
from stripe_sync.panel import FRESH

AT_ONCE = 2
"""Look-ups in one process at the same time."""
MISS_KEPT = timedelta(minutes=10)
_NEEDED = frozenset({"customers", "subscriptions", "charges", "invoices"})
"""Kinds without which little can be said of a customer."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """Where a sender must be looked up."""

    email: str
    spellings: frozenset[str]
    connections: Sequence[Connection]
    """Live before test."""


@dataclass(frozen=True, slots=True)
class SenderLookup:
    """Looks senders up in Stripe."""

    database: Database
    clock: Clock
    access: Access
    reading: CustomerReading
    limits: LookupLimits
    deadline_s: float
    _slots: BoundedSemaphore = field(default_factory=lambda: BoundedSemaphore(AT_ONCE))

    def ahead(self, workspace_id: WorkspaceId, email: str) -> None:
        """Look a sender up, if that can find anybody, and return by the deadline whatever came of it."""
        wanted = self._wanted(workspace_id, email)
        if wanted is None:
            return
        with self.database.workspace(workspace_id) as session:
            ids = [connection.id for connection in wanted.connections]
            repository.ask(workspace_id, session, ids, wanted.email, self.clock.now())
        if not self._slots.acquire(blocking=False):
            return
        done = Event()
        Thread(target=self._work, args=(workspace_id, wanted, done), name="stripe-lookup", daemon=True).start()
        done.wait(self.deadline_s)

    def again(self, workspace_id: WorkspaceId, email: str) -> bool:
        """Finish a look-up that was not answered in time; return whether nothing more is to be waited for."""
        wanted = self._wanted(workspace_id, email)
        return wanted is None or self._look_up(workspace_id, wanted)

    def read(self, connection: Connection, customer_id: str) -> bool:
        """Read a known customer again, whole; return False if Stripe did not answer."""
        try:
            reader = self.access.open(connection, "resync")
            self.reading.by_id(reader, customer_id)
        except (GatewayError, VaultRefusedError) as error:
            return self.access.note_failure(connection, error)
        self.access.close(reader)
        return True

    def is_pending(
        self,
        workspace_id: WorkspaceId,
        session: Session,
        subject: Subject,
        now: datetime,
        found: Sequence[Connection],
    ) -> bool:
        """Return whether a better match, or more about the customer, may follow soon; `found` are all connections."""
        unsure = [connection for connection in found if _cannot_know(connection, now)]
        if not unsure:
            return False
        asked = self._asked(workspace_id, session, subject.end_user_id, now)
        if any(asked.get(connection.id, now) is None for connection in unsure):
            return True
        if subject.match == "ambiguous":
            # Which of them ever paid is not known before these lists are complete.
            return any(
                each.connection.is_active and not each.synced_kinds >= HISTORY_KINDS for each in subject.candidates
            )
        unread = [connection for connection in unsure if "customers" not in connection.synced_kinds]
        return subject.match == "none" and any(connection.id not in asked for connection in unread)

    def _asked(
        self, workspace_id: WorkspaceId, session: Session, end_user_id: EndUserId, now: datetime
    ) -> dict[ConnectionId, datetime | None]:
        email = people.end_users_by_id(workspace_id, session, [end_user_id])[end_user_id].email_normalized
        return repository.lookups(workspace_id, session, email, now - MISS_KEPT) if email else {}

    def forget_old(self) -> int:
        """Remove look-ups that no longer count; return how many."""
        with self.database.system() as session:
            return repository.system_forget(session, self.clock.now() - MISS_KEPT)

    def _wanted(self, workspace_id: WorkspaceId, email: str) -> _Wanted | None:
        """Return where a sender must be looked up, or None if what we have is all there is to know."""
        normalized, now = normalize(email), self.clock.now()
        if normalized is None:
            return None
        with self.database.workspace(workspace_id, readonly=True) as session:
            found = connect_repository.connections(workspace_id, session)
            unsure = [connection for connection in found if connection.is_active and _cannot_know(connection, now)]
            if not unsure:
                return None
            by_id = {connection.id: connection for connection in found}
            fitting = candidate_repository.candidates(workspace_id, session, {normalized}, by_id).get(normalized, ())
            keys = [candidate.key for candidate in fitting if candidate.is_active]
            own = own_kinds_repository.kinds_read(workspace_id, session, keys, by_id)
            if keys and all(
                own.get(key, frozenset()) | by_id[key.connection_id].synced_kinds >= _NEEDED for key in keys
            ):
                return None
            asked = repository.lookups(workspace_id, session, normalized, now - MISS_KEPT)
        connections = [connection for connection in unsure if asked.get(connection.id) is None]
        if not connections:
            return None
        return _Wanted(
            email=normalized,
            spellings=frozenset({email.strip(), email.strip().lower()}),
            connections=sorted(connections, key=lambda connection: (not connection.livemode, connection.id)),
        )

    def _work(self, workspace_id: WorkspaceId, wanted: _Wanted, done: Event) -> None:
        try:
            self._look_up(workspace_id, wanted)
        except Exception:
            # The thread has nobody to tell; the look-up stays unanswered, and the job tries again.
            log.exception("stripe_lookup_failed")
        finally:
            self._slots.release()
            done.set()

    def _look_up(self, workspace_id: WorkspaceId, wanted: _Wanted) -> bool:
        """Ask one account after the other; return whether all that matter answered."""
        for connection in wanted.connections:
            if not self.limits.allow(connection.id):
                return False
            try:
                reader = self.access.open(connection, "lookup", is_interactive=True)
            except VaultRefusedError as error:
                self.access.note_failure(connection, error)
                return False
            try:
                found = self.reading.by_email(reader, wanted.spellings)
            except GatewayError as error:
                self.access.close(reader, is_healthy=False)
                log.info("stripe_lookup_unanswered", trouble=error.trouble.value)
                if not self.access.note_failure(connection, error):
                    return False
                continue
            self.access.close(reader)
            self._answer(workspace_id, wanted, connection, was_found=bool(found))
            if found and connection.livemode:
                # Live money is the better match; nobody's test account changes that.
                self._answer(workspace_id, wanted, *wanted.connections, was_found=True)
                return True
        return True

    def _answer(self, workspace_id: WorkspaceId, wanted: _Wanted, *connections: Connection, was_found: bool) -> None:
        with self.database.workspace(workspace_id) as session:
            for connection in connections:
                repository.answered(workspace_id, session, connection.id, wanted.email, self.clock.now())
        log.info("stripe_lookup_answered", found=was_found)


def _cannot_know(connection: Connection, now: datetime) -> bool:
    """Return whether an active connection may hold customers that its mirror lacks."""
    if not connection.is_active:
        return False
    is_late = connection.last_contact_at is None or now - connection.last_contact_at > FRESH
    return is_late or not connection.synced_kinds >= _NEEDED

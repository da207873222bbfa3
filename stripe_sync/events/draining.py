"""Stored events are worked off in batches: mirror, links and facts of a batch change in one transaction.

A batch that fails is tried again in halves, down to the one bad event, so that it holds nobody up; that one waits
longer each time and is parked in the end.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import orjson
import structlog
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.orm import Session

from engine.ids import ConnectionId, WorkspaceId
from engine.ports import Clock
from engine.storage import Database
from stripe_sync import erased_repository, queue_repository
from stripe_sync.access import Access
from stripe_sync.connect import repository as connect_repository
from stripe_sync.connect.models import Connection
from stripe_sync.connect.vault import VaultRefusedError
from stripe_sync.events import repository, routes
from stripe_sync.events.repository import StoredEvent
from stripe_sync.fact_service import Cause
from stripe_sync.gateway import GatewayError
from stripe_sync.kinds import StripeJson
from stripe_sync.linking import Linking
from stripe_sync.mirroring import Mirroring, Snapshot

FIRST_BATCH = 100
"""How many events the first transaction of a drain takes at the most: what they bring shows early."""
BATCH = 500
"""How many each later one takes: what a transaction asks costs about the same for five times as many."""
DIRTY_BATCH = 300
SAME_MOMENT = timedelta(seconds=2)
"""How close a deauthorization and a new connection may stand so that nobody can tell which was first."""

log = structlog.get_logger(__name__)


class PayloadNoLongerKeptError(Exception):
    """What the event said was removed because of its age; only its id, type and state are left."""


@dataclass(frozen=True, slots=True)
class Draining:
    """Works off what arrived."""

    database: Database
    clock: Clock
    access: Access
    linking: Linking

    def drain(self) -> int:
        """Apply every event that is due; return how many."""
        with self.database.system(readonly=True) as session:
            waiting = repository.system_waiting(session, self.clock.now())
        return sum(self._drain_connection(workspace_id, connection_id) for workspace_id, connection_id in waiting)

    def _drain_connection(self, workspace_id: WorkspaceId, connection_id: ConnectionId) -> int:
        self._check_deauthorizations(workspace_id, connection_id)
        total, limit = 0, FIRST_BATCH
        while True:
            with self.database.workspace(workspace_id) as session:
                events = repository.take(workspace_id, session, connection_id, self.clock.now(), limit)
                connection = connect_repository.find_connection(workspace_id, session, connection_id)
                if connection is not None:
                    self._work(session, connection, events)
            total += len(events)
            if connection is None or len(events) < limit:
                return total
            limit = BATCH

    def _check_deauthorizations(self, workspace_id: WorkspaceId, connection_id: ConnectionId) -> None:
        """Ask Stripe where an account was taken away and connected anew within a moment; those events are done then.

        Where Stripe cannot be asked the event waits, as one that fails.
        """
        with self.database.workspace(workspace_id, readonly=True) as session:
            events = repository.waiting_of_type(
                workspace_id, session, connection_id, routes.DEAUTHORIZED, self.clock.now()
            )
            connection = connect_repository.find_connection(workspace_id, session, connection_id)
        if connection is None or not connection.is_active:
            return
        for event in events:
            if abs(event.created - _connected_at(connection)) > SAME_MOMENT:
                continue
            try:
                self.access.check(connection)
            except (GatewayError, VaultRefusedError) as error:
                with self.database.workspace(workspace_id) as session:
                    repository.mark_failed(workspace_id, session, event, str(error), self.clock.now())
                continue
            with self.database.workspace(workspace_id) as session:
                repository.mark_done(workspace_id, session, [event.row_id], self.clock.now())

    def _work(self, session: Session, connection: Connection, events: Sequence[StoredEvent]) -> None:
        workspace_id, now = connection.workspace_id, self.clock.now()
        if not events:
            return
        error = self._try(session, connection, events)
        if error is None:
            repository.mark_done(workspace_id, session, [event.row_id for event in events], now)
        elif len(events) > 1:
            middle = len(events) // 2
            self._work(session, connection, events[:middle])
            self._work(session, connection, events[middle:])
        else:
            (event,) = events
            log.warning("stripe_event_failed", event_id=event.event_id, type=event.type, error=type(error).__name__)
            repository.mark_failed(workspace_id, session, event, type(error).__name__, now)

    def _try(self, session: Session, connection: Connection, events: Sequence[StoredEvent]) -> Exception | None:
        try:
            with session.begin_nested():
                self._apply(session, connection, events)
        except (OperationalError, InterfaceError):
            raise  # the database itself is in trouble: nothing was done, everything stays due
        except Exception as error:  # noqa: BLE001  whatever a strange event sets off must not stop the others
            return error
        return None

    def _apply(self, session: Session, connection: Connection, events: Sequence[StoredEvent]) -> None:
        """Apply events in one go."""
        now = self.clock.now()
        snapshots: list[Snapshot] = []
        shown: dict[int, StripeJson] = {}
        mirroring = Mirroring(connection.workspace_id, session, connection.id, now)
        for stored in events:
            if not stored.payload:
                raise PayloadNoLongerKeptError(
                    f"event {stored.event_id} was emptied with age; the next sweep covers it"
                )
            event = routes.read(orjson.loads(stored.payload))
            if event is None:
                raise ValueError(f"event {stored.event_id} cannot be read")
            plan = routes.plan(event)
            if plan.is_deauthorization and not _is_from_before(event, connection):
                self.access.end(connection, session)
            if plan.kind is not None:
                snapshots.append(
                    Snapshot(kind=plan.kind, payload=event.object, created=event.created, is_deleted=plan.is_deleted)
                )
            mirroring.want_refetch(plan.refetch, stored.event_id)
            shown[stored.row_id] = event.object
        touched = mirroring.take_events(snapshots, events[0].event_id)
        erased_repository.blank_events(connection.workspace_id, session, shown)
        self.linking.refresh(connection.workspace_id, session, touched, now, Cause.EVENT)

    def drain_dirty(self) -> int:
        """Derive the facts of customers that a shared object, or the end of a connection, concerns."""
        with self.database.system(readonly=True) as session:
            workspaces = queue_repository.system_dirty_workspaces(session)
        return sum(self.drain_dirty_of(workspace_id) for workspace_id in workspaces)

    def drain_dirty_of(self, workspace_id: WorkspaceId, *, max_batches: int | None = None) -> int:
        """Do it for one workspace, in at most so many batches."""
        total = batches = 0
        while max_batches is None or batches < max_batches:
            with self.database.workspace(workspace_id) as session:
                customers, causes = queue_repository.take_dirty(workspace_id, session, DIRTY_BATCH)
                cause = Cause.LINK if causes == {"link"} else Cause.EVENT
                self.linking.refresh(workspace_id, session, customers, self.clock.now(), cause)
            total += len(customers)
            batches += 1
            if len(customers) < DIRTY_BATCH:
                break
        return total


def _is_from_before(event: routes.StripeEvent, connection: Connection) -> bool:
    """Return whether an event tells of an earlier connection of the account, which was made anew since."""
    return event.created < _connected_at(connection) + SAME_MOMENT


def _connected_at(connection: Connection) -> datetime:
    """Return when a connection was made, in Stripe's time."""
    return connection.connected_at + connection.clock_offset

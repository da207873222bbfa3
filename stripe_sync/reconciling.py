"""Reconciliation: every night each account is read again, so that what no event told of is found and mended.

A sweep is a run like any other. It comes at night where the workspace is, each connection at a minute of its own, and
seldom enough that all sweeps of a month stay under half of what Stripe allows to be read: 500 requests for each
payment, at least 10,000; of a platform's accounts Stripe counts requests and payments together.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zlib import crc32
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from engine.ids import ConnectionId, WorkspaceId
from engine.ports import Clock
from engine.storage import Database
from engine.workspace.repository import get_workspace
from stripe_sync import reconciling_repository
from stripe_sync.backfill import repository as backfill_repository
from stripe_sync.connect import repository as connect_repository
from stripe_sync.connect.models import Connection, CredentialKind

MONTH = timedelta(days=30)
LEAST_READS = 10_000
"""What Stripe allows to be read in a month whatever the account does."""
READS_PER_PAYMENT = 500
OFTENEST = timedelta(days=1)
NIGHT = timedelta(hours=6)
"""From midnight; each connection begins at a moment of its own in it."""


@dataclass(frozen=True, slots=True)
class Reconciling:
    """Queues sweeps."""

    database: Database
    clock: Clock
    queue: Callable[[WorkspaceId, Session, ConnectionId], bool]

    def run(self) -> int:
        """Queue a sweep for every active connection whose night has come; return how many."""
        with self.database.system(readonly=True) as session:
            active = connect_repository.system_active_connections(session)
        sharing = Counter(_allocation(connection) for connection in active)
        return sum(self._run_one(connection, LEAST_READS // sharing[_allocation(connection)]) for connection in active)

    def _run_one(self, connection: Connection, least: int) -> bool:
        workspace_id, now = connection.workspace_id, self.clock.now()
        with self.database.workspace(workspace_id, readonly=True) as session:
            last = backfill_repository.latest(workspace_id, session, connection.id)
            if last is None or last.started_at is None or last.finished_at is None:
                return False
            is_counted = _is_counted(connection, last.finished_at, now)
            scope = (workspace_id, session, connection.id)
            payments = connection.payments if is_counted else reconciling_repository.count_payments(*scope, now - MONTH)
            pages = sum(step.pages for step in backfill_repository.steps(workspace_id, session, last.id))
            zone = ZoneInfo(get_workspace(workspace_id, session).settings.timezone)
        is_due = now >= next_night(connection.id, last.started_at, interval(pages, payments or 0, least), zone)
        if is_counted and not is_due:
            return False
        with self.database.workspace(workspace_id) as session:
            if not is_counted:
                connect_repository.note_payments(workspace_id, session, connection.id, payments or 0, now)
            return is_due and self.queue(workspace_id, session, connection.id)


def _is_counted(connection: Connection, read_at: datetime, now: datetime) -> bool:
    """Return whether the payments of an account read at `read_at` were counted since, and within a day.

    The table of charges may be long, and the page that shows what may be read asks every other second.
    """
    at = connection.payments_counted_at
    return connection.payments is not None and at is not None and at > max(read_at, now - OFTENEST)


def reads_allowed(payments: int, least: int = LEAST_READS) -> int:
    """Return how many reads Stripe allows in 30 days in which so many payments were made."""
    return max(least, READS_PER_PAYMENT * payments)


def is_shared(kind: CredentialKind) -> bool:
    """Return whether Stripe counts the reads of all accounts connected in this way together: those of a platform."""
    return kind is not CredentialKind.RESTRICTED_KEY


def _allocation(connection: Connection) -> tuple[str, bool]:
    """Return what stands for the allocation that a connection's reads are counted against."""
    return (connection.kind.value if is_shared(connection.kind) else connection.id, connection.livemode)


def interval(pages: int, payments: int, least: int = LEAST_READS) -> timedelta:
    """Return how far apart sweeps of so many reads must be, where so many payments were made in a month.

    `least` is what may be read without any payments: of one platform's accounts each has its part.
    """
    allowed = reads_allowed(payments, least) / 2
    return max(OFTENEST, MONTH * (pages / allowed))


def next_night(connection_id: ConnectionId, last: datetime, apart: timedelta, zone: ZoneInfo) -> datetime:
    """Return when a connection is swept next: at its moment of the night, about `apart` after the last time."""
    moment = NIGHT * ((crc32(connection_id.encode()) % 3600) / 3600)
    earliest = (last + apart - OFTENEST / 2).astimezone(zone)
    at = datetime.combine(earliest.date(), time(), zone) + moment
    return at if at >= earliest else at + timedelta(days=1)

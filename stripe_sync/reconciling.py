"""Reconciliation: every night each account is read again, so that what no event told of is found and mended.

A sweep is a run like any other. It comes at night where the workspace is, each connection at a minute of its own, and
seldom enough that all sweeps of a month stay under half of what Stripe allows to be read.
"""

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
from stripe_sync.backfill.models import Run
from stripe_sync.connect import repository as connect_repository
from stripe_sync.connect.models import Connection

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
        return sum(self._run_one(connection) for connection in active)

    def _run_one(self, connection: Connection) -> bool:
        workspace_id, now = connection.workspace_id, self.clock.now()
        with self.database.workspace(workspace_id, readonly=True) as session:
            last = backfill_repository.latest(workspace_id, session, connection.id)
            if last is None or last.started_at is None or last.finished_at is None:
                return False
            zone = ZoneInfo(get_workspace(workspace_id, session).settings.timezone)
            if now < next_night(connection.id, last.started_at, OFTENEST, zone):
                return False
            is_due = now >= next_night(connection.id, last.started_at, self._interval(session, last, now), zone)
        if not is_due:
            return False
        with self.database.workspace(workspace_id) as session:
            return self.queue(workspace_id, session, connection.id)

    def _interval(self, session: Session, last: Run, now: datetime) -> timedelta:
        steps = backfill_repository.steps(last.workspace_id, session, last.id)
        pages = sum(step.pages for step in steps)
        found = interval(pages, 0)
        if found > OFTENEST:  # only then it matters how much is paid there
            payments = reconciling_repository.count_charges(last.workspace_id, session, last.connection_id, now - MONTH)
            found = interval(pages, payments)
        return found


def interval(pages: int, payments: int) -> timedelta:
    """Return how far apart sweeps of so many reads must be, where so many payments were made in a month."""
    allowed = max(LEAST_READS, READS_PER_PAYMENT * payments) / 2
    return max(OFTENEST, MONTH * (pages / allowed))


def next_night(connection_id: ConnectionId, last: datetime, apart: timedelta, zone: ZoneInfo) -> datetime:
    """Return when a connection is swept next: at its moment of the night, about `apart` after the last time."""
    moment = NIGHT * ((crc32(connection_id.encode()) % 3600) / 3600)
    earliest = (last + apart - OFTENEST / 2).astimezone(zone)
    at = datetime.combine(earliest.date(), time(), zone) + moment
    return at if at >= earliest else at + timedelta(days=1)

"""Catching up: Stripe's event log is read from the last seen point, so that a night of downtime heals by itself.

The log lists newest first and remembers 30 days. Its events are stored like delivered ones, each once; the point
moves on only after the log was read down to where the last reading began, with an overlap for events that show up
late.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from engine.ports import Clock
from engine.storage import Database
from stripe_sync import drift_repository
from stripe_sync.access import Access
from stripe_sync.connect import repository as connect_repository
from stripe_sync.connect.models import Connection
from stripe_sync.connect.vault import VaultRefusedError
from stripe_sync.events import repository, routes
from stripe_sync.events.receiving import stored
from stripe_sync.gateway import GatewayError, Page
from stripe_sync.reader import AccountReader

EVERY = timedelta(minutes=10)
"""About 4,300 reads a month and connection, of Stripe's least allocation of 10,000; also what keeps contact fresh."""
OVERLAP = timedelta(minutes=2)
MEMORY = timedelta(days=29)
"""Stripe's log remembers 30 days; whoever was away for longer reads the whole account again."""


@dataclass(frozen=True, slots=True)
class CatchingUp:
    """Reads the event log of connections."""

    database: Database
    clock: Clock
    access: Access
    read_all: Callable[[Connection, datetime], None]
    """Queues a run over everything the account holds, of which nothing was read before an instant."""

    def run(self, *, force: bool) -> int:
        """Read the log of every active connection that is due, or of all; return how many events were new."""
        with self.database.system(readonly=True) as session:
            active = connect_repository.system_active_connections(session)
        now = self.clock.now()
        due = [each for each in active if force or each.caught_up_at is None or each.caught_up_at <= now - EVERY]
        return sum(self._run_one(connection) for connection in due)

    def _run_one(self, connection: Connection) -> int:
        try:
            reader = self.access.open(connection, "catch_up")
        except VaultRefusedError as error:
            self.access.note_failure(connection, error)
            return 0
        try:
            count = self._read_log(reader, connection)
        except GatewayError as error:
            self.access.close(reader, is_healthy=False)
            self.access.note_failure(connection, error)
            return 0
        self.access.close(reader)
        return count

    def _read_log(self, reader: AccountReader, connection: Connection) -> int:
        workspace_id, began = connection.workspace_id, None
        since = (connection.events_until or connection.connected_at + connection.clock_offset) - OVERLAP
        total, after = 0, None
        while True:
            page = _page(reader, since, after)
            began = began or reader.stamp(page.sent_at)
            events = [(event, document) for document in page.objects if (event := routes.read(document))]
            new = [stored(event, document, "catch_up") for event, document in events if routes.is_used(event.type)]
            if not page.has_more and began - since > MEMORY:
                # Before the point moves on: whoever dies in between finds the gap again.
                self.read_all(connection, began - MEMORY)
            with self.database.workspace(workspace_id) as session:
                total += len(repository.add(workspace_id, session, connection.id, new, self.clock.now()))
                if not page.has_more:
                    now = self.clock.now()
                    connect_repository.note_caught_up(workspace_id, session, connection.id, began, now)
                    drift_repository.judge(workspace_id, session, connection.id, began - OVERLAP)
                    break
            after = page.objects[-1]["id"]
        return total


def _page(reader: AccountReader, since: datetime, after: str | None) -> Page:
    params = {"created": {"gte": int(since.timestamp())}}
    return reader.read(
        lambda gateway, token: gateway.page(token, "/v1/events", params, starting_after=after), "/v1/events"
    )

"""A hundred accounts in one process: each has a workspace of its own, and gets only what is its own.

Events of all accounts come mixed, from several threads at once, and are worked off by one worker. Afterwards every
workspace must have its own customers, people and facts, and nobody else's.
"""

import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table
from sqlalchemy import select

from engine.ids import ConnectionId, WorkspaceId
from engine.storage import Database
from stripe_sync import mirror_repository
from stripe_sync.connect import repository as connect_repository
from stripe_sync.connect.models import Connection, ConnectionStatus, CredentialKind
from stripe_sync.connect.repository import SealedSecrets
from stripe_sync.events.models import Stored
from stripe_sync.events.signature import sign
from stripe_sync.fact_sql import FACTS as KEPT
from stripe_sync.kinds import KINDS
from stripe_sync.service import StripeService
from stripe_sync.settings import StripeConfig
from tests.integration.stripe_sync.office import FACTS, KEY, OWNER, Wakes, add_people
from tests.servers import migrate, start_postgresql
from web.clock import SystemClock

ACCOUNTS = 100
EVENTS_EACH = 20
THREADS = 8
SECRET = "whsec_of_the_platform"
CLOCK = SystemClock()


def run(database: Database, accounts: int = ACCOUNTS, events_each: int = EVENTS_EACH) -> tuple[float, float]:
    """Return how many events were stored and how many worked off in a second; raise AssertionError on cross-talk."""
    config = StripeConfig(public_url="http://127.0.0.1:9", webhook_secrets=(SECRET,))
    service = StripeService(database, CLOCK, config, Wakes(), encryption_keys=[KEY], facts=FACTS)
    connections = [_connect(database, number) for number in range(accounts)]
    bodies = [_body(connection, number) for number in range(events_each) for connection in connections]
    began = time.perf_counter()
    with ThreadPoolExecutor(THREADS) as threads:
        received = list(threads.map(lambda body: service.receive_event(body, sign(body, SECRET, CLOCK.now())), bodies))
    stored = time.perf_counter() - began
    assert all(isinstance(each, Stored) and each.is_new for each in received), received[:3]
    began = time.perf_counter()
    assert service.apply_events() == len(bodies)
    applied = time.perf_counter() - began
    _check(database, connections, events_each)
    return len(bodies) / stored, len(bodies) / applied


def _connect(database: Database, number: int) -> Connection:
    workspace_id, now = WorkspaceId(f"ws_{number}"), CLOCK.now()
    add_people(database, workspace_id, f"Workspace {number}", now, suffix=f"_{number}")
    connection = Connection(
        id=ConnectionId(f"con_{number}"),
        workspace_id=workspace_id,
        kind=CredentialKind.OAUTH,
        account_id=f"acct_{number}",
        livemode=True,
        status=ConnectionStatus.ACTIVE,
        connected_by=OWNER,
        connected_at=now,
        ended_at=None,
        last_contact_at=now,
        last_event_at=None,
        last_error=None,
        clock_offset=now - now,
        events_until=None,
        caught_up_at=None,
        synced_kinds=frozenset(),
        reads=0,
    )
    with database.workspace(workspace_id) as session:
        connect_repository.save_connected(workspace_id, session, connection, SealedSecrets(token=b"sealed"))
    return connection


def _body(connection: Connection, number: int) -> bytes:
    """Return an event about a customer; all accounts use the same ids and addresses, as only one account's must not."""
    created = int(CLOCK.now().timestamp())
    customer: dict[str, Any] = {
        "id": f"cus_{number}",
        "object": "customer",
        "created": created,
        "email": f"person{number}@example.com",
        "name": f"Of {connection.account_id}",
        "livemode": True,
    }
    return orjson.dumps(
        {
            "id": f"evt_{connection.account_id}_{number}",
            "object": "event",
            "type": "customer.created",
            "created": created,
            "livemode": True,
            "account": connection.account_id,
            "data": {"object": customer},
        }
    )


def _check(database: Database, connections: Sequence[Connection], events_each: int) -> None:
    """Raise AssertionError unless every workspace has its own customers, people and facts, and nothing else."""
    kind = KINDS["customers"]
    for connection in connections:
        ids = {f"cus_{number}" for number in range(events_each)}
        with database.workspace(connection.workspace_id, readonly=True) as session:
            rows = mirror_repository.find_rows(connection.workspace_id, session, connection.id, kind, ids)
            mine = select(KEPT.c.account, KEPT.c.customers).where(KEPT.c.workspace_id == connection.workspace_id)
            people = {(row.account, *row.customers[0]) for row in session.execute(mine)}
        assert rows.keys() == ids, connection.account_id
        assert {row.payload["name"] for row in rows.values()} == {f"Of {connection.account_id}"}
        assert people == {(connection.account_id, connection.id, each) for each in ids}, people


def main() -> None:
    """Run on both databases and print it."""
    table = Table(title=f"{ACCOUNTS} accounts in one process, {EVENTS_EACH} events of each, mixed; no cross-talk")
    for heading in ("database", "stored, events/s", "worked off, events/s"):
        table.add_column(heading, justify="right")
    for name, database in _databases():
        table.add_row(name, *(f"{each:,.0f}" for each in run(database)))
    Console().print(table)


def _databases() -> Iterator[tuple[str, Database]]:
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/ochre.db"
        migrate(url)
        with _opened(url) as database:
            yield "SQLite", database
    with start_postgresql() as server, server.fresh_database() as url, _opened(url) as database:
        yield "PostgreSQL", database


@contextmanager
def _opened(url: str) -> Iterator[Database]:
    database = Database(url)
    try:
        yield database
    finally:
        database.dispose()


if __name__ == "__main__":
    main()

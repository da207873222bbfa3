"""The database layer: transactions, the workspace wall, exact money, aware instants, the outbox."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from decimal import Decimal

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from engine.ids import WorkspaceId
from engine.outbox import repository as outbox
from engine.storage import Database, Money, UtcDateTime, from_micros, to_micros
from tests.clock import FrozenClock

ALICE = WorkspaceId("ws_alice")
BOB = WorkspaceId("ws_bob")


def test_workspace_transaction_sees_only_its_own_rows(postgresql_database: Database, clock: FrozenClock) -> None:
    """Row-level security hides other workspaces' rows, also from raw SQL without a filter."""
    for workspace in (ALICE, BOB):
        with postgresql_database.workspace(workspace) as session:
            outbox.emit(workspace, session, "effect", {}, clock.now())

    with postgresql_database.workspace(ALICE) as session:
        seen = session.execute(text("SELECT workspace_id FROM outbox")).scalars().all()
    with postgresql_database.engine.connect() as connection:
        unscoped = connection.execute(text("SELECT count(*) FROM outbox")).scalar_one()
    with postgresql_database.system() as session:
        everything = session.execute(text("SELECT count(*) FROM outbox")).scalar_one()

    assert seen == [ALICE]
    assert unscoped == 0
    assert everything == 2


def test_workspace_transaction_cannot_write_for_another(postgresql_database: Database, clock: FrozenClock) -> None:
    """Row-level security refuses a row that names another workspace."""
    with pytest.raises(DBAPIError, match="row-level security"), postgresql_database.workspace(ALICE) as session:
        outbox.emit(BOB, session, "effect", {}, clock.now())
        session.flush()


def test_failed_block_leaves_nothing(database: Database, clock: FrozenClock) -> None:
    """An exception inside the block rolls everything in it back."""
    with pytest.raises(RuntimeError), database.workspace(ALICE) as session:
        outbox.emit(ALICE, session, "effect", {}, clock.now())
        session.flush()
        raise RuntimeError("crash")

    with database.system() as session:
        assert outbox.system_pending(session, clock.now(), limit=10) == []


def test_a_busy_writer_does_not_starve_others(sqlite_url: str) -> None:
    """While one writes without a pause, the short writes of another wait for a few turns, not for seconds."""
    busy, other = Database(sqlite_url), Database(sqlite_url)
    done = threading.Event()

    def write_on_and_on() -> None:
        while not done.is_set():
            with busy.workspace(ALICE) as session:
                session.execute(text("SELECT 1"))
                time.sleep(0.02)

    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(write_on_and_on)
        began = time.monotonic()
        for _ in range(10):
            with other.workspace(BOB) as session:
                session.execute(text("SELECT 1"))
        waited = time.monotonic() - began
        done.set()
        writing.result()

    assert waited < 5


def test_a_second_writing_transaction_of_a_thread_is_refused(sqlite_url: str) -> None:
    """A thread that opens a writing transaction inside another would wait for itself, so it is told."""
    database = Database(sqlite_url)

    with (
        database.workspace(ALICE),
        pytest.raises(RuntimeError, match="already has a transaction open"),
        database.workspace(ALICE),
    ):
        pass
    with database.workspace(ALICE) as session:
        assert session.scalar(text("SELECT 1")) == 1


def test_outbox_gives_back_what_failed_later_and_what_is_done_never(database: Database, clock: FrozenClock) -> None:
    """A failed entry returns after its delay with its attempts counted; a done one does not."""
    with database.workspace(ALICE) as session:
        outbox.emit(ALICE, session, "fact_changed", {"fact": "mrr"}, clock.now())
        outbox.emit(ALICE, session, "effect", {}, clock.now())
    with database.system() as session:
        first, second = outbox.system_pending(session, clock.now(), limit=10)
        outbox.system_mark_failed(session, first, "the endpoint answered 500", clock.now())
        outbox.system_mark_done(session, [second.id], clock.now())

    with database.system() as session:
        assert outbox.system_pending(session, clock.now(), limit=10) == []
        later = outbox.system_pending(session, clock.now() + timedelta(seconds=1), limit=10)

    assert [(entry.kind, entry.attempts) for entry in later] == [("fact_changed", 1)]


@pytest.mark.parametrize(
    ("amount", "micros"),
    [
        ("0", 0),
        ("940.00", 940_000_000),
        ("0.000001", 1),  # a sub-cent price is exact
        ("-25", -25_000_000),
        ("9000000000000.99", 9_000_000_000_000_990_000),  # near the 64-bit bound
    ],
)
def test_money_is_kept_exactly(amount: str, micros: int) -> None:
    """An amount survives the way through millionths unchanged."""
    assert to_micros(Decimal(amount)) == micros
    assert from_micros(micros) == Decimal(amount)


def test_money_refuses_digits_it_cannot_keep() -> None:
    """An amount finer than a millionth is refused, never rounded silently."""
    with pytest.raises(ValueError, match="more than six decimals"):
        to_micros(Decimal("0.0000001"))


def test_types_round_trip(database: Database) -> None:
    """Instants come back aware and in UTC, whatever zone they went in with; amounts come back equal."""
    at = datetime(2026, 3, 1, 12, 30, 0, 250, tzinfo=timezone(timedelta(hours=5)))
    with database.system() as session:
        dialect = session.get_bind().dialect

    assert UtcDateTime().process_result_value(UtcDateTime().process_bind_param(at, dialect), dialect) == at
    assert Money().process_result_value(Money().process_bind_param(Decimal("1.5"), dialect), dialect) == Decimal("1.5")


def test_naive_instant_is_refused(database: Database) -> None:
    """An instant without a zone is an error, never a guess."""
    with database.system() as session, pytest.raises(ValueError, match="time zone"):
        UtcDateTime().process_bind_param(datetime.fromisoformat("2026-01-01T00:00:00"), session.get_bind().dialect)

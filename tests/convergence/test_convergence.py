"""After whatever went wrong, when it is quiet, our view is Stripe's: objects, links and facts."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from stripe_sync.mirroring import Mirroring
from tests.convergence.__main__ import storage
from tests.convergence.databases import PostgresqlStorage
from tests.convergence.planted import FAULTS
from tests.convergence.steps import History, Step, history
from tests.convergence.universe import Universe, run, shrink
from tests.servers import PostgresqlServer

PART = 20
"""How many histories a test runs."""
PARTS = 12
ON_POSTGRESQL = 30


@pytest.fixture(scope="module")
def universe() -> Iterator[Universe]:
    """Return a universe on SQLite."""
    with storage(postgresql=False) as found:
        universe = Universe(found)
        yield universe
        universe.close()


@pytest.mark.parametrize("part", range(PARTS))
def test_histories_converge(universe: Universe, part: int) -> None:
    """Random histories with faults end with no difference; a seed that does prints as `python -m tests.convergence`."""
    different = {seed: told for seed in range(part * PART, (part + 1) * PART) if (told := run(universe, history(seed)))}

    assert different == {}


def test_histories_converge_on_postgresql(postgresql_server: PostgresqlServer) -> None:
    """The same on PostgreSQL."""
    universe = Universe(PostgresqlStorage(postgresql_server))
    different = {seed: told for seed in range(ON_POSTGRESQL) if (told := run(universe, history(seed)))}
    universe.close()

    assert different == {}


def test_deliveries_to_two_processes_at_once(universe: Universe) -> None:
    """While one web process stores a delivery another one takes the next: neither waits for the other for ever."""
    steps = (
        Step("merchant", "create_customer", 5),
        Step("merchant", "create_customer", 7),
        Step("race", "transaction", 1, inside=(Step("deliver", "last"),)),
        Step("deliver", "next"),
    )

    assert run(universe, History(2, is_synced=True, steps=steps)) == []


def test_a_seed_is_a_history(universe: Universe) -> None:
    """A history run twice asks Stripe for the same, and ends at the same moment."""
    seen = []
    for _ in range(2):
        run(universe, history(7))
        seen.append((universe.clock.stripe_now, universe.stripe.requests))

    assert seen[0] == seen[1]


def test_what_differs_is_found_and_made_small(universe: Universe, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a sync that never fetches anything again histories differ, and one is shrunk to a step or two."""
    monkeypatch.setattr(Mirroring, "want_refetch", lambda *_: None)
    steps = (
        Step("wait", seconds=2),
        Step("merchant", "create_coupon", 3),
        Step("merchant", "create_subscription", 35),
        Step("work", "facts"),
        Step("merchant", "update_customer", 8),
        Step("flush"),
    )
    broken = History(3, is_synced=True, steps=steps)

    told = run(universe, broken)
    small = shrink(universe, broken)

    assert told
    assert 1 <= len(small.steps) <= 2
    assert str(small).startswith("history 3: accounts connected and read\n  merchant create_subscription")


def test_planted_faults_have_their_place() -> None:
    """Every fault that `make torture ARGS=planted` plants still finds what it changes, once."""
    root = Path(__file__).parents[2]

    changes = [change for fault in FAULTS for change in fault.changes()]
    assert [right for file, right, _ in changes if (root / file).read_text().count(right) != 1] == []


def test_history_without_steps(universe: Universe) -> None:
    """Where nothing happens nothing differs: what the harness itself does is no difference."""
    assert run(universe, History(1, is_synced=True, steps=())) == []
    assert run(universe, History(1, is_synced=False, steps=())) == []

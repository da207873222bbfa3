"""Fixtures of the integration tests: a simulated Stripe in a process of its own."""

from collections.abc import Iterator

import pytest

from tests.stripe_simulator import Simulator, start_simulator


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    """Run a simulated Stripe for a module's tests, with two small seeded merchants in live mode.

    They are shared by the module's tests: make customers of your own for what you change, and reset the faults you
    set. Whoever takes access back (`deauthorize`) from the first account does so after all who use a synced database.
    """
    size = ("--customers", "12", "--test-customers", "2", "--accounts", "2")
    with start_simulator(*size, "--seed", "ochre", "--rate", "10000") as running:
        yield running

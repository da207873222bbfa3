"""Fixtures of the integration tests: a simulated Stripe in a process of its own."""

from collections.abc import Iterator

import pytest

from tests.stripe_simulator import Simulator, start_simulator


@pytest.fixture(scope="session")
def simulator() -> Iterator[Simulator]:
    """Run a simulated Stripe for the session, with a small seeded merchant in live mode.

    Its merchant is shared by all tests: make customers of your own for what you change, and reset the faults you set.
    """
    with start_simulator("--customers", "12", "--test-customers", "2", "--seed", "ochre", "--rate", "10000") as running:
        yield running

"""Fixtures of the integration tests: a simulated Stripe in a process of its own."""

from collections.abc import Iterator

import pytest

from tests.stripe_simulator import Simulator, start_simulator


@pytest.fixture(scope="session")
def simulator() -> Iterator[Simulator]:
    """Run a simulated Stripe for the session, with two small seeded merchants in live mode.

    They are shared by all tests: make customers of your own for what you change, reset the faults you set, and take
    access back (`deauthorize`) from the second account only.
    """
    size = ("--customers", "12", "--test-customers", "2", "--accounts", "2")
    with start_simulator(*size, "--seed", "ochre", "--rate", "10000") as running:
        yield running

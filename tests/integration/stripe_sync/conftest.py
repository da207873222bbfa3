"""Fixtures of the sync's tests: a workspace with people in it, and the Stripe service towards the simulator."""

from collections.abc import Iterator

import pytest

from engine.storage import Database
from tests.integration.stripe_sync.office import Office, make_office
from tests.stripe_simulator import Simulator


@pytest.fixture
def office(database: Database, simulator: Simulator) -> Iterator[Office]:
    """Return a workspace with an owner, an admin and an agent, not connected yet; faults are reset afterwards."""
    yield make_office(database, simulator)
    simulator.control("faults")

"""A world for each test, on each database."""

import pytest

from engine.storage import Database
from tests.clock import FrozenClock
from tests.integration.facts.world import World


@pytest.fixture
def world(database: Database, clock: FrozenClock) -> World:
    """Return a world whose workspace is made."""
    made = World(database, clock)
    made.open()
    return made

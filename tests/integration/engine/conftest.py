"""Fixtures of the engine's integration tests."""

import pytest

from engine.storage import Database
from tests.clock import FrozenClock
from tests.integration.engine.world import World, make_world


@pytest.fixture
def world(database: Database, clock: FrozenClock) -> World:
    """Return Alice's workspace; the test runs once on SQLite and once on PostgreSQL."""
    return make_world(database, clock)

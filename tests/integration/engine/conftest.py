"""Fixtures of the engine's integration tests.

Most tests share one database a module and kind, each in a workspace of its own: that is cheaper than a database for
each test, and the wall between workspaces is tested along the way.
"""

import itertools
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.storage import Database
from tests.clock import FrozenClock
from tests.conftest import NOW
from tests.integration.engine.world import World, make_world
from tests.servers import PostgresqlServer

_ids = itertools.count(1)
_names = itertools.count(1)


@pytest.fixture
def clock() -> FrozenClock:
    """Return a clock at the usual instant, whose ids differ from those of every other test."""
    clock = FrozenClock(NOW)
    clock._counter = _ids
    return clock


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shared_database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """Return a migrated database that the module's tests share, once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        template: Path = request.getfixturevalue("sqlite_template")
        path = tmp_path_factory.mktemp("shared") / "ochre.db"
        shutil.copy(template, path)
        database = Database(f"sqlite:///{path}")
        yield database
        database.dispose()
    else:
        server: PostgresqlServer = request.getfixturevalue("postgresql_server")
        with server.fresh_database() as url:
            database = Database(url)
            yield database
            database.dispose()


@pytest.fixture
def world(shared_database: Database, clock: FrozenClock) -> World:
    """Return a workspace of Alice's; the test runs once on SQLite and once on PostgreSQL."""
    return make_world(shared_database, clock, f"Alice {next(_names)}")

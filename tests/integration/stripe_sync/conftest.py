"""Fixtures of the sync's tests: a workspace with people in it, and the Stripe service towards the simulator."""

import itertools
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from engine.storage import Database
from tests.integration.stripe_sync.office import Office, make_office
from tests.servers import ROLE, PostgresqlServer, migrate
from tests.stripe_simulator import Simulator

_NUMBERS = itertools.count(1)


@pytest.fixture
def office(database: Database, simulator: Simulator) -> Iterator[Office]:
    """Return a workspace with an owner, an admin and an agent, not connected yet; faults are reset afterwards."""
    yield make_office(database, simulator)
    simulator.control("faults")


@dataclass(slots=True)
class Templates:
    """Databases that were synced once, to be copied."""

    folder: Path
    simulator: Simulator
    postgresql: str | None = field(default=None)

    def sqlite(self) -> Path:
        """Return a SQLite file with a synced workspace."""
        path = self.folder / "synced.db"
        if not path.exists():
            migrate(f"sqlite:///{path}")
            self._sync(f"sqlite:///{path}")
        return path

    def copy_postgresql(self, server: PostgresqlServer, name: str) -> str:
        """Make a PostgreSQL database with a synced workspace; return its URL."""
        if self.postgresql is None:
            self.postgresql = f"ochre_synced_template_{next(_NUMBERS)}"
            _create(server, self.postgresql, "ochre_template")
            self._sync(server.url(self.postgresql))
        _create(server, name, self.postgresql)
        return server.url(name)

    def _sync(self, url: str) -> None:
        database = Database(url)
        make_office(database, self.simulator).synced()
        database.dispose()


@pytest.fixture(scope="module")
def synced_templates(tmp_path_factory: pytest.TempPathFactory, simulator: Simulator) -> Templates:
    """Return databases that are synced when first asked for."""
    return Templates(folder=tmp_path_factory.mktemp("synced"), simulator=simulator)


@pytest.fixture(params=["sqlite", "postgresql"])
def synced_url(request: pytest.FixtureRequest, tmp_path: Path, synced_templates: Templates) -> Iterator[str]:
    """Return the URL of a database with a synced workspace; the test runs once on each database."""
    if request.param == "sqlite":
        shutil.copy(synced_templates.sqlite(), tmp_path / "ochre.db")
        yield f"sqlite:///{tmp_path / 'ochre.db'}"
        return
    server: PostgresqlServer = request.getfixturevalue("postgresql_server")
    name = f"ochre_synced_{next(_NUMBERS)}"
    yield synced_templates.copy_postgresql(server, name)
    with server.admin() as admin:
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture
def synced(synced_url: str, simulator: Simulator) -> Iterator[Office]:
    """Return a workspace whose account is connected and backfilled; faults are reset afterwards."""
    database = Database(synced_url)
    yield make_office(database, simulator, is_new=False)
    simulator.control("faults")
    database.dispose()


def _create(server: PostgresqlServer, name: str, template: str) -> None:
    with server.admin() as admin:
        admin.execute(f"CREATE DATABASE {name} TEMPLATE {template} OWNER {ROLE}".encode())

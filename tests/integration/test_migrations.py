"""The migrations make what the models say, on both databases, and wall off every table."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sqlalchemy import text

from engine.storage import Database
from tests.servers import PostgresqlServer
from web import migrations


def test_migrations_and_models_agree(database_url: str) -> None:
    """A migrated database lacks nothing the models have, and has nothing they lack."""
    assert migrations.differences(database_url) == []


def test_every_table_is_walled_off(postgresql_database: Database) -> None:
    """On PostgreSQL row-level security is on for every table of ours, also for the tables' owner."""
    query = text(
        "SELECT relname FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace "
        "WHERE nspname = 'public' AND relkind = 'r' AND NOT (relrowsecurity AND relforcerowsecurity)"
    )
    with postgresql_database.system() as session:
        open_tables = session.scalars(query).all()

    assert open_tables == ["alembic_version"]


def test_migrating_twice_changes_nothing(database_url: str) -> None:
    """A database that is at the newest schema stays as it is."""
    migrations.upgrade(database_url)

    database = Database(database_url)
    with database.system(readonly=True) as session:
        assert migrations.current_revision(session.connection()) == migrations.expected_revision()
    database.dispose()


def test_processes_that_migrate_at_once_agree(postgresql_server: PostgresqlServer, tmp_path: Path) -> None:
    """Several processes that start together on an empty database migrate it once, and all of them succeed."""
    with postgresql_server.admin() as admin:
        admin.execute("CREATE DATABASE ochre_empty OWNER ochre")
    for url in (postgresql_server.url("ochre_empty"), f"sqlite:///{tmp_path / 'empty.db'}"):
        with ThreadPoolExecutor(3) as pool:
            outcomes = [pool.submit(migrations.upgrade, url) for _ in range(3)]

        assert [outcome.exception() for outcome in outcomes] == [None, None, None]
        assert migrations.differences(url) == []

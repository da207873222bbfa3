"""What a migration adds to a new table besides its columns."""

from alembic import op

from engine.audit.tables import append_only_sql
from engine.storage import row_security_sql


def wall_off(*tables: str) -> None:
    """Let each table's rows be seen by their own workspace alone; PostgreSQL holds that, SQLite has no means to."""
    if op.get_bind().dialect.name == "postgresql":
        for table in tables:
            for statement in row_security_sql(table):
                op.execute(statement)


def make_append_only(table: str) -> None:
    """Let the database refuse to change or delete rows of the table."""
    for statement in append_only_sql(table, postgresql=op.get_bind().dialect.name == "postgresql"):
        op.execute(statement)

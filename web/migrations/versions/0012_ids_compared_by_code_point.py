"""Ids compared by code point, so that an id in one table is found by an index of another; and walls that cost once.

The wall between workspaces asks for the transaction's workspace once a query, no longer once a row.

A migration must work with the code that still runs while it is applied: add first, remove in a later release.
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

SETTING = "(SELECT current_setting('ochre.workspace', true))"
WALL = f"{SETTING} = '*' OR workspace_id = {SETTING}"


def upgrade() -> None:
    """Apply the change; SQLite compares by code point anyway and has no walls."""
    connection = op.get_bind()
    if connection.dialect.name != "postgresql":
        return
    columns = sa.text(
        "SELECT table_name, string_agg(format('ALTER COLUMN %I TYPE text COLLATE \"C\"', column_name), ', ')"
        " FROM information_schema.columns WHERE table_schema = current_schema() AND data_type = 'text'"
        " AND collation_name IS NULL AND table_name IN (SELECT table_name FROM information_schema.columns"
        " WHERE table_schema = current_schema() AND table_name LIKE 'stripe\\_%' AND column_name = 'seen_run')"
        " GROUP BY table_name"
    )
    for table, changes in connection.execute(columns).all():
        op.execute(f"ALTER TABLE {table} {changes}")
    walls = sa.text("SELECT tablename FROM pg_policies WHERE policyname = 'workspace_wall'")
    for (table,) in connection.execute(walls).all():
        op.execute(f"ALTER POLICY workspace_wall ON {table} USING ({WALL}) WITH CHECK ({WALL})")

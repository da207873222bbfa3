"""What became of facts.

A migration must work with the code that still runs while it is applied: add first, remove in a later release.
"""

import sqlalchemy as sa
from alembic import op

from engine.storage import BigId, Json, UtcDateTime
from web.migrations.walls import wall_off

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the change."""
    op.create_table(
        "fact_history",
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("entry_id", BigId, autoincrement=False, nullable=False),
        sa.Column("end_user_id", sa.String(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("fact", sa.String(), nullable=False),
        sa.Column("old", Json, nullable=True),
        sa.Column("new", Json, nullable=True),
        sa.Column("cause", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "entry_id", name=op.f("pk_fact_history")),
    )
    op.create_index("ix_fact_history_end_user", "fact_history", ["workspace_id", "end_user_id", "at"], unique=False)
    wall_off("fact_history")

"""Requests a day, and how far back each part of a list was read.

A migration must work with the code that still runs while it is applied: add first, remove in a later release.
"""

import sqlalchemy as sa
from alembic import op

from web.migrations.walls import wall_off

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the change."""
    op.create_table(
        "stripe_reads",
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("connection_id", sa.String(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("reads", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "connection_id", "day", name=op.f("pk_stripe_reads")),
    )
    wall_off("stripe_reads")
    op.add_column("stripe_backfill_steps", sa.Column("oldest", sa.BigInteger(), nullable=True))

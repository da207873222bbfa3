"""What drifts, and events nobody needs.

A migration must work with the code that still runs while it is applied: add first, remove in a later release.
"""

import sqlalchemy as sa
from alembic import op

from engine.storage import UtcDateTime
from web.migrations.walls import wall_off

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the change."""
    op.create_table(
        "stripe_drift",
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("connection_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("object_id", sa.String(), nullable=False),
        sa.Column("what", sa.String(), nullable=False),
        sa.Column("known_from", UtcDateTime(), nullable=True),
        sa.Column("found_at", UtcDateTime(), nullable=False),
        sa.Column("is_certain", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "connection_id", "kind", "object_id", name=op.f("pk_stripe_drift")),
    )
    op.create_table(
        "stripe_ignored_events",
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("connection_id", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("last_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "connection_id", "reason", name=op.f("pk_stripe_ignored_events")),
    )
    op.add_column("stripe_events", sa.Column("object_id", sa.String(), nullable=True))
    wall_off("stripe_drift", "stripe_ignored_events")

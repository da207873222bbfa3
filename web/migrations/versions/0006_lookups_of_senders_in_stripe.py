"""Look-ups of senders in Stripe, and customers read on their own.

A migration must work with the code that still runs while it is applied: add first, remove in a later release.
"""

import sqlalchemy as sa
from alembic import op

from engine.storage import Json, UtcDateTime
from web.migrations.walls import wall_off

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the change."""
    op.create_table(
        "stripe_lookups",
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("connection_id", sa.String(), nullable=False),
        sa.Column("email_normalized", sa.String(), nullable=False),
        sa.Column("asked_at", UtcDateTime(), nullable=False),
        sa.Column("answered_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("workspace_id", "connection_id", "email_normalized", name=op.f("pk_stripe_lookups")),
    )
    op.create_index("ix_stripe_lookups_asked", "stripe_lookups", ["asked_at"], unique=False)
    op.create_table(
        "stripe_read_customers",
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("connection_id", sa.String(), nullable=False),
        sa.Column("customer_id", sa.String(), nullable=False),
        sa.Column("kinds", Json, nullable=False),
        sa.Column("read_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "connection_id", "customer_id", name=op.f("pk_stripe_read_customers")),
    )
    wall_off("stripe_lookups", "stripe_read_customers")

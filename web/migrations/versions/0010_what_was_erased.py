"""What was erased, without saying what it was.

A migration must work with the code that still runs while it is applied: add first, remove in a later release.
"""

import sqlalchemy as sa
from alembic import op

from engine.storage import UtcDateTime
from web.migrations.walls import wall_off

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the change."""
    op.create_table(
        "stripe_erasure_keys",
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", name=op.f("pk_stripe_erasure_keys")),
    )
    op.create_table(
        "stripe_erased_objects",
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("erased_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "digest", name=op.f("pk_stripe_erased_objects")),
    )
    wall_off("stripe_erasure_keys", "stripe_erased_objects")

"""Payments of the last 30 days, by which Stripe measures what may be read.

A migration must work with the code that still runs while it is applied: add first, remove in a later release.
"""

import sqlalchemy as sa
from alembic import op

from engine.storage import UtcDateTime

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the change."""
    op.add_column("stripe_connections", sa.Column("payments", sa.Integer(), nullable=True))
    op.add_column("stripe_connections", sa.Column("payments_counted_at", UtcDateTime(), nullable=True))

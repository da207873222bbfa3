"""Claims on the refreshing of tokens.

A migration must work with the code that still runs while it is applied: add first, remove in a later release.
"""

import sqlalchemy as sa
from alembic import op

from engine.storage import UtcDateTime

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the change."""
    op.add_column("stripe_connections", sa.Column("refreshing_until", UtcDateTime(), nullable=True))

"""Members barred from billing data.

A migration must work with the code that still runs while it is applied: add first, remove in a later release.
"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the change."""
    op.add_column("members", sa.Column("sees_billing", sa.Boolean(), server_default=sa.true(), nullable=False))

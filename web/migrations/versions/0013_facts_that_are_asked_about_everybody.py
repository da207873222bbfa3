"""Facts that are asked about everybody.

A migration must work with the code that still runs while it is applied: add first, remove in a later release.
"""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the change."""
    op.create_index(
        "ix_end_user_facts_asked",
        "end_user_facts",
        [
            "workspace_id",
            "end_user_id",
            "mrr",
            "ltv",
            "status",
            "delinquent",
            "amount_due",
            "overdue_since",
            "subscriptions",
            "quantity",
            "customer_since",
            "last_payment_at",
        ],
        unique=False,
    )

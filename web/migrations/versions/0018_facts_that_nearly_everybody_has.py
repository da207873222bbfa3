"""Facts that nearly everybody has, and questions that nearly everybody answers.

A migration must work with the code that still runs while it is applied: add first, remove in a later release.
"""

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

COUNTED = (
    "customer",
    "livemode",
    "cancels",
    "charge_failed",
    "plan_price",
    "arr",
    "balance",
    "open_invoices",
    "payments",
    "last_payment_amount",
    "last_invoice_amount",
    "refunded",
    "disputes",
    "open_disputes",
)
DATED = (
    "trial_ends_at",
    "period_end",
    "last_invoice_at",
    "card_expires_at",
    "synced_at",
    "on_trial_until",
    "collection_paused_until",
    "discounted_until",
    "card_good_until",
    "invoice_created_at",
    "subscription_created_at",
    "charged_at",
    "cancels_at",
    "ended_at",
    "charge_failed_at",
    "last_refund_at",
    "charge_refunded_at",
    "subscription_deleted_at",
)


def upgrade() -> None:
    """Apply the change."""
    for name, columns in (("counted", COUNTED), ("dated", DATED)):
        op.create_index(
            f"ix_end_user_facts_{name}", "end_user_facts", ["workspace_id", "end_user_id", *columns], unique=False
        )

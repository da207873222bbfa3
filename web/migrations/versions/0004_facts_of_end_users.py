"""Facts of end users.

A migration must work with the code that still runs while it is applied: add first, remove in a later release.
"""

import sqlalchemy as sa
from alembic import op

from engine.storage import BinaryText, Json, Money, UtcDateTime
from web.migrations.walls import wall_off

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the change."""
    op.create_table(
        "end_user_facts",
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("end_user_id", sa.String(), nullable=False),
        sa.Column("customer", sa.Boolean(), nullable=True),
        sa.Column("match", BinaryText, nullable=True),
        sa.Column("account", BinaryText, nullable=True),
        sa.Column("customer_id", BinaryText, nullable=True),
        sa.Column("email", BinaryText, nullable=True),
        sa.Column("country", BinaryText, nullable=True),
        sa.Column("currency", BinaryText, nullable=True),
        sa.Column("customer_since", UtcDateTime(), nullable=True),
        sa.Column("livemode", sa.Boolean(), nullable=True),
        sa.Column("plan", BinaryText, nullable=True),
        sa.Column("product_id", BinaryText, nullable=True),
        sa.Column("price_id", BinaryText, nullable=True),
        sa.Column("last_plan", BinaryText, nullable=True),
        sa.Column("plan_interval", BinaryText, nullable=True),
        sa.Column("plan_interval_count", sa.BigInteger(), nullable=True),
        sa.Column("quantity", sa.BigInteger(), nullable=True),
        sa.Column("plan_price", Money(), nullable=True),
        sa.Column("mrr", Money(), nullable=True),
        sa.Column("arr", Money(), nullable=True),
        sa.Column("ltv", Money(), nullable=True),
        sa.Column("ltv_off_stripe", Money(), nullable=True),
        sa.Column("status", BinaryText, nullable=True),
        sa.Column("subscription_status", BinaryText, nullable=True),
        sa.Column("subscription_id", BinaryText, nullable=True),
        sa.Column("subscriptions", sa.BigInteger(), nullable=True),
        sa.Column("trial_ends_at", UtcDateTime(), nullable=True),
        sa.Column("period_start", UtcDateTime(), nullable=True),
        sa.Column("period_end", UtcDateTime(), nullable=True),
        sa.Column("cancels", sa.Boolean(), nullable=True),
        sa.Column("cancels_at", UtcDateTime(), nullable=True),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("delinquent", sa.Boolean(), nullable=True),
        sa.Column("balance", Money(), nullable=True),
        sa.Column("open_invoices", sa.BigInteger(), nullable=True),
        sa.Column("amount_due", Money(), nullable=True),
        sa.Column("last_invoice_status", BinaryText, nullable=True),
        sa.Column("last_invoice_at", UtcDateTime(), nullable=True),
        sa.Column("last_invoice_amount", Money(), nullable=True),
        sa.Column("charge_failed", sa.Boolean(), nullable=True),
        sa.Column("charge_failed_at", UtcDateTime(), nullable=True),
        sa.Column("failure_code", BinaryText, nullable=True),
        sa.Column("payments", sa.BigInteger(), nullable=True),
        sa.Column("last_payment_at", UtcDateTime(), nullable=True),
        sa.Column("last_payment_amount", Money(), nullable=True),
        sa.Column("refunded", Money(), nullable=True),
        sa.Column("last_refund_at", UtcDateTime(), nullable=True),
        sa.Column("disputes", sa.BigInteger(), nullable=True),
        sa.Column("open_disputes", sa.BigInteger(), nullable=True),
        sa.Column("card_brand", BinaryText, nullable=True),
        sa.Column("card_last4", BinaryText, nullable=True),
        sa.Column("card_expires_at", UtcDateTime(), nullable=True),
        sa.Column("synced_at", UtcDateTime(), nullable=True),
        sa.Column("on_trial_until", UtcDateTime(), nullable=True),
        sa.Column("collection_paused_until", UtcDateTime(), nullable=True),
        sa.Column("discounted_until", UtcDateTime(), nullable=True),
        sa.Column("invoice_due_dates", Json, nullable=True),
        sa.Column("overdue_since", UtcDateTime(), nullable=True),
        sa.Column("card_good_until", UtcDateTime(), nullable=True),
        sa.Column("invoice_created_at", UtcDateTime(), nullable=True),
        sa.Column("subscription_created_at", UtcDateTime(), nullable=True),
        sa.Column("charged_at", UtcDateTime(), nullable=True),
        sa.Column("charge_refunded_at", UtcDateTime(), nullable=True),
        sa.Column("subscription_deleted_at", UtcDateTime(), nullable=True),
        sa.Column("valid_until", UtcDateTime(), nullable=True),
        sa.Column("reasons", Json, nullable=False),
        sa.Column("notes", Json, nullable=False),
        sa.Column("customers", Json, nullable=False),
        sa.Column("reporting_currency", sa.String(), nullable=False),
        sa.Column("rates", Json, nullable=False),
        sa.Column("last_values", Json, nullable=True),
        sa.Column("as_of", UtcDateTime(), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("workspace_id", "end_user_id", name=op.f("pk_end_user_facts")),
    )
    op.create_index("ix_end_user_facts_due", "end_user_facts", ["due_at"], unique=False)
    wall_off("end_user_facts")

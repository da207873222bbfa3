"""The mirror of Stripe and its sync.

A migration must work with the code that still runs while it is applied: add first, remove in a later release.
"""

import sqlalchemy as sa
from alembic import op

from engine.storage import BigId, BinaryText, Json, UtcDateTime
from web.migrations.walls import wall_off

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the change."""
    op.create_table(
        "stripe_backfill_steps",
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=True),
        sa.Column("created_from", sa.Integer(), nullable=True),
        sa.Column("created_before", sa.Integer(), nullable=True),
        sa.Column("cursor", sa.String(), nullable=True),
        sa.Column("pages", sa.Integer(), nullable=False),
        sa.Column("objects", sa.Integer(), nullable=False),
        sa.Column("done_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("run_id", "position", name=op.f("pk_stripe_backfill_steps")),
    )
    op.create_table(
        "stripe_backfills",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("connection_id", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("queued_at", UtcDateTime(), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=True),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
        sa.Column("stamp", UtcDateTime(), nullable=True),
        sa.Column("available_at", UtcDateTime(), nullable=False),
        sa.Column("lease", sa.String(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stripe_backfills")),
    )
    op.create_index(
        "ix_stripe_backfills_connection", "stripe_backfills", ["workspace_id", "connection_id", "number"], unique=False
    )
    op.create_index("ix_stripe_backfills_status", "stripe_backfills", ["status", "available_at"], unique=False)
    op.create_table(
        "stripe_charges",
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("connection_id", sa.String(), nullable=False),
        sa.Column("id", BinaryText, nullable=False),
        sa.Column("created", UtcDateTime(), nullable=True),
        sa.Column("status", sa.Text(), nullable=True),
        sa.Column("customer_id", sa.Text(), nullable=True),
        sa.Column("payment_intent_id", sa.Text(), nullable=True),
        sa.Column("stamp", UtcDateTime(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("deleted_at", UtcDateTime(), nullable=True),
        sa.Column("seen_run", sa.String(), nullable=True),
        sa.Column("payload", Json, nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "connection_id", "id", name=op.f("pk_stripe_charges")),
    )
    op.create_index(
        "ix_stripe_charges_customer_id",
        "stripe_charges",
        ["workspace_id", "connection_id", "customer_id"],
        unique=False,
    )
    op.create_index(
        "ix_stripe_charges_payment_intent_id",
        "stripe_charges",
        ["workspace_id", "connection_id", "payment_intent_id"],
        unique=False,
    )
    op.create_table(
        "stripe_connections",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("livemode", sa.Boolean(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("token", sa.LargeBinary(), nullable=True),
        sa.Column("refresh_token", sa.LargeBinary(), nullable=True),
        sa.Column("webhook_secret", sa.LargeBinary(), nullable=True),
        sa.Column("token_expires_at", UtcDateTime(), nullable=True),
        sa.Column("connected_by", sa.String(), nullable=False),
        sa.Column("connected_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("last_contact_at", UtcDateTime(), nullable=True),
        sa.Column("last_event_at", UtcDateTime(), nullable=True),
        sa.Column("last_error", sa.String(), nullable=True),
        sa.Column("clock_offset_ms", sa.Integer(), nullable=False),
        sa.Column("events_until", UtcDateTime(), nullable=True),
        sa.Column("caught_up_at", UtcDateTime(), nullable=True),
        sa.Column("synced_kinds", Json, nullable=False),
        sa.Column("reads", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stripe_connections")),
    )
    op.create_index(
        "uq_stripe_connections_account", "stripe_connections", ["workspace_id", "account_id", "livemode"], unique=True
    )
    op.create_index(
        "uq_stripe_connections_active",
        "stripe_connections",
        ["account_id", "livemode"],
        unique=True,
        postgresql_where=sa.text("status = 'active'"),
        sqlite_where=sa.text("status = 'active'"),
    )
    op.create_table(
        "stripe_coupons",
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("connection_id", sa.String(), nullable=False),
        sa.Column("id", BinaryText, nullable=False),
        sa.Column("created", UtcDateTime(), nullable=True),
        sa.Column("stamp", UtcDateTime(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("deleted_at", UtcDateTime(), nullable=True),
        sa.Column("seen_run", sa.String(), nullable=True),
        sa.Column("payload", Json, nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "connection_id", "id", name=op.f("pk_stripe_coupons")),
    )
    op.create_table(
        "stripe_credit_notes",
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("connection_id", sa.String(), nullable=False),
        sa.Column("id", BinaryText, nullable=False),
        sa.Column("created", UtcDateTime(), nullable=True),
        sa.Column("status", sa.Text(), nullable=True),
        sa.Column("customer_id", sa.Text(), nullable=True),
        sa.Column("invoice_id", sa.Text(), nullable=True),
        sa.Column("stamp", UtcDateTime(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("deleted_at", UtcDateTime(), nullable=True),
        sa.Column("seen_run", sa.String(), nullable=True),
        sa.Column("payload", Json, nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "connection_id", "id", name=op.f("pk_stripe_credit_notes")),
    )
    op.create_index(
        "ix_stripe_credit_notes_customer_id",
        "stripe_credit_notes",
        ["workspace_id", "connection_id", "customer_id"],
        unique=False,
    )
    op.create_table(
        "stripe_customers",
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("connection_id", sa.String(), nullable=False),
        sa.Column("id", BinaryText, nullable=False),
        sa.Column("created", UtcDateTime(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("email_normalized", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("stamp", UtcDateTime(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("deleted_at", UtcDateTime(), nullable=True),
        sa.Column("seen_run", sa.String(), nullable=True),
        sa.Column("payload", Json, nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "connection_id", "id", name=op.f("pk_stripe_customers")),
    )
    op.create_index(
        "ix_stripe_customers_email_normalized",
        "stripe_customers",
        ["workspace_id", "connection_id", "email_normalized"],
        unique=False,
    )
    op.create_table(
        "stripe_dirty_customers",
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("connection_id", sa.String(), nullable=False),
        sa.Column("customer_id", sa.String(), nullable=False),
        sa.Column("requested_at", UtcDateTime(), nullable=False),
        sa.Column("cause", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "connection_id", "customer_id", name=op.f("pk_stripe_dirty_customers")),
    )
    op.create_index("ix_stripe_dirty_customers_requested", "stripe_dirty_customers", ["requested_at"], unique=False)
    op.create_table(
        "stripe_disputes",
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("connection_id", sa.String(), nullable=False),
        sa.Column("id", BinaryText, nullable=False),
        sa.Column("created", UtcDateTime(), nullable=True),
        sa.Column("status", sa.Text(), nullable=True),
        sa.Column("charge_id", sa.Text(), nullable=True),
        sa.Column("payment_intent_id", sa.Text(), nullable=True),
        sa.Column("stamp", UtcDateTime(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("deleted_at", UtcDateTime(), nullable=True),
        sa.Column("seen_run", sa.String(), nullable=True),
        sa.Column("payload", Json, nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "connection_id", "id", name=op.f("pk_stripe_disputes")),
    )
    op.create_index(
        "ix_stripe_disputes_charge_id", "stripe_disputes", ["workspace_id", "connection_id", "charge_id"], unique=False
    )
    op.create_index(
        "ix_stripe_disputes_payment_intent_id",
        "stripe_disputes",
        ["workspace_id", "connection_id", "payment_intent_id"],
        unique=False,
    )
    op.create_table(
        "stripe_events",
        sa.Column("id", BigId, nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("connection_id", sa.String(), nullable=False),
        sa.Column("event_id", sa.String(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("created", UtcDateTime(), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("origin", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("available_at", UtcDateTime(), nullable=False),
        sa.Column("last_error", sa.String(), nullable=True),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.Column("done_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stripe_events")),
    )
    op.create_index(
        "ix_stripe_events_drain", "stripe_events", ["workspace_id", "connection_id", "state", "id"], unique=False
    )
    op.create_index("ix_stripe_events_due", "stripe_events", ["state", "available_at", "id"], unique=False)
    op.create_index("uq_stripe_events_event", "stripe_events", ["connection_id", "event_id"], unique=True)
    op.create_table(
        "stripe_invoice_payments",
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("connection_id", sa.String(), nullable=False),
        sa.Column("id", BinaryText, nullable=False),
        sa.Column("created", UtcDateTime(), nullable=True),
        sa.Column("status", sa.Text(), nullable=True),
        sa.Column("invoice_id", sa.Text(), nullable=True),
        sa.Column("stamp", UtcDateTime(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("deleted_at", UtcDateTime(), nullable=True),
        sa.Column("seen_run", sa.String(), nullable=True),
        sa.Column("payload", Json, nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "connection_id", "id", name=op.f("pk_stripe_invoice_payments")),
    )
    op.create_index(
        "ix_stripe_invoice_payments_invoice_id",
        "stripe_invoice_payments",
        ["workspace_id", "connection_id", "invoice_id"],
        unique=False,
    )
    op.create_table(
        "stripe_invoices",
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("connection_id", sa.String(), nullable=False),
        sa.Column("id", BinaryText, nullable=False),
        sa.Column("created", UtcDateTime(), nullable=True),
        sa.Column("status", sa.Text(), nullable=True),
        sa.Column("customer_id", sa.Text(), nullable=True),
        sa.Column("number", sa.Text(), nullable=True),
        sa.Column("stamp", UtcDateTime(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("deleted_at", UtcDateTime(), nullable=True),
        sa.Column("seen_run", sa.String(), nullable=True),
        sa.Column("payload", Json, nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "connection_id", "id", name=op.f("pk_stripe_invoices")),
    )
    op.create_index(
        "ix_stripe_invoices_customer_id",
        "stripe_invoices",
        ["workspace_id", "connection_id", "customer_id"],
        unique=False,
    )
    op.create_table(
        "stripe_links",
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("end_user_id", sa.String(), nullable=False),
        sa.Column("connection_id", sa.String(), nullable=False),
        sa.Column("customer_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint(
            "workspace_id", "end_user_id", "connection_id", "customer_id", name=op.f("pk_stripe_links")
        ),
    )
    op.create_index(
        "ix_stripe_links_customer", "stripe_links", ["workspace_id", "connection_id", "customer_id"], unique=False
    )
    op.create_table(
        "stripe_oauth_states",
        sa.Column("state_hash", sa.String(), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("member_id", sa.String(), nullable=False),
        sa.Column("binding_hash", sa.String(), nullable=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("livemode", sa.Boolean(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("state_hash", name=op.f("pk_stripe_oauth_states")),
    )
    op.create_table(
        "stripe_payment_methods",
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("connection_id", sa.String(), nullable=False),
        sa.Column("id", BinaryText, nullable=False),
        sa.Column("created", UtcDateTime(), nullable=True),
        sa.Column("customer_id", sa.Text(), nullable=True),
        sa.Column("stamp", UtcDateTime(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("deleted_at", UtcDateTime(), nullable=True),
        sa.Column("seen_run", sa.String(), nullable=True),
        sa.Column("payload", Json, nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "connection_id", "id", name=op.f("pk_stripe_payment_methods")),
    )
    op.create_index(
        "ix_stripe_payment_methods_customer_id",
        "stripe_payment_methods",
        ["workspace_id", "connection_id", "customer_id"],
        unique=False,
    )
    op.create_table(
        "stripe_prices",
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("connection_id", sa.String(), nullable=False),
        sa.Column("id", BinaryText, nullable=False),
        sa.Column("created", UtcDateTime(), nullable=True),
        sa.Column("product_id", sa.Text(), nullable=True),
        sa.Column("stamp", UtcDateTime(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("deleted_at", UtcDateTime(), nullable=True),
        sa.Column("seen_run", sa.String(), nullable=True),
        sa.Column("payload", Json, nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "connection_id", "id", name=op.f("pk_stripe_prices")),
    )
    op.create_index(
        "ix_stripe_prices_product_id", "stripe_prices", ["workspace_id", "connection_id", "product_id"], unique=False
    )
    op.create_table(
        "stripe_products",
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("connection_id", sa.String(), nullable=False),
        sa.Column("id", BinaryText, nullable=False),
        sa.Column("created", UtcDateTime(), nullable=True),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("stamp", UtcDateTime(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("deleted_at", UtcDateTime(), nullable=True),
        sa.Column("seen_run", sa.String(), nullable=True),
        sa.Column("payload", Json, nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "connection_id", "id", name=op.f("pk_stripe_products")),
    )
    op.create_table(
        "stripe_refetches",
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("connection_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("object_id", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("requested_at", UtcDateTime(), nullable=False),
        sa.Column("available_at", UtcDateTime(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.String(), nullable=True),
        sa.Column("cause", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "connection_id", "kind", "object_id", name=op.f("pk_stripe_refetches")),
    )
    op.create_index("ix_stripe_refetches_due", "stripe_refetches", ["available_at"], unique=False)
    op.create_table(
        "stripe_refunds",
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("connection_id", sa.String(), nullable=False),
        sa.Column("id", BinaryText, nullable=False),
        sa.Column("created", UtcDateTime(), nullable=True),
        sa.Column("status", sa.Text(), nullable=True),
        sa.Column("charge_id", sa.Text(), nullable=True),
        sa.Column("payment_intent_id", sa.Text(), nullable=True),
        sa.Column("stamp", UtcDateTime(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("deleted_at", UtcDateTime(), nullable=True),
        sa.Column("seen_run", sa.String(), nullable=True),
        sa.Column("payload", Json, nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "connection_id", "id", name=op.f("pk_stripe_refunds")),
    )
    op.create_index(
        "ix_stripe_refunds_charge_id", "stripe_refunds", ["workspace_id", "connection_id", "charge_id"], unique=False
    )
    op.create_index(
        "ix_stripe_refunds_payment_intent_id",
        "stripe_refunds",
        ["workspace_id", "connection_id", "payment_intent_id"],
        unique=False,
    )
    op.create_table(
        "stripe_subscriptions",
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("connection_id", sa.String(), nullable=False),
        sa.Column("id", BinaryText, nullable=False),
        sa.Column("created", UtcDateTime(), nullable=True),
        sa.Column("status", sa.Text(), nullable=True),
        sa.Column("customer_id", sa.Text(), nullable=True),
        sa.Column("stamp", UtcDateTime(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("deleted_at", UtcDateTime(), nullable=True),
        sa.Column("seen_run", sa.String(), nullable=True),
        sa.Column("payload", Json, nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "connection_id", "id", name=op.f("pk_stripe_subscriptions")),
    )
    op.create_index(
        "ix_stripe_subscriptions_customer_id",
        "stripe_subscriptions",
        ["workspace_id", "connection_id", "customer_id"],
        unique=False,
    )
    op.create_table(
        "stripe_uses",
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("connection_id", sa.String(), nullable=False),
        sa.Column("owner_id", BinaryText, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("object_id", BinaryText, nullable=False),
        sa.Column("customer_id", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint(
            "workspace_id", "connection_id", "owner_id", "kind", "object_id", name=op.f("pk_stripe_uses")
        ),
    )
    op.create_index(
        "ix_stripe_uses_object", "stripe_uses", ["workspace_id", "connection_id", "kind", "object_id"], unique=False
    )
    wall_off(
        "stripe_backfill_steps",
        "stripe_backfills",
        "stripe_charges",
        "stripe_connections",
        "stripe_coupons",
        "stripe_credit_notes",
        "stripe_customers",
        "stripe_dirty_customers",
        "stripe_disputes",
        "stripe_events",
        "stripe_invoice_payments",
        "stripe_invoices",
        "stripe_links",
        "stripe_oauth_states",
        "stripe_payment_methods",
        "stripe_prices",
        "stripe_products",
        "stripe_refetches",
        "stripe_refunds",
        "stripe_subscriptions",
        "stripe_uses",
    )

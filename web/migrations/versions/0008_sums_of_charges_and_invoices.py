"""Sums of charges and invoices: the numbers that are added up stand beside the object.

Rows written before are read whole until they are written again. Refunds and disputes learn whose they are.

A migration must work with the code that still runs while it is applied: add first, remove in a later release.
"""

import sqlalchemy as sa
from alembic import op

from engine.storage import UtcDateTime

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

ALIVE = sa.text("deleted_at IS NULL")
SAME = "owner.workspace_id = {0}.workspace_id AND owner.connection_id = {0}.connection_id"
OWNED = """
UPDATE {0} SET customer_id = (
    SELECT max(owner.customer_id) FROM stripe_charges AS owner
    WHERE {1} AND (owner.id = {0}.charge_id
        OR ({0}.charge_id IS NULL AND owner.payment_intent_id = {0}.payment_intent_id)))
"""


def upgrade() -> None:
    """Apply the change."""
    op.add_column("stripe_charges", sa.Column("method_id", sa.Text(), nullable=True))
    op.add_column("stripe_charges", sa.Column("standing", sa.Text(), nullable=True))
    op.add_column("stripe_charges", sa.Column("currency", sa.Text(), nullable=True))
    op.add_column("stripe_charges", sa.Column("captured", sa.BigInteger(), nullable=True))
    op.add_column("stripe_charges", sa.Column("refunded", sa.BigInteger(), nullable=True))
    op.drop_index(op.f("ix_stripe_charges_customer_id"), table_name="stripe_charges")
    op.create_index(
        "ix_stripe_charges_customer_1",
        "stripe_charges",
        ["workspace_id", "connection_id", "customer_id", "created", "id"],
        unique=False,
        postgresql_where=ALIVE,
        sqlite_where=ALIVE,
    )
    op.create_index(
        "ix_stripe_charges_customer_2",
        "stripe_charges",
        [
            "workspace_id",
            "connection_id",
            "customer_id",
            "standing",
            "created",
            "id",
            "currency",
            "captured",
            "refunded",
        ],
        unique=False,
        postgresql_where=ALIVE,
        sqlite_where=ALIVE,
    )
    op.add_column("stripe_disputes", sa.Column("customer_id", sa.Text(), nullable=True))
    op.create_index(
        "ix_stripe_disputes_customer_1",
        "stripe_disputes",
        ["workspace_id", "connection_id", "customer_id", "status"],
        unique=False,
        postgresql_where=ALIVE,
        sqlite_where=ALIVE,
    )
    op.add_column("stripe_invoices", sa.Column("standing", sa.Text(), nullable=True))
    op.add_column("stripe_invoices", sa.Column("currency", sa.Text(), nullable=True))
    op.add_column("stripe_invoices", sa.Column("off_stripe", sa.BigInteger(), nullable=True))
    op.add_column("stripe_invoices", sa.Column("untold", sa.BigInteger(), nullable=True))
    op.add_column("stripe_invoices", sa.Column("ranked_at", UtcDateTime(), nullable=True))
    op.drop_index(op.f("ix_stripe_invoices_customer_id"), table_name="stripe_invoices")
    op.create_index(
        "ix_stripe_invoices_customer_1",
        "stripe_invoices",
        ["workspace_id", "connection_id", "customer_id", "created", "id"],
        unique=False,
        postgresql_where=ALIVE,
        sqlite_where=ALIVE,
    )
    op.create_index(
        "ix_stripe_invoices_customer_2",
        "stripe_invoices",
        [
            "workspace_id",
            "connection_id",
            "customer_id",
            "ranked_at",
            "created",
            "id",
            "standing",
            "currency",
            "off_stripe",
            "untold",
        ],
        unique=False,
        postgresql_where=ALIVE,
        sqlite_where=ALIVE,
    )
    op.add_column("stripe_refunds", sa.Column("customer_id", sa.Text(), nullable=True))
    op.create_index(
        "ix_stripe_refunds_customer_1",
        "stripe_refunds",
        ["workspace_id", "connection_id", "customer_id", "created", "id", "status"],
        unique=False,
        postgresql_where=ALIVE,
        sqlite_where=ALIVE,
    )
    for table in ("stripe_refunds", "stripe_disputes"):
        op.execute(OWNED.format(table, SAME.format(table)))

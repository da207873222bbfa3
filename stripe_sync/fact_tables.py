"""The tables of end users' facts: one wide, typed row each, its columns generated from the catalog, and who waits.

A column is null where the fact has no value, and `reasons` says why; so a comparison in SQL is unknown exactly where
it is unknown to a rule. Facts that move with the clock have no column: they are computed over instants that have
(`stripe_sync.fact_sql`). Instants are kept in whole seconds, as Stripe has them.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Index, String, Table
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import TypeEngine

from engine.core.facts import FactType
from engine.storage import BinaryText, Json, Money, UtcDateTime
from stripe_sync.catalog import STORED
from stripe_sync.tables import Base, metadata

__all__ = ["DbEndUserFacts", "DbFactRenewal", "metadata"]

_TYPES: dict[FactType, TypeEngine[Any]] = {
    FactType.BOOLEAN: Boolean(),
    FactType.STRING: BinaryText,
    FactType.NUMBER: BigInteger(),
    FactType.MONEY: Money(),
    FactType.DATETIME: UtcDateTime(),
    FactType.STRINGS: Json,
}


class DbEndUserFacts(Base):
    """The stored facts of one end user."""

    __table__ = Table(
        "end_user_facts",
        metadata,
        Column("workspace_id", String, primary_key=True),
        Column("end_user_id", String, primary_key=True),
        *(Column(stored.name, _TYPES[stored.type], nullable=True) for stored in STORED),
        Column("reasons", Json, nullable=False),
        Column("notes", Json, nullable=False),
        Column("customers", Json, nullable=False),
        # Pairs of connection and customer id that the facts are made of.
        Column("reporting_currency", String, nullable=False),
        Column("rates", Json, nullable=False),
        # By currency, what one unit was worth as an exact fraction, and the day that was published.
        Column("last_values", Json, nullable=True),
        # What was last known, shown as stale, once the connection is gone and nothing has a value any more.
        Column("as_of", UtcDateTime, nullable=False),
        Column("due_at", UtcDateTime, nullable=True),
        # When something becomes another by the clock alone, and the row must be looked at again.
        Index("ix_end_user_facts_due", "due_at"),
        # The facts that conditions over everybody ask for most, in a fraction of the row. Only what is short: an index
        # can't hold texts of any length.
        Index(
            "ix_end_user_facts_asked",
            *("workspace_id", "end_user_id", "mrr", "ltv", "status", "delinquent", "amount_due", "overdue_since"),
            *("subscriptions", "quantity", "customer_since", "last_payment_at"),
        ),
        # The other amounts, counts and flags, and the other instants. Together they cost a change of a row about
        # 15 microseconds, and spare a question about everybody the reading of whole rows.
        Index(
            "ix_end_user_facts_counted",
            *("workspace_id", "end_user_id", "customer", "livemode", "cancels", "charge_failed", "plan_price", "arr"),
            *("balance", "open_invoices", "payments", "last_payment_amount", "last_invoice_amount", "refunded"),
            *("disputes", "open_disputes"),
        ),
        Index(
            "ix_end_user_facts_dated",
            *("workspace_id", "end_user_id", "trial_ends_at", "period_end", "last_invoice_at", "card_expires_at"),
            *("synced_at", "on_trial_until", "collection_paused_until", "discounted_until", "card_good_until"),
            *("invoice_created_at", "subscription_created_at", "charged_at", "cancels_at", "ended_at"),
            *("charge_failed_at", "last_refund_at", "charge_refunded_at", "subscription_deleted_at"),
        ),
    )


class DbFactRenewal(Base):
    """That everybody's facts in a workspace are to be worked out again, and how far that is."""

    __tablename__ = "fact_renewals"

    workspace_id: Mapped[str] = mapped_column(primary_key=True)
    requested_at: Mapped[datetime] = mapped_column(UtcDateTime)
    done_through: Mapped[str]
    """The last end user, by id, who is dealt with; empty before the first."""

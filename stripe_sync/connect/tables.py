"""Tables of connections and of OAuth states. Secrets are here only as ciphertext, states only as hashes."""

from datetime import date, datetime

from sqlalchemy import Index, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column

from engine.storage import Json, UtcDateTime
from stripe_sync.tables import Base, metadata

__all__ = ["DbConnection", "DbOAuthState", "metadata"]


class DbConnection(Base):
    """One Stripe account of a workspace, live or test."""

    __tablename__ = "stripe_connections"
    __table_args__ = (
        Index("uq_stripe_connections_account", "workspace_id", "account_id", "livemode", unique=True),
        # The last word on "an account belongs to one workspace", also between two callbacks at once.
        Index(
            "uq_stripe_connections_active",
            "account_id",
            "livemode",
            unique=True,
            postgresql_where=text("status = 'active'"),
            sqlite_where=text("status = 'active'"),
        ),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    workspace_id: Mapped[str]
    kind: Mapped[str]
    """`oauth`, `app` or `restricted_key`."""
    account_id: Mapped[str]
    livemode: Mapped[bool]
    status: Mapped[str]
    """`active`, `inactive` (disconnected by us) or `revoked` (by Stripe's side)."""
    token: Mapped[bytes | None] = mapped_column(LargeBinary)
    refresh_token: Mapped[bytes | None] = mapped_column(LargeBinary)
    webhook_secret: Mapped[bytes | None] = mapped_column(LargeBinary)
    token_expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    refreshing_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """Somebody trades the refresh token for the next pair, and has until then."""
    connected_by: Mapped[str]
    """The member under whom background jobs act."""
    connected_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_contact_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When Stripe last answered or sent something, by our clock."""
    last_event_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_error: Mapped[str | None]
    clock_offset_ms: Mapped[int] = mapped_column(default=0)
    """Stripe's clock minus ours."""
    events_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """The event log was read up to here, in Stripe's time."""
    caught_up_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    synced_kinds: Mapped[list[str]] = mapped_column(Json)
    """Kinds of object whose lists were read to the end since the connection was made."""
    reads: Mapped[int] = mapped_column(default=0)
    """Requests made with this connection's token."""
    payments: Mapped[int | None]
    """Payments that succeeded in the 30 days before `payments_counted_at`; Stripe allows so many reads for each."""
    payments_counted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class DbOAuthState(Base):
    """An authorization that was begun and not yet finished."""

    __tablename__ = "stripe_oauth_states"

    state_hash: Mapped[str] = mapped_column(primary_key=True)
    workspace_id: Mapped[str]
    member_id: Mapped[str]
    binding_hash: Mapped[str | None]
    """Of the browser session that began it; none if an API token did, then the member must be the same."""
    kind: Mapped[str]
    livemode: Mapped[bool]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)


class DbReads(Base):
    """How many requests were made for a connection on one day (UTC): Stripe allows so many a month."""

    __tablename__ = "stripe_reads"

    workspace_id: Mapped[str] = mapped_column(primary_key=True)
    connection_id: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    reads: Mapped[int]

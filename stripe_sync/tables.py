"""Tables of the sync itself: links, events, re-fetches, backfills. The mirror's are in `mirror_tables`.

Laws of these tables
- An event is stored once per connection and event id; the row carries its own state, so that "seen before" never
  hides one that failed.
- Wishes to fetch an object again are coalesced: one row per object, whoever asks, however often.
- A link remembers what a person decided (`manual`, `unlinked`) beside what the e-mail address suggests.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Index, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from engine.storage import BigId, Json, UtcDateTime, new_metadata

metadata = new_metadata()


class Base(DeclarativeBase):
    """Tables of the Stripe side."""

    metadata = metadata


class DbLink(Base):
    """What is between an end user and one Stripe customer."""

    __tablename__ = "stripe_links"
    __table_args__ = (Index("ix_stripe_links_customer", "workspace_id", "connection_id", "customer_id"),)

    workspace_id: Mapped[str] = mapped_column(primary_key=True)
    end_user_id: Mapped[str] = mapped_column(primary_key=True)
    connection_id: Mapped[str] = mapped_column(primary_key=True)
    customer_id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    """`email`, `manual`, `candidate`, `duplicate` or `unlinked` (`stripe_sync.matching.LinkKind`)."""
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)


class DbStripeEvent(Base):
    """One event of a connection, as it arrived, and how far we are with it."""

    __tablename__ = "stripe_events"
    __table_args__ = (
        Index("uq_stripe_events_event", "connection_id", "event_id", unique=True),
        Index("ix_stripe_events_due", "state", "available_at", "id"),
        Index("ix_stripe_events_drain", "workspace_id", "connection_id", "state", "id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    workspace_id: Mapped[str]
    connection_id: Mapped[str]
    event_id: Mapped[str]
    type: Mapped[str]
    object_id: Mapped[str | None]
    """The object it shows; not known of events stored by older versions."""
    created: Mapped[datetime] = mapped_column(UtcDateTime)
    """Stripe's instant of the event, in whole seconds."""
    payload: Mapped[str] = mapped_column(Text)
    """The event as JSON text, without what databases cannot keep (NUL, lone surrogates)."""
    origin: Mapped[str]
    """`webhook` or `catch_up`."""
    state: Mapped[str]
    """`pending`, `done`, `failed` (waits to be tried again) or `parked` (waits for a person)."""
    attempts: Mapped[int] = mapped_column(default=0)
    available_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_error: Mapped[str | None]
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)
    done_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class DbIgnoredEvents(Base):
    """How many signed deliveries nobody needed, by reason; of accounts nobody knows under the workspace `*`."""

    __tablename__ = "stripe_ignored_events"

    workspace_id: Mapped[str] = mapped_column(primary_key=True)
    connection_id: Mapped[str] = mapped_column(primary_key=True)
    reason: Mapped[str] = mapped_column(primary_key=True)
    """`other_mode`, `inactive` or `unknown_account`."""
    count: Mapped[int] = mapped_column(BigInteger)
    last_at: Mapped[datetime] = mapped_column(UtcDateTime)


class DbDrift(Base):
    """An object of which a sweep found that the mirror had it wrong, and that no event has told of."""

    __tablename__ = "stripe_drift"

    workspace_id: Mapped[str] = mapped_column(primary_key=True)
    connection_id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    object_id: Mapped[str] = mapped_column(primary_key=True)
    what: Mapped[str]
    """`missing`, `different` or `gone`."""
    known_from: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """The stamp of what the mirror had, in Stripe's time."""
    found_at: Mapped[datetime] = mapped_column(UtcDateTime)
    """When the sweep asked, in Stripe's time."""
    is_certain: Mapped[bool]
    """False until the event log was read beyond the sweep and explains nothing."""


class DbRefetch(Base):
    """The wish to fetch one object again; one row however often it is wished."""

    __tablename__ = "stripe_refetches"
    __table_args__ = (Index("ix_stripe_refetches_due", "available_at"),)

    workspace_id: Mapped[str] = mapped_column(primary_key=True)
    connection_id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    object_id: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int]
    """Counts the wishes; a fetch answers only those made before it began."""
    requested_at: Mapped[datetime] = mapped_column(UtcDateTime)
    available_at: Mapped[datetime] = mapped_column(UtcDateTime)
    attempts: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str | None]
    cause: Mapped[str]
    """What asked first: an event's id, `page`, `sweep`, `reference`."""


class DbDirtyCustomer(Base):
    """A customer whose facts must be derived again, because of a product, price or coupon shared by many."""

    __tablename__ = "stripe_dirty_customers"
    __table_args__ = (Index("ix_stripe_dirty_customers_requested", "requested_at"),)

    workspace_id: Mapped[str] = mapped_column(primary_key=True)
    connection_id: Mapped[str] = mapped_column(primary_key=True)
    customer_id: Mapped[str] = mapped_column(primary_key=True)
    requested_at: Mapped[datetime] = mapped_column(UtcDateTime)
    cause: Mapped[str]


class DbBackfill(Base):
    """One run over everything a connection's account holds."""

    __tablename__ = "stripe_backfills"
    __table_args__ = (
        Index("ix_stripe_backfills_connection", "workspace_id", "connection_id", "number"),
        Index("ix_stripe_backfills_status", "status", "available_at"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    workspace_id: Mapped[str]
    connection_id: Mapped[str]
    number: Mapped[int]
    """1 for a connection's first run, then counted on."""
    status: Mapped[str]
    """`queued`, `running`, `complete` or `failed`."""
    queued_at: Mapped[datetime] = mapped_column(UtcDateTime)
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    stamp: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """Stripe's time when the run began; what is known from later is not removed by it."""
    available_at: Mapped[datetime] = mapped_column(UtcDateTime)
    """Not to be worked on before: the end of a worker's lease, or of a pause after an error."""
    lease: Mapped[str | None]
    """Who works on it."""
    attempts: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str | None]


class DbBackfillStep(Base):
    """One part of a run: the list of one kind (later: a span of it), or a pass over what the lists brought."""

    __tablename__ = "stripe_backfill_steps"

    run_id: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    workspace_id: Mapped[str]
    action: Mapped[str]
    """`list`, `references`, `facts` or `sweep`."""
    kind: Mapped[str | None]
    created_from: Mapped[int | None]
    created_before: Mapped[int | None]
    cursor: Mapped[str | None]
    """The last object (or end user) dealt with."""
    oldest: Mapped[int | None] = mapped_column(BigInteger)
    """`created` of the oldest object that was read: how far back a list is."""
    pages: Mapped[int] = mapped_column(default=0)
    objects: Mapped[int] = mapped_column(default=0)
    done_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class DbReadCustomer(Base):
    """A customer whose objects were read on their own, ahead of the lists of the whole account."""

    __tablename__ = "stripe_read_customers"

    workspace_id: Mapped[str] = mapped_column(primary_key=True)
    connection_id: Mapped[str] = mapped_column(primary_key=True)
    customer_id: Mapped[str] = mapped_column(primary_key=True)
    kinds: Mapped[list[str]] = mapped_column(Json)
    """The kinds of object that are complete for this customer."""
    read_at: Mapped[datetime] = mapped_column(UtcDateTime)
    """Counts only if the connection was not made anew since."""


class DbLookup(Base):
    """That a sender is or was looked up in Stripe, in one connection's account."""

    __tablename__ = "stripe_lookups"
    __table_args__ = (Index("ix_stripe_lookups_asked", "asked_at"),)

    workspace_id: Mapped[str] = mapped_column(primary_key=True)
    connection_id: Mapped[str] = mapped_column(primary_key=True)
    email_normalized: Mapped[str] = mapped_column(primary_key=True)
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime)
    answered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """None while the answer is waited for."""


class DbErasureKey(Base):
    """The key under which a workspace's erased objects are remembered, without saying which they were."""

    __tablename__ = "stripe_erasure_keys"

    workspace_id: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str]


class DbErasedObject(Base):
    """One of Stripe's objects that must not come back: its kind and id, hashed under the workspace's key."""

    __tablename__ = "stripe_erased_objects"

    workspace_id: Mapped[str] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(primary_key=True)
    erased_at: Mapped[datetime] = mapped_column(UtcDateTime)


class DbFactHistory(Base):
    """That a fact of an end user became another: what their timeline tells beside Stripe's objects."""

    __tablename__ = "fact_history"
    __table_args__ = (Index("ix_fact_history_end_user", "workspace_id", "end_user_id", "at"),)

    workspace_id: Mapped[str] = mapped_column(primary_key=True)
    entry_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    """The outbox entry that told it, so that it is kept once."""
    end_user_id: Mapped[str]
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    fact: Mapped[str]
    old: Mapped[Any] = mapped_column(Json, nullable=True)
    new: Mapped[Any] = mapped_column(Json, nullable=True)
    cause: Mapped[str]

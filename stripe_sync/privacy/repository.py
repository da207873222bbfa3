"""The SQL of everything the sync keeps of a customer: read for an export, removed for an erasure."""

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Table, delete, or_, select, update
from sqlalchemy.orm import Session

from engine.ids import EndUserId, WorkspaceId
from stripe_sync.kinds import KINDS, SHARED_KINDS
from stripe_sync.matching import CustomerKey
from stripe_sync.mirror_tables import MIRROR, USES
from stripe_sync.tables import (
    DbDirtyCustomer,
    DbLink,
    DbLookup,
    DbReadCustomer,
    DbRefetch,
    DbStripeEvent,
)

BATCH = 500
OWNED_KINDS = tuple(name for name in KINDS if name not in SHARED_KINDS)
"""The kinds of object that belong to one customer."""


def objects_of(workspace_id: WorkspaceId, session: Session, key: CustomerKey, kind: str) -> Iterator[tuple[str, Any]]:
    """Return the id and payload of everything of a kind that is a customer's, tombstones too."""
    table = MIRROR[kind]
    query = select(table.c.id, table.c.payload).where(*_owned(table, kind, workspace_id, key)).order_by(table.c.id)
    for row in session.execute(query.execution_options(yield_per=BATCH)):
        yield row.id, row.payload


def remove_customer(workspace_id: WorkspaceId, session: Session, key: CustomerKey) -> list[tuple[str, str]]:
    """Remove a customer and everything that is theirs from the mirror; return kinds and ids of what went."""
    gone: list[tuple[str, str]] = []
    # What belongs to charges and invoices goes before them: through them it is found.
    last = ("charges", "invoices", "customers")
    for kind in (*(kind for kind in OWNED_KINDS if kind not in last), *last):
        table = MIRROR[kind]
        statement = delete(table).where(*_owned(table, kind, workspace_id, key)).returning(table.c.id)
        gone += [(kind, object_id) for object_id in session.scalars(statement)]
    gone.append(("customers", key.customer_id))
    _remove_waiting(workspace_id, session, key, gone)
    return sorted(set(gone))


def _remove_waiting(
    workspace_id: WorkspaceId, session: Session, key: CustomerKey, gone: Collection[tuple[str, str]]
) -> None:
    session.execute(
        delete(USES).where(
            USES.c.workspace_id == workspace_id,
            USES.c.connection_id == key.connection_id,
            or_(USES.c.customer_id == key.customer_id, USES.c.owner_id == key.customer_id),
        )
    )
    for table in (DbLink, DbReadCustomer, DbDirtyCustomer):
        session.execute(
            delete(table).where(
                table.workspace_id == workspace_id,
                table.connection_id == key.connection_id,
                table.customer_id == key.customer_id,
            )
        )
    ids = sorted({object_id for _, object_id in gone})
    for start in range(0, len(ids), BATCH):
        session.execute(
            delete(DbRefetch).where(
                DbRefetch.workspace_id == workspace_id,
                DbRefetch.connection_id == key.connection_id,
                DbRefetch.object_id.in_(ids[start : start + BATCH]),
            )
        )


def forget_end_user(workspace_id: WorkspaceId, session: Session, end_user_id: EndUserId, email: str | None) -> None:
    """Remove what links an end user to customers, and that they were looked up."""
    session.execute(delete(DbLink).where(DbLink.workspace_id == workspace_id, DbLink.end_user_id == end_user_id))
    if email is not None:
        session.execute(
            delete(DbLookup).where(DbLookup.workspace_id == workspace_id, DbLookup.email_normalized == email)
        )


def events_about(workspace_id: WorkspaceId, session: Session, key: CustomerKey) -> Iterator[str]:
    """Return the payloads of the events that name a customer, oldest first."""
    query = select(DbStripeEvent.payload).where(*_about(workspace_id, key)).order_by(DbStripeEvent.id)
    yield from session.scalars(query.execution_options(yield_per=BATCH))


def blank_events(workspace_id: WorkspaceId, session: Session, key: CustomerKey) -> int:
    """Empty the payloads of up to `BATCH` events that name a customer, dealt with or not; return how many."""
    some = select(DbStripeEvent.id).where(*_about(workspace_id, key)).limit(BATCH)
    statement = (
        update(DbStripeEvent)
        .where(DbStripeEvent.id.in_(some.scalar_subquery()))
        .values(payload="", object_id=None, state="done")
        .returning(DbStripeEvent.id)
    )
    return len(session.execute(statement.execution_options(synchronize_session=False)).all())


def _about(workspace_id: WorkspaceId, key: CustomerKey) -> tuple[ColumnElement[bool], ...]:
    return (
        DbStripeEvent.workspace_id == workspace_id,
        DbStripeEvent.connection_id == key.connection_id,
        or_(
            DbStripeEvent.object_id == key.customer_id,
            # Ids are letters, digits and underscores; quoted they are found as values only.
            DbStripeEvent.payload.contains(f'"{key.customer_id}"', autoescape=True),
        ),
    )


def _owned(table: Table, kind: str, workspace_id: WorkspaceId, key: CustomerKey) -> tuple[ColumnElement[bool], ...]:
    """Return what a row of a kind must fulfil to be a customer's: by its own column, or through what it belongs to."""
    scope = (table.c.workspace_id == workspace_id, table.c.connection_id == key.connection_id)
    if kind == "customers":
        return (*scope, table.c.id == key.customer_id)
    ways: list[ColumnElement[bool]] = []
    if "customer_id" in table.c:
        ways.append(table.c.customer_id == key.customer_id)
    for column, owner in (("charge_id", "charges"), ("invoice_id", "invoices")):
        if column in table.c:
            above = MIRROR[owner]
            ids = select(above.c.id).where(
                above.c.workspace_id == workspace_id,
                above.c.connection_id == key.connection_id,
                above.c.customer_id == key.customer_id,
            )
            ways.append(table.c[column].in_(ids))
    return (*scope, or_(*ways))


def blank_old_events(workspace_id: WorkspaceId, session: Session, before: datetime) -> int:
    """Empty the payloads of up to `BATCH` events received before an instant; return how many.

    Those that still wait to be dealt with keep theirs; what a person must look at has waited long enough.
    """
    some = (
        select(DbStripeEvent.id)
        .where(
            DbStripeEvent.workspace_id == workspace_id,
            DbStripeEvent.received_at < before,
            DbStripeEvent.state.in_(("done", "parked")),
            DbStripeEvent.payload != "",
        )
        .limit(BATCH)
    )
    blank = (
        update(DbStripeEvent)
        .where(DbStripeEvent.id.in_(some.scalar_subquery()))
        .values(payload="", object_id=None)
        .returning(DbStripeEvent.id)
    )
    return len(session.execute(blank.execution_options(synchronize_session=False)).all())

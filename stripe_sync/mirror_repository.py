"""The SQL that reads the mirror: rows, and who owns what. What facts are derived from is `bundle_repository`'s."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, bindparam, select
from sqlalchemy.orm import Session

from engine.ids import ConnectionId, WorkspaceId
from engine.storage import among_named, packed
from stripe_sync.apply import Known, Source
from stripe_sync.kinds import KINDS, SHARED_KINDS, Kind, StripeJson, Use
from stripe_sync.mirror_tables import MIRROR, USES

CHUNK = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class MirrorRow:
    """An object as the mirror has it."""

    id: str
    known: Known
    payload: StripeJson


def find_rows(
    workspace_id: WorkspaceId, session: Session, connection_id: ConnectionId, kind: Kind, ids: Collection[str]
) -> dict[str, MirrorRow]:
    """Return the rows of a kind by Stripe's id, tombstones too; absent ones are left out."""
    found: dict[str, MirrorRow] = {}
    dialect = session.get_bind().dialect.name
    for chunk in _chunks(ids):
        for row in session.execute(
            _by_ids(dialect, kind.name, None), _who(workspace_id, session, connection_id, chunk)
        ):
            known = Known(stamp=row.stamp, source=Source(row.source), is_deleted=row.deleted_at is not None)
            found[row.id] = MirrorRow(id=row.id, known=known, payload=row.payload)
    return found


def find_ids(
    workspace_id: WorkspaceId, session: Session, connection_id: ConnectionId, kind: Kind, ids: Collection[str]
) -> frozenset[str]:
    """Return those of `ids` the mirror has, tombstones too."""
    found: set[str] = set()
    query = _by_ids(session.get_bind().dialect.name, kind.name, "id")
    for chunk in _chunks(ids):
        found.update(session.scalars(query, _who(workspace_id, session, connection_id, chunk)))
    return frozenset(found)


def living_ids(workspace_id: WorkspaceId, session: Session, connection_id: ConnectionId, kind: Kind) -> set[str]:
    """Return the ids of all living objects of a kind."""
    table = MIRROR[kind.name]
    query = select(table.c.id).where(*_scope(table, workspace_id, connection_id), table.c.deleted_at.is_(None))
    return set(session.scalars(query))


def _payloads(
    workspace_id: WorkspaceId, connection_id: ConnectionId, name: str, customer_ids: list[str]
) -> Sequence[Select[str, StripeJson]]:
    """Return queries of (customer id, payload) over the living objects of one kind; together they give each once.

    One query for each way an object names its customer, because a join on either of two columns could use no index.
    """
    table = MIRROR[name]
    scope = (*_scope(table, workspace_id, connection_id), table.c.deleted_at.is_(None))
    if name == "customers":
        return [select(table.c.id, table.c.payload).where(*scope, table.c.id.in_(customer_ids))]
    if "customer_id" in table.c:
        return [select(table.c.customer_id, table.c.payload).where(*scope, table.c.customer_id.in_(customer_ids))]
    owner = MIRROR["invoices" if name == "invoice_payments" else "charges"]
    return [
        select(owner.c.customer_id, table.c.payload).where(
            *scope, *_scope(owner, workspace_id, connection_id), owner.c.customer_id.in_(customer_ids), *way
        )
        for way in _ways_to(table, owner)
    ]


def recent(
    workspace_id: WorkspaceId,
    session: Session,
    connection_id: ConnectionId,
    customer_id: str,
    kind: Kind,
    limit: int,
) -> list[tuple[datetime | None, StripeJson]]:
    """Return a customer's newest living objects of a kind, each with its `created`, newest first."""
    table = MIRROR[kind.name]
    newest = (table.c.created.desc(), table.c.id.desc())
    found: list[tuple[datetime | None, str, StripeJson]] = []
    for query in _payloads(workspace_id, connection_id, kind.name, [customer_id]):
        rows = session.execute(query.add_columns(table.c.created, table.c.id).order_by(*newest).limit(limit))
        found.extend((row.created, row.id, row.payload) for row in rows)
    found.sort(key=lambda one: (one[0] is not None, one[0], one[1]), reverse=True)
    return [(created, payload) for created, _, payload in found[:limit]]


def missing_uses(
    workspace_id: WorkspaceId, session: Session, connection_id: ConnectionId, limit: int
) -> list[tuple[Kind, str]]:
    """Return products, prices and coupons that are used and not in the mirror at all."""
    found: list[tuple[Kind, str]] = []
    for name in ("products", "prices", "coupons"):
        table = MIRROR[name]
        there = select(table.c.id).where(*_scope(table, workspace_id, connection_id), table.c.id == USES.c.object_id)
        query = (
            select(USES.c.object_id)
            .distinct()
            .where(*_scope(USES, workspace_id, connection_id), USES.c.kind == name, ~there.exists())
            .limit(limit)
        )
        found.extend((KINDS[name], object_id) for object_id in session.scalars(query))
    return found


def missing_of(
    workspace_id: WorkspaceId, session: Session, connection_id: ConnectionId, wanted: Collection[Use]
) -> frozenset[Use]:
    """Return those of the shared objects `wanted` that are not in the mirror at all."""
    missing = set(wanted)
    for name in {use.kind for use in wanted}:
        ids = {use.id for use in wanted if use.kind == name}
        missing -= {Use(name, each) for each in find_ids(workspace_id, session, connection_id, KINDS[name], ids)}
    return frozenset(missing)


def customers_of(
    workspace_id: WorkspaceId, session: Session, connection_id: ConnectionId, kind: Kind, ids: Collection[str]
) -> frozenset[str]:
    """Return the customers that objects of a kind belong to: directly, or through their charge or invoice."""
    table = MIRROR[kind.name]
    found: set[str | None] = set()
    dialect = session.get_bind().dialect.name
    for chunk in _chunks(ids):
        who = _who(workspace_id, session, connection_id, chunk)
        if kind.name == "customers":
            found.update(chunk)
        elif "customer_id" in table.c:
            found.update(session.scalars(_by_ids(dialect, kind.name, "customer_id"), who))
        elif kind.name not in SHARED_KINDS:
            for query in _owners(dialect, kind.name):
                found.update(session.scalars(query, who))
    return frozenset(customer_id for customer_id in found if customer_id)


@cache
def _by_ids(dialect: str, name: str, column: str | None) -> Select[Any]:
    """Return the query of a column, or of the row, of some objects of a kind: built once, asked a thousand times."""
    table = MIRROR[name]
    return select(table if column is None else table.c[column]).where(*_asked(dialect, table))


@cache
def _owners(dialect: str, name: str) -> Sequence[Select[Any]]:
    """Return the queries of the customers of some objects of a kind that belong to a charge or an invoice."""
    table = MIRROR[name]
    owner = MIRROR["invoices" if "invoice_id" in table.c else "charges"]
    same = (owner.c.workspace_id == table.c.workspace_id, owner.c.connection_id == table.c.connection_id)
    return [select(owner.c.customer_id).where(*_asked(dialect, table), *same, *way) for way in _ways_to(table, owner)]


def _asked(dialect: str, table: Table) -> tuple[ColumnElement[bool], ...]:
    return (
        table.c.workspace_id == bindparam("workspace"),
        table.c.connection_id == bindparam("connection"),
        among_named(dialect, table.c.id, "ids"),
    )


def _who(workspace_id: WorkspaceId, session: Session, connection_id: ConnectionId, ids: list[str]) -> dict[str, object]:
    return {"workspace": workspace_id, "connection": connection_id, "ids": packed(session, ids)}


def _ways_to(table: Table, owner: Table) -> Sequence[tuple[ColumnElement[bool], ...]]:
    """Return the conditions under which a row of `table` belongs to one of `owner`; at most one holds for a row."""
    if "charge_id" not in table.c:
        return [(table.c.invoice_id == owner.c.id,)]
    # Refunds and disputes of methods without a charge of their own name the payment intent only.
    by_intent = (table.c.charge_id.is_(None), table.c.payment_intent_id == owner.c.payment_intent_id)
    return [(table.c.charge_id == owner.c.id,), by_intent]


def users_of(workspace_id: WorkspaceId, connection_id: ConnectionId, kind: Kind, ids: Collection[str]) -> Select[str]:
    """Return a query of the customers that use shared objects, for a set-based fan-out."""
    return (
        select(USES.c.customer_id)
        .distinct()
        .where(
            *_scope(USES, workspace_id, connection_id),
            USES.c.kind == kind.name,
            USES.c.object_id.in_(list(ids)),
            USES.c.customer_id.is_not(None),
        )
    )


def _scope(table: Table, workspace_id: WorkspaceId, connection_id: ConnectionId) -> tuple[ColumnElement[bool], ...]:
    return (table.c.workspace_id == workspace_id, table.c.connection_id == connection_id)


def _chunks(ids: Iterable[str]) -> Iterable[list[str]]:
    ordered = sorted(set(ids))
    return (ordered[start : start + CHUNK] for start in range(0, len(ordered), CHUNK))

"""The SQL that says whose refunds and disputes are: they name a charge or a payment intent, and that its customer.

The customer stands beside them from the moment both are in the mirror, whichever came first, so that a customer's
history is found without a look at each of their charges.
"""

from collections.abc import Collection, Sequence
from functools import cache

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    ScalarSelect,
    Select,
    Table,
    Update,
    bindparam,
    exists,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Session

from engine.ids import ConnectionId, WorkspaceId
from stripe_sync.kinds import Kind
from stripe_sync.mirror_tables import MIRROR

_CHARGES = MIRROR["charges"]
_OWNED = ("refunds", "disputes")
TOLD_BY_CHARGES = frozenset({"charges", *_OWNED})
"""The kinds that say together whose a refund or a dispute is."""
CHUNK = 500


def name_customers(
    workspace_id: WorkspaceId, session: Session, connection_id: ConnectionId, kind: Kind, ids: Collection[str]
) -> None:
    """Name the customer of refunds and disputes just written, or of those whose charge was."""
    if kind.name not in TOLD_BY_CHARGES:
        return
    who = {"workspace": workspace_id, "connection": connection_id}
    if kind.name == "charges" and not session.scalar(_orphaned(), who):
        return  # as for nearly every page of charges
    ordered = sorted(ids)
    for start in range(0, len(ordered), CHUNK):
        for statement in _statements(kind.name):
            session.execute(statement, {**who, "ids": ordered[start : start + CHUNK]})


def name_all(workspace_id: WorkspaceId, session: Session, connection_id: ConnectionId) -> None:
    """Name the customer of every refund and dispute that has none: it may have been written beside its charge.

    Two transactions that do not see each other, one with the charge and one with the refund, name nobody.
    """
    who = {"workspace": workspace_id, "connection": connection_id}
    if session.scalar(_orphaned(), who):
        for table in map(MIRROR.__getitem__, _OWNED):
            session.execute(_name(table, *_orphan(table)), who)


@cache
def _orphaned() -> Select[bool]:
    """Return what asks whether there is any refund or dispute without a customer."""
    return select(or_(*(exists().where(*_orphan(MIRROR[name])) for name in _OWNED)))


@cache
def _statements(name: str) -> Sequence[Update]:
    """Return what names the customers of some objects of a kind: built once, used for every page."""
    ids: BindParameter[str] = bindparam("ids", expanding=True)
    if name in _OWNED:
        table = MIRROR[name]
        return [_name(table, *_scope(table), table.c.id.in_(ids))]
    intents = select(_CHARGES.c.payment_intent_id).where(*_scope(_CHARGES), _CHARGES.c.id.in_(ids))
    statements = []
    for table in map(MIRROR.__getitem__, _OWNED):
        orphan = _orphan(table)
        statements.append(_name(table, *orphan, table.c.charge_id.in_(ids)))
        statements.append(_name(table, *orphan, table.c.charge_id.is_(None), table.c.payment_intent_id.in_(intents)))
    return statements


def _orphan(table: Table) -> tuple[ColumnElement[bool], ...]:
    # Of the living alone: an index has them by customer.
    return (*_scope(table), table.c.customer_id.is_(None), table.c.deleted_at.is_(None))


def _name(table: Table, *which: ColumnElement[bool]) -> Update:
    by_charge = _customer(table, _CHARGES.c.id == table.c.charge_id)
    # Those of methods without a charge of their own name the payment intent only.
    by_intent = _customer(table, table.c.charge_id.is_(None), _CHARGES.c.payment_intent_id == table.c.payment_intent_id)
    return update(table).where(*which).values(customer_id=func.coalesce(by_charge, by_intent))


def _customer(table: Table, *way: ColumnElement[bool]) -> ScalarSelect[str]:
    same = (_CHARGES.c.workspace_id == table.c.workspace_id, _CHARGES.c.connection_id == table.c.connection_id)
    # Several attempts at one payment intent are several charges, all of one customer.
    return select(func.max(_CHARGES.c.customer_id)).where(*same, *way).scalar_subquery()


def _scope(table: Table) -> tuple[ColumnElement[bool], ...]:
    return (table.c.workspace_id == bindparam("workspace"), table.c.connection_id == bindparam("connection"))

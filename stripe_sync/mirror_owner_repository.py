"""The SQL that says whose refunds and disputes are: they name a charge or a payment intent, and that its customer.

The customer stands beside them from the moment both are in the mirror, whichever came first, so that a customer's
history is found without a look at each of their charges.
"""

from collections.abc import Collection

from sqlalchemy import ColumnElement, ScalarSelect, Table, func, select, update
from sqlalchemy.orm import Session

from engine.ids import ConnectionId, WorkspaceId
from engine.storage import among
from stripe_sync.kinds import Kind
from stripe_sync.mirror_tables import MIRROR

_CHARGES = MIRROR["charges"]
_OWNED = ("refunds", "disputes")


def name_customers(
    workspace_id: WorkspaceId, session: Session, connection_id: ConnectionId, kind: Kind, ids: Collection[str]
) -> None:
    """Name the customer of refunds and disputes just written, or of those whose charge was."""
    if kind.name in _OWNED:
        table = MIRROR[kind.name]
        _name(session, table, *_scope(table, workspace_id, connection_id), among(session, table.c.id, ids))
    elif kind.name == "charges":
        intents = select(_CHARGES.c.payment_intent_id).where(
            *_scope(_CHARGES, workspace_id, connection_id), among(session, _CHARGES.c.id, ids)
        )
        for table in map(MIRROR.__getitem__, _OWNED):
            orphan = (*_scope(table, workspace_id, connection_id), table.c.customer_id.is_(None))
            _name(session, table, *orphan, among(session, table.c.charge_id, ids))
            _name(session, table, *orphan, table.c.charge_id.is_(None), table.c.payment_intent_id.in_(intents))


def _name(session: Session, table: Table, *which: ColumnElement[bool]) -> None:
    by_charge = _customer(table, _CHARGES.c.id == table.c.charge_id)
    # Those of methods without a charge of their own name the payment intent only.
    by_intent = _customer(table, table.c.charge_id.is_(None), _CHARGES.c.payment_intent_id == table.c.payment_intent_id)
    session.execute(update(table).where(*which).values(customer_id=func.coalesce(by_charge, by_intent)))


def _customer(table: Table, *way: ColumnElement[bool]) -> ScalarSelect[str]:
    same = (_CHARGES.c.workspace_id == table.c.workspace_id, _CHARGES.c.connection_id == table.c.connection_id)
    # Several attempts at one payment intent are several charges, all of one customer.
    return select(func.max(_CHARGES.c.customer_id)).where(*same, *way).scalar_subquery()


def _scope(table: Table, workspace_id: WorkspaceId, connection_id: ConnectionId) -> tuple[ColumnElement[bool], ...]:
    return (table.c.workspace_id == workspace_id, table.c.connection_id == connection_id)

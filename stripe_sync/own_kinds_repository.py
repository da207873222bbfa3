"""The SQL of which customers were read on their own, ahead of the lists of their account."""

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from engine.ids import ConnectionId, WorkspaceId
from engine.storage import upsert
from stripe_sync.connect.models import Connection
from stripe_sync.matching import CustomerKey
from stripe_sync.tables import DbReadCustomer

CHUNK = 500


def note_read(
    workspace_id: WorkspaceId, session: Session, key: CustomerKey, kinds: Collection[str], now: datetime
) -> None:
    """Note that a customer's objects of some kinds are complete."""
    statement = upsert(session, DbReadCustomer.__table__)  # type: ignore[arg-type]  # is a Table
    statement = statement.values(
        workspace_id=workspace_id,
        connection_id=key.connection_id,
        customer_id=key.customer_id,
        kinds=sorted(kinds),
        read_at=now,
    )
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["workspace_id", "connection_id", "customer_id"],
            set_={"kinds": statement.excluded.kinds, "read_at": statement.excluded.read_at},
        )
    )


def kinds_read(
    workspace_id: WorkspaceId,
    session: Session,
    customers: Collection[CustomerKey],
    connections: Mapping[ConnectionId, Connection],
) -> dict[CustomerKey, frozenset[str]]:
    """Return the kinds that are complete for customers read on their own; the others are left out.

    What was read before its connection was made anew doesn't count: events may have been missed in between.
    """
    found: dict[CustomerKey, frozenset[str]] = {}
    ordered = sorted(customers)
    for start in range(0, len(ordered), CHUNK):
        pairs = [(key.connection_id, key.customer_id) for key in ordered[start : start + CHUNK]]
        query = select(DbReadCustomer).where(
            DbReadCustomer.workspace_id == workspace_id,
            tuple_(DbReadCustomer.connection_id, DbReadCustomer.customer_id).in_(pairs),
        )
        for row in session.scalars(query):
            connection = connections.get(ConnectionId(row.connection_id))
            if connection is not None and row.read_at >= connection.connected_at:
                key = CustomerKey(connection_id=connection.id, customer_id=row.customer_id)
                found[key] = frozenset(row.kinds)
    return found

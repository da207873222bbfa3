"""The SQL that tells which currencies a workspace's mirror holds money in."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.ids import WorkspaceId
from stripe_sync.connect.repository import connections
from stripe_sync.mirror_tables import MIRROR

KINDS_WITH_MONEY = ("customers", "subscriptions", "invoices", "charges")


def currencies_in_use(workspace_id: WorkspaceId, session: Session) -> frozenset[str]:
    """Return the currencies, in lower case, that living objects of active connections are in."""
    active = [each.id for each in connections(workspace_id, session) if each.is_active]
    found: set[str] = set()
    for kind in KINDS_WITH_MONEY if active else ():
        table = MIRROR[kind]
        currency = table.c.currency if "currency" in table.c else table.c.payload["currency"].as_string()
        query = (
            select(currency)
            .distinct()
            .where(
                table.c.workspace_id == workspace_id, table.c.connection_id.in_(active), table.c.deleted_at.is_(None)
            )
        )
        found.update(code.lower() for code in session.scalars(query) if code)
    return frozenset(found)

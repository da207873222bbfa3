"""The SQL of reconciliation: how much an account does, by which Stripe measures what may be read."""

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from engine.ids import ConnectionId, WorkspaceId
from stripe_sync.mirror_tables import MIRROR


def count_payments(workspace_id: WorkspaceId, session: Session, connection_id: ConnectionId, since: datetime) -> int:
    """Return how many charges of an account were made since then and succeeded."""
    table = MIRROR["charges"]
    query = select(func.count()).where(
        table.c.workspace_id == workspace_id,
        table.c.connection_id == connection_id,
        table.c.created >= since,
        table.c.status == "succeeded",
    )
    return session.scalar(query) or 0

"""The SQL of look-ups: who was asked for, and what Stripe answered."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from engine.ids import ConnectionId, WorkspaceId
from engine.storage import upsert
from stripe_sync.tables import DbLookup


def ask(
    workspace_id: WorkspaceId, session: Session, connection_ids: Iterable[ConnectionId], email: str, now: datetime
) -> None:
    """Note that a sender must be looked up; an answer from before no longer counts."""
    rows = [
        {
            "workspace_id": workspace_id,
            "connection_id": connection_id,
            "email_normalized": email,
            "asked_at": now,
            "answered_at": None,
        }
        for connection_id in sorted(connection_ids)
    ]
    if rows:
        statement = upsert(session, DbLookup.__table__)  # type: ignore[arg-type]  # is a Table
        changed = {name: statement.excluded[name] for name in ("asked_at", "answered_at")}
        session.execute(
            statement.on_conflict_do_update(
                index_elements=["workspace_id", "connection_id", "email_normalized"], set_=changed
            ),
            rows,
        )


def answered(
    workspace_id: WorkspaceId, session: Session, connection_id: ConnectionId, email: str, now: datetime
) -> None:
    """Note that Stripe was asked for a sender, and all it has on them was read."""
    statement = upsert(session, DbLookup.__table__)  # type: ignore[arg-type]  # is a Table
    statement = statement.values(
        workspace_id=workspace_id, connection_id=connection_id, email_normalized=email, asked_at=now, answered_at=now
    )
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["workspace_id", "connection_id", "email_normalized"],
            set_={"answered_at": statement.excluded.answered_at},
        )
    )


def lookups(
    workspace_id: WorkspaceId, session: Session, email: str, since: datetime
) -> dict[ConnectionId, datetime | None]:
    """Return when each connection's look-up of a sender was answered, of those asked since; None where it runs."""
    query = select(DbLookup).where(
        DbLookup.workspace_id == workspace_id, DbLookup.email_normalized == email, DbLookup.asked_at >= since
    )
    return {ConnectionId(row.connection_id): row.answered_at for row in session.scalars(query)}


def system_forget(session: Session, before: datetime) -> int:
    """Remove look-ups asked for before an instant, of all workspaces; return how many."""
    gone = session.execute(delete(DbLookup).where(DbLookup.asked_at < before).returning(DbLookup.connection_id))
    return len(gone.all())

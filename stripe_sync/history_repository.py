"""The SQL of what became of people's facts: the part of a timeline that no object of Stripe's tells."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from engine.core.facts import JsonValue
from engine.ids import EndUserId, WorkspaceId
from engine.outbox.repository import OutboxEntry
from engine.storage import upsert
from stripe_sync.tables import DbFactHistory

KEPT = frozenset({"plan", "status", "mrr", "cancels", "collection_paused"})
"""The facts whose changes people look back at; the others show in invoices, payments and subscriptions."""
BATCH = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class PastChange:
    """That a fact became another."""

    at: datetime
    fact: str
    old: JsonValue
    new: JsonValue


def keep(workspace_id: WorkspaceId, session: Session, entries: Iterable[OutboxEntry]) -> None:
    """Keep what `fact_changed` entries tell, each once."""
    rows = [
        {
            "workspace_id": workspace_id,
            "entry_id": entry.id,
            "end_user_id": entry.payload["end_user_id"],
            "at": entry.created_at,
            "fact": entry.payload["fact"],
            "old": entry.payload["old"],
            "new": entry.payload["new"],
            "cause": entry.payload["cause"],
        }
        for entry in entries
        if entry.payload.get("fact") in KEPT
    ]
    if rows:
        statement = upsert(session, DbFactHistory.__table__)  # type: ignore[arg-type]  # is a Table
        session.execute(statement.on_conflict_do_nothing(), rows)


def newest(workspace_id: WorkspaceId, session: Session, end_user_id: EndUserId, limit: int) -> Sequence[PastChange]:
    """Return what became of an end user's facts, newest first."""
    query = (
        select(DbFactHistory)
        .where(DbFactHistory.workspace_id == workspace_id, DbFactHistory.end_user_id == end_user_id)
        .order_by(DbFactHistory.at.desc(), DbFactHistory.entry_id.desc())
        .limit(limit)
    )
    return [PastChange(at=row.at, fact=row.fact, old=row.old, new=row.new) for row in session.scalars(query)]


def forget(workspace_id: WorkspaceId, session: Session, end_user_id: EndUserId) -> None:
    """Remove what is kept of an end user."""
    session.execute(
        delete(DbFactHistory).where(
            DbFactHistory.workspace_id == workspace_id, DbFactHistory.end_user_id == end_user_id
        )
    )


def forget_old(workspace_id: WorkspaceId, session: Session, before: datetime) -> int:
    """Remove up to `BATCH` changes older than an instant; return how many."""
    some = (
        select(DbFactHistory.entry_id)
        .where(DbFactHistory.workspace_id == workspace_id, DbFactHistory.at < before)
        .limit(BATCH)
    )
    gone = (
        delete(DbFactHistory)
        .where(DbFactHistory.workspace_id == workspace_id, DbFactHistory.entry_id.in_(some.scalar_subquery()))
        .returning(DbFactHistory.entry_id)
    )
    return len(session.execute(gone.execution_options(synchronize_session=False)).all())

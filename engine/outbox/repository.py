"""Writing to the outbox and taking from it.

An entry is written in the transaction that makes the change, so that neither exists without the other. Whoever
drains it takes entries in order, works, and marks them done; a crash in between means the entry is taken again,
so consumers are idempotent.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import Table, delete, func, insert, select, update
from sqlalchemy.orm import Session

from engine.core.facts import JsonValue
from engine.ids import EndUserId, WorkspaceId
from engine.outbox.tables import DbOutboxEntry

MAX_BACKOFF = timedelta(hours=1)
BATCH = 500
_INSERT = insert(cast("Table", DbOutboxEntry.__table__))


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxEntry:
    """One entry as a consumer sees it."""

    id: int
    workspace_id: WorkspaceId
    kind: str
    payload: Mapping[str, Any]
    created_at: datetime
    attempts: int


def emit(
    workspace_id: WorkspaceId, session: Session, kind: str, payload: Mapping[str, JsonValue], now: datetime
) -> None:
    """Record that `kind` happened; it becomes visible with the commit of the caller's transaction."""
    emit_many(workspace_id, session, kind, [payload], now)


def emit_many(
    workspace_id: WorkspaceId, session: Session, kind: str, payloads: Sequence[Mapping[str, JsonValue]], now: datetime
) -> None:
    """Record that `kind` happened many times, in this order."""
    emit_all(workspace_id, session, [(kind, payload) for payload in payloads], now)


def emit_all(
    workspace_id: WorkspaceId, session: Session, events: Sequence[tuple[str, Mapping[str, JsonValue]]], now: datetime
) -> None:
    """Record that several things happened, each a kind and a payload, in this order."""
    common = {"workspace_id": workspace_id, "created_at": now, "available_at": now, "attempts": 0}
    if events:
        session.execute(_INSERT, [{**common, "kind": kind, "payload": dict(payload)} for kind, payload in events])


def system_pending(session: Session, now: datetime, *, limit: int) -> Sequence[OutboxEntry]:
    """Return the oldest entries of all workspaces that are due, locked against other drains where that exists."""
    query = (
        select(DbOutboxEntry)
        .where(DbOutboxEntry.done_at.is_(None), DbOutboxEntry.available_at <= now)
        .order_by(DbOutboxEntry.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return [
        OutboxEntry(
            id=row.id,
            workspace_id=WorkspaceId(row.workspace_id),
            kind=row.kind,
            payload=row.payload,
            created_at=row.created_at,
            attempts=row.attempts,
        )
        for row in session.scalars(query)
    ]


def system_backlog(session: Session) -> int:
    """Return how many entries of all workspaces still wait, due or not."""
    query = select(func.count()).select_from(DbOutboxEntry).where(DbOutboxEntry.done_at.is_(None))
    return session.scalar(query) or 0


def system_mark_done(session: Session, entry_ids: Sequence[int], now: datetime) -> None:
    """Mark entries as dealt with."""
    session.execute(update(DbOutboxEntry).where(DbOutboxEntry.id.in_(entry_ids)).values(done_at=now))


def system_mark_failed(session: Session, entry: OutboxEntry, error: str, now: datetime) -> None:
    """Put an entry back with exponential delay and the reason it failed."""
    delay = min(MAX_BACKOFF, timedelta(seconds=2 ** min(entry.attempts, 12)))
    session.execute(
        update(DbOutboxEntry)
        .where(DbOutboxEntry.id == entry.id)
        .values(attempts=entry.attempts + 1, last_error=error[:500], available_at=now + delay)
    )


def forget(workspace_id: WorkspaceId, session: Session, end_user_id: EndUserId, conversations: Collection[str]) -> None:
    """Remove every entry about an end user or their conversations, waiting or done."""
    about = DbOutboxEntry.payload["end_user_id"].as_string() == end_user_id
    session.execute(delete(DbOutboxEntry).where(DbOutboxEntry.workspace_id == workspace_id, about))
    ordered = sorted(conversations)
    for start in range(0, len(ordered), BATCH):
        some = DbOutboxEntry.payload["conversation_id"].as_string().in_(ordered[start : start + BATCH])
        session.execute(delete(DbOutboxEntry).where(DbOutboxEntry.workspace_id == workspace_id, some))


def forget_done(workspace_id: WorkspaceId, session: Session, before: datetime) -> int:
    """Remove up to `BATCH` entries that were dealt with before an instant; return how many."""
    some = (
        select(DbOutboxEntry.id)
        .where(DbOutboxEntry.workspace_id == workspace_id, DbOutboxEntry.done_at < before)
        .limit(BATCH)
    )
    gone = delete(DbOutboxEntry).where(DbOutboxEntry.id.in_(some.scalar_subquery())).returning(DbOutboxEntry.id)
    return len(session.execute(gone.execution_options(synchronize_session=False)).all())

"""The SQL of drift: suspects of a sweep, what the event log explains of them, and what is left."""

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from engine.ids import ConnectionId, WorkspaceId
from engine.storage import upsert
from stripe_sync.apply import TIE
from stripe_sync.tables import DbDrift, DbStripeEvent

SHOWN_FOR = timedelta(days=7)
"""How long what drifted is counted."""


def suspect(  # noqa: PLR0917  which object, and since when
    workspace_id: WorkspaceId,
    session: Session,
    connection_id: ConnectionId,
    kind: str,
    what: str,
    found: Collection[tuple[str, datetime | None]],
    found_at: datetime,
) -> None:
    """Note objects of a kind that a sweep found wrong: their ids, and from when what the mirror had was."""
    if not found:
        return
    statement = upsert(session, DbDrift.__table__)  # type: ignore[arg-type]  # is a Table
    statement = statement.on_conflict_do_update(
        index_elements=["workspace_id", "connection_id", "kind", "object_id"],
        set_={name: statement.excluded[name] for name in ("what", "known_from", "found_at", "is_certain")},
    )
    rows = [
        {
            "workspace_id": workspace_id,
            "connection_id": connection_id,
            "kind": kind,
            "object_id": object_id,
            "what": what,
            "known_from": known_from,
            "found_at": found_at,
            "is_certain": False,
        }
        for object_id, known_from in sorted(found)
    ]
    session.execute(statement, rows)


def judge(workspace_id: WorkspaceId, session: Session, connection_id: ConnectionId, until: datetime) -> int:
    """Decide about suspects from before `until`, up to which the event log was read; return how many drifted."""
    mine = (DbDrift.workspace_id == workspace_id, DbDrift.connection_id == connection_id)
    session.execute(delete(DbDrift).where(*mine, DbDrift.found_at < until - SHOWN_FOR))
    query = select(DbDrift).where(*mine, DbDrift.is_certain.is_(False), DbDrift.found_at < until)
    count = 0
    for row in session.scalars(query).all():
        one = (*mine, DbDrift.kind == row.kind, DbDrift.object_id == row.object_id)
        if _is_told_of(workspace_id, session, connection_id, row):
            session.execute(delete(DbDrift).where(*one))
        else:
            session.execute(update(DbDrift).where(*one).values(is_certain=True))
            count += 1
    return count


def _is_told_of(workspace_id: WorkspaceId, session: Session, connection_id: ConnectionId, row: DbDrift) -> bool:
    query = select(DbStripeEvent.id).where(
        DbStripeEvent.workspace_id == workspace_id,
        DbStripeEvent.connection_id == connection_id,
        DbStripeEvent.object_id == row.object_id,
    )
    if row.known_from is not None:
        query = query.where(DbStripeEvent.created >= row.known_from - TIE)
    return session.scalar(query.limit(1)) is not None


def counts(workspace_id: WorkspaceId, session: Session, connection_id: ConnectionId) -> dict[str, int]:
    """Return how many objects of each kind drifted lately; kinds without any are left out."""
    query = (
        select(DbDrift.kind, func.count())
        .where(
            DbDrift.workspace_id == workspace_id,
            DbDrift.connection_id == connection_id,
            DbDrift.is_certain.is_(True),
        )
        .group_by(DbDrift.kind)
    )
    return dict(row for row in session.execute(query))


def system_counts(session: Session) -> dict[str, int]:
    """Return how many objects of each kind drifted lately, of all connections; kinds without any are left out."""
    query = select(DbDrift.kind, func.count()).where(DbDrift.is_certain.is_(True)).group_by(DbDrift.kind)
    return dict(row for row in session.execute(query))

"""The SQL of renewals: that everybody's facts in a workspace are to be worked out again, and how far that is.

A renewal is one row however many end users there are. It goes through them by id, a batch in each transaction, and
remembers the last one; asking again starts it over, since whoever is done was done by the older settings.
"""

from datetime import datetime

from sqlalchemy import Table, delete, select, update
from sqlalchemy.orm import Session

from engine.ids import EndUserId, WorkspaceId
from engine.storage import upsert
from stripe_sync.fact_tables import DbEndUserFacts, DbFactRenewal

_FACTS: Table = DbEndUserFacts.__table__


def request(workspace_id: WorkspaceId, session: Session, now: datetime) -> None:
    """Ask that the facts of everybody in the workspace be worked out again."""
    statement = upsert(session, DbFactRenewal).values(workspace_id=workspace_id, requested_at=now, done_through="")
    fresh = {"requested_at": statement.excluded.requested_at, "done_through": ""}
    session.execute(statement.on_conflict_do_update(index_elements=["workspace_id"], set_=fresh))


def system_requested(session: Session) -> list[WorkspaceId]:
    """Return the workspaces that have a renewal under way, the longest waiting first."""
    query = select(DbFactRenewal.workspace_id).order_by(DbFactRenewal.requested_at, DbFactRenewal.workspace_id)
    return [WorkspaceId(row_id) for row_id in session.scalars(query)]


def awaits(workspace_id: WorkspaceId, session: Session, end_user_id: EndUserId) -> bool:
    """Return whether a renewal is under way that has not come to this end user yet."""
    query = select(DbFactRenewal.workspace_id).where(
        DbFactRenewal.workspace_id == workspace_id, DbFactRenewal.done_through < end_user_id
    )
    return session.scalar(query) is not None


def take(workspace_id: WorkspaceId, session: Session, limit: int) -> list[EndUserId]:
    """Return the next end users and count them as dealt with when the transaction commits; none at the end.

    Another worker that is at it keeps the renewal to itself. Past the last end user the renewal is over.
    """
    query = select(DbFactRenewal.done_through).where(DbFactRenewal.workspace_id == workspace_id)
    done_through = session.scalar(query.with_for_update(skip_locked=True))
    if done_through is None:
        return []
    people = (
        select(_FACTS.c.end_user_id)
        .where(_FACTS.c.workspace_id == workspace_id, _FACTS.c.end_user_id > done_through)
        .order_by(_FACTS.c.end_user_id)
        .limit(limit)
    )
    taken = [EndUserId(row_id) for row_id in session.scalars(people)]
    mine = DbFactRenewal.workspace_id == workspace_id
    if len(taken) < limit:
        session.execute(delete(DbFactRenewal).where(mine))
    else:
        session.execute(update(DbFactRenewal).where(mine).values(done_through=taken[-1]))
    return taken


def requested_at(workspace_id: WorkspaceId, session: Session) -> datetime | None:
    """Return since when a renewal is under way in the workspace, or None if there is none."""
    return session.scalar(select(DbFactRenewal.requested_at).where(DbFactRenewal.workspace_id == workspace_id))

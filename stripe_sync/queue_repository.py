"""The SQL of what waits: objects to be fetched again, and customers whose facts must be derived again.

Both are sets, not lists: wishing twice for the same is one row.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from sqlalchemy import ColumnElement, Select, Table, bindparam, delete, func, literal, select, text, tuple_, update
from sqlalchemy.orm import Session

from engine.ids import ConnectionId, WorkspaceId
from engine.storage import UtcDateTime, excluded, upsert
from stripe_sync.kinds import KINDS, Kind
from stripe_sync.matching import CustomerKey
from stripe_sync.tables import DbDirtyCustomer, DbLink, DbRefetch

CHUNK = 500
MAX_PAUSE = timedelta(hours=1)
_REFETCHES = cast("Table", DbRefetch.__table__)
_ANSWERED = delete(_REFETCHES).where(
    _REFETCHES.c.workspace_id == bindparam("workspace"),
    _REFETCHES.c.connection_id == bindparam("connection"),
    _REFETCHES.c.kind == bindparam("kind"),
    _REFETCHES.c.object_id == bindparam("object"),
    _REFETCHES.c.version == bindparam("version"),
)
_WANT_ALL = text(
    f"INSERT INTO {_REFETCHES.name} AS present (workspace_id, connection_id, kind, object_id, version, requested_at,"  # noqa: S608 - the name of our own table
    " available_at, attempts, cause) SELECT :workspace, :connection, kind, object_id, 1, CAST(:now AS timestamptz),"
    " CAST(:now AS timestamptz), 0, :cause"
    " FROM unnest(CAST(:kinds AS text[]), CAST(:objects AS text[])) AS wanted (kind, object_id)"
    " ON CONFLICT (workspace_id, connection_id, kind, object_id)"
    " DO UPDATE SET version = present.version + 1, requested_at = excluded.requested_at"
)
"""PostgreSQL's way: two lists cost a fraction of a statement for each wish."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refetch:
    """The wish to fetch one object again."""

    kind: Kind
    object_id: str
    version: int
    attempts: int
    cause: str


def want_refetch(
    workspace_id: WorkspaceId,
    session: Session,
    connection_id: ConnectionId,
    wanted: Iterable[tuple[Kind, str]],
    cause: str,
    now: datetime,
) -> None:
    """Ask that objects be fetched again; a wish that waits already counts one more version."""
    objects = sorted({(kind.name, object_id) for kind, object_id in wanted})
    if session.get_bind().dialect.name == "postgresql":
        who = {"workspace": workspace_id, "connection": connection_id, "cause": cause, "now": now}
        kinds, ids = [kind for kind, _ in objects], [object_id for _, object_id in objects]
        session.execute(_WANT_ALL, {**who, "kinds": kinds, "objects": ids})
        return
    rows = [
        {
            "workspace_id": workspace_id,
            "connection_id": connection_id,
            "kind": kind,
            "object_id": object_id,
            "version": 1,
            "requested_at": now,
            "available_at": now,
            "attempts": 0,
            "cause": cause,
        }
        for kind, object_id in objects
    ]
    for start in range(0, len(rows), CHUNK):
        statement = upsert(session, DbRefetch.__table__)  # type: ignore[arg-type]  # is a Table
        session.execute(
            statement.on_conflict_do_update(
                index_elements=["workspace_id", "connection_id", "kind", "object_id"],
                set_={"version": DbRefetch.version + 1, "requested_at": excluded(_REFETCHES.c.requested_at)},
            ),
            rows[start : start + CHUNK],
        )


def system_due_refetches(session: Session, now: datetime) -> list[tuple[WorkspaceId, ConnectionId]]:
    """Return the connections that have objects to fetch again now."""
    query = select(DbRefetch.workspace_id, DbRefetch.connection_id).distinct().where(DbRefetch.available_at <= now)
    return [(WorkspaceId(workspace_id), ConnectionId(row_id)) for workspace_id, row_id in session.execute(query)]


def due_refetches(
    workspace_id: WorkspaceId, session: Session, connection_id: ConnectionId, now: datetime, limit: int
) -> Sequence[Refetch]:
    """Return what is to be fetched again, the longest waiting first."""
    query = (
        select(DbRefetch)
        .where(*_of(workspace_id, connection_id), DbRefetch.available_at <= now)
        .order_by(DbRefetch.requested_at, DbRefetch.kind, DbRefetch.object_id)
        .limit(limit)
        .execution_options(populate_existing=True)
    )
    return [
        Refetch(
            kind=KINDS[row.kind],
            object_id=row.object_id,
            version=row.version,
            attempts=row.attempts,
            cause=row.cause,
        )
        for row in session.scalars(query)
    ]


def refetch_answered(
    workspace_id: WorkspaceId, session: Session, connection_id: ConnectionId, refetch: Refetch
) -> None:
    """Take a wish out, unless it was wished again since the fetch began."""
    which = {
        "workspace": workspace_id,
        "connection": connection_id,
        "kind": refetch.kind.name,
        "object": refetch.object_id,
        "version": refetch.version,
    }
    session.execute(_ANSWERED, which)


def refetch_failed(
    workspace_id: WorkspaceId,
    session: Session,
    connection_id: ConnectionId,
    refetch: Refetch,
    error: str,
    now: datetime,
) -> None:
    """Let a wish wait longer each time it fails."""
    pause = min(MAX_PAUSE, timedelta(seconds=2 ** min(refetch.attempts, 12)))
    session.execute(
        update(DbRefetch)
        .where(*_of(workspace_id, connection_id), *_is(refetch))
        .values(attempts=DbRefetch.attempts + 1, last_error=error[:500], available_at=now + pause)
    )


def count_refetches(workspace_id: WorkspaceId, session: Session, connection_id: ConnectionId) -> int:
    """Return how many objects of a connection wait to be fetched again."""
    query = select(func.count()).select_from(DbRefetch).where(*_of(workspace_id, connection_id))
    return session.scalar(query) or 0


def forget_refetches(workspace_id: WorkspaceId, session: Session, connection_id: ConnectionId) -> None:
    """Drop what cannot be fetched any more."""
    session.execute(delete(DbRefetch).where(*_of(workspace_id, connection_id)))


def mark_dirty(
    workspace_id: WorkspaceId,
    session: Session,
    connection_id: ConnectionId,
    customers: Select[str],
    cause: str,
    now: datetime,
) -> None:
    """Ask that the facts of all customers in a query be derived again, in one statement however many they are."""
    (customer_id,) = customers.selected_columns
    source = customers.with_only_columns(
        literal(workspace_id),
        literal(connection_id),
        customer_id,
        literal(now, UtcDateTime),
        literal(cause),
    )
    columns = ["workspace_id", "connection_id", "customer_id", "requested_at", "cause"]
    statement = upsert(session, DbDirtyCustomer.__table__).from_select(columns, source)  # type: ignore[arg-type]  # is a Table
    session.execute(statement.on_conflict_do_nothing())


def linked_customers(workspace_id: WorkspaceId, connection_id: ConnectionId) -> Select[str]:
    """Return a query of the customers of a connection that anybody has anything to do with."""
    return (
        select(DbLink.customer_id)
        .distinct()
        .where(DbLink.workspace_id == workspace_id, DbLink.connection_id == connection_id)
    )


def system_dirty_workspaces(session: Session) -> list[WorkspaceId]:
    """Return the workspaces that have facts to derive again."""
    return [WorkspaceId(row_id) for row_id in session.scalars(select(DbDirtyCustomer.workspace_id).distinct())]


def take_dirty(
    workspace_id: WorkspaceId, session: Session, limit: int
) -> tuple[frozenset[CustomerKey], frozenset[str]]:
    """Take customers whose facts must be derived again out, with the causes; a rollback puts them back."""
    query = (
        select(DbDirtyCustomer.connection_id, DbDirtyCustomer.customer_id, DbDirtyCustomer.cause)
        .where(DbDirtyCustomer.workspace_id == workspace_id)
        .order_by(DbDirtyCustomer.requested_at, DbDirtyCustomer.connection_id, DbDirtyCustomer.customer_id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    rows = session.execute(query).all()
    keys = frozenset(CustomerKey(connection_id=ConnectionId(row[0]), customer_id=row[1]) for row in rows)
    for start in range(0, len(rows), CHUNK):
        pairs = [(row[0], row[1]) for row in rows[start : start + CHUNK]]
        session.execute(
            delete(DbDirtyCustomer).where(
                DbDirtyCustomer.workspace_id == workspace_id,
                tuple_(DbDirtyCustomer.connection_id, DbDirtyCustomer.customer_id).in_(pairs),
            )
        )
    return keys, frozenset(row[2] for row in rows)


def _of(workspace_id: WorkspaceId, connection_id: ConnectionId) -> tuple[ColumnElement[bool], ...]:
    return (DbRefetch.workspace_id == workspace_id, DbRefetch.connection_id == connection_id)


def _is(refetch: Refetch) -> tuple[ColumnElement[bool], ...]:
    return (DbRefetch.kind == refetch.kind.name, DbRefetch.object_id == refetch.object_id)

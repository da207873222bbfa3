"""The SQL of stored events."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import cast

import orjson
import psycopg
from sqlalchemy import Table, func, select, update
from sqlalchemy.orm import Session

from engine.ids import ConnectionId, WorkspaceId
from engine.storage import upsert
from stripe_sync.tables import DbIgnoredEvents, DbStripeEvent

MAX_ATTEMPTS = 8
WAITING = ("pending", "failed")
_EVENTS = cast("Table", DbStripeEvent.__table__)
_ADD_ONE = """
INSERT INTO stripe_events (workspace_id, connection_id, event_id, type, object_id, created, payload, origin, state,
                           attempts, available_at, received_at)
SELECT workspace_id, id, %s, %s, %s, %s::timestamptz, %s, 'webhook', 'pending', 0, %s::timestamptz, %s::timestamptz
FROM stripe_connections
WHERE account_id = %s AND livemode = %s AND status = 'active'
ORDER BY id LIMIT 1
ON CONFLICT DO NOTHING
RETURNING event_id, workspace_id, connection_id
"""
"""Does for one what the next does for many, at half the cost."""
_ADD_MANY = """
INSERT INTO stripe_events (workspace_id, connection_id, event_id, type, object_id, created, payload, origin, state,
                           attempts, available_at, received_at)
SELECT owner.workspace_id, owner.id, arrived.event_id, arrived.type, arrived.object_id, arrived.created,
       arrived.payload, 'webhook', 'pending', 0, %s::timestamptz, %s::timestamptz
FROM json_to_recordset(%s::json) AS arrived (
    account text, livemode boolean, event_id text, type text, object_id text, created timestamptz, payload text
)
CROSS JOIN LATERAL (
    SELECT workspace_id, id FROM stripe_connections
    WHERE account_id = arrived.account AND livemode = arrived.livemode AND status = 'active'
    ORDER BY id LIMIT 1
) AS owner
ON CONFLICT DO NOTHING
RETURNING event_id, workspace_id, connection_id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEvent:
    """An event to be stored."""

    event_id: str
    type: str
    object_id: str | None = None
    """The object it shows, or the customer or subscription that this belongs to."""
    created: datetime
    payload: str = field(repr=False)
    origin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedEvent:
    """An event as people look at it, without what it says."""

    event_id: str
    connection_id: ConnectionId
    type: str
    object_id: str | None
    state: str
    origin: str
    attempts: int
    error: str | None
    created: datetime
    received_at: datetime
    available_at: datetime
    """When it is tried again, if it failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEvent:
    """An event that waits."""

    row_id: int
    event_id: str
    type: str
    created: datetime
    """By Stripe's clock."""
    payload: str = field(repr=False)
    attempts: int


def add(
    workspace_id: WorkspaceId,
    session: Session,
    connection_id: ConnectionId,
    events: Sequence[NewEvent],
    now: datetime,
) -> frozenset[str]:
    """Store events, each once; return the ids that were new."""
    if not events:
        return frozenset()
    rows = [
        {
            "workspace_id": workspace_id,
            "connection_id": connection_id,
            "event_id": event.event_id,
            "type": event.type,
            "object_id": event.object_id,
            "created": event.created,
            "payload": event.payload,
            "origin": event.origin,
            "state": "pending",
            "attempts": 0,
            "available_at": now,
            "received_at": now,
        }
        for event in events
    ]
    statement = upsert(session, _EVENTS).on_conflict_do_nothing().returning(_EVENTS.c.event_id)
    # Rows given apart from the statement: one that holds them is compiled anew each time.
    return frozenset(session.scalars(statement, rows if len(rows) > 1 else rows[0]))


def system_add_routed(
    connection: psycopg.Connection, arrived: Sequence[tuple[str, bool, NewEvent]], now: datetime
) -> dict[str, tuple[WorkspaceId, ConnectionId]]:
    """Store events of accounts and modes with their active connections, in one statement (PostgreSQL).

    Returns the ids that were new and whose they are. Left out are those that were there, and those of accounts
    without an active connection in that mode.
    """
    values: tuple[object, ...]
    if len(arrived) == 1:
        (account, livemode, event), sql = arrived[0], _ADD_ONE
        shown = (event.event_id, event.type, event.object_id, event.created, event.payload)
        values = (*shown, now, now, account, livemode)
    else:
        rows_to_add = [
            {
                "account": account,
                "livemode": livemode,
                "event_id": event.event_id,
                "type": event.type,
                "object_id": event.object_id,
                "created": event.created,
                "payload": event.payload,
            }
            for account, livemode, event in arrived
        ]
        sql, values = _ADD_MANY, (now, now, orjson.dumps(rows_to_add).decode())
    rows = connection.execute(sql, values, prepare=True).fetchall()
    return {event_id: (WorkspaceId(of), ConnectionId(row_id)) for event_id, of, row_id in rows}


def system_waiting(session: Session, now: datetime) -> list[tuple[WorkspaceId, ConnectionId]]:
    """Return the connections that have events to deal with now."""
    query = (
        select(DbStripeEvent.workspace_id, DbStripeEvent.connection_id)
        .distinct()
        .where(DbStripeEvent.state.in_(WAITING), DbStripeEvent.available_at <= now)
    )
    return [(WorkspaceId(workspace_id), ConnectionId(row_id)) for workspace_id, row_id in session.execute(query)]


def take(
    workspace_id: WorkspaceId, session: Session, connection_id: ConnectionId, now: datetime, limit: int
) -> Sequence[StoredEvent]:
    """Return events that are due, in order of arrival, locked against other drains where the database has that."""
    query = (
        select(DbStripeEvent)
        .where(
            DbStripeEvent.workspace_id == workspace_id,
            DbStripeEvent.connection_id == connection_id,
            DbStripeEvent.state.in_(WAITING),
            DbStripeEvent.available_at <= now,
        )
        .order_by(DbStripeEvent.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return [_stored(row) for row in session.scalars(query)]


def waiting_of_type(
    workspace_id: WorkspaceId, session: Session, connection_id: ConnectionId, event_type: str, now: datetime
) -> Sequence[StoredEvent]:
    """Return the events of one type that are due, in order of arrival."""
    query = select(DbStripeEvent).where(
        DbStripeEvent.workspace_id == workspace_id,
        DbStripeEvent.connection_id == connection_id,
        DbStripeEvent.type == event_type,
        DbStripeEvent.state.in_(WAITING),
        DbStripeEvent.available_at <= now,
    )
    return [_stored(row) for row in session.scalars(query.order_by(DbStripeEvent.id))]


def count_ignored(
    workspace_id: WorkspaceId | str, session: Session, connection_id: ConnectionId | None, reason: str, now: datetime
) -> None:
    """Count a signed delivery that nobody needed; one for an account nobody knows under the workspace `*`."""
    statement = upsert(session, DbIgnoredEvents.__table__).values(  # type: ignore[arg-type]  # is a Table
        workspace_id=workspace_id, connection_id=connection_id or "", reason=reason, count=1, last_at=now
    )
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["workspace_id", "connection_id", "reason"],
            set_={"count": DbIgnoredEvents.count + 1, "last_at": statement.excluded.last_at},
        )
    )


def ignored(workspace_id: WorkspaceId, session: Session, connection_id: ConnectionId) -> dict[str, int]:
    """Return how many signed deliveries of a connection's account nobody needed, by reason."""
    query = select(DbIgnoredEvents.reason, DbIgnoredEvents.count).where(
        DbIgnoredEvents.workspace_id == workspace_id, DbIgnoredEvents.connection_id == connection_id
    )
    return dict(row for row in session.execute(query))


def system_ignored(session: Session) -> dict[str, int]:
    """Return how many signed deliveries nobody needed in all, by reason."""
    query = select(DbIgnoredEvents.reason, func.sum(DbIgnoredEvents.count)).group_by(DbIgnoredEvents.reason)
    return {reason: int(count) for reason, count in session.execute(query)}


def system_of_unknown_accounts(session: Session) -> int:
    """Return how many signed deliveries were for accounts that no workspace ever connected."""
    query = select(func.sum(DbIgnoredEvents.count)).where(DbIgnoredEvents.reason == "unknown_account")
    return int(session.scalar(query) or 0)


def listed(workspace_id: WorkspaceId, session: Session, states: Collection[str], limit: int) -> Sequence[ListedEvent]:
    """Return the newest events of a workspace that are in one of these states (any, if none is given)."""
    query = select(DbStripeEvent).where(DbStripeEvent.workspace_id == workspace_id)
    if states:
        query = query.where(DbStripeEvent.state.in_(states))
    return [
        ListedEvent(
            event_id=row.event_id,
            connection_id=ConnectionId(row.connection_id),
            type=row.type,
            object_id=row.object_id,
            state=row.state,
            origin=row.origin,
            attempts=row.attempts,
            error=row.last_error,
            created=row.created,
            received_at=row.received_at,
            available_at=row.available_at,
        )
        for row in session.scalars(query.order_by(DbStripeEvent.id.desc()).limit(limit))
    ]


def replay(workspace_id: WorkspaceId, session: Session, event_id: str | None, now: datetime) -> int:
    """Let parked and failed events be tried again now, as if they had just come: one, or all; return how many."""
    query = update(DbStripeEvent).where(
        DbStripeEvent.workspace_id == workspace_id, DbStripeEvent.state.in_(("parked", "failed"))
    )
    if event_id is not None:
        query = query.where(DbStripeEvent.event_id == event_id)
    query = query.values(state="pending", attempts=0, available_at=now)
    return len(session.scalars(query.returning(DbStripeEvent.id)).all())


def mark_done(workspace_id: WorkspaceId, session: Session, row_ids: Collection[int], now: datetime) -> None:
    """Mark events as dealt with."""
    session.execute(
        update(DbStripeEvent)
        .where(DbStripeEvent.workspace_id == workspace_id, DbStripeEvent.id.in_(row_ids))
        .values(state="done", done_at=now, last_error=None)
    )


def mark_failed(workspace_id: WorkspaceId, session: Session, event: StoredEvent, error: str, now: datetime) -> None:
    """Put an event back for later; after too many attempts park it for a person to look at."""
    attempts = event.attempts + 1
    session.execute(
        update(DbStripeEvent)
        .where(DbStripeEvent.workspace_id == workspace_id, DbStripeEvent.id == event.row_id)
        .values(
            state="parked" if attempts >= MAX_ATTEMPTS else "failed",
            attempts=attempts,
            last_error=error[:500],
            available_at=now + timedelta(seconds=2**attempts),
        )
    )


def counts(workspace_id: WorkspaceId, session: Session, connection_id: ConnectionId) -> dict[str, int]:
    """Return how many events of a connection are in which state, done ones left out."""
    query = (
        select(DbStripeEvent.state, func.count())
        .where(
            DbStripeEvent.workspace_id == workspace_id,
            DbStripeEvent.connection_id == connection_id,
            DbStripeEvent.state != "done",
        )
        .group_by(DbStripeEvent.state)
    )
    return dict(row for row in session.execute(query))


def _stored(row: DbStripeEvent) -> StoredEvent:
    return StoredEvent(
        row_id=row.id,
        event_id=row.event_id,
        type=row.type,
        created=row.created,
        payload=row.payload,
        attempts=row.attempts,
    )

"""The SQL of connections and OAuth states. Ciphertext passes through here; only the vault opens it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any, cast

from sqlalchemy import BindParameter, Row, Table, Update, bindparam, delete, func, or_, select, update
from sqlalchemy.orm import Session

from engine.ids import ConnectionId, MemberId, WorkspaceId
from engine.storage import excluded, upsert
from stripe_sync.connect.models import Connection, ConnectionStatus, CredentialKind
from stripe_sync.connect.tables import DbConnection, DbOAuthState, DbReads

_TABLE = cast("Table", DbConnection.__table__)
MOST_MS = 2**31 - 1
# Rows, not objects, and statements built once: connections are looked up with everything that happens.
_ALL = (
    select(_TABLE).where(_TABLE.c.workspace_id == bindparam("workspace")).order_by(_TABLE.c.connected_at, _TABLE.c.id)
)
_FOUND = select(_TABLE).where(_TABLE.c.workspace_id == bindparam("workspace"), _TABLE.c.id == bindparam("connection"))
_THIS = (_TABLE.c.workspace_id == bindparam("of_workspace"), _TABLE.c.id == bindparam("of_connection"))
_OF_ACCOUNT = select(_TABLE).where(_TABLE.c.account_id == bindparam("account")).order_by(_TABLE.c.id)

_HELD = _FOUND.with_for_update()
_SET_SYNCED = update(_TABLE).where(*_THIS).values(synced_kinds=bindparam("synced_kinds"))
_ACTIVE = select(_TABLE).where(_TABLE.c.status == ConnectionStatus.ACTIVE.value).order_by(_TABLE.c.id)
_NOTE_EVENT = (
    update(_TABLE)
    .where(*_THIS, or_(_TABLE.c.last_event_at.is_(None), _TABLE.c.last_event_at < bindparam("noted_before")))
    .values(last_event_at=bindparam("noted_at"), last_contact_at=bindparam("noted_at"))
)
_NOTE_CAUGHT_UP = (
    update(_TABLE)
    .where(*_THIS)
    .values(
        events_until=bindparam("read_until"), caught_up_at=bindparam("noted_at"), last_contact_at=bindparam("noted_at")
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedSecrets:
    """A connection's secrets as ciphertext."""

    token: bytes | None = field(default=None, repr=False)
    refresh_token: bytes | None = field(default=None, repr=False)
    webhook_secret: bytes | None = field(default=None, repr=False)
    token_expires_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingState:
    """An authorization that was begun."""

    workspace_id: WorkspaceId
    member_id: MemberId
    binding_hash: str | None
    kind: CredentialKind
    livemode: bool
    expires_at: datetime


def connections(workspace_id: WorkspaceId, session: Session) -> Sequence[Connection]:
    """Return the workspace's connections, ended ones too, oldest first."""
    return [_connection(row) for row in session.execute(_ALL, {"workspace": workspace_id})]


def find_connection(workspace_id: WorkspaceId, session: Session, connection_id: ConnectionId) -> Connection | None:
    """Return a connection as the database has it now, or None."""
    row = session.execute(_FOUND, {"workspace": workspace_id, "connection": connection_id}).first()
    return None if row is None else _connection(row)


def find_by_account(
    workspace_id: WorkspaceId, session: Session, account_id: str, *, livemode: bool
) -> Connection | None:
    """Return the workspace's connection of an account in a mode, ended or not, or None."""
    row = session.scalar(
        select(DbConnection).where(
            DbConnection.workspace_id == workspace_id,
            DbConnection.account_id == account_id,
            DbConnection.livemode == livemode,
        )
    )
    return None if row is None else _connection(row)


def system_connections_of_account(session: Session, account_id: str) -> Sequence[Connection]:
    """Return every workspace's connections of an account, both modes, ended ones too."""
    return [_connection(row) for row in session.execute(_OF_ACCOUNT, {"account": account_id})]


def system_find_connection(session: Session, connection_id: ConnectionId) -> Connection | None:
    """Return the connection with that id in whichever workspace, or None: for deliveries to its own address."""
    row = session.scalar(select(DbConnection).where(DbConnection.id == connection_id))
    return None if row is None else _connection(row)


def system_active_connections(session: Session) -> Sequence[Connection]:
    """Return every connection that may be read, of all workspaces."""
    return [_connection(row) for row in session.execute(_ACTIVE)]


def system_sealed_connections(session: Session) -> Sequence[tuple[WorkspaceId, ConnectionId]]:
    """Return every connection that has secrets, for the rotation of keys."""
    query = select(DbConnection.workspace_id, DbConnection.id).where(
        or_(
            DbConnection.token.is_not(None),
            DbConnection.refresh_token.is_not(None),
            DbConnection.webhook_secret.is_not(None),
        )
    )
    return [(WorkspaceId(workspace_id), ConnectionId(row_id)) for workspace_id, row_id in session.execute(query)]


def save_connected(workspace_id: WorkspaceId, session: Session, connection: Connection, secrets: SealedSecrets) -> None:
    """Store a connection that was just made, new or again; its lists count as unread.

    Raises IntegrityError if the account was connected to another workspace in the meantime.
    """
    row = session.scalar(select(DbConnection).where(*_is(workspace_id, connection.id)))
    if row is None:
        row = DbConnection(id=connection.id, workspace_id=workspace_id, clock_offset_ms=0, reads=0)
        session.add(row)
    row.kind = connection.kind.value
    row.account_id = connection.account_id
    row.livemode = connection.livemode
    row.status = connection.status.value
    row.connected_by = connection.connected_by
    row.connected_at = connection.connected_at
    row.last_contact_at = connection.last_contact_at
    row.ended_at = None
    row.last_error = None
    row.events_until = connection.events_until
    row.caught_up_at = None
    row.synced_kinds = []
    row.token = secrets.token
    row.refresh_token = secrets.refresh_token
    row.webhook_secret = secrets.webhook_secret
    row.token_expires_at = secrets.token_expires_at
    row.refreshing_until = None
    session.flush()


def end_connection(
    workspace_id: WorkspaceId, session: Session, connection_id: ConnectionId, status: ConnectionStatus, now: datetime
) -> bool:
    """Mark a connection ended and clear its secrets; return whether it was active."""
    result = session.execute(
        update(DbConnection)
        .where(*_is(workspace_id, connection_id), DbConnection.status == ConnectionStatus.ACTIVE.value)
        .values(
            status=status.value,
            ended_at=now,
            token=None,
            refresh_token=None,
            webhook_secret=None,
            token_expires_at=None,
        )
        .returning(DbConnection.id)
    )
    return result.first() is not None


def sealed_secrets(workspace_id: WorkspaceId, session: Session, connection_id: ConnectionId) -> SealedSecrets | None:
    """Return a connection's ciphertext; only the vault can open it."""
    row = session.execute(_FOUND, {"workspace": workspace_id, "connection": connection_id}).first()
    if row is None:
        return None
    return SealedSecrets(
        token=row.token,
        refresh_token=row.refresh_token,
        webhook_secret=row.webhook_secret,
        token_expires_at=row.token_expires_at,
    )


def claim_refresh(
    workspace_id: WorkspaceId, session: Session, connection_id: ConnectionId, now: datetime, until: datetime
) -> bool:
    """Claim the refreshing of a connection's tokens until an instant; return False if somebody else has."""
    free = or_(DbConnection.refreshing_until.is_(None), DbConnection.refreshing_until <= now)
    claimed = session.execute(
        update(DbConnection)
        .where(*_is(workspace_id, connection_id), free)
        .values(refreshing_until=until)
        .returning(DbConnection.id)
    )
    return claimed.first() is not None


def release_refresh(workspace_id: WorkspaceId, session: Session, connection_id: ConnectionId) -> None:
    """Give the refreshing of a connection's tokens back."""
    session.execute(update(DbConnection).where(*_is(workspace_id, connection_id)).values(refreshing_until=None))


def replace_secrets(
    workspace_id: WorkspaceId, session: Session, connection_id: ConnectionId, old: SealedSecrets, new: SealedSecrets
) -> bool:
    """Store ciphertext in place of `old`; return False, and change nothing, if it is no longer there."""
    result = session.execute(
        update(DbConnection)
        .where(
            *_is(workspace_id, connection_id),
            DbConnection.token.is_not_distinct_from(old.token),
            DbConnection.refresh_token.is_not_distinct_from(old.refresh_token),
            DbConnection.webhook_secret.is_not_distinct_from(old.webhook_secret),
        )
        .values(
            token=new.token,
            refresh_token=new.refresh_token,
            webhook_secret=new.webhook_secret,
            token_expires_at=new.token_expires_at,
        )
        .returning(DbConnection.id)
    )
    return result.first() is not None


def note_contact(
    workspace_id: WorkspaceId,
    session: Session,
    connection_id: ConnectionId,
    now: datetime,
    *,
    is_healthy: bool,
    reads: int = 0,
    clock_offset: timedelta | None = None,
) -> None:
    """Note that Stripe was asked by `now`, and, if all was well, that it answered."""
    values: dict[str, Any] = {"more_reads": reads}
    if is_healthy:
        values |= {"last_contact_at": now, "last_error": None}
    if clock_offset is not None:
        # The column holds 24 days. A clock that is further off is measured again with each answer all the same.
        values["clock_offset_ms"] = max(-MOST_MS, min(MOST_MS, round(clock_offset / timedelta(milliseconds=1))))
    session.execute(_contact(frozenset(values)), _this(workspace_id, connection_id) | values)
    today = upsert(session, DbReads.__table__)  # type: ignore[arg-type]  # is a Table
    today = today.values(workspace_id=workspace_id, connection_id=connection_id, day=now.date(), reads=reads)
    session.execute(
        today.on_conflict_do_update(
            index_elements=["workspace_id", "connection_id", "day"],
            set_={"reads": DbReads.reads + excluded(DbReads.__table__.c.reads)},
        )
    )


@cache
def _contact(names: frozenset[str]) -> Update:
    """Return the statement that notes these columns of a contact."""
    noted: dict[str, BindParameter[Any]] = {name: bindparam(name) for name in names - {"more_reads"}}
    return update(_TABLE).where(*_THIS).values(reads=_TABLE.c.reads + bindparam("more_reads"), **noted)


def reads_since(workspace_id: WorkspaceId, session: Session, connection_id: ConnectionId, first: date) -> int:
    """Return how many requests were made for a connection from the day `first` on."""
    query = select(func.coalesce(func.sum(DbReads.reads), 0)).where(
        DbReads.workspace_id == workspace_id, DbReads.connection_id == connection_id, DbReads.day >= first
    )
    return int(session.scalar(query) or 0)


def note_event(workspace_id: WorkspaceId, session: Session, connection_id: ConnectionId, now: datetime) -> None:
    """Note that an event arrived, unless one was noted within the last seconds: the row is shared by all arrivals."""
    moments = {"noted_at": now, "noted_before": now - timedelta(seconds=5)}
    session.execute(_NOTE_EVENT, _this(workspace_id, connection_id) | moments)


def note_error(workspace_id: WorkspaceId, session: Session, connection_id: ConnectionId, error: str) -> None:
    """Note what went wrong last."""
    session.execute(update(DbConnection).where(*_is(workspace_id, connection_id)).values(last_error=error[:500]))


def hand_over(workspace_id: WorkspaceId, session: Session, member_id: MemberId, to: MemberId) -> Sequence[ConnectionId]:
    """Let background jobs act under another member for the active connections that one made; return which those are."""
    statement = (
        update(DbConnection)
        .where(
            DbConnection.workspace_id == workspace_id,
            DbConnection.connected_by == member_id,
            DbConnection.status == ConnectionStatus.ACTIVE.value,
        )
        .values(connected_by=to)
        .returning(DbConnection.id)
    )
    return [ConnectionId(found) for found in session.scalars(statement)]


def note_payments(
    workspace_id: WorkspaceId, session: Session, connection_id: ConnectionId, payments: int, now: datetime
) -> None:
    """Note how many payments succeeded in the last 30 days."""
    session.execute(
        update(DbConnection).where(*_is(workspace_id, connection_id)).values(payments=payments, payments_counted_at=now)
    )


def note_caught_up(
    workspace_id: WorkspaceId, session: Session, connection_id: ConnectionId, until: datetime, now: datetime
) -> None:
    """Note that the event log was read up to `until`."""
    moments = {"read_until": until, "noted_at": now}
    session.execute(_NOTE_CAUGHT_UP, _this(workspace_id, connection_id) | moments)


def add_synced_kinds(
    workspace_id: WorkspaceId, session: Session, connection_id: ConnectionId, kinds: frozenset[str]
) -> None:
    """Note that the lists of these kinds were read to the end."""
    row = session.execute(_HELD, {"workspace": workspace_id, "connection": connection_id}).first()
    if row is not None and not kinds <= {*row.synced_kinds}:
        synced = {"synced_kinds": sorted({*row.synced_kinds, *kinds})}
        session.execute(_SET_SYNCED, _this(workspace_id, connection_id) | synced)


def add_state(workspace_id: WorkspaceId, session: Session, state_hash: str, state: PendingState, now: datetime) -> None:
    """Store a fresh OAuth state, by its hash, and drop those that expired."""
    session.execute(
        delete(DbOAuthState).where(DbOAuthState.workspace_id == workspace_id, DbOAuthState.expires_at < now)
    )
    session.add(
        DbOAuthState(
            state_hash=state_hash,
            workspace_id=workspace_id,
            member_id=state.member_id,
            binding_hash=state.binding_hash,
            kind=state.kind.value,
            livemode=state.livemode,
            created_at=now,
            expires_at=state.expires_at,
        )
    )


def consume_state(
    workspace_id: WorkspaceId, session: Session, state_hash: str, member_id: MemberId, binding_hash: str
) -> PendingState | None:
    """Take a state out, once and for all; None if it is not there, or was begun by somebody else."""
    row = session.execute(
        delete(DbOAuthState)
        .where(
            DbOAuthState.workspace_id == workspace_id,
            DbOAuthState.state_hash == state_hash,
            DbOAuthState.member_id == member_id,
            or_(DbOAuthState.binding_hash == binding_hash, DbOAuthState.binding_hash.is_(None)),
        )
        .returning(DbOAuthState.binding_hash, DbOAuthState.kind, DbOAuthState.livemode, DbOAuthState.expires_at)
    ).first()
    if row is None:
        return None
    return PendingState(
        workspace_id=workspace_id,
        member_id=member_id,
        binding_hash=row.binding_hash,
        kind=CredentialKind(row.kind),
        livemode=row.livemode,
        expires_at=row.expires_at,
    )


def _is(workspace_id: WorkspaceId, connection_id: ConnectionId) -> tuple[Any, ...]:
    return (DbConnection.workspace_id == workspace_id, DbConnection.id == connection_id)


def _this(workspace_id: WorkspaceId, connection_id: ConnectionId) -> dict[str, object]:
    """Return the parameters of `_THIS`."""
    return {"of_workspace": workspace_id, "of_connection": connection_id}


def _connection(row: DbConnection | Row[Any]) -> Connection:
    return Connection(
        id=ConnectionId(row.id),
        workspace_id=WorkspaceId(row.workspace_id),
        kind=CredentialKind(row.kind),
        account_id=row.account_id,
        livemode=row.livemode,
        status=ConnectionStatus(row.status),
        connected_by=MemberId(row.connected_by),
        connected_at=row.connected_at,
        ended_at=row.ended_at,
        last_contact_at=row.last_contact_at,
        last_event_at=row.last_event_at,
        last_error=row.last_error,
        clock_offset=timedelta(milliseconds=row.clock_offset_ms),
        events_until=row.events_until,
        caught_up_at=row.caught_up_at,
        synced_kinds=frozenset(row.synced_kinds),
        reads=row.reads,
        payments=row.payments,
        payments_counted_at=row.payments_counted_at,
    )

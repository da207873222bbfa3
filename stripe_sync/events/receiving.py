"""A delivery arrives: verified, stored once, acknowledged. No call to Stripe, one short transaction.

Deliveries that arrive at the same moment are stored in one transaction, each acknowledged when it is durable.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from engine.ids import ConnectionId, WorkspaceId
from engine.ports import Clock
from engine.storage import ALL_WORKSPACES, Database
from stripe_sync import jsontext
from stripe_sync.connect import repository as connect_repository
from stripe_sync.connect.models import Connection
from stripe_sync.connect.vault import SecretField, Vault, VaultRefusedError, on_behalf
from stripe_sync.events import repository, routes
from stripe_sync.events.models import BadSignature, Ignored, Received, Stored
from stripe_sync.events.repository import NewEvent
from stripe_sync.events.routes import StripeEvent
from stripe_sync.events.signature import fault_of
from stripe_sync.events.together import Together
from stripe_sync.settings import StripeConfig

SECRET_LIFE = timedelta(minutes=1)
"""How long an opened webhook secret is used again: each opening is audited, deliveries come by the hundred."""
NOTE_EVERY = timedelta(seconds=5)
"""How often a process notes with a connection that events arrive."""


@dataclass(frozen=True, slots=True)
class _Arrival:
    """A used event whose signature holds."""

    event: StripeEvent
    new: NewEvent
    own: Connection | None
    """The connection whose own address it came to."""


class Receiving:
    """Receives deliveries."""

    def __init__(self, database: Database, clock: Clock, config: StripeConfig, vault: Vault) -> None:
        """Bind the parts."""
        self._database = database
        self._clock = clock
        self._config = config
        self._vault = vault
        self._open: dict[ConnectionId, tuple[datetime, str]] = {}
        self._together = Together(self._store_all)
        self._noted: dict[tuple[str | None, bool], datetime] = {}
        """When an event was last noted with the connection of an account and mode."""

    def receive(self, body: bytes, signature: str | None, connection_id: ConnectionId | None) -> Received:
        """Deal with one delivery, to the platform's address or to a connection's own."""
        if connection_id is not None:
            return self._receive_own(body, signature, connection_id)
        fault = fault_of(body, signature, self._config.webhook_secrets, self._clock.now())
        if fault is not None:
            return BadSignature(reason=fault)
        return self._store(body)

    def _receive_own(self, body: bytes, signature: str | None, connection_id: ConnectionId) -> Received:
        with self._database.system(readonly=True) as session:
            connection = connect_repository.system_find_connection(session, connection_id)
        if connection is None or not connection.is_active:
            # Without a secret nobody can be trusted; to a stranger it looks like any other address.
            return BadSignature(reason="unknown_endpoint")
        secret = self._secret(connection)
        fault = "no_secret" if secret is None else fault_of(body, signature, [secret], self._clock.now())
        if fault is not None:
            return BadSignature(reason=fault)
        return self._store(body, own=connection)

    def _secret(self, connection: Connection) -> str | None:
        now = self._clock.now()
        opened_at, secret = self._open.get(connection.id, (None, ""))
        if opened_at is not None and opened_at >= max(now - SECRET_LIFE, connection.connected_at):
            return secret
        try:
            with self._database.workspace(connection.workspace_id) as session:
                reader = on_behalf(connection, "webhook")
                found = self._vault.read(
                    connection.workspace_id, session, connection.id, SecretField.WEBHOOK_SECRET, reader
                )
        except VaultRefusedError:
            return None
        self._open[connection.id] = (now, found.value)
        return found.value

    def _store(self, body: bytes, own: Connection | None = None) -> Received:
        try:
            document = jsontext.parse(body)
        except ValueError:
            return Ignored(reason="malformed")
        event = routes.read(document)
        if event is None:
            return Ignored(reason="malformed")
        if not routes.is_used(event.type):
            return Ignored(reason="unused_type")
        return self._together.do(_Arrival(event, stored(event, document), own))

    def _store_all(self, arrivals: Sequence[_Arrival]) -> list[Received]:
        """Store what arrived at once: most of it in one statement, what is special about some in a transaction."""
        now = self._clock.now()
        outcomes: list[Received | None] = [None] * len(arrivals)
        quick = [place for place, arrival in enumerate(arrivals) if self._is_plain(arrival, now)]
        if quick:
            for place, outcome in zip(quick, self._store_quickly([arrivals[each] for each in quick], now), strict=True):
                outcomes[place] = outcome
        if None not in outcomes:
            return [outcome for outcome in outcomes if outcome is not None]
        with self._database.system() as session:
            return [
                self._store_one(session, arrival, now) if outcome is None else outcome
                for arrival, outcome in zip(arrivals, outcomes, strict=True)
            ]

    def _is_plain(self, arrival: _Arrival, now: datetime) -> bool:
        """Return whether an event only has to be stored: its account is one that another was just noted for."""
        noted = self._noted.get((arrival.event.account, arrival.event.livemode))
        return arrival.own is None and noted is not None and timedelta(0) <= now - noted < NOTE_EVERY

    def _store_quickly(self, arrivals: Sequence[_Arrival], now: datetime) -> list[Received | None]:
        """Store what is plain; None for those that were there already, or have no connection any more."""
        plain = [(arrival.event.account or "", arrival.event.livemode, arrival.new) for arrival in arrivals]
        new: dict[str, tuple[WorkspaceId, ConnectionId]] = {}
        try:
            with self._database.system_statement() as statement:
                if statement is not None:
                    new = repository.system_add_routed(statement, plain, now)
        except OperationalError:
            # Most likely the database was restarted; the transaction that follows connects anew, or says it is away.
            return [None] * len(arrivals)
        # An event that came twice in one moment is new once.
        owners = [new.pop(arrival.event.id, None) for arrival in arrivals]
        return [
            None
            if owner is None
            else Stored(workspace_id=owner[0], connection_id=owner[1], event_id=arrival.event.id, is_new=True)
            for owner, arrival in zip(owners, arrivals, strict=True)
        ]

    def _store_one(self, session: Session, arrival: _Arrival, now: datetime) -> Received:
        event = arrival.event
        connection = _route(session, event) if arrival.own is None else _route_own(arrival.own, event)
        if isinstance(connection, Ignored):
            owner = connection.of
            repository.count_ignored(
                ALL_WORKSPACES if owner is None else owner.workspace_id,
                session,
                None if owner is None else owner.id,
                connection.reason,
                now,
            )
            return connection
        new = repository.add(connection.workspace_id, session, connection.id, [arrival.new], now)
        connect_repository.note_event(connection.workspace_id, session, connection.id, now)
        if arrival.own is None:
            self._noted[event.account, event.livemode] = now
        return Stored(
            workspace_id=connection.workspace_id,
            connection_id=connection.id,
            event_id=event.id,
            is_new=event.id in new,
        )


def stored(event: StripeEvent, document: Mapping[str, object], origin: str = "webhook") -> NewEvent:
    """Return an event in the form it is kept in."""
    return NewEvent(
        event_id=event.id,
        type=event.type,
        object_id=routes.subject_of(event),
        created=event.created,
        payload=jsontext.dump(document),
        origin=origin,
    )


def _route(session: Session, event: StripeEvent) -> Connection | Ignored:
    """Return the connection an event of a connected account belongs to."""
    if event.account is None:
        return Ignored(reason="unknown_account")
    found = connect_repository.system_connections_of_account(session, event.account)
    if not found:
        return Ignored(reason="unknown_account")
    in_mode = [connection for connection in found if connection.livemode == event.livemode]
    if not in_mode:
        return Ignored(reason="other_mode", of=found[0])
    active = [connection for connection in in_mode if connection.is_active]
    return active[0] if active else Ignored(reason="inactive", of=in_mode[0])


def _route_own(own: Connection, event: StripeEvent) -> Connection | Ignored:
    """Return the connection whose own address an event came to."""
    return own if event.livemode == own.livemode else Ignored(reason="other_mode", of=own)

"""Connecting and disconnecting: states, exchanges, and what is stored in which order.

Laws
- A state works once, for the session and workspace that began it, for ten minutes; it is consumed, and that is
  committed, before its code is exchanged, because exchanging a code twice revokes what the first gave.
- An account belongs to one workspace. The database has the last word (a unique index over active connections).
- Disconnecting succeeds on our side whatever Stripe says.
"""

import hashlib
from collections.abc import Mapping
from datetime import timedelta

import structlog
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from engine.audit import repository as audit
from engine.core.facts import JsonValue
from engine.ids import ConnectionId, MemberId, WorkspaceId
from engine.ports import Clock
from engine.storage import Database
from stripe_sync import queue_repository
from stripe_sync.connect import repository
from stripe_sync.connect.credentials import AppCredential, ConnectCredential, OAuthCredential, check_restricted_key
from stripe_sync.connect.models import Connection, ConnectionStatus, ConnectRefused, CredentialKind, Grant
from stripe_sync.connect.repository import PendingState
from stripe_sync.connect.vault import Vault
from stripe_sync.gateway import Gateway, GatewayError
from stripe_sync.settings import StripeConfig

log = structlog.get_logger(__name__)

STATE_LIFE = timedelta(minutes=10)
MAX_CONNECTIONS = 20
EVENT_OVERLAP = timedelta(minutes=5)
"""How far before the connection the event log is read, for what happened between consent and storing it."""


class Connecting:
    """Makes connections and ends them."""

    def __init__(self, database: Database, clock: Clock, config: StripeConfig, gateway: Gateway, vault: Vault) -> None:
        """Bind the parts."""
        self._database = database
        self._clock = clock
        self._config = config
        self._gateway = gateway
        self._vault = vault
        self._oauth: Mapping[CredentialKind, OAuthCredential] = {
            CredentialKind.OAUTH: ConnectCredential(gateway, config),
            CredentialKind.APP: AppCredential(gateway, config),
        }

    def begin(
        self,
        workspace_id: WorkspaceId,
        *,
        member_id: MemberId,
        kind: CredentialKind,
        livemode: bool | None,
        binding: str | None,
    ) -> str | ConnectRefused:
        """Return the page to send the merchant to, and remember its state."""
        wants_live = self._default_mode(kind) if livemode is None else livemode
        state = self._clock.new_secret()
        url = self._oauth[kind].authorize_url(state, livemode=wants_live)
        if isinstance(url, ConnectRefused):
            return url
        now = self._clock.now()
        pending = PendingState(
            workspace_id=workspace_id,
            member_id=member_id,
            binding_hash=None if binding is None else _hash(binding),
            kind=kind,
            livemode=wants_live,
            expires_at=now + STATE_LIFE,
        )
        with self._database.workspace(workspace_id) as session:
            repository.add_state(workspace_id, session, _hash(state), pending, now)
        return url

    def _default_mode(self, kind: CredentialKind) -> bool:
        app = self._config.app
        if kind is CredentialKind.APP and app is not None:
            # The mode of what an app is granted is the mode of its key.
            return not app.secret_key.startswith(("sk_test_", "rk_test_"))
        return self._config.live is not None

    def finish(
        self, workspace_id: WorkspaceId, *, member_id: MemberId, binding: str, query: Mapping[str, str]
    ) -> Connection | ConnectRefused:
        """Finish an authorization with the callback's query string."""
        pending = self._consume(workspace_id, member_id, binding, query.get("state", ""))
        if pending is None or pending.expires_at <= self._clock.now():
            return ConnectRefused(
                code="bad_state",
                message="This connection was begun elsewhere, finished already, or too long ago; start again.",
            )
        if query.get("error") == "access_denied":
            return ConnectRefused(code="denied", message="Access was declined at Stripe; nothing was connected.")
        code = query.get("code")
        if query.get("error") or not code:
            return ConnectRefused(code="stripe_error", message="Stripe reported an error; nothing was connected.")
        grant = self._oauth[pending.kind].exchange(code, livemode=pending.livemode)
        outcome = grant if isinstance(grant, ConnectRefused) else self._store(workspace_id, member_id, grant)
        if isinstance(outcome, ConnectRefused) and outcome.unwanted_account is not None:
            self._give_back(outcome.unwanted_account, pending)
        return outcome

    def _give_back(self, account_id: str, pending: PendingState) -> None:
        """Give a consent back that nothing here uses; what Stripe says to that changes nothing."""
        with self._database.system(readonly=True) as session:
            others = repository.system_connections_of_account(session, account_id)
        if any(other.is_active and other.kind is pending.kind for other in others):
            return
        try:
            self._oauth[pending.kind].withdraw(account_id, livemode=pending.livemode)
        except GatewayError as error:
            log.warning("stripe_consent_not_given_back", trouble=error.trouble.value)

    def _consume(self, workspace_id: WorkspaceId, member_id: MemberId, binding: str, state: str) -> PendingState | None:
        with self._database.workspace(workspace_id) as session:
            return repository.consume_state(workspace_id, session, _hash(state), member_id, _hash(binding))

    def connect_restricted_key(
        self, workspace_id: WorkspaceId, *, member_id: MemberId, api_key: str, webhook_secret: str
    ) -> Connection | ConnectRefused:
        """Connect with a merchant's own key."""
        grant = check_restricted_key(self._gateway, api_key, webhook_secret)
        if isinstance(grant, ConnectRefused):
            return grant
        return self._store(workspace_id, member_id, grant)

    def _store(self, workspace_id: WorkspaceId, member_id: MemberId, grant: Grant) -> Connection | ConnectRefused:
        with self._database.system(readonly=True) as session:
            others = repository.system_connections_of_account(session, grant.account_id)
        if any(other.is_active and other.workspace_id != workspace_id for other in others):
            return _linked_elsewhere()
        try:
            with self._database.workspace(workspace_id) as session:
                return self._save(workspace_id, session, member_id, grant)
        except IntegrityError:
            return _linked_elsewhere()

    def _save(
        self, workspace_id: WorkspaceId, session: Session, member_id: MemberId, grant: Grant
    ) -> Connection | ConnectRefused:
        now = self._clock.now()
        present = repository.find_by_account(workspace_id, session, grant.account_id, livemode=grant.livemode)
        if present is None and len(repository.connections(workspace_id, session)) >= MAX_CONNECTIONS:
            return ConnectRefused(
                code="too_many",
                message=f"A workspace can have {MAX_CONNECTIONS} connections; disconnect one first.",
                unwanted_account=grant.account_id,
            )
        connection_id = ConnectionId(self._clock.new_id("con")) if present is None else present.id
        connection = Connection(
            id=connection_id,
            workspace_id=workspace_id,
            kind=grant.kind,
            account_id=grant.account_id,
            livemode=grant.livemode,
            status=ConnectionStatus.ACTIVE,
            connected_by=member_id,
            connected_at=now,
            ended_at=None,
            last_contact_at=now,
            last_event_at=None if present is None else present.last_event_at,
            last_error=None,
            clock_offset=timedelta(0) if present is None else present.clock_offset,
            events_until=now - EVENT_OVERLAP,
            caught_up_at=None,
            synced_kinds=frozenset(),
            reads=0 if present is None else present.reads,
        )
        sealed = self._vault.seal(workspace_id, connection_id, grant)
        repository.save_connected(workspace_id, session, connection, sealed)
        detail: dict[str, JsonValue] = {
            "account": grant.account_id,
            "kind": grant.kind.value,
            "livemode": grant.livemode,
        }
        audit.record(workspace_id, session, member_id, "stripe.connected", connection_id, detail, now)
        if present is not None and not present.is_active:
            # Facts that are stale are not so any more: they wait for the new backfill.
            known = queue_repository.linked_customers(workspace_id, connection_id)
            queue_repository.mark_dirty(workspace_id, session, connection_id, known, "link", now)
        return connection

    def disconnect(
        self, workspace_id: WorkspaceId, session: Session, connection: Connection, *, member_id: MemberId
    ) -> bool:
        """End a connection in the caller's transaction; return whether Stripe should be told (`withdraw`) after it."""
        now = self._clock.now()
        ended = repository.end_connection(workspace_id, session, connection.id, ConnectionStatus.INACTIVE, now)
        if ended:
            detail: dict[str, JsonValue] = {"account": connection.account_id, "livemode": connection.livemode}
            audit.record(workspace_id, session, member_id, "stripe.disconnected", connection.id, detail, now)
        return ended and connection.kind in self._oauth

    def withdraw(self, connection: Connection) -> str | None:
        """Give our access to an account back, unless another connection needs it; return what went wrong, if anything.

        The grant is the account's, for both modes; taking it back would end the other one's too.
        """
        with self._database.system(readonly=True) as session:
            others = repository.system_connections_of_account(session, connection.account_id)
        if any(other.is_active and other.kind is connection.kind for other in others):
            return None
        try:
            self._oauth[connection.kind].withdraw(connection.account_id, livemode=connection.livemode)
        except GatewayError as error:
            return str(error)
        return None

    def note_resync(
        self, workspace_id: WorkspaceId, session: Session, connection: Connection, *, member_id: MemberId
    ) -> None:
        """Audit that a member asked for everything to be read again."""
        audit.record(workspace_id, session, member_id, "stripe.resync", connection.id, {}, self._clock.now())

    def revoked(self, workspace_id: WorkspaceId, session: Session, connection: Connection, why: str) -> bool:
        """Note that Stripe's side ended a connection; return whether it was active."""
        now = self._clock.now()
        ended = repository.end_connection(workspace_id, session, connection.id, ConnectionStatus.REVOKED, now)
        if ended:
            repository.note_error(workspace_id, session, connection.id, why)
            audit.record(workspace_id, session, audit.SYSTEM, "stripe.revoked", connection.id, {"why": why}, now)
        return ended


def _linked_elsewhere() -> ConnectRefused:
    return ConnectRefused(
        code="linked_elsewhere",
        message="This Stripe account is connected to another workspace; disconnect it there first.",
    )


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()

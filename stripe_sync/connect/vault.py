"""The vault: the only place where a merchant's secrets are opened.

Laws
- Every reading names its reader: a member, or a job on behalf of the member who connected. Either way that member
  must be an active Owner or Admin of the workspace at that moment.
- Every reading is audited, with who, what for and which secret, never with the secret.
"""

import hashlib
import hmac
from dataclasses import dataclass, field
from enum import StrEnum

from sqlalchemy.orm import Session

from engine.audit import repository as audit
from engine.ids import ConnectionId, MemberId, WorkspaceId
from engine.ports import Clock
from engine.storage import Database
from engine.workspace import repository as workspaces
from engine.workspace.models import Role
from stripe_sync.connect import repository
from stripe_sync.connect.models import Connection, Grant
from stripe_sync.connect.repository import SealedSecrets
from stripe_sync.connect.sealing import NONCE_BYTES, KeyRing, Purpose, SealError

_ALLOWED = frozenset({Role.OWNER, Role.ADMIN})


class SecretField(StrEnum):
    """Which secret of a connection."""

    TOKEN = "token"  # noqa: S105  the name of a column
    REFRESH_TOKEN = "refresh_token"  # noqa: S105  the name of a column
    WEBHOOK_SECRET = "webhook_secret"  # noqa: S105  the name of a column


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Who wants to read a secret, and what for."""

    member_id: MemberId
    purpose: str
    """Such as `backfill`, `deauthorize`."""
    is_job: bool = False
    """A background job, on behalf of the member."""


def on_behalf(connection: Connection, purpose: str) -> Reader:
    """Return the reader for a background job: it acts under the member who connected."""
    return Reader(member_id=connection.connected_by, purpose=purpose, is_job=True)


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret that was opened; shows itself to nobody but who asks for `value`."""

    value: str = field(repr=False)


class VaultRefusedError(Exception):
    """The vault does not give a secret out; the message says why, for people."""


class Vault:
    """Seals secrets when a connection is made, opens them for those who may."""

    def __init__(self, ring: KeyRing, clock: Clock) -> None:
        """Seal and open with `ring`; time and randomness come from `clock`."""
        self._ring = ring
        self._clock = clock

    def _nonce(self) -> bytes:
        return hashlib.sha256(self._clock.new_secret().encode()).digest()[:NONCE_BYTES]

    def seal(self, workspace_id: WorkspaceId, connection_id: ConnectionId, grant: Grant) -> SealedSecrets:
        """Return a grant's secrets, ready to be stored in that connection's row and no other."""

        def sealed(name: SecretField, secret: str | None) -> bytes | None:
            purpose = Purpose(workspace_id, connection_id, name.value)
            return None if secret is None else self._ring.seal(secret, purpose, self._nonce())

        return SealedSecrets(
            token=sealed(SecretField.TOKEN, grant.token),
            refresh_token=sealed(SecretField.REFRESH_TOKEN, grant.refresh_token),
            webhook_secret=sealed(SecretField.WEBHOOK_SECRET, grant.webhook_secret),
            token_expires_at=grant.expires_at,
        )

    def read(
        self,
        workspace_id: WorkspaceId,
        session: Session,
        connection_id: ConnectionId,
        name: SecretField,
        reader: Reader,
    ) -> Secret:
        """Return one secret of a connection and audit the reading; raise VaultRefusedError."""
        member = workspaces.find_member(workspace_id, session, reader.member_id)
        if member is None or not member.active or member.role not in _ALLOWED:
            raise VaultRefusedError(
                "the member who connected Stripe is no longer an owner or admin here; an owner or admin must reconnect"
                if reader.is_job
                else "only an owner or admin may use a connection's credentials"
            )
        found = repository.sealed_secrets(workspace_id, session, connection_id)
        sealed: bytes | None = None if found is None else getattr(found, name.value)
        if sealed is None:
            raise VaultRefusedError(f"the connection has no {name.value.replace('_', ' ')}; it was disconnected")
        try:
            value = self._ring.open(sealed, Purpose(workspace_id, connection_id, name.value))
        except SealError as error:
            raise VaultRefusedError(f"the {name.value.replace('_', ' ')} cannot be opened: {error}") from None
        audit.record(
            workspace_id,
            session,
            audit.SYSTEM if reader.is_job else reader.member_id,
            "stripe.secret_read",
            connection_id,
            {"secret": name.value, "purpose": reader.purpose, "on_behalf_of": reader.member_id},
            self._clock.now(),
        )
        return Secret(value)

    def holds(self, connection: Connection, name: SecretField, sealed: bytes, value: str) -> bool:
        """Return whether a sealed secret of a connection is `value`; gives nothing out."""
        try:
            opened = self._ring.open(sealed, Purpose(connection.workspace_id, connection.id, name.value))
        except SealError:
            return False
        return hmac.compare_digest(opened.encode(), value.encode())

    def rotate(self, database: Database) -> int:
        """Seal every secret under the first key that is not yet; return how many connections changed.

        Safe while everything runs: a connection that changes meanwhile is left to the next look.
        """
        with database.system(readonly=True) as session:
            sealed = repository.system_sealed_connections(session)
        return sum(self._rotate_one(database, workspace_id, connection_id) for workspace_id, connection_id in sealed)

    def _rotate_one(self, database: Database, workspace_id: WorkspaceId, connection_id: ConnectionId) -> bool:
        with database.workspace(workspace_id) as session:
            old = repository.sealed_secrets(workspace_id, session, connection_id)
            if old is None:
                return False

            def renewed(name: SecretField, sealed: bytes | None) -> bytes | None:
                if sealed is None or self._ring.is_current(sealed):
                    return sealed
                purpose = Purpose(workspace_id, connection_id, name.value)
                return self._ring.seal(self._ring.open(sealed, purpose), purpose, self._nonce())

            new = SealedSecrets(
                token=renewed(SecretField.TOKEN, old.token),
                refresh_token=renewed(SecretField.REFRESH_TOKEN, old.refresh_token),
                webhook_secret=renewed(SecretField.WEBHOOK_SECRET, old.webhook_secret),
                token_expires_at=old.token_expires_at,
            )
            return new != old and repository.replace_secrets(workspace_id, session, connection_id, old, new)

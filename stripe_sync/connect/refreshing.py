"""The tokens of Stripe Apps are renewed before they expire, by one process at a time.

Laws
- A refresh token works once. Who renews claims the connection in the database first; the others wait for the result.
- A claim that is not given back ends by itself. Whoever comes next asks Stripe with the same refresh token and the
  same idempotency key, and gets the answer that the first one lost.
- What Stripe answered is stored whatever happened to the row meanwhile (a rotation of our own keys, say), unless the
  connection was made anew or ended: then the newer tokens stay.
- A renewal that fails ends nothing: the connection is over only when Stripe refuses both tokens.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import structlog

from engine.ports import Clock
from engine.storage import Database
from stripe_sync.connect import repository
from stripe_sync.connect.credentials import AppCredential
from stripe_sync.connect.models import Connection, ConnectRefused, CredentialKind, Grant
from stripe_sync.connect.vault import SecretField, Vault, on_behalf
from stripe_sync.gateway import GatewayError

AHEAD = timedelta(minutes=10)
"""How long before its end a token is renewed; no job works longer with one."""
CLAIM = timedelta(seconds=45)
"""How long a renewal may take: longer than the longest request."""
WAIT_S = 0.2
WAITS = 50

log = structlog.get_logger(__name__)


class Standing(StrEnum):
    """What is known of a connection's tokens after an attempt to renew them."""

    GOOD = "good"
    UNSURE = "unsure"
    """Stripe did not answer; what we have may still be good, and is worth another attempt."""
    REFUSED = "refused"
    """Stripe takes none of what we have."""


@dataclass(frozen=True, slots=True)
class Refreshing:
    """Renews the tokens of connections made through a Stripe App."""

    database: Database
    clock: Clock
    vault: Vault
    credential: AppCredential
    sleep: Callable[[float], None] = time.sleep

    def renew(self, connection: Connection, *, is_refused: bool = False) -> Standing:
        """Renew the tokens if they end soon, or at once where Stripe refused the present one; return how they stand.

        Waits where another process renews them. Raise VaultRefusedError.
        """
        if connection.kind is not CredentialKind.APP:
            return Standing.REFUSED if is_refused else Standing.GOOD
        seen = self._expires_at(connection)
        if not is_refused and not self._ends_soon(seen):
            return Standing.GOOD
        for _ in range(WAITS):
            if self._claim(connection):
                return self._renew(connection, seen)
            self.sleep(WAIT_S)
            if self._is_newer(connection, seen):
                return Standing.GOOD
        return Standing.UNSURE

    def _renew(self, connection: Connection, seen: datetime | None) -> Standing:
        """Renew with the claim held, and give it back."""
        workspace_id = connection.workspace_id
        try:
            if self._is_newer(connection, seen):
                return Standing.GOOD
            with self.database.workspace(workspace_id) as session:
                reader = on_behalf(connection, "refresh")
                old = self.vault.read(workspace_id, session, connection.id, SecretField.REFRESH_TOKEN, reader).value
            standing = self._trade(connection, old)
            return Standing.GOOD if self._is_newer(connection, seen) else standing
        finally:
            with self.database.workspace(workspace_id) as session:
                repository.release_refresh(workspace_id, session, connection.id)

    def _trade(self, connection: Connection, old: str) -> Standing:
        try:
            grant = self.credential.refresh(old, livemode=connection.livemode)
        except GatewayError as error:
            log.warning("stripe_refresh_failed", trouble=error.trouble.value, code=error.code)
            return Standing.REFUSED if error.code == "invalid_grant" else Standing.UNSURE
        if isinstance(grant, ConnectRefused) or grant.account_id != connection.account_id:
            log.warning("stripe_refresh_unusable", code=getattr(grant, "code", "another_account"))
            return Standing.UNSURE
        self._store(connection, old, grant)
        return Standing.GOOD

    def _store(self, connection: Connection, old: str, grant: Grant) -> None:
        """Store what Stripe gave in place of `old`, also if the row was sealed anew meanwhile."""
        while True:
            with self.database.workspace(connection.workspace_id) as session:
                before = repository.sealed_secrets(connection.workspace_id, session, connection.id)
                if before is None or before.refresh_token is None:
                    return
                if not self.vault.holds(connection, SecretField.REFRESH_TOKEN, before.refresh_token, old):
                    return
                sealed = self.vault.seal(connection.workspace_id, connection.id, grant)
                if repository.replace_secrets(connection.workspace_id, session, connection.id, before, sealed):
                    return

    def _claim(self, connection: Connection) -> bool:
        now = self.clock.now()
        with self.database.workspace(connection.workspace_id) as session:
            return repository.claim_refresh(connection.workspace_id, session, connection.id, now, now + CLAIM)

    def _expires_at(self, connection: Connection) -> datetime | None:
        with self.database.workspace(connection.workspace_id, readonly=True) as session:
            found = repository.sealed_secrets(connection.workspace_id, session, connection.id)
        return None if found is None else found.token_expires_at

    def _is_newer(self, connection: Connection, seen: datetime | None) -> bool:
        found = self._expires_at(connection)
        return found is not None and (seen is None or found > seen) and self._is_valid(found)

    def _ends_soon(self, at: datetime | None) -> bool:
        return at is None or at - self.clock.now() < AHEAD

    def _is_valid(self, at: datetime | None) -> bool:
        return at is not None and at > self.clock.now()

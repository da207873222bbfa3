"""Access to connected accounts for background jobs: a reader is opened under the member who connected, and closed.

What a failure means for the connection is decided here, once: a token that Stripe no longer takes ends it.
"""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from engine.ids import ConnectionId, WorkspaceId
from engine.ports import Clock
from engine.storage import Database
from stripe_sync import queue_repository
from stripe_sync.budget import Budget
from stripe_sync.connect import repository
from stripe_sync.connect.connecting import Connecting
from stripe_sync.connect.models import Connection
from stripe_sync.connect.refreshing import Refreshing, Standing
from stripe_sync.connect.vault import SecretField, Vault, VaultRefusedError, on_behalf
from stripe_sync.gateway import Gateway, GatewayError, Trouble
from stripe_sync.reader import AccountReader

REVOKED = "Stripe no longer accepts the access it gave; connect again."


@dataclass(frozen=True, slots=True)
class Access:
    """Opens and closes readers."""

    database: Database
    clock: Clock
    gateway: Gateway
    budget: Budget
    vault: Vault
    connecting: Connecting
    refreshing: Refreshing

    def find(self, workspace_id: WorkspaceId, connection_id: ConnectionId) -> Connection | None:
        """Return a connection that may be read now, or None."""
        with self.database.workspace(workspace_id, readonly=True) as session:
            connection = repository.find_connection(workspace_id, session, connection_id)
        return connection if connection is not None and connection.is_active else None

    def open(self, connection: Connection, purpose: str, *, is_interactive: bool = False) -> AccountReader:
        """Return a reader for a job, or for somebody who waits (`is_interactive`); raise VaultRefusedError."""
        self.refreshing.renew(connection)
        with self.database.workspace(connection.workspace_id) as session:
            secret = self.vault.read(
                connection.workspace_id, session, connection.id, SecretField.TOKEN, on_behalf(connection, purpose)
            )
        return AccountReader(self.gateway, self.budget, connection, secret.value, is_interactive=is_interactive)

    def close(self, reader: AccountReader, *, is_healthy: bool = True) -> None:
        """Note what a reader learnt, in a transaction of its own."""
        with self.database.workspace(reader.connection.workspace_id) as session:
            self.note_contact(reader, session, is_healthy=is_healthy)

    def note_contact(self, reader: AccountReader, session: Session, *, is_healthy: bool = True) -> None:
        """Note how often a reader asked since the last note, and what it learnt of Stripe's clock."""
        contact, connection = reader.take_contact(), reader.connection
        if contact.reads:
            repository.note_contact(
                connection.workspace_id,
                session,
                connection.id,
                self.clock.now(),
                is_healthy=is_healthy,
                reads=contact.reads,
                clock_offset=contact.clock_offset,
            )

    def note_failure(self, connection: Connection, error: Exception) -> bool:
        """Note what went wrong; return whether the connection is gone with it."""
        is_refused = isinstance(error, GatewayError) and error.trouble is Trouble.UNAUTHORIZED
        is_gone = is_refused and self._is_over(connection)
        with self.database.workspace(connection.workspace_id) as session:
            if is_gone:
                self.end(connection, session)
            else:
                repository.note_error(connection.workspace_id, session, connection.id, str(error))
        return is_gone

    def _is_over(self, connection: Connection) -> bool:
        """Return whether a connection whose token was refused has no other that Stripe takes."""
        try:
            return self.refreshing.renew(connection, is_refused=True) is Standing.REFUSED
        except VaultRefusedError:
            return True

    def check(self, connection: Connection) -> None:
        """Ask Stripe whether the access still holds, and end the connection if not; raise what leaves it open."""
        try:
            reader = self.open(connection, "check")
            reader.read(lambda gateway, token: gateway.get(token, "/v1/account"))
        except GatewayError as error:
            if not self.note_failure(connection, error) and not error.is_permanent:
                raise
        else:
            self.close(reader)

    def end(self, connection: Connection, session: Session) -> None:
        """Mark a connection revoked by Stripe's side; everybody's facts of it become stale.

        One that was made anew since `connection` was read is another one, and stays.
        """
        present = repository.find_connection(connection.workspace_id, session, connection.id)
        if present is None or present.connected_at != connection.connected_at:
            return
        if self.connecting.revoked(connection.workspace_id, session, connection, REVOKED):
            self.leave_stale(connection, session)

    def leave_stale(self, connection: Connection, session: Session) -> None:
        """Queue the facts of everybody a connection that ended knew, and drop what it can no longer fetch."""
        workspace_id = connection.workspace_id
        queue_repository.forget_refetches(workspace_id, session, connection.id)
        customers = queue_repository.linked_customers(workspace_id, connection.id)
        queue_repository.mark_dirty(workspace_id, session, connection.id, customers, "link", self.clock.now())

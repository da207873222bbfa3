"""What a customer of a merchant may ask for, across all that Ochre keeps: an export, an erasure; and retention.

Laws
- An erasure is one transaction: afterwards no table but the audit names the end user, and what Stripe sends of them
  later is not taken in. The texts of old events follow by job, a batch at a time.
- Retention removes the texts, never that something happened.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy.orm import Session

from engine.audit import repository as audit
from engine.core.facts import JsonValue, format_instant
from engine.faults import NotFound
from engine.ids import ConnectionId, ConversationId, EndUserId, MemberId, WorkspaceId
from engine.inbox import decision_repository, end_user_repository, erasure_repository
from engine.inbox import repository as inbox
from engine.inbox.models import EndUser
from engine.inbox.views import conversation_json, decision_json, message_json
from engine.outbox import repository as outbox
from engine.outbox.repository import OutboxEntry
from engine.ports import Clock
from engine.storage import Database
from engine.workspace import repository as workspaces
from engine.workspace.models import Directory
from stripe_sync import history_repository
from stripe_sync.matching import CustomerKey
from stripe_sync.privacy import repository as stripe_repository
from stripe_sync.privacy import service as stripe_privacy

ERASED = "end_user_erased"
"""The kind of outbox entry that lets the texts of events follow an erasure."""

Purge = Callable[[WorkspaceId, Session, datetime], int]

log = structlog.get_logger(__name__)


class PrivacyService:
    """Exports, erases and purges."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def export(self, workspace_id: WorkspaceId, end_user_id: EndUserId) -> dict[str, JsonValue] | NotFound:
        """Return everything that is kept of an end user, as JSON."""
        with self._database.workspace(workspace_id, readonly=True) as session:
            found = end_user_repository.find_end_user(workspace_id, session, end_user_id)
            if found is None:
                return NotFound(kind="end user", id=end_user_id)
            directory = workspaces.directory(workspace_id, session)
            ids = erasure_repository.conversation_ids_of(workspace_id, session, end_user_id)
            return {
                "exported_at": format_instant(self._clock.now()),
                "end_user": _end_user_json(found),
                "conversations": [_conversation(workspace_id, session, each, directory) for each in ids],
                "stripe": stripe_privacy.export(workspace_id, session, end_user_id),
            }

    def erase(
        self, workspace_id: WorkspaceId, end_user_id: EndUserId, *, actor: MemberId | None
    ) -> dict[str, JsonValue] | NotFound:
        """Remove an end user and everything kept of them; return how much of what that was.

        `actor` is the member who asked; None for whoever runs the command line.
        """
        now = self._clock.now()
        with self._database.workspace(workspace_id) as session:
            found = end_user_repository.find_end_user(workspace_id, session, end_user_id)
            if found is None:
                return NotFound(kind="end user", id=end_user_id)
            ids = erasure_repository.conversation_ids_of(workspace_id, session, end_user_id)
            outbox.forget(workspace_id, session, end_user_id, ids)
            gone = stripe_privacy.erase(
                workspace_id,
                session,
                end_user_id,
                found.email_normalized,
                new_key=self._clock.new_secret(),
                now=now,
            )
            erased = erasure_repository.erase_end_user(workspace_id, session, end_user_id)
            counts: dict[str, JsonValue] = {
                "conversations": erased.conversations,
                "messages": erased.messages,
                "decisions": erased.decisions,
                "customers": len(gone.customers),
                "stripe_objects": gone.objects,
            }
            for key in gone.customers:
                customer = {"connection_id": key.connection_id, "customer_id": key.customer_id}
                outbox.emit(workspace_id, session, ERASED, customer, now)
            audit.record(workspace_id, session, actor or audit.SYSTEM, "end_user.erased", end_user_id, counts, now)
        return counts

    def blank_events(self, entry: OutboxEntry) -> None:
        """Empty the events about a customer that was erased; done twice it does nothing."""
        connection_id = ConnectionId(entry.payload["connection_id"])
        key = CustomerKey(connection_id=connection_id, customer_id=entry.payload["customer_id"])
        self._repeat(
            entry.workspace_id, lambda session: stripe_repository.blank_events(entry.workspace_id, session, key)
        )

    def purge(self) -> int:
        """Remove what is older than each workspace keeps it; return how many rows were emptied or removed."""
        with self._database.system(readonly=True) as session:
            found = workspaces.system_workspaces(session)
        now, total = self._clock.now(), 0
        for workspace in found:
            texts = now - timedelta(days=workspace.settings.retention_message_days)
            payloads = now - timedelta(days=workspace.settings.retention_payload_days)
            for purge, before in (
                (stripe_repository.blank_old_events, payloads),
                (outbox.forget_done, payloads),
                (erasure_repository.blank_old_messages, texts),
                (erasure_repository.blank_old_conversations, texts),
                (erasure_repository.blank_old_decisions, texts),
                (history_repository.forget_old, texts),
            ):
                total += self._purge(workspace.id, purge, before)
        return total

    def _purge(self, workspace_id: WorkspaceId, purge: Purge, before: datetime) -> int:
        return self._repeat(workspace_id, lambda session: purge(workspace_id, session, before))

    def _repeat(self, workspace_id: WorkspaceId, work: Callable[[Session], int]) -> int:
        """Do a batch after the other, each in a transaction of its own, until nothing is left."""
        total = 0
        while True:
            with self._database.workspace(workspace_id) as session:
                done = work(session)
            if not done:
                return total
            total += done


def _conversation(
    workspace_id: WorkspaceId, session: Session, conversation_id: ConversationId, directory: Directory
) -> dict[str, Any]:
    found = inbox.find_conversation(workspace_id, session, conversation_id)
    assert found is not None, "read in the transaction that listed it"
    return {
        **conversation_json(found, directory),
        "messages": [message_json(each) for each in inbox.messages(workspace_id, session, conversation_id)],
        "decisions": [
            decision_json(each, {}) for each in decision_repository.decisions(workspace_id, session, conversation_id)
        ],
    }


def _end_user_json(end_user: EndUser) -> dict[str, JsonValue]:
    return {
        "id": end_user.id,
        "email": end_user.email,
        "name": end_user.name,
        "attributes": dict(end_user.attributes),
        "created_at": format_instant(end_user.created_at),
    }

"""Draining the outbox: what happened draws its consequences here.

An entry is taken, its consequence drawn in a transaction of its own, then it is marked done. A crash in between draws
it again, so every consequence is safe to draw twice. What fails is put back, with growing delay.
"""

import logging
from collections.abc import Callable, Sequence

import structlog

from engine.core.ruleset import Trigger
from engine.ids import ConnectionId, ConversationId, EndUserId
from engine.inbox.end_user_repository import end_users_by_id
from engine.inbox.models import Status
from engine.inbox.repository import find_conversation
from engine.outbox import repository
from engine.outbox.repository import OutboxEntry
from engine.ports import Clock
from engine.router import Router
from engine.storage import Database
from stripe_sync import history_repository
from stripe_sync.service import RESYNC_CUSTOMER, StripeService
from web.privacy import ERASED, PrivacyService

BATCH = 100

log = structlog.get_logger(__name__)


class NotYetError(Exception):
    """Says that an entry's consequence must wait; the message says for what."""


class OutboxDrain:
    """Draws the consequences of what happened."""

    def __init__(
        self, database: Database, clock: Clock, router: Router, stripe: StripeService, privacy: PrivacyService
    ) -> None:
        self._database = database
        self._clock = clock
        self._router = router
        self._stripe = stripe
        self._consequences: dict[str, Callable[[OutboxEntry], None]] = {
            "match_pending": self._match_again,
            RESYNC_CUSTOMER: self._read_again,
            ERASED: privacy.blank_events,
        }

    def drain(self) -> int:
        """Work on every entry that is due; return how many were done."""
        done = 0
        while True:
            with self._database.system(readonly=True) as session:
                entries = repository.system_pending(session, self._clock.now(), limit=BATCH)
            if not entries:
                return done
            self._remember(entries)
            finished = [entry.id for entry in entries if self._draw(entry)]
            with self._database.system() as session:
                repository.system_mark_done(session, finished, self._clock.now())
            done += len(finished)

    def _remember(self, entries: Sequence[OutboxEntry]) -> None:
        """Keep what became of facts, a transaction for each workspace: these come by the thousand."""
        told = [entry for entry in entries if entry.kind == "fact_changed"]
        for workspace_id in sorted({entry.workspace_id for entry in told}):
            with self._database.workspace(workspace_id) as session:
                history_repository.keep(
                    workspace_id, session, [entry for entry in told if entry.workspace_id == workspace_id]
                )

    def _draw(self, entry: OutboxEntry) -> bool:
        """Draw the consequence of `entry`; return False, and put it back, if that must wait."""
        consequence = self._consequences.get(entry.kind)
        if consequence is None:
            return True
        try:
            consequence(entry)
        except Exception as error:
            is_expected = isinstance(error, NotYetError)
            level = logging.INFO if is_expected else logging.ERROR
            log.log(level, "outbox_entry_waits", kind=entry.kind, entry=entry.id, exc_info=not is_expected)
            with self._database.system() as session:
                repository.system_mark_failed(session, entry, f"{type(error).__name__}: {error}", self._clock.now())
            return False
        return True

    def _match_again(self, entry: OutboxEntry) -> None:
        """Decide a conversation anew whose sender's look-up in Stripe was not done in time."""
        conversation_id = ConversationId(entry.payload["conversation_id"])
        email = self._address(entry, EndUserId(entry.payload["end_user_id"]))
        if email is not None and not self._stripe.look_up_again(entry.workspace_id, email):
            raise NotYetError("Stripe has not answered the look-up yet")
        routed = self._router.reroute(entry.workspace_id, conversation_id, on=Trigger.CREATED.value)
        if routed is None and self._is_pending(entry, conversation_id):
            raise NotYetError("Stripe has not answered the look-up yet")

    def _read_again(self, entry: OutboxEntry) -> None:
        """Read one customer again, as a person asked for."""
        connection_id = ConnectionId(entry.payload["connection_id"])
        if not self._stripe.read_customer(entry.workspace_id, connection_id, entry.payload["customer_id"]):
            raise NotYetError("Stripe did not answer")

    def _address(self, entry: OutboxEntry, end_user_id: EndUserId) -> str | None:
        """Return the address to look up, as it was written; None if the end user is gone or has none."""
        with self._database.workspace(entry.workspace_id, readonly=True) as session:
            found = end_users_by_id(entry.workspace_id, session, [end_user_id])
        return found[end_user_id].email if end_user_id in found else None

    def _is_pending(self, entry: OutboxEntry, conversation_id: ConversationId) -> bool:
        with self._database.workspace(entry.workspace_id, readonly=True) as session:
            found = find_conversation(entry.workspace_id, session, conversation_id)
        return (
            found is not None and found.match_pending and not found.human_touched and found.status is not Status.CLOSED
        )

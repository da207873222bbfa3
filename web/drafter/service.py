"""Loads what the context of a conversation's customer is made from."""

from sqlalchemy.orm import Session

from engine.core.facts import FactCatalog, Facts
from engine.ids import WorkspaceId
from engine.inbox.models import Conversation
from engine.ports import Clock
from engine.workspace import repository as workspaces
from stripe_sync.service import StripeService
from web.drafter.context import FORBIDDEN, Context, build_context


class DrafterService:
    """Answers drafters. Which customer it is about follows from the conversation; the caller cannot choose."""

    def __init__(self, stripe: StripeService, catalog: FactCatalog, clock: Clock) -> None:
        self._stripe = stripe
        self._catalog = catalog
        self._clock = clock

    def context(
        self, workspace_id: WorkspaceId, session: Session, conversation: Conversation, *, sees_billing: bool
    ) -> Context:
        """Return what a drafter may know about the customer of `conversation`: nothing, for one barred from billing."""
        now = self._clock.now()
        if not sees_billing:
            return build_context(FORBIDDEN, Facts(as_of=now), self._catalog, "")
        billing = self._stripe.match_and_read(workspace_id, session, conversation.end_user_id, now)
        panel = self._stripe.panel(workspace_id, session, conversation.end_user_id, now)
        currency = workspaces.get_workspace(workspace_id, session).settings.reporting_currency
        return build_context(str(panel["state"]), billing.facts, self._catalog, currency)

"""What stands beside a conversation: the Stripe panel, the drafter's context, and the link to a customer."""

from typing import Any

from flask import Response
from sqlalchemy.orm import Session

from engine.faults import NotFound
from engine.ids import ConversationId, WorkspaceId
from engine.inbox import decision_repository, repository
from engine.inbox.models import Conversation
from engine.inbox.views import why_json, why_lines
from engine.workspace.models import Role
from web.api.answers import answer, unwrap
from web.api.blueprint import new_blueprint
from web.api.schemas import IdPath
from web.api.schemas_conversations import ContextOut, CustomerIn, PanelOut
from web.api.schemas_stripe import CustomerHitsOut, CustomersQuery
from web.auth.access import allow
from web.auth.gate import principal
from web.auth.models import Scope
from web.billing import closed_lines, closed_panel
from web.current import services

blueprint = new_blueprint("customers")


@blueprint.get("/conversations/<id>/panel", responses={200: PanelOut})
@allow(Role.AGENT, Scope.FACTS_READ)
def get_panel(path: IdPath) -> Response:
    """Return what the panel shows: the customer's billing, and why the conversation is where it is."""
    workspace_id = principal().workspace_id
    with services().database.workspace(workspace_id) as session:
        return answer(panel_of(workspace_id, session, _conversation(workspace_id, session, path.id)))


@blueprint.get("/conversations/<id>/context", responses={200: ContextOut})
@allow(Role.AGENT, Scope.CONTEXT_READ)
def get_context(path: IdPath) -> Response:
    """Return what a drafter may know about the customer: typed facts and a text for the prompt.

    Nothing in it was written by a customer.
    """
    workspace_id = principal().workspace_id
    with services().database.workspace(workspace_id) as session:
        conversation = _conversation(workspace_id, session, path.id)
        context = services().drafter.context(workspace_id, session, conversation, sees_billing=principal().sees_billing)
    return answer(context.to_json())


@blueprint.put("/conversations/<id>/customer", responses={200: PanelOut})
@allow(Role.AGENT, Scope.CONVERSATIONS_WRITE, billing=True)
def link_customer(path: IdPath, body: CustomerIn) -> Response:
    """Link the sender to a Stripe customer by hand; it wins over the e-mail address and is remembered."""
    caller = principal()
    with services().database.workspace(caller.workspace_id) as session:
        conversation = _conversation(caller.workspace_id, session, path.id)
        refused = services().stripe.link_customer(
            caller.workspace_id,
            session,
            conversation.end_user_id,
            body.customer_id,
            member_id=caller.member_id,
            now=services().clock.now(),
        )
        if refused is not None:
            unwrap(refused)
        return answer(panel_of(caller.workspace_id, session, conversation))


@blueprint.delete("/conversations/<id>/customer", responses={200: PanelOut})
@allow(Role.AGENT, Scope.CONVERSATIONS_WRITE, billing=True)
def unlink_customer(path: IdPath) -> Response:
    """Undo the sender's links; nothing but a person makes them again."""
    caller = principal()
    with services().database.workspace(caller.workspace_id) as session:
        conversation = _conversation(caller.workspace_id, session, path.id)
        services().stripe.unlink_customers(
            caller.workspace_id,
            session,
            conversation.end_user_id,
            member_id=caller.member_id,
            now=services().clock.now(),
        )
        return answer(panel_of(caller.workspace_id, session, conversation))


@blueprint.get("/integrations/stripe/customers", responses={200: CustomerHitsOut})
@allow(Role.AGENT, Scope.END_USERS_READ, billing=True)
def search_customers(query: CustomersQuery) -> Response:
    """Find Stripe customers to link, by id or by part of an address or name."""
    workspace_id = principal().workspace_id
    with services().database.workspace(workspace_id, readonly=True) as session:
        hits = services().stripe.search_customers(workspace_id, session, query.q, limit=query.limit)
    data = [
        {
            "id": hit.customer_id,
            "connection": hit.connection_id,
            "email": hit.email,
            "name": hit.name,
            "livemode": hit.livemode,
            "url": hit.url,
        }
        for hit in hits
    ]
    return answer({"data": data, "next": None})


def panel_of(workspace_id: WorkspaceId, session: Session, conversation: Conversation) -> dict[str, Any]:
    """Return the panel of a conversation, as the caller may see it, with why it was routed as it was."""
    decisions = decision_repository.decisions(workspace_id, session, conversation.id)
    newest = decisions[0] if decisions else None
    if not principal().sees_billing:
        why = None if newest is None else why_json(newest, closed_lines(why_lines(newest)))
        return {**closed_panel(), "why": why}
    panel = services().stripe.panel(workspace_id, session, conversation.end_user_id, services().clock.now())
    return {**panel, "why": None if newest is None else why_json(newest, why_lines(newest))}


def _conversation(workspace_id: WorkspaceId, session: Session, conversation_id: str) -> Conversation:
    found = repository.find_conversation(workspace_id, session, ConversationId(conversation_id))
    return unwrap(found or NotFound(kind="conversation", id=conversation_id))

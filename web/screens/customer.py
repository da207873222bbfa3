"""Whose Stripe record a conversation's sender is: search, link, unlink, fetch again."""

from flask import Blueprint, Response, request
from sqlalchemy.orm import Session

from engine.faults import NotFound
from engine.ids import ConversationId
from engine.inbox import repository as conversations
from engine.inbox.models import Conversation
from engine.workspace import repository as workspaces
from engine.workspace.models import Role
from web.auth.access import allow
from web.auth.gate import principal
from web.current import services
from web.errors import Problem, not_found
from web.screens.conversation_view import url_of
from web.screens.inbox_view import sender_of, side_links, subject_of
from web.screens.page import now, page, see_other

blueprint = Blueprint("customer", __name__, url_prefix="/conversations/<conversation_id>/customer")

MAX_QUERY = 200


@blueprint.get("")
@allow(Role.AGENT, billing=True)
def search(conversation_id: str) -> Response:
    """Show the chooser, with what the search found; it begins with the sender's own address."""
    workspace_id = principal().workspace_id
    with services().database.workspace(workspace_id, readonly=True) as session:
        conversation = _find(session, conversation_id)
        query = request.args.get("q", conversation.sender_email or "").replace("\x00", "").strip()[:MAX_QUERY]
        hits = services().stripe.search_customers(workspace_id, session, query) if query else ()
        directory = workspaces.directory(workspace_id, session)
    view = {
        "url": url_of(conversation.id),
        "subject": subject_of(conversation),
        "sender": sender_of(conversation),
        "address": conversation.sender_email if conversation.sender_name else None,
    }
    return page(
        "conversation/customer.html",
        area="inbox",
        view=view,
        q=query,
        hits=hits,
        side_links=side_links(None, directory),
    )


@blueprint.post("")
@allow(Role.AGENT, billing=True)
def link(conversation_id: str) -> Response:
    """Link the sender to the chosen customer."""
    caller, parts = principal(), services()
    customer_id = request.form.get("customer_id", "").strip()
    with parts.database.workspace(caller.workspace_id) as session:
        conversation = _find(session, conversation_id)
        outcome = parts.stripe.link_customer(
            caller.workspace_id,
            session,
            conversation.end_user_id,
            customer_id,
            member_id=caller.member_id,
            now=now(),
        )
    if isinstance(outcome, NotFound):
        raise Problem(404, "No connected Stripe account has this customer. Go back and search again.")
    return see_other(url_of(conversation_id), "linked")


@blueprint.post("/unlink")
@allow(Role.AGENT, billing=True)
def unlink(conversation_id: str) -> Response:
    """Undo the links of the sender."""
    caller, parts = principal(), services()
    with parts.database.workspace(caller.workspace_id) as session:
        conversation = _find(session, conversation_id)
        parts.stripe.unlink_customers(
            caller.workspace_id, session, conversation.end_user_id, member_id=caller.member_id, now=now()
        )
    return see_other(url_of(conversation_id), "unlinked")


@blueprint.post("/resync")
@allow(Role.AGENT, billing=True)
def resync(conversation_id: str) -> Response:
    """Ask Stripe again for what is the sender's."""
    caller, parts = principal(), services()
    with parts.database.workspace(caller.workspace_id) as session:
        conversation = _find(session, conversation_id)
        parts.stripe.resync_customer(caller.workspace_id, session, conversation.end_user_id)
    parts.waker.wake("stripe_events")
    return see_other(url_of(conversation_id), "resyncing")


def _find(session: Session, conversation_id: str) -> Conversation:
    found = conversations.find_conversation(principal().workspace_id, session, ConversationId(conversation_id))
    if found is None:
        raise not_found("conversation")
    return found

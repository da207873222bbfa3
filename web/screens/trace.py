"""Why a conversation was decided as it was: every rule with its parts, recomputed from version and facts."""

from flask import Blueprint, Response

from engine.workspace.models import Role
from web.auth.access import allow
from web.auth.gate import principal
from web.current import services
from web.errors import not_found
from web.screens import trace_view as views
from web.screens.conversation import find_thread
from web.screens.inbox_view import side_links
from web.screens.page import page

blueprint = Blueprint("trace", __name__, url_prefix="/conversations/<conversation_id>/decisions")


@blueprint.get("/<int:number>")
@allow(Role.AGENT)
def show(conversation_id: str, number: int) -> Response:
    """Show one decision of a conversation."""
    workspace_id = principal().workspace_id
    with services().database.workspace(workspace_id, readonly=True) as session:
        thread = find_thread(workspace_id, session, conversation_id)
        record = next((decision for decision in thread.decisions if decision.number == number), None)
        if record is None:
            raise not_found("decision")
        sees_billing = principal().sees_billing
        rules = services().traces.of_decision(workspace_id, session, record) if sees_billing else []
    return page(
        "conversation/trace.html",
        area="inbox",
        view=views.trace_view(thread, record, rules, sees_billing=sees_billing),
        side_links=side_links(None, thread.directory),
    )

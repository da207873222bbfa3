"""How a number beside a conversation was made: inside the panel when it is asked for, and as a page of its own."""

from flask import Blueprint, Response, render_template, request

from engine.faults import NotFound
from engine.workspace.models import Role
from web.auth.access import allow
from web.auth.gate import principal
from web.auth.models import includes
from web.current import services
from web.errors import not_found
from web.screens.conversation import find_thread
from web.screens.conversation_view import url_of
from web.screens.explain_view import explain_view
from web.screens.inbox_view import side_links, subject_of
from web.screens.page import now, page, zone

blueprint = Blueprint("how", __name__, url_prefix="/conversations/<conversation_id>/how")


@blueprint.get("/<fact>")
@allow(Role.AGENT, billing=True)
def show(conversation_id: str, fact: str) -> Response:
    """Show how a number was made; for htmx the part alone."""
    caller, parts = principal(), services()
    workspace_id = caller.workspace_id
    with parts.database.workspace(workspace_id) as session:
        thread = find_thread(workspace_id, session, conversation_id)
        told = parts.stripe.explain(workspace_id, session, thread.conversation.end_user_id, fact, now())
    if isinstance(told, NotFound):
        raise not_found("explanation")
    view, is_admin = explain_view(told, zone()), includes(caller.role, Role.ADMIN)
    if request.headers.get("HX-Request"):
        return Response(render_template("panel/how.html", how=view, viewer_is_admin=is_admin), mimetype="text/html")
    return page(
        "panel/how_page.html",
        area="inbox",
        url=url_of(thread.conversation.id),
        subject=subject_of(thread.conversation),
        side_links=side_links(None, thread.directory),
        how=view,
        viewer_is_admin=is_admin,
    )

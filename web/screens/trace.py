"""Why a conversation was decided as it was: every rule with its parts, recomputed from version and facts."""

from typing import Any

from flask import Blueprint, Response
from sqlalchemy.orm import Session

from engine.ids import WorkspaceId
from engine.inbox import service as inbox
from engine.inbox.models import DecisionRecord
from engine.workspace.models import Role
from rules.check import check
from rules.explain import trace
from rules.models import NoSuchVersion
from web.auth.access import allow
from web.auth.gate import principal
from web.current import services
from web.errors import not_found
from web.facts import CATALOG
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
        rules = _rules(workspace_id, session, record)
    return page(
        "conversation/trace.html",
        area="inbox",
        view=views.trace_view(thread, record, rules),
        side_links=side_links(None, thread.directory),
    )


def _rules(workspace_id: WorkspaceId, session: Session, record: DecisionRecord) -> list[Any] | None:
    """Return how every rule was checked; None if that cannot be said any more."""
    version = services().rulesets.get_version(workspace_id, session, record.ruleset_version)
    if isinstance(version, NoSuchVersion):
        return None
    # Names are not looked up again: a team may be gone that was there when it was decided.
    checked = check(version.text, CATALOG).ruleset
    if checked is None:
        return None
    facts = inbox.facts_of(workspace_id, session, record, CATALOG)
    return trace(checked, facts, now=record.created_at, on=record.on, conversation_id=record.conversation_id)

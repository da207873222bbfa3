"""`/conversations/{id}/decisions`: what was decided, from what, and how, recomputed from the ruleset's version."""

from typing import Any

from flask import Response
from sqlalchemy.orm import Session

from engine.ids import ConversationId, WorkspaceId
from engine.inbox import service
from engine.inbox.models import DecisionRecord
from engine.inbox.views import decision_json
from engine.routing import Gathered
from engine.workspace.models import Role
from web.api.answers import answer, unwrap
from web.api.blueprint import new_blueprint
from web.api.schemas import IdPath
from web.api.schemas_conversations import DecisionsOut
from web.auth.access import allow
from web.auth.gate import principal
from web.auth.models import Scope
from web.billing import closed_decision
from web.current import services

blueprint = new_blueprint("decisions")


@blueprint.get("/conversations/<id>/decisions", responses={200: DecisionsOut})
@allow(Role.AGENT, Scope.CONVERSATIONS_READ)
def list_decisions(path: IdPath) -> Response:
    """Return every decision about a conversation, newest first, each with its trace."""
    workspace_id = principal().workspace_id
    with services().database.workspace(workspace_id, readonly=True) as session:
        thread = unwrap(service.thread(workspace_id, session, ConversationId(path.id)))
        data = [decision_with_trace(workspace_id, session, record) for record in thread.decisions]
    return answer({"data": data, "next": None})


def decision_with_trace(
    workspace_id: WorkspaceId, session: Session, record: DecisionRecord, *, brief: bool = False
) -> dict[str, Any]:
    """Return the shape of a decision, as the caller may see it; `brief` as in `Traces.of_decision`."""
    texts = service.texts_of(workspace_id, session, record)
    if not principal().sees_billing:
        return closed_decision(decision_json(record, texts))
    return {
        **decision_json(record, texts),
        "trace": services().traces.of_decision(workspace_id, session, record, brief=brief),
    }


def fresh_decision_with_trace(workspace_id: WorkspaceId, record: DecisionRecord, made_from: Gathered) -> dict[str, Any]:
    """Return the shape of a decision that was made just now, with a brief trace, from what it was made from."""
    message = made_from.background.message
    texts = {"subject": made_from.conversation.subject, "body": None if message is None else message.body}
    if not principal().sees_billing:
        return closed_decision(decision_json(record, texts))
    return {
        **decision_json(record, texts),
        "trace": services().traces.of_fresh(services().database, workspace_id, record, made_from),
    }

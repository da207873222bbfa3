"""How a number was made, line by line: beside a conversation, and of an end user."""

from flask import Response
from sqlalchemy.orm import Session

from engine.faults import NotFound
from engine.ids import ConversationId, EndUserId, WorkspaceId
from engine.inbox import end_user_repository, repository
from engine.workspace.models import Role
from web.api.answers import answer, unwrap
from web.api.blueprint import new_blueprint
from web.api.schemas import IdPath
from web.api.schemas_settings import ExplainQuery, ExplanationOut, FactPath
from web.auth.access import allow
from web.auth.gate import principal
from web.auth.models import Scope
from web.current import services

blueprint = new_blueprint("explanations")


@blueprint.get("/conversations/<id>/panel/explain", responses={200: ExplanationOut})
@allow(Role.AGENT, Scope.FACTS_READ, billing=True)
def explain_panel(path: IdPath, query: ExplainQuery) -> Response:
    """Return how a number beside a conversation was made; its lines add up to it."""
    workspace_id = principal().workspace_id
    with services().database.workspace(workspace_id) as session:
        found = repository.find_conversation(workspace_id, session, ConversationId(path.id))
        conversation = unwrap(found or NotFound(kind="conversation", id=path.id))
        return _explained(workspace_id, session, conversation.end_user_id, query.fact)


@blueprint.get("/end-users/<id>/facts/<fact>/explain", responses={200: ExplanationOut})
@allow(Role.AGENT, Scope.FACTS_READ, billing=True)
def explain_fact(path: FactPath) -> Response:
    """Return how a fact of an end user was made; its lines add up to it."""
    workspace_id = principal().workspace_id
    with services().database.workspace(workspace_id) as session:
        found = end_user_repository.find_end_user(workspace_id, session, EndUserId(path.id))
        end_user = unwrap(found or NotFound(kind="end user", id=path.id))
        return _explained(workspace_id, session, end_user.id, path.fact)


def _explained(workspace_id: WorkspaceId, session: Session, end_user_id: EndUserId, fact: str) -> Response:
    parts = services()
    return answer(unwrap(parts.stripe.explain(workspace_id, session, end_user_id, fact, parts.clock.now())))

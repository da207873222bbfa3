"""`/end-users`: the people who write in, with what is known about what they pay."""

from typing import Any

from flask import Response
from sqlalchemy.orm import Session

from engine.core import snapshot
from engine.core.facts import format_instant
from engine.email_address import normalize
from engine.faults import Fault, NotFound
from engine.ids import EndUserId, WorkspaceId
from engine.inbox import end_user_repository as repository
from engine.inbox.models import EndUser
from engine.workspace.models import Role
from stripe_sync import links
from web.api.answers import answer, cursor, unwrap
from web.api.blueprint import new_blueprint
from web.api.schemas import IdPath, PageOut
from web.api.schemas_stripe import EndUserOut, EndUsersQuery
from web.auth.access import allow
from web.auth.gate import principal
from web.auth.models import Scope
from web.current import services
from web.errors import invalid

blueprint = new_blueprint("end_users")


@blueprint.get("/end-users", responses={200: PageOut[EndUserOut]})
@allow(Role.AGENT, Scope.END_USERS_READ)
def list_end_users(query: EndUsersQuery) -> Response:
    """List end users, newest first; with `email` only the one with that address."""
    workspace_id = principal().workspace_id
    after = cursor(query.after)
    with services().database.workspace(workspace_id) as session:
        if query.email is not None:
            normalized = normalize(query.email)
            if normalized is None:
                raise invalid(Fault(pointer="/email", message="This is not one e-mail address."))
            found = repository.find_end_user_by_email(workspace_id, session, normalized)
            rows = [] if found is None else [found]
            after_these = None
        else:
            page = repository.end_users(workspace_id, session, after=after, limit=query.limit)
            rows, after_these = list(page.rows), page.next
        data = [_shape(workspace_id, session, row) for row in rows]
    return answer({"data": data, "next": after_these})


@blueprint.get("/end-users/<id>", responses={200: EndUserOut})
@allow(Role.AGENT, Scope.END_USERS_READ)
def get_end_user(path: IdPath) -> Response:
    """Return an end user with their customers and facts."""
    workspace_id = principal().workspace_id
    with services().database.workspace(workspace_id) as session:
        found = repository.find_end_user(workspace_id, session, EndUserId(path.id))
        return answer(_shape(workspace_id, session, unwrap(found or NotFound(kind="end user", id=path.id))))


def _shape(workspace_id: WorkspaceId, session: Session, end_user: EndUser) -> dict[str, Any]:
    now = services().clock.now()
    subject = links.subjects(workspace_id, session, [end_user.id])[end_user.id]
    facts, reasons = snapshot.take(services().facts.read(workspace_id, session, end_user.id, now))
    return {
        "id": end_user.id,
        "email": end_user.email,
        "name": end_user.name,
        "customers": [customer.customer_id for customer in subject.customers],
        "facts": facts,
        "reasons": reasons,
        "attributes": dict(end_user.attributes),
        "created_at": format_instant(end_user.created_at),
    }

"""`/end-users/{id}` as its person may ask for it: everything that is kept of them, or that nothing is."""

from flask import Response

from engine.ids import EndUserId
from engine.workspace.models import Role
from web.api.answers import answer, unwrap
from web.api.end_users import blueprint
from web.api.schemas import IdPath
from web.api.schemas_privacy import ErasedOut, ExportOut
from web.auth.access import allow
from web.auth.gate import principal
from web.auth.models import Scope
from web.current import services

# One blueprint describes all methods of a path: with two of them the description would lose one.
__all__ = ["blueprint"]


@blueprint.get("/end-users/<id>/export", responses={200: ExportOut})
@allow(Role.ADMIN, Scope.END_USERS_READ)
def export_end_user(path: IdPath) -> Response:
    """Return everything that is kept of an end user: conversations, decisions, facts, Stripe's objects and events."""
    export = unwrap(services().privacy.export(principal().workspace_id, EndUserId(path.id)))
    found = answer(export)
    found.headers["Content-Disposition"] = f'attachment; filename="{path.id}.json"'
    return found


@blueprint.delete("/end-users/<id>", responses={200: ErasedOut})
@allow(Role.OWNER, Scope.MEMBERS_WRITE)
def erase_end_user(path: IdPath) -> Response:
    """Erase an end user for good; what Stripe sends of their customers later is not taken in."""
    caller = principal()
    erased = unwrap(services().privacy.erase(caller.workspace_id, EndUserId(path.id), actor=caller.member_id))
    return answer({"id": path.id, "erased": erased})

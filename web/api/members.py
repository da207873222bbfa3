"""`/members`: who signs in, what they may do, and whether they see what customers pay."""

from typing import Any

from flask import Response

from engine.core.facts import format_instant
from engine.ids import MemberId
from engine.workspace import repository
from engine.workspace.models import Member, MemberChange, Role
from web.api.answers import answer, unwrap
from web.api.blueprint import new_blueprint
from web.api.schemas import IdPath
from web.api.schemas_members import MemberChangeIn, MemberOut, MembersOut
from web.auth.access import allow
from web.auth.gate import principal
from web.auth.members import OwnersOnly
from web.auth.models import Scope
from web.current import services
from web.errors import Problem

blueprint = new_blueprint("members")


@blueprint.get("/members", responses={200: MembersOut})
@allow(Role.ADMIN, Scope.MEMBERS_WRITE)
def list_members() -> Response:
    """Return every member of the workspace, by address."""
    workspace_id = principal().workspace_id
    with services().database.workspace(workspace_id, readonly=True) as session:
        found = repository.members(workspace_id, session)
    return answer({"data": [_shape(member) for member in found], "next": None})


@blueprint.patch("/members/<id>", responses={200: MemberOut})
@allow(Role.ADMIN, Scope.MEMBERS_WRITE)
def change_member(path: IdPath, body: MemberChangeIn) -> Response:
    """Change what the body names: an agent as an admin, an admin or owner as an owner."""
    caller = principal()
    wanted = MemberChange(
        role=None if body.role is None else Role(body.role), active=body.active, sees_billing=body.sees_billing
    )
    changed = services().members.change_member(
        caller.workspace_id, MemberId(path.id), wanted, actor=caller.member_id, actor_role=caller.role
    )
    if isinstance(changed, OwnersOnly):
        raise Problem(403, changed.message)
    return answer(_shape(unwrap(changed)))


def _shape(member: Member) -> dict[str, Any]:
    return {
        "id": member.id,
        "email": member.email,
        "name": member.name,
        "role": member.role.value,
        "active": member.active,
        "sees_billing": member.sees_billing,
        "created_at": format_instant(member.created_at),
    }

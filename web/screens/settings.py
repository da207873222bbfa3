"""Settings that are mostly changed on the command line: members, teams and queues, API tokens; and the audit."""

from http import HTTPStatus

from flask import Blueprint, Response, request

from engine.audit import repository as audit
from engine.audit.repository import AuditEntry
from engine.faults import Conflict, NotFound
from engine.ids import MemberId
from engine.workspace import repository as workspaces
from engine.workspace.models import Member, MemberChange, Role
from web.auth import repository as auth
from web.auth.access import allow
from web.auth.gate import principal
from web.auth.members import OwnersOnly
from web.current import services
from web.errors import not_found
from web.screens import format as fmt
from web.screens.page import Notice, local_now, page, see_other

ENTRIES = 50

blueprint = Blueprint("settings", __name__, url_prefix="/settings")


@blueprint.get("")
@allow(Role.ADMIN)
def show() -> Response:
    """Lead to the first section."""
    return see_other("/settings/integrations")


@blueprint.get("/members")
@allow(Role.ADMIN)
def members() -> Response:
    """Show the members."""
    return _members()


@blueprint.post("/members/<member_id>")
@allow(Role.ADMIN)
def change_member(member_id: str) -> Response:
    """Bar an agent from billing data, or let them see it again."""
    caller = principal()
    wanted = MemberChange(sees_billing=request.form.get("sees_billing") == "yes")
    changed = services().members.change_member(
        caller.workspace_id, MemberId(member_id), wanted, actor=caller.member_id, actor_role=caller.role
    )
    match changed:
        case NotFound():
            raise not_found("member")
        case Conflict(message=message) | OwnersOnly(message=message):
            return _members(Notice(tone="bad", text=message))
        case Member():
            return see_other("/settings/members", "member_changed")


def _members(refusal: Notice | None = None) -> Response:
    workspace_id = principal().workspace_id
    with services().database.workspace(workspace_id, readonly=True) as session:
        found = workspaces.members(workspace_id, session)
    return page(
        "settings/members.html",
        area="settings",
        section="members",
        status=HTTPStatus.OK if refusal is None else HTTPStatus.CONFLICT,
        notices=[] if refusal is None else [refusal],
        members=found,
    )


@blueprint.get("/teams")
@allow(Role.ADMIN)
def teams() -> Response:
    """Show the teams and queues."""
    workspace_id = principal().workspace_id
    with services().database.workspace(workspace_id, readonly=True) as session:
        directory = workspaces.directory(workspace_id, session)
    found = [
        {
            "name": team.name,
            "members": sorted(member.name for member in directory.members if member.id in team.member_ids),
        }
        for team in directory.teams
    ]
    return page("settings/teams.html", area="settings", section="teams", teams=found, queues=directory.queues)


@blueprint.get("/tokens")
@allow(Role.ADMIN)
def tokens() -> Response:
    """Show the API tokens, never their text."""
    workspace_id = principal().workspace_id
    with services().database.workspace(workspace_id, readonly=True) as session:
        found = auth.list_tokens(workspace_id, session)
        names = {member.id: member.name for member in workspaces.members(workspace_id, session)}
    at = local_now()
    shown = [
        {
            "name": token.name,
            "hint": token.hint,
            "member": names.get(token.member_id, "a former member"),
            "scopes": token.scopes,
            "last_used_at": token.last_used_at,
            "last_used": fmt.ago(token.last_used_at, at) if token.last_used_at else "",
        }
        for token in found
    ]
    return page("settings/tokens.html", area="settings", section="tokens", tokens=shown)


@blueprint.get("/audit")
@allow(Role.ADMIN)
def show_audit() -> Response:
    """Show who did what, newest first."""
    workspace_id = principal().workspace_id
    before = request.args.get("before", type=int)
    with services().database.workspace(workspace_id, readonly=True) as session:
        found = audit.entries(workspace_id, session, before=before, limit=ENTRIES)
        names = {member.id: member.name for member in workspaces.members(workspace_id, session)}
    shown = [_entry(entry, {str(id_): name for id_, name in names.items()}) for entry in found]
    older = f"/settings/audit?before={found[-1].id}" if len(found) == ENTRIES else None
    return page("settings/audit.html", area="settings", section="audit", entries=shown, next_url=older)


def _entry(entry: AuditEntry, names: dict[str, str]) -> dict[str, object]:
    detail = ", ".join(f"{key}: {_plain(value)}" for key, value in entry.detail.items())
    return {
        "at": entry.at,
        "age": fmt.ago(entry.at, local_now()),
        "actor": names.get(entry.actor, "Ochre" if entry.actor == audit.SYSTEM else entry.actor),
        "action": entry.action,
        "target": names.get(entry.target, entry.target),
        "detail": detail,
    }


def _plain(value: object) -> str:
    if isinstance(value, list):
        return " → ".join("nothing" if part is None else str(part) for part in value)
    return str(value)

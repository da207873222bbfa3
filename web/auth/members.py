"""People and their passwords together: making a workspace with an owner who can sign in, adding and changing people."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from engine.audit import repository as audit
from engine.core.facts import JsonValue
from engine.faults import Conflict, Fault, Invalid, NotFound
from engine.ids import MemberId, WorkspaceId
from engine.ports import Clock
from engine.storage import Database
from engine.workspace import repository
from engine.workspace import service as workspaces
from engine.workspace.models import Member, MemberChange, Role, Workspace
from stripe_sync.connect import repository as connections
from web.auth import passwords
from web.auth.models import includes
from web.auth.service import AuthService


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnersOnly:
    """Indicate that an admin wanted to change an admin or owner, or to make somebody one."""

    message: str = "Only an owner can change admins and owners, or make somebody one."


class MemberService:
    """Adds people who can sign in, and changes what they may do."""

    def __init__(self, database: Database, clock: Clock, auth: AuthService) -> None:
        self._database = database
        self._clock = clock
        self._auth = auth

    def create_workspace(
        self, name: str, owner_email: str, password: str, *, owner_name: str = ""
    ) -> Workspace | Invalid | Conflict:
        """Make a workspace whose owner can sign in with `password`."""
        refusal = passwords.refusal(password)
        if refusal is not None:
            return Invalid((Fault(pointer="/password", message=refusal),))
        made = workspaces.create_workspace(self._database, self._clock, name, owner_email, owner_name)
        if isinstance(made, Invalid | Conflict):
            return made
        workspace, owner = made
        with self._database.workspace(workspace.id) as session:
            self._auth.set_password(workspace.id, session, owner.id, password)
        return workspace

    def add_member(
        self, workspace_id: WorkspaceId, email: str, password: str, role: Role, *, name: str = "", actor: str
    ) -> Member | Invalid | Conflict:
        """Add a member who can sign in with `password`."""
        refusal = passwords.refusal(password)
        if refusal is not None:
            return Invalid((Fault(pointer="/password", message=refusal),))
        with self._database.workspace(workspace_id) as session:
            member = workspaces.add_member(workspace_id, session, self._clock, email, name, role, actor=actor)
            if isinstance(member, Member):
                self._auth.set_password(workspace_id, session, member.id, password)
        return member

    def change_member(
        self, workspace_id: WorkspaceId, member_id: MemberId, wanted: MemberChange, *, actor: str, actor_role: Role
    ) -> Member | NotFound | Conflict | OwnersOnly:
        """Change a member as `wanted`; agents are changed by admins, admins and owners by owners."""
        with self._database.workspace(workspace_id) as session:
            member = repository.find_member(workspace_id, session, member_id)
            if member is None:
                return NotFound(kind="member", id=member_id)
            roles = {member.role, wanted.role or member.role}
            if actor_role is not Role.OWNER and roles != {Role.AGENT}:
                return OwnersOnly()
            changed = workspaces.change_member(workspace_id, session, self._clock, member_id, wanted, actor=actor)
            if isinstance(changed, Member) and not (changed.active and includes(changed.role, Role.ADMIN)):
                self._hand_over(workspace_id, session, changed, actor)
            return changed

    def _hand_over(self, workspace_id: WorkspaceId, session: Session, leaving: Member, actor: str) -> None:
        """Let the sync go on under an owner where it acted under somebody who may not read accounts any more."""
        members = repository.members(workspace_id, session)
        owners = [one.id for one in members if one.active and one.role is Role.OWNER]
        heir = next((one for one in owners if one == actor), owners[0])
        for connection_id in connections.hand_over(workspace_id, session, leaving.id, heir):
            detail: dict[str, JsonValue] = {"acts_under": [leaving.id, heir]}
            audit.record(workspace_id, session, actor, "stripe.handed_over", connection_id, detail, self._clock.now())

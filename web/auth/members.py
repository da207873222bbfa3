"""People and their passwords together: making a workspace with an owner who can sign in, and adding members."""

from engine.faults import Conflict, Fault, Invalid
from engine.ids import WorkspaceId
from engine.ports import Clock
from engine.storage import Database
from engine.workspace import service as workspaces
from engine.workspace.models import Member, Role, Workspace
from web.auth import passwords
from web.auth.service import AuthService


class MemberService:
    """Adds people who can sign in."""

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

"""The workspace of the demonstration: its people, teams, queue, published rules, and a token for scripts."""

from sqlalchemy.orm import Session

from engine.faults import Conflict, Invalid
from engine.ids import WorkspaceId
from engine.workspace import repository, service
from engine.workspace.models import Member, Role
from rules.models import PublishedVersion
from web.auth.service import NewToken
from web.demo.content import MEMBERS, QUEUES, RULESET, TEAMS, WORKSPACE, DemoMember
from web.demo.files import DemoState
from web.wiring import Services

PASSWORD_BYTES = 9


class DemoError(Exception):
    """The demonstration's own content was refused: a fault of ours, not of the person who runs it."""


def find_or_create_workspace(services: Services, known: DemoState | None) -> DemoState:
    """Return how to enter the demonstration's workspace, making it if it is not there."""
    with services.database.system(readonly=True) as session:
        found = repository.system_find_workspace(session, WORKSPACE)
    if found is None:
        return _create(services)
    if known is not None and known.workspace_id == found.id:
        return known
    return _let_in_again(services, found.id)


def _create(services: Services) -> DemoState:
    owner, *others = MEMBERS
    made = service.create_workspace(services.database, services.clock, WORKSPACE, owner.email, owner.name)
    if isinstance(made, Invalid | Conflict):
        raise DemoError(str(made))
    workspace, first_member = made
    with services.database.workspace(workspace.id) as session:
        members = {owner.email: first_member}
        for one in others:
            members[one.email] = _add(services, workspace.id, session, one, first_member)
        for team in TEAMS:
            staff = [members[one.email].id for one in MEMBERS if team in one.teams]
            service.create_team(workspace.id, session, services.clock, team, staff, actor=first_member.id)
        for queue in QUEUES:
            service.create_queue(workspace.id, session, services.clock, queue, actor=first_member.id)
        published = services.rulesets.publish_text(workspace.id, session, RULESET, first_member.id)
        if not isinstance(published, PublishedVersion):
            raise DemoError(f"the starter ruleset was refused: {published}")
    return _enter(services, workspace.id, list(members.values()), services.clock.new_secret(PASSWORD_BYTES))


def _add(services: Services, workspace_id: WorkspaceId, session: Session, one: DemoMember, by: Member) -> Member:
    added = service.add_member(workspace_id, session, services.clock, one.email, one.name, one.role, actor=by.id)
    if not isinstance(added, Member):
        raise DemoError(f"{one.email} was refused: {added}")
    return added


def _let_in_again(services: Services, workspace_id: WorkspaceId) -> DemoState:
    """Give everybody a new password and make a new token, where the file that remembered them is gone."""
    with services.database.workspace(workspace_id, readonly=True) as session:
        members = repository.members(workspace_id, session)
    return _enter(services, workspace_id, list(members), services.clock.new_secret(PASSWORD_BYTES))


def _enter(services: Services, workspace_id: WorkspaceId, members: list[Member], password: str) -> DemoState:
    owner = next(member for member in members if member.role is Role.OWNER)
    with services.database.workspace(workspace_id) as session:
        for member in members:
            services.auth.set_password(workspace_id, session, member.id, password)
        token = services.auth.create_token(workspace_id, session, owner, "demo", None)
    if not isinstance(token, NewToken):
        raise DemoError(f"the owner was refused a token: {token}")
    return DemoState(workspace_id=workspace_id, password=password, api_token=token.text)

"""The workspace of the demonstration: its people, teams, queue, published rules, and a token for scripts."""

from dataclasses import replace
from typing import TypeVar

from sqlalchemy.orm import Session

from engine.audit.repository import SYSTEM
from engine.faults import Conflict, Invalid, NotFound
from engine.ids import WorkspaceId
from engine.workspace import repository, service
from engine.workspace.models import Member, Role
from web.auth.service import NewToken
from web.demo.content import MEMBERS, QUEUES, RULESET, TEAMS, WORKSPACE
from web.demo.files import DemoState
from web.wiring import Services

_Wanted = TypeVar("_Wanted")

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
    owner = MEMBERS[0]
    made = service.create_workspace(services.database, services.clock, WORKSPACE, owner.email, owner.name)
    workspace, first_member = _made(made, tuple)
    password = services.clock.new_secret(PASSWORD_BYTES)
    with services.database.workspace(workspace.id) as session:
        members = {owner.email: first_member}
        for one in MEMBERS[1:]:
            added = service.add_member(
                workspace.id, session, services.clock, one.email, one.name, one.role, actor=first_member.id
            )
            members[one.email] = _made(added, Member)
        for team in TEAMS:
            staff = [members[one.email].id for one in MEMBERS if team in one.teams]
            service.create_team(workspace.id, session, services.clock, team, staff, actor=first_member.id)
        for queue in QUEUES:
            service.create_queue(workspace.id, session, services.clock, queue, actor=first_member.id)
    with services.database.workspace(workspace.id) as session:
        services.rulesets.publish_text(workspace.id, session, RULESET, first_member.id)
    return _enter(services, workspace.id, list(members.values()), password)


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
    return DemoState(workspace_id=workspace_id, password=password, api_token=_made(token, NewToken).text)

"""Making workspaces, and putting members, teams and queues into them.

Who may do what is decided where a request comes in; here every change is checked, stored and audited. `actor` is a
member's id, or `system` for the command line.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy.orm import Session

from engine.audit import repository as audit
from engine.audit.repository import SYSTEM
from engine.core.facts import JsonValue
from engine.email_address import MAX_LENGTH, normalize
from engine.faults import Conflict, Fault, Invalid, NotFound
from engine.ids import MemberId, QueueId, TeamId, WorkspaceId
from engine.ports import Clock
from engine.storage import Database
from engine.text import name_fault, text_fault
from engine.workspace import repository
from engine.workspace import settings as settings_json
from engine.workspace.models import (
    Distribution,
    Member,
    MemberChange,
    Queue,
    References,
    Role,
    Team,
    Workspace,
    WorkspaceSettings,
)


def create_workspace(
    database: Database, clock: Clock, name: str, owner_email: str, owner_name: str = ""
) -> tuple[Workspace, Member] | Invalid | Conflict:
    """Make a workspace with its owner; refuse a name that is taken."""
    faults = _present(name_fault("/name", name), *_member_faults(owner_email, owner_name))
    if faults:
        return Invalid(faults)
    workspace = Workspace(
        id=WorkspaceId(clock.new_id("ws")), name=name.strip(), settings=WorkspaceSettings(), created_at=clock.now()
    )
    with database.system() as session:
        if repository.system_find_workspace(session, workspace.name) is not None:
            return Conflict(message=f"There is a workspace called {workspace.name} already.")
        repository.insert_workspace(workspace.id, session, workspace)
        owner = add_member(workspace.id, session, clock, owner_email, owner_name, Role.OWNER, actor=SYSTEM)
        if not isinstance(owner, Member):
            raise TypeError(f"a checked owner was refused: {owner}")  # rolls everything back
        audit.record(workspace.id, session, SYSTEM, "workspace.created", workspace.id, {}, clock.now())
    return workspace, owner


def change_settings(
    workspace_id: WorkspaceId, session: Session, clock: Clock, wanted: Mapping[str, Any], *, actor: str
) -> WorkspaceSettings | Invalid:
    """Change the settings named in `wanted`; the others stay. What is as it was before is not audited."""
    before = settings_json.to_json(repository.get_workspace(workspace_id, session, for_update=True).settings)
    changed = settings_json.parse({**before, **wanted})
    if isinstance(changed, Invalid):
        return changed
    after = settings_json.to_json(changed)
    detail: dict[str, JsonValue] = {
        key: "changed" if isinstance(after[key], dict) else [before[key], after[key]]
        for key in sorted(after)
        if after[key] != before[key]
    }
    if detail:
        repository.update_settings(workspace_id, session, changed)
        audit.record(workspace_id, session, actor, "settings.changed", workspace_id, detail, clock.now())
    return changed


def add_member(
    workspace_id: WorkspaceId,
    session: Session,
    clock: Clock,
    email: str,
    name: str,
    role: Role,
    *,
    actor: str,
) -> Member | Invalid | Conflict:
    """Add a member; refuse an address this workspace has already."""
    normalized = normalize(email)
    faults = _present(*_member_faults(email, name))
    if normalized is None or faults:
        return Invalid(faults)
    if repository.find_member_by_email(workspace_id, session, normalized) is not None:
        return Conflict(message="This workspace has a member with this e-mail address already.")
    member = Member(
        id=MemberId(clock.new_id("mem")),
        workspace_id=workspace_id,
        email=email.strip(),
        email_normalized=normalized,
        name=_shown(email, name),
        role=role,
        active=True,
        created_at=clock.now(),
    )
    repository.insert_member(workspace_id, session, member)
    audit.record(workspace_id, session, actor, "member.added", member.id, {"role": role.value}, clock.now())
    return member


def change_member(
    workspace_id: WorkspaceId,
    session: Session,
    clock: Clock,
    member_id: MemberId,
    wanted: MemberChange,
    *,
    actor: str,
) -> Member | NotFound | Conflict:
    """Change a member's role, let them in or out, or bar them from billing data.

    A workspace keeps at least one active owner. Only agents can be barred: whoever manages the integration can export
    all of it anyway, so an agent who becomes an admin is barred no longer.
    """
    members = {member.id: member for member in repository.members(workspace_id, session)}
    member = members.get(member_id)
    if member is None:
        return NotFound(kind="member", id=member_id)
    becomes = wanted.role or member.role
    if wanted.sees_billing is False and becomes is not Role.AGENT:
        return Conflict(message="Only agents can be barred from billing data; admins and owners manage it.")
    changed = replace(
        member,
        role=becomes,
        active=member.active if wanted.active is None else wanted.active,
        sees_billing=becomes is not Role.AGENT
        or (member.sees_billing if wanted.sees_billing is None else wanted.sees_billing),
    )
    after = {**members, member_id: changed}
    if not any(one.active and one.role is Role.OWNER for one in after.values()):
        return Conflict(message="A workspace needs an active owner; make somebody else one first.")
    if changed == member:
        return member
    repository.update_member(workspace_id, session, changed)
    detail = {"role": changed.role.value, "active": changed.active, "sees_billing": changed.sees_billing}
    audit.record(workspace_id, session, actor, "member.changed", member_id, {**detail}, clock.now())
    return changed


def create_team(
    workspace_id: WorkspaceId,
    session: Session,
    clock: Clock,
    name: str,
    member_ids: Iterable[MemberId] = (),
    *,
    actor: str,
) -> Team | Invalid | Conflict:
    """Make a team."""
    fault = name_fault("/name", name)
    if fault is not None:
        return Invalid((fault,))
    name = name.strip()
    if any(team.name == name for team in repository.teams(workspace_id, session)):
        return Conflict(message=f"There is a team called {name} already.")
    team = Team(id=TeamId(clock.new_id("team")), name=name, distribution=Distribution.NONE, member_ids=frozenset())
    repository.insert_team(workspace_id, session, team, clock.now())
    audit.record(workspace_id, session, actor, "team.created", team.id, {"name": name}, clock.now())
    staffed = set_team_members(workspace_id, session, clock, team.id, member_ids, actor=actor)
    return team if isinstance(staffed, NotFound) else staffed


def set_team_members(
    workspace_id: WorkspaceId,
    session: Session,
    clock: Clock,
    team_id: TeamId,
    member_ids: Iterable[MemberId],
    *,
    actor: str,
) -> Team | Invalid | NotFound:
    """Make `member_ids` the team's members, and nobody else."""
    team = next((team for team in repository.teams(workspace_id, session) if team.id == team_id), None)
    if team is None:
        return NotFound(kind="team", id=team_id)
    wanted = frozenset(member_ids)
    strangers = wanted - {member.id for member in repository.members(workspace_id, session)}
    if strangers:
        return Invalid((Fault(pointer="/members", message="Not all of these are members of this workspace."),))
    repository.set_team_members(workspace_id, session, team_id, wanted)
    if wanted != team.member_ids:
        detail = {"members": len(wanted)}
        audit.record(workspace_id, session, actor, "team.members_set", team_id, {**detail}, clock.now())
    return replace(team, member_ids=wanted)


def create_queue(
    workspace_id: WorkspaceId, session: Session, clock: Clock, name: str, *, actor: str
) -> Queue | Invalid | Conflict:
    """Make a queue."""
    fault = name_fault("/name", name)
    if fault is not None:
        return Invalid((fault,))
    name = name.strip()
    if any(queue.name == name for queue in repository.queues(workspace_id, session)):
        return Conflict(message=f"There is a queue called {name} already.")
    queue = Queue(id=QueueId(clock.new_id("queue")), name=name)
    repository.insert_queue(workspace_id, session, queue, clock.now())
    audit.record(workspace_id, session, actor, "queue.created", queue.id, {"name": name}, clock.now())
    return queue


def references(workspace_id: WorkspaceId, session: Session) -> References:
    """Return the names a ruleset of this workspace may refer to."""
    return repository.directory(workspace_id, session).references


def _member_faults(email: str, name: str) -> tuple[Fault | None, ...]:
    unfit = text_fault("/email", email, longest=MAX_LENGTH)
    if unfit is None and normalize(email) is None:
        unfit = Fault(pointer="/email", message="This is no e-mail address, such as ada@example.com.")
    # A name that was left out is taken from the address, so only one of a fit address is worth a look.
    return (unfit,) if unfit is not None else (name_fault("/name", _shown(email, name), longest=200),)


def _shown(email: str, name: str) -> str:
    return name.strip() or email.strip().partition("@")[0]


def _present(*faults: Fault | None) -> tuple[Fault, ...]:
    return tuple(fault for fault in faults if fault is not None)

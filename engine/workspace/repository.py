"""The SQL of workspaces, members, teams and queues."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from engine.ids import MemberId, QueueId, TeamId, WorkspaceId
from engine.workspace import settings as settings_json
from engine.workspace.directory_repository import settings_of, workspace_and_directory
from engine.workspace.models import (
    Directory,
    Distribution,
    Member,
    Queue,
    Role,
    Team,
    Workspace,
    WorkspaceSettings,
)
from engine.workspace.tables import DbMember, DbQueue, DbTeam, DbTeamMember, DbWorkspace


def system_workspaces(session: Session) -> Sequence[Workspace]:
    """Return every workspace, by name."""
    return [_workspace(row) for row in session.scalars(select(DbWorkspace).order_by(DbWorkspace.name))]


def system_find_workspace(session: Session, name: str) -> Workspace | None:
    """Return the workspace called `name`, or None."""
    row = session.scalar(select(DbWorkspace).where(DbWorkspace.name == name))
    return None if row is None else _workspace(row)


def system_members_by_email(session: Session, email_normalized: str) -> Sequence[Member]:
    """Return the members of all workspaces with that address, for signing in."""
    query = select(DbMember).where(DbMember.email_normalized == email_normalized).order_by(DbMember.id)
    return [_member(row) for row in session.scalars(query)]


def insert_workspace(workspace_id: WorkspaceId, session: Session, workspace: Workspace) -> None:
    """Store a new workspace; raise IntegrityError if its name is taken."""
    session.add(
        DbWorkspace(
            workspace_id=workspace_id,
            name=workspace.name,
            settings=settings_json.to_json(workspace.settings),
            created_at=workspace.created_at,
        )
    )
    session.flush()


def get_workspace(workspace_id: WorkspaceId, session: Session, *, for_update: bool = False) -> Workspace:
    """Return the workspace, held against other writers with `for_update`; raise LookupError if there is none."""
    row = session.get(DbWorkspace, workspace_id, with_for_update=for_update or None, populate_existing=for_update)
    if row is None:
        raise LookupError(f"there is no workspace {workspace_id}")
    return _workspace(row)


def update_settings(workspace_id: WorkspaceId, session: Session, settings: WorkspaceSettings) -> None:
    """Replace the settings."""
    session.execute(
        update(DbWorkspace)
        .where(DbWorkspace.workspace_id == workspace_id)
        .values(settings=settings_json.to_json(settings))
    )


def insert_member(workspace_id: WorkspaceId, session: Session, member: Member) -> None:
    """Store a new member; raise IntegrityError if the address is taken in this workspace."""
    session.add(
        DbMember(
            id=member.id,
            workspace_id=workspace_id,
            email=member.email,
            email_normalized=member.email_normalized,
            name=member.name,
            role=member.role,
            active=member.active,
            created_at=member.created_at,
            sees_billing=member.sees_billing,
        )
    )
    session.flush()


def update_member(workspace_id: WorkspaceId, session: Session, member: Member) -> None:
    """Store a member's name, role, whether they are active and whether they see billing data."""
    session.execute(
        update(DbMember)
        .where(DbMember.workspace_id == workspace_id, DbMember.id == member.id)
        .values(name=member.name, role=member.role.value, active=member.active, sees_billing=member.sees_billing)
    )


def members(workspace_id: WorkspaceId, session: Session) -> Sequence[Member]:
    """Return every member, by address."""
    query = select(DbMember).where(DbMember.workspace_id == workspace_id).order_by(DbMember.email_normalized)
    return [_member(row) for row in session.scalars(query)]


def find_member(workspace_id: WorkspaceId, session: Session, member_id: MemberId) -> Member | None:
    """Return the member, or None."""
    row = session.scalar(select(DbMember).where(DbMember.workspace_id == workspace_id, DbMember.id == member_id))
    return None if row is None else _member(row)


def find_member_by_email(workspace_id: WorkspaceId, session: Session, email_normalized: str) -> Member | None:
    """Return the member with that address, or None."""
    query = select(DbMember).where(DbMember.workspace_id == workspace_id, DbMember.email_normalized == email_normalized)
    row = session.scalar(query)
    return None if row is None else _member(row)


def insert_team(workspace_id: WorkspaceId, session: Session, team: Team, created_at: datetime) -> None:
    """Store a new team without its members; raise IntegrityError if the name is taken."""
    session.add(
        DbTeam(
            id=team.id,
            workspace_id=workspace_id,
            name=team.name,
            distribution=team.distribution,
            created_at=created_at,
        )
    )
    session.flush()


def delete_team(workspace_id: WorkspaceId, session: Session, team_id: TeamId) -> None:
    """Remove a team; conversations that were with it show no team from then on."""
    set_team_members(workspace_id, session, team_id, ())
    session.execute(delete(DbTeam).where(DbTeam.workspace_id == workspace_id, DbTeam.id == team_id))


def set_team_members(
    workspace_id: WorkspaceId, session: Session, team_id: TeamId, member_ids: Iterable[MemberId]
) -> None:
    """Make `member_ids` the team's members, and nobody else."""
    session.execute(
        delete(DbTeamMember).where(DbTeamMember.workspace_id == workspace_id, DbTeamMember.team_id == team_id)
    )
    rows = [
        {"workspace_id": workspace_id, "team_id": team_id, "member_id": member_id}
        for member_id in sorted(set(member_ids))
    ]
    if rows:
        session.execute(insert(DbTeamMember), rows)


def teams(workspace_id: WorkspaceId, session: Session) -> Sequence[Team]:
    """Return every team with its members' ids, by name."""
    places: dict[str, set[MemberId]] = {}
    for place in session.scalars(select(DbTeamMember).where(DbTeamMember.workspace_id == workspace_id)):
        places.setdefault(place.team_id, set()).add(MemberId(place.member_id))
    query = select(DbTeam).where(DbTeam.workspace_id == workspace_id).order_by(DbTeam.name)
    return [
        Team(
            id=TeamId(row.id),
            name=row.name,
            distribution=Distribution(row.distribution),
            member_ids=frozenset(places.get(row.id, ())),
        )
        for row in session.scalars(query)
    ]


def insert_queue(workspace_id: WorkspaceId, session: Session, queue: Queue, created_at: datetime) -> None:
    """Store a new queue; raise IntegrityError if the name is taken."""
    session.add(DbQueue(id=queue.id, workspace_id=workspace_id, name=queue.name, created_at=created_at))
    session.flush()


def delete_queue(workspace_id: WorkspaceId, session: Session, queue_id: QueueId) -> None:
    """Remove a queue; conversations that waited in it show no queue from then on."""
    session.execute(delete(DbQueue).where(DbQueue.workspace_id == workspace_id, DbQueue.id == queue_id))


def queues(workspace_id: WorkspaceId, session: Session) -> Sequence[Queue]:
    """Return every queue, by name."""
    query = select(DbQueue).where(DbQueue.workspace_id == workspace_id).order_by(DbQueue.name)
    return [Queue(id=QueueId(row.id), name=row.name) for row in session.scalars(query)]


def directory(workspace_id: WorkspaceId, session: Session) -> Directory:
    """Return everyone and everything a conversation can be given to."""
    return workspace_and_directory(workspace_id, session)[1]


def _workspace(row: DbWorkspace) -> Workspace:
    settings = settings_of(row.workspace_id, row.settings)
    return Workspace(id=WorkspaceId(row.workspace_id), name=row.name, settings=settings, created_at=row.created_at)


def _member(row: DbMember) -> Member:
    return Member(
        id=MemberId(row.id),
        workspace_id=WorkspaceId(row.workspace_id),
        email=row.email,
        email_normalized=row.email_normalized,
        name=row.name,
        role=Role(row.role),
        active=row.active,
        created_at=row.created_at,
        sees_billing=row.sees_billing,
    )

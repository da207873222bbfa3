"""The SQL of a workspace and everybody and everything in it, in one statement: routing reads it for each conversation.

Each row is one workspace, member, team, place in a team, or queue; columns that a kind has not are NULL.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from typing import cast as cast_to

from sqlalchemy import (
    BindParameter,
    Boolean,
    Row,
    Table,
    Text,
    bindparam,
    cast,
    literal_column,
    null,
    select,
    union_all,
)
from sqlalchemy.orm import Session

from engine.faults import Invalid
from engine.ids import MemberId, QueueId, TeamId, WorkspaceId
from engine.workspace import settings as settings_json
from engine.workspace.models import Directory, Distribution, Member, Queue, Role, Team, Workspace, WorkspaceSettings
from engine.workspace.tables import DbMember, DbQueue, DbTeam, DbTeamMember, DbWorkspace

_MINE: BindParameter[str] = bindparam("workspace_id")
_WORKSPACES = cast_to(Table, DbWorkspace.__table__).c
_MEMBERS = cast_to(Table, DbMember.__table__).c
_TEAMS = cast_to(Table, DbTeam.__table__).c
_PLACES = cast_to(Table, DbTeamMember.__table__).c
_QUEUES = cast_to(Table, DbQueue.__table__).c
_EVERYTHING = union_all(
    select(
        literal_column("'workspace'").label("kind"),
        _WORKSPACES.workspace_id.label("id"),
        _WORKSPACES.name.label("name"),
        cast(null(), Text).label("email"),
        cast(null(), Text).label("email_normalized"),
        cast(null(), Text).label("way"),
        cast(null(), Boolean).label("active"),
        _WORKSPACES.created_at.label("created_at"),
        _WORKSPACES.settings.label("settings"),
        cast(null(), Boolean).label("sees_billing"),
    ).where(_WORKSPACES.workspace_id == _MINE),
    select(
        literal_column("'member'"),
        _MEMBERS.id,
        _MEMBERS.name,
        _MEMBERS.email,
        _MEMBERS.email_normalized,
        _MEMBERS.role,
        _MEMBERS.active,
        _MEMBERS.created_at,
        null(),
        _MEMBERS.sees_billing,
    ).where(_MEMBERS.workspace_id == _MINE),
    select(
        literal_column("'team'"),
        _TEAMS.id,
        _TEAMS.name,
        null(),
        null(),
        _TEAMS.distribution,
        *(null() for _ in range(4)),
    ).where(_TEAMS.workspace_id == _MINE),
    select(
        literal_column("'place'"),
        _PLACES.team_id,
        _PLACES.member_id,
        *(null() for _ in range(7)),
    ).where(_PLACES.workspace_id == _MINE),
    select(literal_column("'queue'"), _QUEUES.id, _QUEUES.name, *(null() for _ in range(7))).where(
        _QUEUES.workspace_id == _MINE
    ),
)


def workspace_and_directory(workspace_id: WorkspaceId, session: Session) -> tuple[Workspace, Directory]:
    """Return the workspace, and everyone and everything a conversation can be given to.

    Raise LookupError if there is no such workspace.
    """
    rows: dict[str, list[Row[Any]]] = {"workspace": [], "member": [], "team": [], "place": [], "queue": []}
    for row in session.execute(_EVERYTHING, {"workspace_id": workspace_id}):
        rows[row.kind].append(row)
    if not rows["workspace"]:
        raise LookupError(f"there is no workspace {workspace_id}")
    found = rows["workspace"][0]
    settings = settings_of(workspace_id, found.settings)
    workspace = Workspace(id=workspace_id, name=found.name, settings=settings, created_at=found.created_at)
    directory = Directory(
        members=tuple(sorted(_members(workspace_id, rows["member"]), key=lambda member: member.email_normalized)),
        teams=_teams(rows["team"], rows["place"]),
        queues=tuple(sorted((Queue(id=QueueId(row.id), name=row.name) for row in rows["queue"]), key=_name)),
    )
    return workspace, directory


def members_table() -> Table:
    """Return the table, for a query that joins members with what another package knows of them."""
    return cast_to("Table", DbMember.__table__)


def settings_of(workspace_id: str, stored: Mapping[str, Any]) -> WorkspaceSettings:
    """Return stored settings; raise ValueError if they are broken."""
    settings = settings_json.parse(stored)
    if isinstance(settings, Invalid):
        # Unlike a wrong argument's type: only checked settings are ever stored.
        raise ValueError(f"workspace {workspace_id} has broken settings: {settings.faults}")  # noqa: TRY004  the value is wrong, not its type
    return settings


def _members(workspace_id: WorkspaceId, rows: Sequence[Row[Any]]) -> list[Member]:
    return [
        Member(
            id=MemberId(row.id),
            workspace_id=workspace_id,
            email=row.email,
            email_normalized=row.email_normalized,
            name=row.name,
            role=Role(row.way),
            active=row.active,
            created_at=row.created_at,
            sees_billing=row.sees_billing,
        )
        for row in rows
    ]


def _teams(teams: Sequence[Row[Any]], places: Sequence[Row[Any]]) -> tuple[Team, ...]:
    members: dict[str, set[MemberId]] = {}
    for row in places:
        members.setdefault(row.id, set()).add(MemberId(row.name))
    found = [
        Team(
            id=TeamId(row.id),
            name=row.name,
            distribution=Distribution(row.way),
            member_ids=frozenset(members.get(row.id, ())),
        )
        for row in teams
    ]
    return tuple(sorted(found, key=_name))


def _name(named: Team | Queue) -> str:
    return named.name

"""Workspaces, members, teams, queues and settings."""

from engine.audit import repository as audit
from engine.faults import Conflict, Invalid, NotFound
from engine.ids import MemberId
from engine.storage import Database
from engine.workspace import repository, service
from engine.workspace.models import Member, MemberChange, Queue, References, Role, Team, WorkspaceSettings
from tests.clock import FrozenClock
from tests.integration.engine.world import World


def test_a_workspace_begins_with_its_owner(world: World) -> None:
    """The owner is an active member; the defaults are set; it is found by name."""
    with world.database.system() as session:
        found = repository.system_find_workspace(session, world.workspace.name)
        everyone = repository.system_workspaces(session)

    assert found == world.workspace
    assert world.workspace in everyone
    assert (world.owner.role, world.owner.active, world.owner.email) == (Role.OWNER, True, "Alice@acme.com")
    assert world.workspace.settings == WorkspaceSettings()


def test_a_workspace_that_cannot_be(database: Database, clock: FrozenClock) -> None:
    """Faults point at what is wrong, and nothing remains."""
    table = [
        ("", "a@b.c", "/name"),
        ("x" * 101, "a@b.c", "/name"),
        ("a\nb", "a@b.c", "/name"),
        ("Acme", "nobody", "/email"),
        ("Acme", "a\ud800@b.c", "/email"),
        ("Acme", "a@\ud800.c", "/email"),
    ]
    for name, email, pointer in table:
        result = service.create_workspace(database, clock, name, email)

        assert isinstance(result, Invalid)
        assert [fault.pointer for fault in result.faults] == [pointer]
    with database.system() as session:
        assert repository.system_workspaces(session) == []


def test_a_name_is_taken_once(world: World) -> None:
    """A second workspace, team or queue of the same name is a conflict."""
    assert isinstance(
        service.create_workspace(world.database, world.clock, f" {world.workspace.name} ", "b@c.d"), Conflict
    )
    with world.database.workspace(world.id) as session:
        actor = world.owner.id
        assert isinstance(service.create_team(world.id, session, world.clock, "billing ", actor=actor), Conflict)
        assert isinstance(service.create_queue(world.id, session, world.clock, "onboarding", actor=actor), Conflict)
        assert isinstance(service.create_queue(world.id, session, world.clock, "\x00", actor=actor), Invalid)
        assert isinstance(service.create_team(world.id, session, world.clock, "", actor=actor), Invalid)


def test_references_are_what_rules_may_name(world: World) -> None:
    """Teams, queues and the addresses of active members; who left is no longer among them."""
    with world.database.workspace(world.id) as session:
        before = service.references(world.id, session)
        service.change_member(
            world.id, session, world.clock, world.agent.id, MemberChange(active=False), actor=world.owner.id
        )
        after = service.references(world.id, session)

    assert before == References(
        teams=frozenset({"billing", "senior", "support"}),
        agents=frozenset({"alice@acme.com", "grace@acme.com"}),
        queues=frozenset({"onboarding"}),
    )
    assert after.agents == {"alice@acme.com"}


def test_the_last_owner_stays(world: World) -> None:
    """An owner can go only when another one is there."""
    with world.database.workspace(world.id) as session:

        def alter(member: MemberId, role: Role) -> Member | NotFound | Conflict:
            return service.change_member(
                world.id, session, world.clock, member, MemberChange(role=role), actor=world.owner.id
            )

        assert isinstance(alter(world.owner.id, Role.AGENT), Conflict)
        promoted = alter(world.agent.id, Role.OWNER)
        assert isinstance(promoted, Member)
        assert promoted.role is Role.OWNER
        assert isinstance(alter(world.owner.id, Role.AGENT), Member)
        assert isinstance(alter(MemberId("mem_none"), Role.AGENT), NotFound)


def test_teams_have_exactly_the_members_set(world: World) -> None:
    """Setting members replaces them."""
    team = world.teams["billing"]
    with world.database.workspace(world.id) as session:
        both = [world.owner.id, world.agent.id]
        service.set_team_members(world.id, session, world.clock, team.id, both, actor=world.owner.id)
        service.set_team_members(world.id, session, world.clock, team.id, [world.owner.id], actor=world.owner.id)
        stored = next(one for one in repository.teams(world.id, session) if one.id == team.id)

    assert isinstance(stored, Team)
    assert stored.member_ids == {world.owner.id}


def test_settings_are_changed_one_by_one(world: World) -> None:
    """What is not named stays; a wrong value changes nothing."""
    with world.database.workspace(world.id) as session:
        change = {"timezone": "Europe/Vienna", "reporting_currency": "eur"}
        service.change_settings(world.id, session, world.clock, change, actor=world.owner.id)
        wrong = service.change_settings(world.id, session, world.clock, {"timezone": "Mars"}, actor=world.owner.id)
    with world.database.workspace(world.id) as session:
        stored = repository.get_workspace(world.id, session).settings

    assert isinstance(wrong, Invalid)
    assert (stored.timezone, stored.reporting_currency, stored.churn_at) == ("Europe/Vienna", "eur", "period_end")


def test_what_was_done_is_audited(world: World) -> None:
    """Who made the workspace, the members, the teams and the queue can be read, newest first."""
    with world.database.workspace(world.id) as session:
        queue = service.create_queue(world.id, session, world.clock, "vip", actor=world.owner.id)
    with world.database.workspace(world.id) as session:
        entries = audit.entries(world.id, session, limit=200)

    assert isinstance(queue, Queue)
    assert (entries[0].action, entries[0].actor, entries[0].target) == ("queue.created", world.owner.id, queue.id)
    assert {"workspace.created", "member.added", "team.created", "team.members_set"} <= {e.action for e in entries}
    assert "acme.com" not in str([entry.detail for entry in entries])

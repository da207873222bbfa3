"""Alice owns a workspace, Bob is her agent; Charlie has a workspace of his own and no access to Alice's stuff."""

from collections.abc import Callable

import pytest
from sqlalchemy.orm import Session

from engine.audit import repository as audit
from engine.core.actions import Actions
from engine.faults import Conflict, Invalid, NotFound
from engine.ids import ConversationId, WorkspaceId
from engine.inbox import decision_repository, end_user_repository, repository, service
from engine.inbox.models import AuthorKind, Change, Filter, NewMessage
from engine.inbox.paging import Page
from engine.router import Routed
from engine.storage import Database
from engine.workspace import repository as workspaces
from engine.workspace import service as workspace_service
from engine.workspace.models import Member, Role, Team
from tests.clock import FrozenClock
from tests.integration.engine.world import World, always, make_world, rule
from tests.unit.engine.factories import a_draft


@pytest.fixture(name="alice")
def _alice(world: World) -> World:
    return world


@pytest.fixture(name="charlie")
def _charlie(shared_database: Database, clock: FrozenClock) -> World:
    return make_world(shared_database, clock, f"Charlie {clock.new_id('name')}")


@pytest.fixture(name="hers")
def _hers(alice: World) -> Routed:
    alice.publish(rule("All", always, Actions(assign_team="billing", add_tags=("vip",))))
    return alice.receive(a_draft())


Read = Callable[[WorkspaceId, Session, Routed], object]

READS: list[tuple[str, Read]] = [
    ("conversation", lambda ws, s, hers: repository.find_conversation(ws, s, hers.conversation.id)),
    ("by external id", lambda ws, s, _: repository.find_by_external_id(ws, s, "default", "42")),
    ("list", lambda ws, s, _: repository.conversations(ws, s, Filter()).rows),
    ("list by tag", lambda ws, s, _: repository.conversations(ws, s, Filter(tag="vip")).rows),
    ("messages", lambda ws, s, hers: repository.messages(ws, s, hers.conversation.id)),
    ("message", lambda ws, s, hers: repository.find_message(ws, s, hers.decision.message_id or "")),  # type: ignore[arg-type]  # it is there
    ("newest", lambda ws, s, hers: repository.newest_inbound_message(ws, s, hers.conversation.id)),
    ("count", lambda ws, s, hers: repository.written_message_count(ws, s, hers.conversation.id)),
    ("decisions", lambda ws, s, hers: decision_repository.decisions(ws, s, hers.conversation.id)),
    ("first decision", lambda ws, s, hers: decision_repository.first_decision(ws, s, hers.conversation.id)),
    ("end user", lambda ws, s, hers: end_user_repository.find_end_user(ws, s, hers.conversation.end_user_id)),
    ("end user by e-mail", lambda ws, s, _: end_user_repository.find_end_user_by_email(ws, s, "ada@example.com")),
    ("end users", lambda ws, s, _: end_user_repository.end_users(ws, s).rows),
    ("end users by id", lambda ws, s, h: end_user_repository.end_users_by_id(ws, s, [h.conversation.end_user_id])),
]


def test_charlie_reads_nothing_of_alices(alice: World, charlie: World, hers: Routed) -> None:
    """What Alice sees, the same call in Charlie's workspace does not, even inside her transaction."""
    for what, read in READS:
        with alice.database.workspace(alice.id) as session:
            assert read(alice.id, session, hers), what
            assert not read(charlie.id, session, hers), what
        with charlie.database.workspace(charlie.id) as session:
            assert not read(charlie.id, session, hers), what


def test_charlie_changes_nothing_of_alices(alice: World, charlie: World, hers: Routed) -> None:
    """His changes and messages find no conversation, and hers is as it was."""
    message = NewMessage(body="x", author_kind=AuthorKind.AGENT)
    with charlie.database.workspace(charlie.id) as session:
        changed = service.change(
            charlie.id, session, hers.conversation.id, Change(tags=()), charlie.owner.id, charlie.clock
        )
    appended = charlie.router.append(charlie.id, hers.conversation.id, message)

    assert isinstance(changed, NotFound)
    assert isinstance(appended, NotFound)
    assert charlie.router.reroute(charlie.id, hers.conversation.id) is None
    with alice.database.workspace(alice.id) as session:
        assert repository.find_conversation(alice.id, session, hers.conversation.id) == hers.conversation


def test_the_same_external_id_and_sender_in_two_workspaces_are_two(alice: World, charlie: World, hers: Routed) -> None:
    """Nothing is shared but the spelling."""
    his = charlie.receive(a_draft())

    assert his.created
    assert his.conversation.id != hers.conversation.id
    assert his.conversation.end_user_id != hers.conversation.end_user_id
    assert his.decision.ruleset_version == 0


def test_charlies_team_cannot_hold_bob(alice: World, charlie: World) -> None:
    """Members of another workspace are strangers to a team, teams of another workspace to a conversation."""
    with charlie.database.workspace(charlie.id) as session:
        his = workspace_service.create_team(charlie.id, session, charlie.clock, "his", actor=charlie.owner.id)
        assert isinstance(his, Team)
        staffed = workspace_service.set_team_members(
            charlie.id, session, charlie.clock, his.id, [alice.agent.id], actor=charlie.owner.id
        )
        hers = workspace_service.set_team_members(
            charlie.id, session, charlie.clock, alice.teams["billing"].id, [], actor=charlie.owner.id
        )

    assert isinstance(staffed, Invalid)
    assert isinstance(hers, NotFound)


def test_bob_can_be_in_both_workspaces(alice: World, charlie: World) -> None:
    """One address may be a member of several workspaces, once in each."""
    for world in (alice, charlie):
        with world.database.workspace(world.id) as session:
            bob = workspace_service.add_member(
                world.id, session, world.clock, "bob@acme.com", "Bob", Role.AGENT, actor=world.owner.id
            )
            again = workspace_service.add_member(
                world.id, session, world.clock, " BOB@acme.com", "", Role.ADMIN, actor=world.owner.id
            )
        assert isinstance(bob, Member)
        assert isinstance(again, Conflict)
    with alice.database.system() as session:
        found = workspaces.system_members_by_email(session, "bob@acme.com")
    assert {alice.id, charlie.id} <= {member.workspace_id for member in found}


def test_charlies_directory_and_audit_are_his_own(alice: World, charlie: World) -> None:
    """Names, settings and records end at the wall."""
    with charlie.database.workspace(charlie.id) as session:
        directory = workspaces.directory(charlie.id, session)
        assert alice.agent.id not in directory.members_by_id
        assert workspaces.find_member(charlie.id, session, alice.agent.id) is None
        assert workspaces.get_workspace(charlie.id, session).name == charlie.workspace.name
        assert alice.id not in {entry.target for entry in audit.entries(charlie.id, session, limit=200)}
    if charlie.database.is_postgresql:
        with charlie.database.workspace(charlie.id) as session, pytest.raises(LookupError):
            workspaces.get_workspace(alice.id, session)


def test_a_forged_filter_of_charlies_finds_nothing(alice: World, charlie: World, hers: Routed) -> None:
    """Filtering by Alice's team name gives Charlie an empty page, not hers."""
    with charlie.database.workspace(charlie.id) as session:
        page = service.find(charlie.id, session, service.Query(team="billing"))
        thread = service.thread(charlie.id, session, ConversationId(hers.conversation.id))

    assert page == Page([], None)
    assert isinstance(thread, NotFound)

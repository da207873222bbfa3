"""The audit: written, read, never changed."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from engine.audit import repository as audit
from engine.ids import WorkspaceId
from engine.inbox import service
from engine.inbox.models import Change
from engine.storage import Database
from tests.clock import FrozenClock
from tests.integration.engine.world import World
from tests.unit.engine.factories import a_draft

ALICE = WorkspaceId("ws_alice")


def test_entries_are_read_newest_first_in_pages(database: Database, clock: FrozenClock) -> None:
    """The cursor is the id of the last entry seen."""
    with database.workspace(ALICE) as session:
        for number in range(5):
            audit.record(ALICE, session, audit.SYSTEM, "tested", str(number), {"n": number}, clock.now())
    with database.workspace(ALICE) as session:
        first = audit.entries(ALICE, session, limit=3)
        rest = audit.entries(ALICE, session, before=first[-1].id, limit=3)

    assert [entry.target for entry in (*first, *rest)] == ["4", "3", "2", "1", "0"]
    assert (first[0].actor, first[0].detail, first[0].at) == ("system", {"n": 4}, clock.now())


@pytest.mark.parametrize("statement", ["UPDATE audit SET actor = 'nobody'", "DELETE FROM audit"])
def test_the_database_refuses_to_rewrite_history(database: Database, clock: FrozenClock, statement: str) -> None:
    """In a migrated database neither a change nor a deletion is possible, only adding."""
    with database.workspace(ALICE) as session:
        audit.record(ALICE, session, "system", "tested", "x", {}, clock.now())

    with pytest.raises(DBAPIError, match="audit is append-only"), database.system() as session:
        session.execute(text(statement))
    with database.workspace(ALICE) as session:
        assert [entry.target for entry in audit.entries(ALICE, session)] == ["x"]


def test_a_persons_change_of_a_conversation_is_audited_without_its_contents(world: World) -> None:
    """What moved is recorded with old and new; of attributes only the key; a wish without effect not at all."""
    routed = world.receive(a_draft(attributes={"iban": "old secret"}))
    with world.database.workspace(world.id) as session:
        wish = Change(team="senior", tags=("vip",), attributes={"iban": "new secret"})
        for _ in range(2):
            service.change(world.id, session, routed.conversation.id, wish, world.agent.id, world.clock)
    with world.database.workspace(world.id) as session:
        entries = [e for e in audit.entries(world.id, session) if e.action == "conversation.changed"]

    (entry,) = entries
    assert (entry.actor, entry.target) == (world.agent.id, routed.conversation.id)
    assert entry.detail == {"team_id": [None, world.teams["senior"].id], "tags": [[], ["vip"]], "attributes": ["iban"]}

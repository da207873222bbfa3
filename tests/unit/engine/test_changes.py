"""How a person changes a conversation."""

from datetime import timedelta

import pytest

from engine.core.actions import Priority
from engine.core.decision import Decision
from engine.core.outcome import AppliedEffect, Outcome
from engine.core.slots import attribute_slot, tag_slot
from engine.faults import Invalid
from engine.ids import ConversationId, DecisionId
from engine.inbox.changes import REPLY, as_new, change, overlaid, with_message
from engine.inbox.models import AuthorKind, Change, Conversation, DecisionRecord, Status
from tests.unit.engine.factories import NOW, a_conversation, a_directory

DIRECTORY = a_directory()


def test_what_a_person_changes_is_marked() -> None:
    """Every slot the wish names is taken over and remembered, every other one is left alone."""
    wanted = Change(
        status=Status.PENDING,
        priority=Priority.URGENT,
        tags=("kept", "new"),
        assignee="Grace@Acme.com",
        team="senior",
        queue=None,
        attributes={"tier": "gold", "old": None},
    )
    before = a_conversation(tags=("kept", "gone"), attributes={"old": 1})
    after = change(before, wanted, DIRECTORY)

    assert isinstance(after, Conversation)
    assert (after.status, after.priority, after.tags) == (Status.PENDING, Priority.URGENT, ("kept", "new"))
    assert (after.assignee_id, after.team_id, after.queue_id) == ("mem_grace@acme.com", "team_senior", None)
    assert after.attributes == {"tier": "gold"}
    assert after.human_touched == {
        "status",
        "priority",
        "assign_agent",
        "assign_team",
        "route_to",
        tag_slot("new"),
        tag_slot("gone"),
        attribute_slot("tier"),
        attribute_slot("old"),
    }


def test_an_empty_wish_changes_nothing() -> None:
    """Unset is not the same as null."""
    before = a_conversation(tags=("a",), team_id="team_billing")

    assert change(before, Change(), DIRECTORY) == before
    cleared = change(before, Change(team=None), DIRECTORY)
    assert isinstance(cleared, Conversation)
    assert cleared.team_id is None


@pytest.mark.parametrize(
    ("wanted", "pointer"),
    [
        (Change(assignee="left@acme.com"), "/assignee"),
        (Change(assignee="nobody"), "/assignee"),
        (Change(team="gone"), "/team"),
        (Change(queue="gone"), "/queue"),
        (Change(tags=("",)), "/tags/0"),
        (Change(attributes={"stripe_x": 1}), "/attributes/stripe_x"),
        (Change(attributes={"stripe_x": None}), "/attributes/stripe_x"),
    ],
)
def test_a_wish_that_cannot_be_met_is_a_fault(wanted: Change, pointer: str) -> None:
    """It points at its field."""
    result = change(a_conversation(), wanted, DIRECTORY)

    assert isinstance(result, Invalid)
    assert [fault.pointer for fault in result.faults] == [pointer]


def test_all_faults_of_a_wish_are_told() -> None:
    """Two wrong fields, two faults."""
    result = change(a_conversation(), Change(team="gone", queue="gone"), DIRECTORY)

    assert isinstance(result, Invalid)
    assert len(result.faults) == 2


@pytest.mark.parametrize(
    ("author", "status", "touched"),
    [
        (AuthorKind.CUSTOMER, Status.OPEN, frozenset()),  # whoever writes again wants an answer
        (AuthorKind.AGENT, Status.CLOSED, frozenset({REPLY})),
        (AuthorKind.NOTE, Status.CLOSED, frozenset()),
        (AuthorKind.SYSTEM, Status.CLOSED, frozenset()),
    ],
)
def test_a_message_moves_the_conversation(author: AuthorKind, status: Status, touched: frozenset[str]) -> None:
    """A customer's message opens it again; an agent's reply counts as a touch."""
    after = with_message(a_conversation(status=Status.CLOSED), author, NOW + timedelta(minutes=1))

    assert (after.status, after.human_touched) == (status, touched)
    assert after.last_message_at == NOW + timedelta(minutes=1)


def test_an_old_message_that_comes_late_does_not_turn_the_time_back() -> None:
    """The last message is the newest one."""
    assert with_message(a_conversation(), AuthorKind.SYSTEM, NOW - timedelta(days=1)).last_message_at == NOW


def test_as_new_takes_back_what_the_first_decision_did() -> None:
    """Destination, priority and the tags it added go; other tags stay."""
    first = DecisionRecord(
        id=DecisionId("dec_1"),
        conversation_id=ConversationId("cnv_1"),
        number=1,
        ruleset_version=1,
        on="created",
        message_id=None,
        facts={},
        reasons={},
        decision=Decision(),
        effects=(AppliedEffect(action="add_tag", value="unmatched", outcome=Outcome.APPLIED),),
        match_pending=True,
        created_at=NOW,
    )
    before = a_conversation(team_id="team_support", priority=Priority.LOW, tags=("unmatched", "own"))
    fresh = as_new(before, first)

    assert (fresh.team_id, fresh.priority, fresh.tags) == (None, Priority.NORMAL, ("own",))


def test_null_removes_an_attribute() -> None:
    """Overlaying sets keys, and null takes them away."""
    assert overlaid({"a": 1, "b": 2}, {"b": None, "c": 3}) == {"a": 1, "c": 3}

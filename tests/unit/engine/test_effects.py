"""What a decision does to a conversation."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.actions import Actions, Priority
from engine.core.decision import Decision, Owner
from engine.core.facts import JsonValue
from engine.core.outcome import Outcome
from engine.core.slots import attribute_slot, tag_slot
from engine.effects import Applied, apply, without_repeats
from engine.inbox.checks import MAX_TAGS
from engine.inbox.models import Conversation
from tests.unit.engine.factories import a_conversation, a_directory

DIRECTORY = a_directory()
SINGLE = ("assign_agent", "assign_team", "route_to", "priority")


def decided(actions: Actions, *, override: bool = False, rule: str | None = "Rule") -> Decision:
    """Return a decision for which one rule, or the fallback, is responsible."""
    slots = [slot for slot in SINGLE if getattr(actions, slot) is not None]
    slots += [tag_slot(tag) for tag in (*actions.add_tags, *actions.remove_tags)]
    slots += [attribute_slot(key) for key in actions.set_attributes]
    return Decision(
        matched=("Rule",) if rule else (),
        fallback=rule is None,
        actions=actions,
        owners={slot: Owner(rule=rule, override=override) for slot in slots},
    )


def run(conversation: Conversation, actions: Actions, *, override: bool = False) -> Applied:
    """Apply one rule's actions."""
    return apply(conversation, decided(actions, override=override), DIRECTORY)


def outcomes(applied: Applied) -> Mapping[JsonValue, Outcome]:
    """Return what became of each action, by the value it was about."""
    return {str(effect.value): effect.outcome for effect in applied.effects}


def test_every_action_is_done() -> None:
    """Agent, team, queue, priority, tags, attributes, notes and webhooks all take effect."""
    actions = Actions(
        assign_agent="GRACE@acme.com",
        assign_team="billing",
        route_to="onboarding",
        priority=Priority.HIGH,
        add_tags=("vip",),
        remove_tags=("old",),
        set_attributes={"tier": "gold"},
        notes=("Look at this.",),
        webhooks=("crm",),
    )
    applied = run(a_conversation(tags=("old",)), actions)

    after = applied.conversation
    assert (after.assignee_id, after.team_id, after.queue_id) == (
        "mem_grace@acme.com",
        "team_billing",
        "queue_onboarding",
    )
    assert (after.priority, after.tags, after.attributes) == (Priority.HIGH, ("vip",), {"tier": "gold"})
    assert (applied.notes, applied.webhooks) == (("Look at this.",), ("crm",))
    assert set(outcomes(applied).values()) == {Outcome.APPLIED}


@pytest.mark.parametrize(
    ("actions", "said"),
    [
        (Actions(assign_agent="nobody@acme.com"), "no active agent nobody@acme.com"),
        (Actions(assign_agent="left@acme.com"), "no active agent left@acme.com"),  # no longer active
        (Actions(assign_agent="no address"), "no active agent"),
        (Actions(assign_team="gone"), "no team gone"),
        (Actions(route_to="gone"), "no queue gone"),
        (Actions(add_tags=("a\nb",)), "can't be a tag"),
        (Actions(add_tags=("x" * 101,)), "can't be a tag"),
        (Actions(set_attributes={"stripe_id": 1}), "can't be set"),
        (Actions(notes=("\x00",)), "can't be stored"),
    ],
)
def test_what_cannot_be_done_fails_with_a_sentence(actions: Actions, said: str) -> None:
    """The conversation stays as it was, and the effect says why."""
    applied = run(a_conversation(), actions)

    (effect,) = applied.effects
    assert effect.outcome is Outcome.FAILED
    assert said in (effect.message or "")
    assert applied.conversation == a_conversation()


def test_when_the_destination_is_gone_the_fallback_takes_over() -> None:
    """A rule's only team was deleted: the fallback's destination is used, the failure stays on record."""
    decision = decided(Actions(assign_team="gone", add_tags=("vip",)))
    applied = apply(a_conversation(), decision, DIRECTORY, fallback=Actions(assign_team="support"))

    assert applied.conversation.team_id == "team_support"
    assert outcomes(applied) == {"gone": Outcome.FAILED, "vip": Outcome.APPLIED, "support": Outcome.APPLIED}


def test_one_destination_that_is_there_is_enough() -> None:
    """The agent left but the team stands: no fallback."""
    decision = decided(Actions(assign_agent="left@acme.com", assign_team="billing"))
    applied = apply(a_conversation(), decision, DIRECTORY, fallback=Actions(route_to="onboarding"))

    assert (applied.conversation.team_id, applied.conversation.queue_id) == ("team_billing", None)


def test_a_fallback_that_is_gone_leaves_it_visibly_unassigned() -> None:
    """The fallback is tried once; then the conversation is unassigned with a failed effect."""
    fallback = Actions(assign_team="gone")
    applied = apply(a_conversation(), decided(fallback, rule=None), DIRECTORY, fallback=fallback)

    assert applied.conversation.is_unassigned
    assert [effect.outcome for effect in applied.effects] == [Outcome.FAILED]


def test_the_51st_tag_is_dropped_and_said_so() -> None:
    """A conversation holds 50 tags; removals make room first."""
    full = a_conversation(tags=tuple(str(n) for n in range(MAX_TAGS)))
    applied = run(full, Actions(add_tags=("one", "two"), remove_tags=("0",)))

    assert len(applied.conversation.tags) == MAX_TAGS
    assert outcomes(applied)["one"] is Outcome.APPLIED
    assert outcomes(applied)["two"] is Outcome.FAILED


def test_a_decision_that_replaces_another_repeats_neither_notes_nor_webhooks() -> None:
    """Only what is new is done."""
    first = decided(Actions(notes=("a",), webhooks=("crm",)))
    second = decided(Actions(notes=("a", "b"), webhooks=("crm", "erp"), add_tags=("vip",)))

    actions = without_repeats(second, first).actions
    assert (actions.notes, actions.webhooks, actions.add_tags) == (("b",), ("erp",), ("vip",))


slots = st.sets(
    st.sampled_from([*SINGLE, tag_slot("vip"), tag_slot("old"), attribute_slot("tier")]),
)
some_actions = st.builds(
    Actions,
    assign_agent=st.sampled_from([None, "grace@acme.com", "left@acme.com"]),
    assign_team=st.sampled_from([None, "billing", "gone"]),
    route_to=st.sampled_from([None, "onboarding", "gone"]),
    priority=st.sampled_from([None, *Priority]),
    add_tags=st.sampled_from([(), ("vip",), ("vip", "new")]),
    remove_tags=st.sampled_from([(), ("old",)]),
    set_attributes=st.sampled_from([{}, {"tier": "gold"}]),
    notes=st.sampled_from([(), ("n",)]),
    webhooks=st.sampled_from([(), ("crm",)]),
)


@given(slots, some_actions)
def test_a_human_choice_stays(touched: set[str], actions: Actions) -> None:
    """Without `override` no slot a person filled changes, and the marks stay."""
    before = a_conversation(tags=("old",), attributes={"tier": "human"}, human_touched=frozenset(touched))
    after = run(before, actions).conversation

    assert after.human_touched == before.human_touched
    fields = {"assign_agent": "assignee_id", "assign_team": "team_id", "route_to": "queue_id", "priority": "priority"}
    for slot in touched & set(fields):
        assert getattr(after, fields[slot]) == getattr(before, fields[slot])
    if tag_slot("old") in touched:
        assert "old" in after.tags
    if tag_slot("vip") in touched:
        assert "vip" not in after.tags
    if attribute_slot("tier") in touched:
        assert after.attributes["tier"] == "human"


@given(slots, some_actions)
def test_override_makes_human_choices_irrelevant(touched: set[str], actions: Actions) -> None:
    """With `override` the outcome is that of an untouched conversation, and the marks it replaced are gone."""
    touched_before = a_conversation(tags=("old",), human_touched=frozenset(touched))
    after = run(touched_before, actions, override=True).conversation
    untouched = run(a_conversation(tags=("old",)), actions, override=True).conversation

    assert after.human_touched <= touched
    assert (after.tags, after.team_id, after.assignee_id, after.queue_id, after.priority, after.attributes) == (
        untouched.tags,
        untouched.team_id,
        untouched.assignee_id,
        untouched.queue_id,
        untouched.priority,
        untouched.attributes,
    )


@given(some_actions)
def test_unset_slots_change_nothing_and_twice_is_once(actions: Actions) -> None:
    """What the actions do not name stays; applying them again changes nothing more."""
    before = a_conversation(tags=("old", "kept"), assignee_id="mem_x", attributes={"other": 1})
    once = run(before, actions).conversation

    assert run(once, actions).conversation == once
    assert "kept" in once.tags
    assert once.attributes["other"] == 1
    if actions.assign_agent is None:
        assert once.assignee_id == "mem_x"


tag_lists = st.lists(st.sampled_from([f"t{n}" for n in range(60)]), unique=True, max_size=60)


@given(tag_lists, tag_lists, tag_lists)
def test_tags_are_a_bounded_ordered_set(present: list[str], added: list[str], removed: list[str]) -> None:
    """Each tag once, never more than 50; every added tag is there or reported; no removed one is left."""
    before = a_conversation(tags=tuple(present[:MAX_TAGS]))
    removed = [tag for tag in removed if tag not in added]
    applied = run(before, Actions(add_tags=tuple(added), remove_tags=tuple(removed)))

    tags = applied.conversation.tags
    failed = {effect.value for effect in applied.effects if effect.outcome is Outcome.FAILED}
    assert len(set(tags)) == len(tags) <= MAX_TAGS
    assert set(added) <= set(tags) | failed
    assert not set(removed) & set(tags)
    assert [tag for tag in before.tags if tag in tags] == list(tags)[: len(set(before.tags) & set(tags))]

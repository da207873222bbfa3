"""Decide: order, stop, triggers, modes, canaries, fallback, and the shape of the line."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.actions import Actions, Priority
from engine.core.decide import canary_bucket, decide, without_human_choices
from engine.core.decision import Decision
from engine.core.facts import Facts
from engine.core.ruleset import CompiledRule, EvaluationError, Mode, Ruleset, Verdict

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
NOTHING = Facts(as_of=NOW)
SUPPORT = Actions(assign_team="support")


@dataclass(frozen=True, slots=True)
class Always:
    """A condition with one verdict."""

    result: bool | None
    unknown: tuple[str, ...] = ()
    errors: tuple[EvaluationError, ...] = ()

    def evaluate(self, facts: Facts, now: datetime) -> Verdict:  # noqa: ARG002  # the protocol's
        """Return the verdict."""
        return Verdict(result=self.result, unknown=self.unknown, errors=self.errors)


class Broken:
    """A condition with a bug."""

    def evaluate(self, facts: Facts, now: datetime) -> Verdict:  # noqa: ARG002  # the protocol's
        """Fail."""
        raise RecursionError


YES, NO, UNKNOWN = Always(result=True), Always(result=False), Always(result=None, unknown=("mrr",))


def test_every_matching_rule_acts_and_the_first_to_set_a_slot_keeps_it() -> None:
    """Rules are checked from top to bottom; all that match act; slots go to the first."""
    decision = _decide(
        _rule("a", YES, assign_team="billing", add_tags=("one",)),
        _rule("b", NO, assign_team="nobody"),
        _rule("c", YES, assign_team="senior", priority=Priority.HIGH, add_tags=("two",)),
    )

    assert decision.matched == ("a", "c")
    assert Actions(assign_team="billing", priority=Priority.HIGH, add_tags=("one", "two")) == decision.actions
    assert decision.owners["assign_team"].rule == "a"


def test_stop_ends_the_check() -> None:
    """Rules below a live rule that stops are not reached, not even to be unknown."""
    decision = _decide(
        _rule("a", YES, stop=True, priority=Priority.LOW), _rule("b", YES, assign_team="x"), _rule("c", UNKNOWN)
    )

    assert decision.matched == ("a",)
    assert decision.stopped_by == "a"
    assert decision.unknown == {}
    assert decision.fallback  # a destination is still missing


@pytest.mark.parametrize(
    "rule",
    [
        pytest.param({"condition": UNKNOWN}, id="unknown never stops"),
        pytest.param({"condition": NO}, id="false never stops"),
        pytest.param({"condition": YES, "mode": Mode.SHADOW}, id="shadow never stops"),
        pytest.param({"condition": YES, "mode": Mode.DRAFT}, id="draft is not evaluated"),
        pytest.param({"condition": YES, "canary": 0}, id="outside the canary it is shadow"),
        pytest.param({"condition": YES, "canary": 99}, id="without an id it is shadow"),
        pytest.param({"condition": YES, "on": frozenset({"message"})}, id="another trigger"),
    ],
)
def test_what_does_not_stop(rule: Mapping[str, object]) -> None:
    """Only a live rule that matches stops."""
    decision = _decide(_rule("a", stop=True, **rule), _rule("b", YES, assign_team="x"))

    assert decision.stopped_by is None
    assert decision.matched == ("b",)


def test_shadow_rules_are_recorded_and_change_nothing() -> None:
    """A shadow rule stands under `shadow` when it matches, and nowhere else."""
    decision = _decide(
        _rule("seen", YES, mode=Mode.SHADOW, assign_team="x", add_tags=("t",)),
        _rule("unknown", UNKNOWN, mode=Mode.SHADOW),
        _rule("draft", YES, mode=Mode.DRAFT, assign_team="y"),
    )

    assert Decision(shadow=("seen",), fallback=True, actions=SUPPORT, owners=decision.owners) == decision


def test_a_canary_acts_in_its_bucket_only() -> None:
    """A rule with a canary acts on the conversations whose bucket is below it, and is shadow for the others."""
    for number in range(50):
        conversation = f"conversation-{number}"
        bucket = canary_bucket(conversation)
        rules = (_rule("in", YES, canary=bucket + 1), _rule("out", YES, canary=bucket))
        decision = decide(Ruleset(rules=rules, fallback=SUPPORT), NOTHING, now=NOW, conversation_id=conversation)

        assert decision.matched == ("in",)
        assert decision.shadow == ("out",)


def test_buckets_do_not_change_from_release_to_release() -> None:
    """The hash is part of the contract: a conversation keeps its bucket."""
    assert [canary_bucket(name) for name in ("conversation-1", "a", "")] == [81, 50, 52]


@pytest.mark.parametrize(
    ("rule", "fallback", "expected", "contributed"),
    [
        # Nothing matched: all of it.
        ({}, {"assign_team": "s", "priority": Priority.LOW}, {"assign_team": "s", "priority": Priority.LOW}, True),
        # Only tags matched: there is no destination yet.
        ({"add_tags": ("t",)}, {"assign_team": "s"}, {"add_tags": ("t",), "assign_team": "s"}, True),
        # One part of the destination is the destination: no queue and no agent are added to a team.
        ({"assign_team": "b"}, {"route_to": "q", "assign_agent": "a@x.io"}, {"assign_team": "b"}, False),
        ({"route_to": "q"}, {"assign_team": "s"}, {"route_to": "q"}, False),
        # The priority fills on its own.
        (
            {"assign_team": "b"},
            {"assign_team": "s", "priority": Priority.LOW},
            {"assign_team": "b", "priority": Priority.LOW},
            True,
        ),
        # A priority of a rule stays, the destination is still filled.
        (
            {"priority": Priority.URGENT},
            {"assign_team": "s", "priority": Priority.LOW},
            {"priority": Priority.URGENT, "assign_team": "s"},
            True,
        ),
        # The fallback's tags and notes go with its destination.
        (
            {"assign_team": "b"},
            {"assign_team": "s", "add_tags": ("lost",), "notes": ("n",)},
            {"assign_team": "b"},
            False,
        ),
        ({}, {"assign_team": "s", "add_tags": ("lost",)}, {"assign_team": "s", "add_tags": ("lost",)}, True),
    ],
)
def test_the_fallback_fills_what_is_its_to_fill(
    rule: dict[str, object], fallback: dict[str, object], expected: dict[str, object], *, contributed: bool
) -> None:
    """Agent, team and queue are one destination; `fallback` is true exactly when it contributed."""
    rules = (_rule("r", YES, **rule),) if rule else ()
    decision = decide(Ruleset(rules=rules, fallback=Actions(**fallback)), NOTHING, now=NOW)  # type: ignore[arg-type]

    assert Actions(**expected) == decision.actions  # type: ignore[arg-type]
    assert contributed is decision.fallback


@pytest.mark.parametrize("trigger", ["message", "facts_changed"])
def test_the_fallback_is_for_new_conversations_only(trigger: str) -> None:
    """On later triggers an unset slot changes nothing."""
    rules = (_rule("r", YES, on=frozenset({trigger}), add_tags=("t",)), _rule("new", YES, assign_team="x"))
    decision = decide(Ruleset(rules=rules, fallback=SUPPORT), NOTHING, now=NOW, on=trigger)

    assert decision.matched == ("r",)
    assert Actions(add_tags=("t",)) == decision.actions
    assert not decision.fallback


def test_unknown_rules_are_named_with_their_facts_and_errors() -> None:
    """A live rule that is unknown stands under `unknown`; what went wrong stands under `errors` too."""
    error = EvaluationError(code="division_by_zero", message="`/` by zero")
    decision = _decide(_rule("a", UNKNOWN), _rule("b", Always(result=None, errors=(error,))))

    assert decision.unknown == {"a": ("mrr",), "b": ()}
    assert decision.to_line()["errors"] == [{"rule": "b", "code": "division_by_zero", "message": "`/` by zero"}]


def test_a_bug_in_a_condition_is_one_unknown_rule() -> None:
    """A condition that raises leaves its rule unknown with an error, and the others decide."""
    decision = _decide(_rule("bug", Broken()), _rule("fine", YES, assign_team="x"))

    assert decision.unknown == {"bug": ()}
    assert decision.errors[0].code == "internal"
    assert decision.matched == ("fine",)


def test_the_line_has_every_key_in_its_order() -> None:
    """The decision line is exactly the documented one."""
    assert _decide().to_line() == {
        "matched": [],
        "unknown": {},
        "errors": [],
        "stopped_by": None,
        "fallback": True,
        "shadow": [],
        "actions": {
            "assign_agent": None,
            "assign_team": "support",
            "route_to": None,
            "priority": None,
            "add_tags": [],
            "remove_tags": [],
            "set_attributes": {},
            "notes": [],
            "webhooks": [],
        },
    }


def test_a_humans_choice_stays_unless_the_rule_overrides() -> None:
    """Slots a human filled are left out, except those set by a rule with `override`."""
    decision = _decide(
        _rule("soft", YES, assign_team="x", priority=Priority.LOW), _rule("hard", YES, override=True, route_to="q")
    )

    kept = without_human_choices(decision, frozenset({"assign_team", "route_to", "assign_agent"}))

    assert Actions(priority=Priority.LOW, route_to="q") == kept.actions


_TAGS = st.lists(st.sampled_from("abcd"), max_size=3, unique=True).map(tuple)


@given(st.lists(st.tuples(st.sampled_from([YES, NO, UNKNOWN]), _TAGS, _TAGS, st.booleans()), max_size=6))
def test_no_tag_is_both_added_and_removed(
    rules: list[tuple[Always, tuple[str, ...], tuple[str, ...], bool]],
) -> None:
    """Whatever the rules, each tag has one last operation, and only tags that were named appear."""
    made = [
        _rule(
            str(number), condition, add_tags=added, remove_tags=tuple(t for t in removed if t not in added), stop=stop
        )
        for number, (condition, added, removed, stop) in enumerate(rules)
    ]
    decision = _decide(*made)

    added, removed = set(decision.actions.add_tags), set(decision.actions.remove_tags)
    assert not added & removed
    named = {
        t for rule in made if rule.name in decision.matched for t in rule.actions.add_tags + rule.actions.remove_tags
    }
    assert named == added | removed


# helpers


def _rule(name: str, condition: object = YES, **fields: object) -> CompiledRule:
    own = {key: fields.pop(key) for key in ("stop", "mode", "canary", "on", "override") if key in fields}
    return CompiledRule(name=name, condition=condition, actions=Actions(**fields), **own)  # type: ignore[arg-type]


def _decide(*rules: CompiledRule) -> Decision:
    return decide(Ruleset(rules=rules, fallback=SUPPORT), NOTHING, now=NOW)

"""A decision survives being stored, and stays small."""

import random

from hypothesis import given
from hypothesis import strategies as st

from engine.core.actions import Actions, Priority
from engine.core.decision import Decision, Owner, RuleError
from engine.inbox.decision_codec import MIN_BUDGET, decode, encode_line, encode_owners, encode_unknown

FACTS = [f"fact_{n}" for n in range(90)]


def round_trip(decision: Decision, names: list[str]) -> Decision:
    """Return the decision after encoding and decoding."""
    unknown = encode_unknown(decision.unknown, names)
    return decode(encode_line(decision), encode_owners(decision), unknown, names)


def test_a_full_decision_comes_back_equal() -> None:
    """Every field survives."""
    decision = Decision(
        matched=("A",),
        unknown={"B": ("mrr", "ltv"), "C": ()},
        errors=(RuleError(rule="C", code="division_by_zero", message="division by zero"),),
        stopped_by="A",
        fallback=True,
        shadow=("D",),
        actions=Actions(assign_team="billing", priority=Priority.HIGH, add_tags=("vip",), set_attributes={"a": [1]}),
        owners={"assign_team": Owner(rule="A", override=True), "priority": Owner(rule=None)},
    )

    assert round_trip(decision, ["A", "B", "C", "D"]) == decision


@given(st.dictionaries(st.integers(0, 200), st.lists(st.sampled_from(FACTS), unique=True, max_size=6).map(tuple)))
def test_unknown_rules_survive(unknown: dict[int, tuple[str, ...]]) -> None:
    """Any set of unknown rules with any facts comes back, in the order of the rules."""
    names = [f"Rule {n}" for n in range(201)]
    wanted = {names[n]: unknown[n] for n in sorted(unknown)}

    back = round_trip(Decision(unknown=wanted), names)
    assert list(back.unknown.items()) == list(wanted.items())


def test_a_thousand_unknown_rules_fit() -> None:
    """With long names and realistic conditions, 1,000 unknown rules take at most 8 KB and keep their facts."""
    dice = random.Random(1)
    names = [f"A long and quite individual name of the rule {n} {dice.random()}" for n in range(1_000)]
    shapes = [tuple(dice.sample(FACTS, dice.randint(1, 3))) for _ in range(300)]
    unknown = {name: dice.choice(shapes) for name in names}

    assert len(encode_unknown(unknown, names)) <= MIN_BUDGET
    assert round_trip(Decision(unknown=unknown), names).unknown == unknown


def test_past_the_budget_the_rules_are_kept_and_the_facts_dropped() -> None:
    """The worst conceivable case stays within 8 bytes a rule."""
    dice = random.Random(2)
    names = [str(n) for n in range(1_000)]
    unknown = {name: tuple(dice.sample(FACTS, 40)) for name in names}

    assert len(encode_unknown(unknown, names)) <= MIN_BUDGET
    assert round_trip(Decision(unknown=unknown), names).unknown == dict.fromkeys(names, ())

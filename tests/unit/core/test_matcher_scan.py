"""The scan of few rules, and of the head of many."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest

from engine.core.facts import Facts
from engine.core.matcher import head
from engine.core.matcher.matcher import Matcher
from engine.core.matcher.reached import ScannedReached
from engine.core.ruleset import Reached
from rules.compile import compile_ruleset
from tests.unit.rules.facts import NOW
from tests.unit.rules.test_matcher import checked_ruleset

FACTS: Mapping[str, Any] = {"mrr": Decimal(50), "quantity": 7, "plan": "Pro", "delinquent": True, "tags": ("vip",)}
CONDITIONS = (
    "mrr > 40 and quantity < 9",
    'plan == "Pro" and not delinquent',
    'plan =~ "P" or "vip" in tags',
    "quantity in [7, 8]",
    "mrr / quantity > 100",
)


def _matcher(*conditions: str, stop: bool = False) -> Matcher:
    matcher = compile_ruleset(checked_ruleset(*conditions, stop=stop)).matcher
    assert isinstance(matcher, Matcher)
    return matcher


def _reach(matcher: Matcher, values: Mapping[str, Any]) -> Reached:
    return matcher.reach(Facts(as_of=NOW, values=values), NOW, "created", None)


def test_few_rules_are_scanned() -> None:
    """While all facts that are asked for are known, a short ruleset needs no index."""
    reached = _reach(_matcher(*CONDITIONS), FACTS)

    assert isinstance(reached, ScannedReached)
    assert reached.matched == (0, 2, 3)
    assert (reached.shadow, reached.unknown_count, reached.missing(), reached.errors()) == ((), 0, [], [])


@pytest.mark.parametrize("value", [None, "50", True, 50.0, Decimal("NaN"), Decimal("Infinity"), Decimal("-Infinity")])
def test_a_scan_gives_up_on_what_is_unknown_or_of_another_type(value: object) -> None:
    """Only the index tells what comes of it."""
    reached = _reach(_matcher(*CONDITIONS), {**FACTS, "mrr": value})

    assert not isinstance(reached, ScannedReached)


def test_what_a_false_test_decides_needs_no_fact_behind_it() -> None:
    """An unknown fact behind a test that is false leaves the rule false, and the scan whole."""
    reached = _reach(_matcher('plan == "Free" and mrr > 5'), {"plan": "Pro"})

    assert isinstance(reached, ScannedReached)
    assert reached.matched == ()


def test_a_scan_ends_with_the_rule_that_stops() -> None:
    """Rules below are not asked, whatever their facts."""
    reached = _reach(_matcher(*CONDITIONS[1:], "mrr > 1", stop=True), {**FACTS, "mrr": None})

    assert isinstance(reached, ScannedReached)
    assert (reached.matched, reached.stopped_by) == ((1,), 1)


def test_the_head_of_a_long_ruleset_is_scanned_only_while_that_pays() -> None:
    """Where rules of the head hardly ever stop, the index is asked at once."""
    matcher = _matcher(*(f"quantity == {number}" for number in range(head.STRETCH * head.STRETCHES + 10)), stop=True)
    below = {"quantity": head.STRETCH * head.STRETCHES + 5}

    assert isinstance(_reach(matcher, {"quantity": 300}), ScannedReached)
    for _ in range(head.MOST_CREDIT):
        assert _reach(matcher, below).stopped_by == below["quantity"]
    assert not isinstance(_reach(matcher, {"quantity": 300}), ScannedReached)
    assert _reach(matcher, {"quantity": 300}).stopped_by == 300


def test_a_rule_changed_in_the_head_decides_at_once() -> None:
    """The stretch whose rule changed is written anew, and the other one still decides as it did."""
    conditions = [f"quantity == {number}" for number in range(head.STRETCH * head.STRETCHES + 10)]
    before = compile_ruleset(checked_ruleset(*conditions, stop=True))
    conditions[3] = "mrr > 40"
    after = compile_ruleset(checked_ruleset(*conditions, stop=True), before)
    assert isinstance(before.matcher, Matcher)
    assert isinstance(after.matcher, Matcher)

    assert _reach(before.matcher, {**FACTS, "quantity": 400}).stopped_by == 400
    assert _reach(after.matcher, {**FACTS, "quantity": 400}).stopped_by == 3
    assert _reach(after.matcher, {"mrr": 0, "quantity": 400}).stopped_by == 400

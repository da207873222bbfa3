"""Traces: every rule's outcome, and its condition part by part."""

import json
from decimal import Decimal
from typing import Any

from engine.core.facts import Facts, Reason
from rules.check import check
from rules.explain import trace
from tests.unit.rules.facts import NOW, facts
from web.facts import CATALOG

RULESET = """version: 1
rules:
  - {name: first, when: mrr > 1000, then: {assign_team: senior, priority: low}}
  - {name: second, when: 'mrr > 5 and status == "active"', then: {assign_team: billing, add_tags: [a]}}
  - {name: seen, when: mrr > 5, then: {assign_team: x}, mode: shadow}
  - {name: later, when: mrr > 5, then: {assign_team: x}, on: [message]}
  - {name: draft, when: mrr > 5, then: {assign_team: x}, mode: draft}
  - {name: lacking, when: 'balance < 0 or attributes["tier"] == "gold"', then: {assign_team: x}}
  - {name: erring, when: mrr / quantity > 5, then: {assign_team: x}}
  - {name: no, when: 'not (mrr in [1, 2]) and mrr < 5', then: {assign_team: x}}
  - {name: last, when: mrr > 5, then: {}, stop: true}
  - {name: below, when: mrr > 5, then: {assign_team: x}}
fallback: {assign_team: support}
"""
GIVEN = Facts(
    as_of=NOW,
    values={"mrr": Decimal("1200.50"), "status": "active", "quantity": 0, "attributes": {}, "body": "x" * 5000},
    reasons={"balance": Reason.NO_RATE},
)


def test_every_rule_has_its_outcome() -> None:
    """Matched, shadow, unknown, not matched, not reached, not triggered and draft are told apart."""
    assert {one["rule"]: one["outcome"] for one in _trace()} == {
        "first": "matched",
        "second": "matched",
        "seen": "shadow",
        "later": "not_triggered",
        "draft": "draft",
        "lacking": "unknown",
        "erring": "unknown",
        "no": "not_matched",
        "last": "matched",
        "below": "not_reached",
    }


def test_slots_that_were_set_and_lost_are_told() -> None:
    """A matching rule says which slots it set and which an earlier rule had taken."""
    traces = {one["rule"]: one for one in _trace()}

    assert (traces["first"]["set"], traces["first"]["lost"]) == (["assign_team", "priority"], [])
    assert (traces["second"]["set"], traces["second"]["lost"]) == (['tags["a"]'], ["assign_team"])
    assert traces["last"]["stopped"]


def test_a_tree_shows_texts_values_and_results() -> None:
    """Each part is shown as written, with its value or its result."""
    tree = _tree("second")

    assert tree["result"] is True
    assert [(part["text"], part["result"]) for part in tree["parts"]] == [
        ("mrr > 5", True),
        ('status == "active"', True),
    ]
    assert tree["parts"][0]["parts"][0] == {
        "text": "mrr",
        "span": [0, 3],
        "result": "value",
        "value": "1200.50",
        "fact": "mrr",
    }


def test_an_unknown_says_why() -> None:
    """A fact without value shows its reason, an error its code."""
    balance, tier = _tree("lacking")["parts"]

    assert balance["result"] == "unknown"
    assert balance["parts"][0] == {
        "text": "balance",
        "span": [0, 7],
        "result": "unknown",
        "reason": "no_rate",
        "fact": "balance",
    }
    assert tier["parts"][0]["result"] == "unknown"
    assert _tree("erring")["parts"][0]["error"] == {"code": "division_by_zero", "message": "`/` by zero"}


def test_rules_that_were_not_reached_are_explained_all_the_same() -> None:
    """What a rule would have come to is shown also below a stop."""
    assert _tree("below")["result"] is True


def test_a_text_that_was_cut_says_so() -> None:
    """The trace tells that a condition saw the beginning of a long text only."""
    result = check(RULESET.replace("mrr < 5", "body.length > 5"), CATALOG)
    assert result.ruleset is not None
    part: Any = next(
        one for one in trace(result.ruleset, GIVEN, now=NOW) if isinstance(one, dict) and one["rule"] == "no"
    )

    assert part["tree"]["parts"][1]["parts"][0]["parts"][0]["cut"] == 4096


def test_a_trace_is_plain_json() -> None:
    """It can be sent as it is, also with nothing known."""
    assert json.loads(json.dumps(_trace())) == _trace()
    assert all(one["tree"] for one in _trace(facts()))


def _trace(given: Facts = GIVEN) -> list[Any]:
    result = check(RULESET, CATALOG)
    assert result.ruleset is not None, result.diagnostics
    return trace(result.ruleset, given, now=NOW)


def _tree(rule: str) -> Any:
    return next(one["tree"] for one in _trace() if one["rule"] == rule)


def test_a_rule_that_did_not_match_says_the_nearest_change() -> None:
    """The change is a sentence with the currency; what matched, or is unknown, has none."""
    checked = check(RULESET.replace("mrr > 1000", "mrr > 2000"), CATALOG).ruleset
    assert checked is not None
    traces: Any = {one["rule"]: one for one in _as_any(trace(checked, GIVEN, now=NOW, currency="eur"))}

    assert traces["first"]["nearest"]["text"] == "would match if mrr were above 2,000 EUR; it is 1,200.50 EUR"
    assert traces["first"]["nearest"]["changes"] == [
        {"fact": "mrr", "wanted": "were above 2,000 EUR", "current": "1,200.50 EUR"}
    ]
    assert "nearest" not in traces["second"]
    assert "nearest" not in traces["lacking"]


def test_an_unknown_rule_says_what_it_lacks_in_words() -> None:
    """Each fact without value is named with its reason."""
    traces = {one["rule"]: one for one in _trace()}

    assert traces["lacking"]["lacking"] == [
        {"fact": "balance", "reason": "no_rate", "text": "balance is unknown: no exchange rate"},
        {
            "fact": 'attributes["tier"]',
            "reason": None,
            "text": 'attributes["tier"] is unknown: no value was given',
        },
    ]


def _as_any(value: Any) -> Any:
    return value

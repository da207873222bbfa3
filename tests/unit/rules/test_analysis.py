"""The analysis of rulesets: what it finds, and that what it proves is so."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings

from rules.analysis.analyze import analyze
from rules.analysis.findings import AnalysisFinding
from rules.analysis.solver import Z3Prover
from rules.check import check
from tests.unit.rules.choices import SeededChoices, drawn
from tests.unit.rules.facts import NOW
from tests.unit.rules.small_rulesets import assert_agrees, ruleset
from web.facts import CATALOG

TEAM = "{assign_team: a}"


@pytest.mark.parametrize(
    ("condition", "code"),
    [
        ("mrr > 1000 and mrr < 500", "never_true"),
        ('status == "active" and status == "past_due"', "never_true"),
        ('plan.starts_with("Pro") and plan =~ "Team"', "never_true"),
        ('"refund" in subject and not ("fun" in subject)', "never_true"),
        ('plan =~ "Pro" and not ("Pro" in plan)', "never_true"),
        ('plan.starts_with("Enterprise") and not (plan =~~ "prise")', "never_true"),
        ('plan.starts_with("Ent") and not ("prise" in plan)', None),
        ("tags.length < 0", "never_true"),
        ("created_at.month > 12", "never_true"),
        ('attributes["seats"] > 5 and attributes["seats"] == "many"', "never_true"),
        ("mrr > ltv and mrr <= ltv", "never_true"),
        ('customer_since > $now - t"P1D" and customer_since < $now - t"P7D"', "never_true"),
        ("mrr > 1 / 0", "always_unknown"),
        ("mrr == null or mrr != null", "always_true"),
        ("(delinquent ?? true) or not delinquent", "always_true"),
        ("mrr > 5 or mrr <= 5", "true_when_known"),
        ("on_trial or not on_trial", "true_when_known"),
        ("hour > 23", "out_of_reach"),
        ("card_days_left < 0 and mrr > 5", "out_of_reach"),
        ("mrr in [-1, -2]", "out_of_reach"),
        ("not (mrr >= 0)", "out_of_reach"),
        ("mrr > 1000", None),
        ("(mrr ?? 0) > 5", None),
        ("mrr / quantity > 5", None),
        ('subject =~~ "(refund|charge)"', None),
        ("mrr > 0 and balance < 0", None),
    ],
)
def test_a_single_condition(condition: str, code: str | None) -> None:
    """Conditions with one outcome, and thresholds out of reach, are told; sound ones are not."""
    assert [one.code for one in found((condition, TEAM))] == ([] if code is None else [code])


def test_true_when_known_shows_when_it_is_not() -> None:
    """The example is a set of facts for which the condition is not true."""
    (one,) = found(("mrr > 5 or mrr <= 5", TEAM))

    assert (one.example, one.message) == ({}, "the condition is true whenever `mrr` is known")


@pytest.mark.parametrize(
    ("above", "below", "others"),
    [
        (["mrr > 500"], 'mrr > 1000 and status == "past_due"', ["r0"]),
        (['plan =~ "Ent"'], 'plan =~ "Enterprise"', ["r0"]),
        (["mrr > 500", "mrr <= 500"], "mrr == 100 or mrr > 900", ["r0", "r1"]),
        (["mrr > 500", "mrr < 100", "delinquent and mrr <= 500 and mrr >= 100"], "mrr > 50 and delinquent", None),
        (["true"], "mrr > 5", ["r0"]),
        (['customer_since > $now - t"P7D"'], 'customer_since > $now - t"P1D"', ["r0"]),
        (['"refund" in subject'], 'subject.ends_with("refund now")', ["r0"]),
        (['status in ["active", "trialing"]'], 'status == "active"', ["r0"]),
    ],
)
def test_what_is_never_reached(above: list[str], below: str, others: list[str] | None) -> None:
    """A rule below stops that always match before it is unreachable, through one or several together."""
    rules = [(condition, "{}, stop: true") for condition in above]
    (one,) = [each for each in found(*rules, (below, TEAM)) if each.code == "unreachable"]

    assert (one.rule, one.verdict) == (f"r{len(above)}", "proved")
    assert list(one.others) == (others or [f"r{n}" for n in range(len(above))])


@pytest.mark.parametrize(
    "then",
    ["{note: n}", "{}, stop: true, mode: shadow", "{}, stop: true, mode: draft", "{}, stop: true, canary: 99",
     "{}, stop: true, on: [message]"],
)  # fmt: skip
def test_what_does_not_stop_hides_nothing(then: str) -> None:
    """Rules that never end the check, or not this one, make no rule unreachable."""
    assert not [one for one in found(("mrr > 500", then), ("mrr > 1000", TEAM)) if one.code == "unreachable"]


def test_a_rule_is_reached_on_one_of_its_triggers() -> None:
    """All triggers of a rule must be stopped before it is unreachable."""
    stops = [("mrr > 500", "{}, stop: true"), ("mrr > 500", "{}, stop: true, on: [message]")]
    on_both = ("mrr > 1000", "{note: n}, on: [created, message]")

    assert [one.code for one in found(*stops, on_both)] == ["unreachable"]
    assert found(stops[0], on_both) == []


def test_what_is_reached_only_while_a_fact_is_unknown_is_told_with_an_example() -> None:
    """Known facts never come there, unknown ones do: refuted, and the example shows it."""
    stops = [("delinquent", "{}, stop: true"), ("not delinquent", "{}, stop: true")]
    (one,) = found(*stops, ("customer", TEAM))

    assert (one.code, one.verdict, one.example) == ("unreachable", "refuted", {"customer": True})


def test_duplicates_and_slots() -> None:
    """Equal conditions with equal actions, slots that are gone, and partial overlaps are told apart."""
    codes = [
        (one.rule, one.code.value, one.others)
        for one in found(
            ('plan == "Pro"', "{assign_team: a}"),
            ('not (plan != "Pro")', "{assign_team: a}"),
            ('plan == "Pro" and on_trial', "{assign_team: b, add_tags: [x]}"),
            ("mrr > 1000", "{assign_team: b}"),
        )
    ]

    assert codes == [
        ("r1", "duplicate", ("r0",)),
        ("r1", "slot_taken", ("r0",)),
        ("r2", "slot_taken", ("r0",)),
        ("r3", "overlap", ("r0",)),
    ]


def test_a_specific_rule_above_a_general_one_is_no_fight() -> None:
    """The usual order, the special case first, is not told."""
    assert found(('plan == "Pro" and mrr > 5', "{assign_team: a}"), ('plan == "Pro"', "{assign_team: b}")) == []


def test_facts_that_nobody_has() -> None:
    """A rule that needs a fact without value for any customer is told, if statistics are there."""

    class Statistics:
        customers = 7

        def known(self, fact: str) -> int | None:
            return {"failure_code": 0, "mrr": 7}.get(fact)

    rules = [('failure_code == "x" and mrr > 5', TEAM), ('failure_code == "x" or mrr > 5', TEAM)]
    (one,) = analyze(checked(rules), now=NOW, statistics=Statistics())

    assert (one.rule, one.code) == ("r0", "no_customer_has")
    assert one.message == "it needs `failure_code`, which none of 7 customers has today"


def test_a_solver_knows_more() -> None:
    """What three comparisons together rule out, only z3 finds."""
    rules = [("mrr > ltv and ltv > 1000 and mrr < 500", TEAM)]

    assert analyze(checked(rules), now=NOW) == ()
    assert [one.code for one in analyze(checked(rules), now=NOW, make_prover=Z3Prover)] == ["never_true"]


def test_a_solver_names_what_its_proof_rests_on() -> None:
    """Of the rules above only those that are needed are named."""
    stops = [("mrr > 500", "{}, stop: true"), ("mrr < 100", "{}, stop: true"), ("mrr > ltv", "{}, stop: true")]
    rules = [*stops, ("mrr > 50 and ltv < 20", TEAM)]
    (one,) = analyze(checked(rules), now=NOW, make_prover=Z3Prover)

    assert (one.code, one.verdict) == ("unreachable", "proved")
    assert "r2" in one.others


def test_a_finding_has_the_shape_of_the_contracts() -> None:
    """The five keys are there, and JSON can carry them."""
    (one,) = found(("mrr > 5 or mrr <= 5", TEAM))

    assert set(one.to_json()) >= {"code", "rule", "others", "verdict", "example"}
    assert json.loads(json.dumps(one.to_json())) == one.to_json()


@pytest.mark.parametrize("seed", range(6))
def test_verdicts_agree_with_all_facts_there_are(seed: int) -> None:
    """On small domains what is proved holds for every assignment, and what holds for every one is proved."""
    for number in range(8):
        assert_agrees(ruleset(SeededChoices(seed * 100_000 + number)))


def test_verdicts_of_the_solver_agree_with_all_facts_there_are() -> None:
    """The same with z3."""
    for number in range(6):
        assert_agrees(ruleset(SeededChoices(7_000_000 + number)), Z3Prover)


@settings(max_examples=20, deadline=None)
@given(drawn(ruleset))
def test_verdicts_agree_for_whatever_is_drawn(text: str) -> None:
    """The same for rulesets that can be shrunk."""
    assert_agrees(text)


def found(*rules: tuple[str, str]) -> list[AnalysisFinding]:
    """Return the findings about rules given as condition and actions, named r0, r1 …."""
    return list(analyze(checked(rules), now=NOW))


def checked(rules: Sequence[tuple[str, str]]) -> Any:
    """Return a checked ruleset of conditions and actions."""
    written = "".join(
        f"  - {{name: r{number}, when: {json.dumps(condition)}, then: {then}}}\n"
        for number, (condition, then) in enumerate(rules)
    )
    result = check(f"version: 1\nrules:\n{written}fallback: {{assign_team: s}}\n", CATALOG)
    assert result.ruleset is not None, result.diagnostics
    return result.ruleset

"""The matcher decides as the interpreter does, whatever the rules and the facts."""

import gc
import weakref
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.actions import Actions
from engine.core.decide import decide
from engine.core.facts import Facts
from engine.core.matcher.matcher import Matcher
from engine.core.ruleset import Ruleset
from rules.check import CheckedRuleset
from rules.compile import compile_ruleset, interpreted_ruleset
from rules.conditions import check_condition
from tests.unit.rules import matcher_differential as differential
from tests.unit.rules.choices import SeededChoices
from tests.unit.rules.facts import CUSTOMER, NOW
from web.facts import CATALOG

SIGNS = ("<", "<=", ">", ">=", "==", "!=")
EDGES = (
    *(f"mrr {sign} {number}" for sign in SIGNS for number in ("0", "-0.0", "1000", "1000.00")),
    *(f"quantity {sign} {number}" for sign in ("<", ">=", "==") for number in ("3", "2.5", "1e30", "-1e30", "1e-30")),
    "mrr > 123456789012345678901234567.89",
    "mrr == 0.1 + 0.2",
    "mrr == 1/3*3",
    "mrr in [1000, 1000.0, 0, 0]",
    "mrr in []",
    "mrr > 5 and mrr < 2000 and mrr != 1000",
    "mrr < 5 or mrr > 2000 or mrr == 1000",
    "not (mrr > 5 or mrr == null)",
    "mrr == null or mrr > 1000",
    "mrr != null and plan == null",
    '(mrr ?? 0) > 5 and (plan ?? "none") == "none"',
    "mrr / quantity > 5",
    "mrr / (quantity - 3) > 5",
    "mrr > ltv",
    'mrr > ltv or plan == "Ent"',
    'plan == ""',
    'plan in ["", "Ent", "Ent"]',
    'plan not in ["Ent", "Enterprise Plus"]',
    'plan.starts_with("")',
    'plan.ends_with("")',
    'plan.starts_with("Ent") and not plan.ends_with("Plus")',
    'plan =~ "Ent" and plan =~ "Enterprise"',
    'plan =~ "^Ent" or plan =~~ "us$" or plan !~~ "x"',
    'plan =~~ "" and "" in plan',
    'plan.as_lower == "enterprise plus" and plan.as_upper.length > 3',
    'subject =~~ "(?i)größe" or subject =~~ "GRÖSSE"',
    'body =~~ "two$"',
    '"vip" in tags and not "beta" in tags',
    '"vip" in tags or "beta" in tags',
    "tags == [] or tags.is_empty",
    "delinquent and not on_trial",
    "delinquent == false or on_trial != true",
    "delinquent == (mrr > 5)",
    "(delinquent ?? false) and (on_trial ?? true)",
    'attributes["tier"] == "gold"',
    'attributes["tier"] != 5 and attributes["tier"] != true',
    'attributes["seats"] > 5',
    'attributes["seats"] == 12 or attributes["score"] == 1.5',
    'attributes["tier"] =~ "g"',
    'attributes["missing"] == null',
    'attributes["vip"]',
    '"a" in attributes["list"]',
    'customer_since > $now - t"P1000D"',
    '$now - t"P1000D" >= customer_since',
    "customer_since <= $now",
    'customer_since < d"2024-02-29T23:30:00Z" or customer_since == d"2024-02-29T23:30:00Z"',
    "customer_since.hour == 23 and customer_since.day == 29",
    "($now - customer_since).days > 500",
    "$today <= $now",
    "mrr > 5 ? delinquent : on_trial",
    "1/0 > 1 and delinquent",
    "true or mrr > 5",
    "false",
)  # fmt: skip
"""One condition for each way into the index, and its edges."""

VALUES: dict[str, tuple[Any, ...]] = {
    "mrr": (None, 0, Decimal("-0"), Decimal(0), Decimal("1000.000"), 1000, 1000.0, 0.1 + 0.2, Decimal("0.3"),
            Decimal("NaN"), Decimal("Infinity"), Decimal("-Infinity"), float("inf"), True, "1000", Decimal("1E+400")),
    "quantity": (None, 3, 0, 2, Decimal("2.5"), Decimal("1E-40"), 10**31),
    "plan": (None, "", "Ent", "Enterprise Plus", "ENTERPRISE PLUS", "x" * 5000, "us\n", "\ud800", 5),
    "tags": (None, (), ("vip",), ("vip", "beta"), ["beta"], ("VIP", ""), ("a", 1)),
    "delinquent": (None, True, False, "true", 1),
    "on_trial": (None, True, False),
    "attributes": (None, {}, {"tier": "gold", "seats": "many", "vip": 1}, {"tier": 5, "seats": float("inf")}, []),
    "customer_since": (None, NOW, NOW - timedelta(days=1000), differential.NAIVE),
}  # fmt: skip


def checked_ruleset(*conditions: str, stop: bool = False) -> CheckedRuleset:
    """Return a checked ruleset of live rules."""
    zone = ZoneInfo("UTC")
    rules = []
    for number, text in enumerate(conditions):
        tree = check_condition(text, CATALOG, zone).tree
        assert tree is not None, text
        rules.append(
            replace(
                differential.template(),
                name=f"{number}: {text}",
                text=text,
                tree=tree,
                actions=Actions(add_tags=(f"t{number}",)),
                stop=stop,
            )
        )
    return CheckedRuleset(timezone="UTC", rules=tuple(rules), fallback=Actions(assign_team="support"))


ALL_EDGES = checked_ruleset(*EDGES)
INDEXED = compile_ruleset(ALL_EDGES)
ONE_BY_ONE = interpreted_ruleset(ALL_EDGES)


def same(facts: Facts, indexed: Ruleset = INDEXED, one_by_one: Ruleset = ONE_BY_ONE) -> None:
    """Compare both decisions about `facts`."""
    expected, got = decide(one_by_one, facts, now=NOW), decide(indexed, facts, now=NOW)
    assert got.matched == expected.matched
    assert dict(got.unknown) == dict(expected.unknown)
    assert got == expected


@pytest.mark.parametrize("name", sorted(VALUES))
def test_the_edges_of_one_fact_are_judged_as_the_interpreter_does(name: str) -> None:
    """A threshold met exactly, a negative zero, an empty text, a value of another type: no verdict differs."""
    for value in VALUES[name]:
        values = {**CUSTOMER, name: value}
        same(Facts(as_of=NOW, values={key: one for key, one in values.items() if one is not None}))
        same(Facts(as_of=NOW, values={} if value is None else {name: value}))


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**9), plain=st.booleans())
def test_generated_rulesets_are_decided_as_rule_by_rule(seed: int, plain: bool) -> None:  # noqa: FBT001  # hypothesis
    """Verdicts, unknown facts, errors, stops, canaries and triggers are the interpreter's."""
    choices = SeededChoices(seed)
    checked = differential.ruleset(choices, 12, plain=plain)
    assert not list(differential.differences(checked, choices, 8))


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10**9))
def test_a_changed_ruleset_is_decided_as_one_compiled_anew(seed: int) -> None:
    """Whatever is edited, added, removed or moved: what is taken from the version before makes no difference."""
    choices = SeededChoices(seed)
    before = differential.ruleset(choices, 20)
    compiled = compile_ruleset(before)
    if choices.number(0, 1):
        compiled = differential.in_windows(compiled)
    for _ in range(3):
        rules = list(before.rules)
        more = differential.ruleset(choices, 2).rules
        place = choices.number(0, len(rules))
        rules[place : place + choices.number(0, 2)] = more[: choices.number(0, 2)]
        rules = [replace(rule, name=f"r{number}") for number, rule in enumerate(rules)]
        before = replace(before, rules=tuple(rules))
        compiled = compile_ruleset(before, compiled)
        assert not list(differential.compare(before, compiled, choices, 6))


def test_a_change_leaves_the_large_index_as_it_was() -> None:
    """One changed rule is indexed apart; what was built for the others is the same object."""
    before = checked_ruleset(*(f"mrr > {number}" for number in range(100)))
    changed = checked_ruleset(*(f"mrr > {number if number != 50 else 7777}" for number in range(100)))
    first = compile_ruleset(before)
    second = compile_ruleset(changed, first)
    assert isinstance(first.matcher, Matcher)
    assert isinstance(second.matcher, Matcher)
    assert second.matcher.blocks[0] is first.matcher.blocks[0]
    assert len(second.matcher.blocks[1].forms) == 1
    facts = Facts(as_of=NOW, values={"mrr": 60})
    assert len(decide(second, facts, now=NOW).matched) == 59


def test_every_accepted_condition_is_compiled() -> None:
    """Nothing of the language is left to the interpreter."""
    assert INDEXED.matcher is not None
    assert INDEXED.matcher.compiled == len(EDGES)


def test_a_long_column_keeps_some_masks_only_and_says_the_same() -> None:
    """With more thresholds than full masks, the masks between are made from the nearest one."""
    signs = ("<", ">=", "==")
    checked = checked_ruleset(*(f"mrr {signs[number % 3]} {number / 7:.4f}" for number in range(1100)))
    indexed, one_by_one = compile_ruleset(checked), interpreted_ruleset(checked)
    for value in (Decimal(-1), Decimal(0), Decimal("142.8571"), 100, Decimal("14.1429"), 10**6, Decimal("NaN")):
        same(Facts(as_of=NOW, values={"mrr": value}), indexed, one_by_one)
    same(Facts(as_of=NOW), indexed, one_by_one)


def test_a_rule_that_stops_at_the_top_spares_the_others() -> None:
    """With many rules, the first are asked by themselves; what comes of it is the same."""
    conditions = [f"mrr == {number}" for number in range(1100)]
    checked = checked_ruleset(*conditions, stop=True)
    indexed, one_by_one = compile_ruleset(checked), interpreted_ruleset(checked)
    for value in (0, 100, 511, 512, 1099, 1100, None):
        same(Facts(as_of=NOW, values={} if value is None else {"mrr": value}), indexed, one_by_one)


def test_a_compiled_ruleset_is_gone_with_its_last_user() -> None:
    """Nothing in it holds itself, so that its memory is free at once, not when somebody looks for cycles."""
    compiled = compile_ruleset(checked_ruleset('plan == "Pro" and "a" in subject', "mrr > 5 or mrr / quantity > 3"))
    decide(compiled, Facts(as_of=NOW, values={"plan": "Pro"}), now=NOW)
    assert isinstance(compiled.matcher, Matcher)
    matcher, quick = weakref.ref(compiled.matcher), weakref.ref(compiled.matcher.blocks[0]._quick)
    gc.disable()
    try:
        del compiled
        assert (matcher(), quick()) == (None, None)
    finally:
        gc.enable()

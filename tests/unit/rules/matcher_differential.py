"""The matcher against the interpreter: the same rulesets and facts through `decide`, once indexed, once one by one."""

import copy
import functools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from engine.core.actions import Actions
from engine.core.decide import decide
from engine.core.decision import Decision
from engine.core.facts import Facts, FactType
from engine.core.matcher.head import Head
from engine.core.matcher.matcher import Matcher
from engine.core.ruleset import Mode, Ruleset
from rules.check import CheckedRule, CheckedRuleset, check
from rules.compile import compile_ruleset, interpreted_ruleset
from rules.conditions import check_condition
from tests.unit.rules import fact_generator, generator
from tests.unit.rules.choices import Choices, is_rare, pick
from web.facts import CATALOG

ZONES = ("UTC", "America/New_York", "Asia/Kathmandu")
TRIGGERS = ("created", "message", "facts_changed")
CONVERSATIONS = (None, "a", "b", "c")
NAIVE = datetime(2026, 1, 1, tzinfo=UTC).replace(tzinfo=None)
ODD_VALUES: tuple[Any, ...] = (
    "text", True, 7, 2.5, Decimal("NaN"), Decimal("Infinity"), Decimal("-Infinity"), Decimal("sNaN"), float("nan"), (),
    ("a", None), (1, "a"), ["a"], {"a": 1}, NAIVE, "\ud800", "x" * 5000, "é" * 4097,
    datetime(2026, 11, 20, 14, tzinfo=timezone(timedelta(hours=2))), -0.0, 10**40,
)  # fmt: skip
"""Values that a fact of some type should not have, and some that it may."""


@functools.cache
def template() -> CheckedRule:
    """Return a checked rule to make others of."""
    text = (
        "version: 1\nrules:\n  - {name: r, when: delinquent, then: {add_tags: [t]}}\nfallback: {assign_team: support}\n"
    )
    checked = check(text, CATALOG).ruleset
    assert checked is not None
    return checked.rules[0]


@dataclass(frozen=True, slots=True)
class Difference:
    """What the matcher decided otherwise."""

    rules: tuple[str, ...]
    facts: Facts
    expected: Decision
    got: Decision


def ruleset(choices: Choices, size: int, *, plain: bool = False) -> CheckedRuleset:
    """Return a checked ruleset of generated conditions; `plain` rules are all live, without stop or canary."""
    zone = pick(choices, ZONES)
    rules: list[CheckedRule] = []
    while len(rules) < size:
        depth = pick(choices, (1, 2, 3))
        text = generator.condition(choices, replace(generator.Grammar(), depth=depth))
        tree = check_condition(text, CATALOG, ZoneInfo(zone)).tree
        if tree is None:
            continue
        rules.append(
            replace(
                template(),
                name=f"r{len(rules)}",
                text=text,
                tree=tree,
                actions=Actions(add_tags=(f"t{choices.number(0, 9)}",)),
                stop=not plain and is_rare(choices, 20),
                mode=Mode.LIVE if plain else pick(choices, (Mode.LIVE, Mode.LIVE, Mode.LIVE, Mode.SHADOW, Mode.DRAFT)),
                canary=100 if plain or not is_rare(choices, 5) else choices.number(0, 100),
                on=frozenset(TRIGGERS) if plain else frozenset({pick(choices, TRIGGERS), pick(choices, TRIGGERS)}),
            )
        )
    return CheckedRuleset(timezone=zone, rules=tuple(rules), fallback=Actions(assign_team="support"))


def some_facts(choices: Choices) -> Facts:
    """Return facts, known to one degree or another, some of them of a type they should not have."""
    found = fact_generator.facts(choices, known=pick(choices, (100, 98, 90, 60, 20, 0)))
    if is_rare(choices, 3):
        values: dict[str, Any] = dict(found.values)
        for _ in range(choices.number(1, 6)):
            values[pick(choices, tuple(CATALOG)).name] = pick(choices, ODD_VALUES)
        return replace(found, values=values)
    if is_rare(choices, 4):  # numbers as floats
        floats: dict[str, Any] = {
            spec.name: pick(choices, fact_generator.FLOATS)
            for spec in CATALOG
            if spec.type in (FactType.NUMBER, FactType.MONEY) and spec.name in found.values
        }
        return replace(found, values={**found.values, **floats})
    return found


def without_scan(indexed: Ruleset) -> Ruleset:
    """Return a compiled ruleset whose index judges everything, also what few rules would be scanned for."""
    assert isinstance(indexed.matcher, Matcher)
    matcher = copy.copy(indexed.matcher)
    matcher._head = Head((), (), None)  # there is no such option, since nobody needs one
    return replace(indexed, matcher=matcher)


def in_windows(indexed: Ruleset) -> Ruleset:
    """Return a compiled ruleset judged by an index in windows as short as no real one's."""
    assert isinstance(indexed.matcher, Matcher)
    placed = indexed.matcher._placed
    form_of = {number: form for one in placed for number, form in zip(one.rules, one.block.forms, strict=True)}
    forms = [form_of[number] for number in range(len(indexed.rules))]
    return without_scan(replace(indexed, matcher=Matcher(indexed.rules, forms, windows=(3, 20))))


def differences(checked: CheckedRuleset, choices: Choices, fact_sets: int) -> Iterator[Difference]:
    """Yield where the matcher and the interpreter decide differently about generated facts."""
    yield from compare(checked, compile_ruleset(checked), choices, fact_sets)


def compare(checked: CheckedRuleset, indexed: Ruleset, choices: Choices, fact_sets: int) -> Iterator[Difference]:
    """Yield where `indexed`, some compiled form of `checked`, decides otherwise than rule by rule."""
    one_by_one = interpreted_ruleset(checked)
    compiled = (indexed, without_scan(indexed), in_windows(indexed))
    for number in range(fact_sets):
        facts = some_facts(choices)
        on, conversation = pick(choices, TRIGGERS), pick(choices, CONVERSATIONS)
        now = fact_generator.NOW
        expected = decide(one_by_one, facts, now=now, on=on, conversation_id=conversation)
        got = decide(compiled[number % 3], facts, now=now, on=on, conversation_id=conversation)
        if expected != got or list(expected.unknown) != list(got.unknown):
            texts = tuple(rule.text for rule in checked.rules if _is_concerned(rule.name, expected, got))
            yield Difference(texts, facts, expected, got)


def _is_concerned(name: str, expected: Decision, got: Decision) -> bool:
    def of(decision: Decision) -> tuple[object, ...]:
        errors = [error for error in decision.errors if error.rule == name]
        return name in decision.matched, name in decision.shadow, decision.unknown.get(name), errors

    return of(expected) != of(got)

"""Ochre's `decide` against `rule_engine` rule by rule: the same rules, the same facts, the same matches.

Today's conditions run in the reference interpreter; the compiled matcher will stand in this table beside it.
"""

import random
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal

import rule_engine

from engine.core.decide import decide
from engine.core.facts import Facts, FactValue
from engine.core.ruleset import Ruleset
from rules.check import check
from rules.compile import compile_ruleset
from web.facts import CATALOG

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
STATUSES = ("unpaid", "past_due", "trialing", "active", "canceled")
PLANS = ("Starter", "Growth", "Scale", "Enterprise")
CHANNELS = ("email", "chat", "form")
SIZES = (10, 100, 1000)
CONVERSATIONS = 20


def run() -> list[tuple[str, str, str, str]]:
    """Return rows of (rules, Ochre, rule_engine, ratio), in microseconds a conversation."""
    return [_row(size) for size in SIZES]


def _row(size: int) -> tuple[str, str, str, str]:
    chance = random.Random(size)
    conditions = [_condition(chance) for _ in range(size)]
    people = [_facts(chance) for _ in range(CONVERSATIONS)]
    ruleset = _ochre(conditions)
    peers = _peer(conditions)
    ours_s, ours = _timed(lambda facts: decide(ruleset, facts, now=NOW).matched, people)
    theirs_s, theirs = _timed(
        lambda facts: tuple(f"r{i}" for i, rule in enumerate(peers) if rule.matches(dict(facts.values))), people
    )
    if ours != theirs:
        raise AssertionError("Ochre and rule_engine disagree")
    return (f"{size:,}", f"{ours_s * 1e6:,.0f}", f"{theirs_s * 1e6:,.0f}", f"{theirs_s / ours_s:.1f}x")


def _timed(match: Callable[[Facts], tuple[str, ...]], people: Sequence[Facts]) -> tuple[float, list[tuple[str, ...]]]:
    answers = [match(facts) for facts in people]
    rounds = []
    for _ in range(3):
        began = time.perf_counter()
        for facts in people:
            match(facts)
        rounds.append((time.perf_counter() - began) / len(people))
    return sorted(rounds)[1], answers


def _condition(chance: random.Random) -> str:
    leaves = [_leaf(chance) for _ in range(chance.choice((1, 1, 2, 3)))]
    return chance.choice((" and ", " and ", " or ")).join(leaves)


def _leaf(chance: random.Random) -> str:
    return chance.choice(
        (
            f"mrr > {chance.randrange(0, 5000)}",
            f"ltv < {chance.randrange(0, 90000)}",
            f'status == "{chance.choice(STATUSES)}"',
            f'plan in ["{chance.choice(PLANS)}", "{chance.choice(PLANS)}"]',
            f'channel != "{chance.choice(CHANNELS)}"',
            f'"{chance.choice(("refund", "invoice", "cancel"))}" in subject',
            "not delinquent",
        )
    )


def _facts(chance: random.Random) -> Facts:
    values: dict[str, FactValue] = {
        "mrr": Decimal(chance.randrange(0, 500_000)) / 100,
        "ltv": Decimal(chance.randrange(0, 9_000_000)) / 100,
        "status": chance.choice(STATUSES),
        "plan": chance.choice(PLANS),
        "channel": chance.choice(CHANNELS),
        "subject": chance.choice(("a refund please", "my invoice", "hello")),
        "delinquent": chance.random() < 0.2,
    }
    return Facts(as_of=NOW, values=values)


def _ochre(conditions: Sequence[str]) -> Ruleset:
    rules = "\n".join(
        f"  - name: r{i}\n    when: '{condition}'\n    then: {{add_tags: [t{i}]}}"
        for i, condition in enumerate(conditions)
    )
    result = check(f"version: 1\nrules:\n{rules}\nfallback: {{assign_team: support}}\n", CATALOG)
    if result.ruleset is None:
        raise AssertionError(result.diagnostics[0].message)
    return compile_ruleset(result.ruleset)


def _peer(conditions: Sequence[str]) -> list[rule_engine.Rule]:
    types = rule_engine.DataType
    known = {
        "mrr": types.FLOAT,
        "ltv": types.FLOAT,
        "status": types.STRING,
        "plan": types.STRING,
        "channel": types.STRING,
        "subject": types.STRING,
        "delinquent": types.BOOLEAN,
    }
    context = rule_engine.Context(type_resolver=rule_engine.type_resolver_from_dict(known))
    return [rule_engine.Rule(condition, context=context) for condition in conditions]

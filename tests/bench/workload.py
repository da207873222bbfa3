"""The rules and conversations of the matcher's benchmark, in a form that every engine can be given.

43 facts: 16 numbers, 16 categories, 6 booleans, 3 texts, tags, a datetime. Of 100 rules 40 are one threshold or
equality, 40 conjunctions of two to four, 15 have an `or`, 5 look into a text. A rule matches one conversation in
`1 / share`, more or less: 0.01 is the dense profile, 0.0004 the sparse one.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from engine.core.facts import Facts, FactValue, Source
from web.facts import CATALOG

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
MONEY = ("mrr", "arr", "ltv", "balance", "amount_due", "last_payment_amount", "refunded", "plan_price")
COUNTS = (
    *("payments", "disputes", "open_invoices", "overdue_invoices", "days_overdue", "subscriptions", "quantity"),
    "message_count",
)
NUMBERS = (*MONEY, *COUNTS)
CATEGORIES: Mapping[str, int] = {
    "country": 100,
    "currency": 10,
    "plan": 300,
    "product_id": 2500,
    "price_id": 2500,
    "last_plan": 300,
    "account": 4,
    "card_brand": 10,
    "failure_code": 30,
    "card_last4": 2500,
    "customer_id": 2500,
    "channel": 4,
    "team": 30,
    "queue": 30,
    "assignee": 100,
    "sender_domain": 2500,
}
"""Facts with a category, and how many values each has."""
FLAGS = ("delinquent", "on_trial", "cancels", "discounted", "charge_failed", "card_expired")
TEXTS = ("subject", "body", "sender_name")
TAGS = 60
MOST = 1_000_000
WORDS = 4000
WORDS_A_TEXT = 8
STRIPE = frozenset(spec.name for spec in CATALOG if spec.source is Source.STRIPE)


class Leaf(NamedTuple):
    """One test of one fact."""

    kind: str
    fact: str
    value: Any


Rule = tuple[tuple[Leaf, ...], ...]
"""A disjunction of conjunctions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """The facts of one conversation, for Ochre and for the others."""

    facts: Facts
    plain: Mapping[str, Any]
    """Numbers as floats, tags as a list, the unknown as None."""


def rules(count: int, share: float, seed: int) -> list[Rule]:
    """Return `count` rules that each match about `share` of the conversations."""
    chance = random.Random(seed)
    return [_rule(chance, share * chance.uniform(0.3, 1.5)) for _ in range(count)]


def people(count: int, unknown: float, seed: int) -> list[Person]:
    """Return conversations; each Stripe fact is unknown with the probability `unknown`."""
    chance = random.Random(seed)
    return [_person(chance, unknown) for _ in range(count)]


def condition(rule: Rule) -> str:
    """Return a rule in the language of Ochre and of `rule_engine`."""
    clauses = [" and ".join(_spelled(leaf) for leaf in clause) for clause in rule]
    return clauses[0] if len(clauses) == 1 else " or ".join(f"({clause})" for clause in clauses)


def _spelled(leaf: Leaf) -> str:  # noqa: PLR0911  # a table
    kind, fact, value = leaf
    match kind:
        case "gt" | "lt":
            return f"{fact} {'>' if kind == 'gt' else '<'} {value}"
        case "eq":
            return f'{fact} == "{value}"'
        case "flag":
            return fact if value else f"not {fact}"
        case "has":
            return f'"{value}" in {fact}'
        case "prefix" | "suffix":
            return f'{fact}.{"starts" if kind == "prefix" else "ends"}_with("{value}")'
        case "contains":
            return f'"{value}" in {fact}'
        case _:
            return f'{fact} =~~ "{"|".join(value)}"'


def _rule(chance: random.Random, share: float) -> Rule:
    kind = chance.random()
    if kind < 0.4:
        return ((_leaf(chance, share),),)
    if kind < 0.8:
        size = chance.randrange(2, 5)
        return (_conjunction(chance, share, size),)
    if kind < 0.95:
        return (_conjunction(chance, share / 2, 2), _conjunction(chance, share / 2, chance.randrange(1, 3)))
    return ((_text_leaf(chance),),)


def _conjunction(chance: random.Random, share: float, size: int) -> tuple[Leaf, ...]:
    found: dict[str, Leaf] = {}
    while len(found) < size:
        leaf = _leaf(chance, share ** (1 / size))
        found[leaf.fact] = leaf
    return tuple(found.values())


def _leaf(chance: random.Random, share: float) -> Leaf:
    kind = chance.random()
    if share > 0.3 and kind < 0.3:
        return Leaf("flag", chance.choice(FLAGS), chance.random() < 0.5)
    if kind < 0.1 and 0.01 < share < 0.1:
        return Leaf("has", "tags", f"tag{chance.randrange(TAGS)}")
    if kind < 0.65:
        fact = chance.choice(NUMBERS)
        cut = round(MOST * share * chance.uniform(0.8, 1.2))
        number = cut if chance.random() < 0.5 else MOST - cut
        written = f"{number // 100}.{number % 100:02}5" if fact in MONEY else str(number)
        return Leaf("lt" if number == cut else "gt", fact, written)
    nearest = min(CATEGORIES.values(), key=lambda size: abs(size * share - 1))
    fact = chance.choice([name for name, size in CATEGORIES.items() if size == nearest])
    return Leaf("eq", fact, f"{fact}-{chance.randrange(nearest)}")


def _word(number: int) -> str:
    letters = "bcdfghjklmnprstvz"
    return "".join(letters[number // 17**place % 17] + "aeiou"[(number + place) % 5] for place in range(4))


def _text_leaf(chance: random.Random) -> Leaf:
    kind = chance.choice(("prefix", "contains", "contains", "search", "suffix"))
    word = _word(chance.randrange(WORDS))
    fact = chance.choice(TEXTS)
    if kind == "search":
        return Leaf(kind, fact, (word, _word(chance.randrange(WORDS))))
    return Leaf(kind, fact, word)


def _person(chance: random.Random, unknown: float) -> Person:
    values: dict[str, FactValue] = {name: Decimal(chance.randrange(MOST)) / 100 for name in MONEY}
    values.update({name: chance.randrange(MOST) for name in COUNTS})
    values.update({name: f"{name}-{chance.randrange(size)}" for name, size in CATEGORIES.items()})
    values.update({name: chance.random() < 0.5 for name in FLAGS})
    values.update({name: " ".join(_word(chance.randrange(WORDS)) for _ in range(WORDS_A_TEXT)) for name in TEXTS})
    values["tags"] = tuple(f"tag{number}" for number in chance.sample(range(TAGS), 2))
    values["created_at"] = NOW - timedelta(seconds=chance.randrange(10**6))
    names: Sequence[str] = tuple(values)
    for name in names:
        if name in STRIPE and chance.random() < unknown:
            del values[name]
    return Person(facts=Facts(as_of=NOW, values=values), plain={name: _plain(values.get(name)) for name in names})


def _plain(value: FactValue | None) -> Any:
    if isinstance(value, bool | str) or value is None:
        return value
    if isinstance(value, int | Decimal):
        return float(value)
    return list(value) if isinstance(value, tuple) else value

"""The interpreter and the library side by side: one condition, one set of facts, both values, and whether they agree.

They must, wherever the library returns a value and every fact is known, except where the contract wants otherwise:

- a value of the wrong type under `attributes` is an error and unknown; the library goes by truthiness (2.4),
  and takes `true` for 1 in a list;
- text that is no number, numbers that are none, and an index out of range are unknown; the library goes on with NaN
  or null (2.5);
- parts of dates are those of the ruleset's zone; the library takes the zone a text names (3);
- `\\b` beside letters that are not ASCII, and `(?i)` of a few letters, differ (2.8).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from typing import Any

from engine.core.facts import Facts, FactSpec, FactType, FactValue
from rules.conditions import check_condition
from rules.interpret import Evaluation
from rules.translate import parse_condition
from rules.tree import Fact, Item, Membership, Node, walk
from rules.values import Unknown, from_json
from tests.unit.rules import library
from tests.unit.rules.choices import Choices, pick
from tests.unit.rules.fact_generator import FLOATS, NOW, value
from tests.unit.rules.generator import KINDS, Grammar, expression
from web.facts import CATALOG

_OURS_ALONE = frozenset({"wrong_type", "not_a_number", "not_finite", "index_out_of_range"})
"""Errors that leave a part unknown where the library may go on."""


class Outcome(Enum):
    """What a comparison came to."""

    SAME = "same"
    DIFFERENT = "different"
    REFUSED = "refused by one of them"
    NOTHING = "no value to compare"
    DIVERGENT = "differs as the contract wants"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A condition (or a part of one) and the facts it is evaluated over."""

    text: str
    values: Mapping[str, FactValue]


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """A pair with both values."""

    pair: Pair
    outcome: Outcome
    ours: Any = None
    theirs: Any = None


def tree_of(text: str) -> Node | None:
    """Return the tree of a sound expression of any type, or None."""
    checked = check_condition(text, CATALOG, UTC)
    if checked.tree is not None:
        return checked.tree
    if {finding.code for finding in checked.findings} != {"condition_not_boolean"}:
        return None
    return parse_condition(text, CATALOG, UTC).tree


def compare(pair: Pair, tree: Node | None, *, is_typed: bool = False) -> Compared:
    """Return both values of a pair and whether they agree; `tree` is that of its text."""
    rule = library.rule(pair.text, library.TYPED if is_typed else library.UNTYPED)
    if tree is None or rule is None:
        return Compared(pair=pair, outcome=Outcome.REFUSED)
    theirs = library.evaluate(rule, library.given(pair.values))
    if theirs is None:
        return Compared(pair=pair, outcome=Outcome.NOTHING)
    evaluation = Evaluation(Facts(as_of=NOW, values=pair.values), NOW, UTC)
    ours = evaluation.value(tree)
    found = Compared(pair=pair, outcome=Outcome.SAME, ours=ours, theirs=theirs)
    if not isinstance(ours, Unknown) and _plain(ours) == _plain(theirs):
        return found
    parts = {id(node): evaluation.value(node) for node in walk(tree)}
    if any(isinstance(node, Fact | Item) and _is_missing(parts[id(node)]) for node in walk(tree)):
        return replace(found, outcome=Outcome.NOTHING)  # not every fact is known
    return replace(found, outcome=Outcome.DIVERGENT if _is_wanted(pair, tree, parts) else Outcome.DIFFERENT)


def _is_missing(part: Any) -> bool:
    return isinstance(part, Unknown) and part.error is None


def _is_wanted(pair: Pair, tree: Node, parts: Mapping[int, Any]) -> bool:
    errors = {part.error.code for part in parts.values() if isinstance(part, Unknown) and part.error is not None}
    used = pair.text + repr(list(pair.values.values()))
    if errors & _OURS_ALONE:
        return True
    if any(sign in pair.text for sign in ("\\b", "(?i)")) and (not used.isascii() or "\\u" in used):
        return True
    if any(offset in pair.text for offset in ("+01:00", "+05:45")):
        return True
    return any(isinstance(node, Membership) and _mixes_booleans(node, parts) for node in walk(tree))


def _mixes_booleans(node: Membership, parts: Mapping[int, Any]) -> bool:
    found = [parts[id(part)] for part in walk(node)]
    whole = [item for part in found for item in (part if isinstance(part, tuple | frozenset) else (part,))]
    return any(isinstance(one, bool) for one in whole) and any(isinstance(one, Decimal) for one in whole)


def _plain(found: Any) -> Any:
    """Return a value so that Python's equality is the language's: booleans are no numbers, lists no tuples."""
    found = from_json(found) if not isinstance(found, Unknown) else found
    if isinstance(found, bool):
        return ("boolean", found)
    if isinstance(found, Mapping):
        return {key: _plain(one) for key, one in found.items()}
    if isinstance(found, set | frozenset):
        return {_plain(one) for one in found}
    return tuple(map(_plain, found)) if isinstance(found, tuple | list) else found


# making pairs


def pairs(choices: Choices, *, customers: int, depth: int = 3) -> tuple[Node | None, list[Pair]]:
    """Return a generated expression, its tree, and it with the facts it names of several customers."""
    kind = pick(choices, ("truth", "truth", *KINDS))
    text = expression(choices, kind, Grammar(depth=choices.number(0, depth)))
    tree = tree_of(text)
    if tree is None:
        return None, [Pair(text=text, values={})]
    specs = {node.spec.name: node.spec for node in walk(tree) if isinstance(node, Fact) and node.spec is not None}
    return tree, [Pair(text=text, values=_known(choices, tuple(specs.values()))) for _ in range(customers)]


def _known(choices: Choices, specs: Sequence[FactSpec]) -> dict[str, FactValue]:
    """Return a value for each fact, its numbers as decimals, whole numbers or floats, without `null` anywhere."""
    values: dict[str, Any] = {}
    for spec in specs:
        values[spec.name] = _known_only(value(choices, spec))
        if spec.type in (FactType.NUMBER, FactType.MONEY) and choices.number(0, 2) == 0:
            values[spec.name] = pick(choices, (float(values[spec.name]), *FLOATS, Decimal(int(values[spec.name]))))
    return values


def _known_only(found: Any) -> Any:
    if isinstance(found, datetime):
        return found.astimezone(UTC)  # facts are in UTC; the library reads the parts of a date in its own zone
    if isinstance(found, dict):
        return {key: _known_only(one) for key, one in found.items() if one is not None}
    if isinstance(found, list):
        return [_known_only(one) for one in found if one is not None]
    return found


def shrink(pair: Pair, is_different: Callable[[Pair], bool]) -> Pair:
    """Return a smaller pair that still differs: parts stand for wholes, facts that don't matter are gone."""
    current = pair
    while (smaller := next(filter(is_different, _smaller(current)), None)) is not None:
        current = smaller
    return current


def _smaller(pair: Pair) -> list[Pair]:
    tree = tree_of(pair.text)
    if tree is None:
        return []
    found = []
    for node in walk(tree):
        for part in walk(node):
            if part is node:
                continue
            start, end = node.span
            text = f"{pair.text[:start]}{pair.text[slice(*part.span)]}{pair.text[end:]}"
            if len(text) < len(pair.text):
                found.append(Pair(text=text, values=pair.values))
    named = {node.spec.name for node in walk(tree) if isinstance(node, Fact) and node.spec is not None}
    kept = {name: one for name, one in pair.values.items() if name in named}
    if len(kept) < len(pair.values):
        found.insert(0, Pair(text=pair.text, values=kept))
    return sorted(found, key=lambda one: len(one.text))

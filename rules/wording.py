"""Values and changes in words: amounts with their currency, dates as people read them."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from engine.core.explain import REASONS
from engine.core.facts import FactType, Reason
from rules.analysis.spaces import Line, TextPredicate, Variable
from rules.analysis.stretches import Stretch
from rules.tree import Fact, Literal, Membership, Node

_LONGEST = 60
_PLAIN_EXPONENT = 15


def sentence(changes: Sequence[tuple[str, str, str]]) -> str:
    """Return triples of a fact, what it should be and what it is as one sentence, without a period."""
    if len(changes) == 1:
        ((fact, wanted, current),) = changes
        return f"would match if {fact} {wanted}" + (f"; it is {current}" if current else "")
    parts = [f"{fact} {wanted}" + (f" (it is {current})" if current else "") for fact, wanted, current in changes]
    return f"would match if {', '.join(parts[:-1])} and {parts[-1]}"


def said(variable: Variable, stretch: Stretch, currency: str | None) -> str | None:
    """Return what a fact should be, as the end of `if mrr …`, or None if there are no words for it."""
    if stretch.is_unknown:
        return "had no value"
    if stretch.is_known:
        return "had a value"
    if stretch.beginning is not None:
        return f"began with “{_cut(stretch.beginning)}”"
    if stretch.named:
        return f"were {' or '.join(shown(variable, one, currency) for one in stretch.named)}"
    if stretch.other_than:
        return f"were something other than {' or '.join(shown(variable, one, currency) for one in stretch.other_than)}"
    return None if stretch.span is None else _between(variable, stretch, currency)


def _between(variable: Variable, stretch: Stretch, currency: str | None) -> str:
    assert stretch.span is not None
    low, low_in, high, high_in = stretch.span
    if low is not None and low == high:
        return f"were {shown(variable, low, currency)}"
    if isinstance(low if low is not None else high, datetime):
        above, least, below, most = "after", "not before", "before", "not after"
    else:
        above, least, below, most = "above", "at least", "below", "at most"
    parts = []
    if low is not None:
        parts.append(f"{least if low_in else above} {shown(variable, low, currency)}")
    if high is not None:
        parts.append(f"{most if high_in else below} {shown(variable, high, currency)}")
    return f"were {' and '.join(parts)}"


def question(node: Node, predicate: TextPredicate | None, *, holds: bool) -> str | None:
    """Return what a text or a list should answer, as the end of `if subject …`, or None if there are no words."""
    if predicate is None:
        if isinstance(node, Membership) and isinstance(node.left, Literal) and isinstance(node.left.value, str):
            return f"{'held' if holds else 'did not hold'} “{_cut(node.left.value)}”"
        return None
    needle = _cut(predicate.needle)
    match predicate.form:
        case "contains":
            return f"{'contained' if holds else 'did not contain'} “{needle}”"
        case "ends":
            return f"{'ended' if holds else 'did not end'} with “{needle}”"
        case "~" | "~~":
            return f"{'matched' if holds else 'did not match'} `{needle}`"
        case _:
            return None


def shown(variable: Variable, value: Any, currency: str | None) -> str:
    """Return a value of a fact as a sentence has it."""
    if variable.line is Line.JSON and isinstance(value, tuple):
        value = value[1]
    match value:
        case bool():
            return "true" if value else "false"
        case Decimal():
            is_money = _type_of(variable) is FactType.MONEY
            return number(value) + (f" {currency.upper()}" if is_money and currency else "")
        case str():
            return f"“{_cut(value)}”" if value else "empty"
        case datetime():
            return instant(value)
        case _:
            return str(value)


def number(value: Decimal) -> str:
    """Return a number with its thousands parted; very large and very small ones as they are."""
    return f"{value:,f}" if -_PLAIN_EXPONENT < value.adjusted() < _PLAIN_EXPONENT else str(value)


def instant(value: datetime) -> str:
    """Return an instant in UTC to the minute, or to the second or finer if it has such parts."""
    text = value.strftime("%Y-%m-%d %H:%M")
    if value.second or value.microsecond:
        text += value.strftime(":%S") + (f".{value.microsecond:06d}" if value.microsecond else "")
    return f"{text} UTC"


def unknown_words(reason: Reason | None) -> str:
    """Return that something is unknown, and why."""
    return "unknown" if reason is None else f"unknown ({REASONS[reason]})"


def _type_of(variable: Variable) -> FactType | None:
    spec = variable.node.spec if isinstance(variable.node, Fact) else None
    return None if spec is None else spec.type


def _cut(text: str) -> str:
    line = " ".join(text.split()) if "\n" in text or "\t" in text else text
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"

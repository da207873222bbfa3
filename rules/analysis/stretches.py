"""The stretch of values nearest to what a fact is now, out of the cells that would do."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from itertools import islice
from typing import Any

from engine.core.facts import FactType
from rules.analysis.examples import values_in
from rules.analysis.formulas import Range, prefix_range
from rules.analysis.lines import RANKS
from rules.analysis.spaces import UNKNOWN_CELL, Line, Variable
from rules.kinds import Kind
from rules.tree import Attribute, Fact
from rules.values import Unknown

FAR = 1.0
"""The distance between texts, truth values, and from what is not known."""
_MOST_NAMED = 5
_MOST_SAMPLES = 4
_MONTH = timedelta(days=30)
_MEASURED = (Line.NUMBER, Line.INSTANT, Line.DURATION)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Values that would do; exactly one of the descriptions is set."""

    span: Range | None = None
    named: tuple[Any, ...] = ()
    other_than: tuple[Any, ...] = ()
    beginning: str | None = None
    is_unknown: bool = False
    is_known: bool = False
    distance: float = FAR
    samples: tuple[Any, ...] = ()
    """Values in it, as facts have them; None for no value."""


def nearest_stretch(variable: Variable, cells: int, now: Any) -> Stretch | None:
    """Return the stretch of `cells` that is nearest to the value `now`, or None if there is none that can be said."""
    declared = variable.mask(variable.declared)
    known = cells & declared & ~UNKNOWN_CELL
    found: Stretch | None = None
    if known:
        if isinstance(now, Unknown) and not declared & variable.mask(variable.universe) & ~known:
            found = Stretch(is_known=True, samples=_samples(variable, known))
        elif variable.line in _MEASURED:
            found = _measured(variable, cells & ~UNKNOWN_CELL, declared, now)
        elif variable.line in (Line.TEXT, Line.BOOLEAN, Line.JSON):
            found = _named(variable, known, now)
    if found is None and cells & UNKNOWN_CELL and not isinstance(now, Unknown):
        return Stretch(is_unknown=True, samples=(None,))
    return found if found is not None and found.samples else None


def _measured(variable: Variable, cells: int, declared: int, now: Any) -> Stretch | None:
    stretches = []
    for first, last in _runs(cells):
        low, high = variable.ends(first), variable.ends(last)
        span = Range(low.low, low.low_in, high.high, high.high_in)
        if _is_counted(variable) and not _holds_a_whole_number(span):
            continue
        run = ((1 << (last + 1)) - 1) & ~((1 << first) - 1) & declared
        if not run:  # the fact is never there
            continue
        stretches.append(Stretch(span=span, distance=_gap(span, now), samples=_samples(variable, run)))
    return min(stretches, key=lambda one: one.distance, default=None)


def _named(variable: Variable, cells: int, now: Any) -> Stretch | None:
    marks = {2 * index + 2: mark for index, mark in enumerate(variable.boundaries)}
    alone = [
        mark
        for bit, mark in marks.items()
        if cells >> bit & 1 and not cells >> (bit - 1) & 1 and not cells >> (bit + 1) & 1 and _is_whole_place(mark)
    ]
    if alone:
        named = tuple(alone[:_MOST_NAMED])
        return Stretch(named=named, samples=tuple(_value(variable, one) for one in named))
    universe = variable.mask(variable.universe)
    missing = [bit for bit in range(1, universe.bit_length()) if (universe & ~cells) >> bit & 1]
    if missing and len(missing) <= _MOST_NAMED and all(bit in marks for bit in missing):
        others = tuple(marks[bit] for bit in missing)
        if all(map(_is_whole_place, others)):
            return Stretch(other_than=others, samples=_samples(variable, cells))
    for first, last in _runs(cells):
        low, high = variable.ends(first), variable.ends(last)
        span = Range(low.low, low.low_in, high.high, high.high_in)
        run = ((1 << (last + 1)) - 1) & ~((1 << first) - 1)
        if variable.line is Line.TEXT and low.low is not None and span == prefix_range(low.low):
            return Stretch(beginning=low.low, samples=(low.low, *_samples(variable, run)))
        plain = _plain_span(variable, span)
        if plain is not None:
            gap = _gap(plain, now)
            return Stretch(span=plain, distance=gap, samples=_samples(variable, run))
    return None


def _plain_span(variable: Variable, span: Range) -> Range | None:
    """Return a stretch of numbers on the line of values of any type, or None if it is of others too."""
    number = RANKS[Kind.NUMBER]
    if variable.line is not Line.JSON or span.low is None or span.high is None:
        return None
    if (
        span.low[0] != number
        or span.high[0] not in (number, number + 1)
        or (span.high[0] > number and len(span.high) > 1)
    ):
        return None
    low = span.low[1] if len(span.low) > 1 else None
    high = span.high[1] if len(span.high) > 1 else None
    if low is None and high is None:
        return None
    return Range(low, span.low_in, high, span.high_in)


def _is_whole_place(mark: Any) -> bool:
    return not isinstance(mark, tuple) or len(mark) > 1


def _value(variable: Variable, place: Any) -> Any:
    return place[1] if variable.line is Line.JSON else place


def _samples(variable: Variable, cells: int) -> tuple[Any, ...]:
    return tuple(_value(variable, place) for place in islice(values_in(variable, cells), _MOST_SAMPLES))


def _runs(cells: int) -> list[tuple[int, int]]:
    runs = []
    bit = 0
    while cells >> bit:
        if cells >> bit & 1:
            first = bit
            while cells >> (bit + 1) & 1:
                bit += 1
            runs.append((first, bit))
        bit += 1
    return runs


def _is_counted(variable: Variable) -> bool:
    if isinstance(variable.node, Attribute):
        return variable.node.name == "length"
    spec = variable.node.spec if isinstance(variable.node, Fact) else None
    return spec is not None and spec.type is FactType.NUMBER


def _holds_a_whole_number(span: Range) -> bool:
    if span.low is None or span.high is None:
        return True
    least = span.low.to_integral_value(rounding=ROUND_CEILING)
    least += least == span.low and not span.low_in
    most = span.high.to_integral_value(rounding=ROUND_FLOOR)
    most -= most == span.high and not span.high_in
    return bool(least <= most)


def _gap(span: Range, now: Any) -> float:
    """Return how far it is from `now` to a stretch: in terms of `now` for numbers, in months for instants."""
    bounds = [bound for bound in (span.low, span.high) if bound is not None]
    if not bounds:
        return FAR
    nearest = min(bounds, key=lambda bound: _between(bound, now) if type(bound) is type(now) else 0)
    if type(nearest) is not type(now):
        return FAR
    return _between(nearest, now)


def _between(bound: Any, now: Any) -> float:
    if isinstance(bound, Decimal):
        return float(abs(bound - now) / max(Decimal(1), abs(now)))
    if isinstance(bound, datetime | timedelta):
        return float(abs(bound - now) / _MONTH)
    return FAR

"""The quick way through the columns of plain facts: one flat function of Python for each block, written by us.

A loop over columns spends most of its time on the loop. So its body is written out, once for each column, and
compiled; only numbers of columns stand in the text, everything else (names, thresholds, masks) is bound beside it.
No text of a rule gets in. The idea of generating the code for a plan instead of interpreting it: Neumann, "Efficiently
Compiling Efficient Query Plans for Modern Hardware" (VLDB 2011).

The function raises for any value that is not of the usual type; the caller then goes the careful way.
"""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from engine.core.matcher.clauses import Kind, Values
from engine.core.matcher.columns import DiscreteColumn, OrderedColumn, toggled

Quick = Callable[[Values], tuple[int, int]]
"""From facts to the clauses left, and the numbers of the columns without a value, as a set."""


@dataclass(frozen=True, slots=True)
class PlainColumn:
    """A column of a plain fact, with its number among all columns."""

    fact: str
    kind: Kind
    number: int
    column: OrderedColumn | DiscreteColumn


def quick_way(columns: Sequence[PlainColumn], start: int) -> Quick:
    """Return the function that intersects `columns`, beginning with the clauses `start`."""
    bound: dict[str, Any] = {"bisect": bisect_left, "toggled": toggled, "start": start, "Decimal": Decimal}
    lines = ["def match(values):", " get = values.get", " left = start", " missing = 0"]
    for place, one in enumerate(columns):
        bound[f"name{place}"] = one.fact
        lines += [
            f" value = get(name{place})",
            " if value is None:",
            f"  missing |= {1 << one.number}",
            *(f" {line}" for line in _body(place, one, bound)),
        ]
    lines += [" return left, missing"]
    exec(compile("\n".join(lines), "<matcher>", "exec"), bound)  # noqa: S102  # our own text; see the header
    match: Quick = bound["match"]
    return match


def _body(place: int, one: PlainColumn, bound: dict[str, Any]) -> list[str]:
    if isinstance(one.column, OrderedColumn):
        return _ordered(place, one, one.column, bound)
    bound[f"mask{place}"] = one.column.masks.get
    bound[f"other{place}"] = one.column.default
    bound[f"type{place}"] = str if one.kind is Kind.WORD else bool
    body = [f"elif value.__class__ is type{place}:"]
    if all(isinstance(mask, int) for mask in one.column.masks.values()):
        body += [f" left &= mask{place}(value, other{place})"]
    else:
        body += [
            f" mask = mask{place}(value, other{place})",
            f" left &= mask if mask.__class__ is int else toggled(other{place}, mask)",
        ]
    return [*body, "else:", " raise TypeError"]


def _ordered(place: int, one: PlainColumn, column: OrderedColumn, bound: dict[str, Any]) -> list[str]:
    bound[f"points{place}"] = column.exact
    bound[f"whole{place}"] = column.whole
    bound[f"cells{place}"] = column.cells
    bound[f"type{place}"] = Decimal if one.kind is Kind.NUMBER else datetime
    # A cell without a mask, and an `int` among datetimes, raise too.
    return [
        f"elif value.__class__ is type{place}:",
        f" at = bisect(points{place}, value)",
        f" left &= cells{place}[at + at + (points{place}[at] == value)]",
        "elif value.__class__ is int:",
        f" at = bisect(whole{place}, value)",
        f" left &= cells{place}[at + at + (whole{place}[at] == value)]",
        "else:",
        " raise TypeError",
    ]

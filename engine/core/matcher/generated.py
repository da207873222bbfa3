"""The quick way through the columns of plain facts: one flat function of Python for each block, written by us.

A loop over columns spends most of its time on the loop. So its body is written out, once for each column, and
compiled; only numbers of columns stand in the text, everything else (names, thresholds, masks) is bound beside it.
No text of a rule gets in. The idea of generating the code for a plan instead of interpreting it: Neumann, "Efficiently
Compiling Efficient Query Plans for Modern Hardware" (VLDB 2011).

The function raises for any value that is not of the usual type; the caller then goes the careful way. It returns the
masks and leaves it to the caller over which window of clauses to intersect them.
"""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from engine.core.matcher.clauses import Kind, Values
from engine.core.matcher.columns import DiscreteColumn, OrderedColumn, toggled

Quick = Callable[[Values], tuple[list[int], int]]
"""From facts to a mask for each column, and the numbers of the columns without a value, as a set."""


@dataclass(frozen=True, slots=True)
class PlainColumn:
    """A column of a plain fact, with its number among all columns."""

    fact: str
    kind: Kind
    number: int
    column: OrderedColumn | DiscreteColumn


def quick_way(columns: Sequence[PlainColumn], every: int) -> Quick:
    """Return the function that finds the masks of `columns`; one without a value leaves `every` clause."""
    bound: dict[str, Any] = {"bisect": bisect_left, "toggled": toggled, "every": every, "Decimal": Decimal}
    lines = ["def match(values):", " get = values.get", " missing = 0"]
    for place, one in enumerate(columns):
        bound[f"name{place}"] = one.fact
        lines += [f" value = get(name{place})", *(f" {line}" for line in _body(place, one, bound))]
        lines += [
            " elif value is None:",
            f"  missing |= {1 << one.number}",
            f"  left{place} = every",
            " else:",
            "  raise TypeError",
        ]
    lines += [f" return [{', '.join(f'left{place}' for place in range(len(columns)))}], missing"]
    exec(compile("\n".join(lines), "<matcher>", "exec"), bound)  # noqa: S102  # our own text; see the header
    match: Quick = bound.pop("match")  # or it would hold itself, with all masks, until somebody looks for cycles
    return match


def _body(place: int, one: PlainColumn, bound: dict[str, Any]) -> list[str]:
    """Return what is done with a value of a column: the first branches of an `if`."""
    if isinstance(one.column, OrderedColumn):
        return _ordered(place, one, one.column, bound)
    bound[f"mask{place}"] = one.column.masks.get
    bound[f"other{place}"] = one.column.default
    bound[f"type{place}"] = str if one.kind is Kind.WORD else bool
    body = [f"if value.__class__ is type{place}:", f" left{place} = mask{place}(value, other{place})"]
    if not all(isinstance(mask, int) for mask in one.column.masks.values()):
        body += [f" if left{place}.__class__ is tuple:", f"  left{place} = toggled(other{place}, left{place})"]
    return body


def _ordered(place: int, one: PlainColumn, column: OrderedColumn, bound: dict[str, Any]) -> list[str]:
    bound[f"points{place}"] = column.exact
    bound[f"whole{place}"] = column.whole
    bound[f"cells{place}"] = column.cells
    bound[f"type{place}"] = Decimal if one.kind is Kind.NUMBER else datetime
    # The infinities raise too, since their cells have no mask to intersect; so does an `int` among datetimes.
    return [
        f"if value.__class__ is type{place}:",
        f" at = bisect(points{place}, value)",
        f" left{place} = cells{place}[at + at + (points{place}[at] == value)]",
        "elif value.__class__ is int:",
        f" at = bisect(whole{place}, value)",
        f" left{place} = cells{place}[at + at + (whole{place}[at] == value)]",
    ]

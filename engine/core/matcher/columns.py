"""Columns: for one source of values, which clauses a value does not rule out.

Sources of the ideas
- One precomputed bit vector per elementary interval of a field, intersected over all fields: Lakshman and Stiliadis,
  "High-speed policy-based packet forwarding using efficient multi-dimensional range matching" (SIGCOMM 1998).
- Storing full vectors only every so many intervals and the changes between them bounds the memory: their
  incremental-read variant in the same paper.
- A hash for equality with one vector for all values not named: the alpha-node hashing of Rete engines (Forgy 1982;
  Doorenbos 1995), here giving all clauses at once.

A column holds at most one test of each clause. `mask` returns the clauses that are not false for this value, with a
bit set too for every clause that asks nothing of this column; None when the value is not of the column's type.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from engine.core.matcher.bits import Compact, compact, set_of, united
from engine.core.matcher.clauses import ODD, Column, Kind, Odd
from engine.core.matcher.predicates import Among, Finds, Line, Test
from engine.core.matcher.texts import found_in, is_encodable

LONGEST_TEXT = 4096
SMALL = 2048
"""Masks of up to so many bits are kept whole even where they differ in few bits only."""
FULL_MASKS = 2048
"""Up to so many cells an ordered column keeps a full mask for each; a longer one keeps every so many."""

Tested = Sequence[tuple[int, Any]]
"""Bits of clauses, each with its test."""


@dataclass(frozen=True, slots=True)
class WhenUnknown:
    """What is left of all clauses when a column's source is unknown."""

    sure: int
    """Clauses that may still be true."""
    possible: int
    """Clauses that may still be true or unknown."""


def when_unknown(tested: Sequence[tuple[int, Test]], every: int) -> WhenUnknown:
    """Return what an unknown value leaves of `every` clause."""
    unsure = set_of(bit for bit, test in tested if test.unknown is not True)
    lost = set_of(bit for bit, test in tested if test.unknown is False)
    return WhenUnknown(sure=every & ~unsure, possible=every & ~lost)


# ordered values


class OrderedColumn:
    """Thresholds and ranges: the thresholds cut the line into cells, each with its mask."""

    __slots__ = ("_kind", "_shift", "cells", "exact", "toggles", "whole")

    def __init__(self, kind: Kind, tested: Sequence[tuple[int, Line]], every: int) -> None:
        self._kind = kind
        starts: list[int] = []
        changes: dict[Any, tuple[list[int], list[int]]] = {}
        for bit, line in tested:
            if not line.start:
                starts.append(bit)
            for point, after in line.cuts:
                changes.setdefault(point, ([], []))[after].append(bit)
        low, high = _ENDS[kind]
        self.exact: list[Any] = sorted({low, high, *changes})
        self.whole: list[Any] = [_as_int(point) for point in self.exact]
        # Cell 2i is the gap below point i, cell 2i + 1 the point itself; a cut toggles where it is passed.
        self.toggles: list[tuple[int, ...]] = [()]
        for point in self.exact:
            below, above = changes.get(point, ((), ()))
            self.toggles += [tuple(below), tuple(above)]
        self._shift = 0
        while len(self.toggles) >> self._shift > FULL_MASKS:
            self._shift += 1
        self.cells = self._masks(every & ~set_of(starts))

    def _masks(self, mask: int) -> list[int | None]:
        cells: list[int | None] = []
        for number, toggled in enumerate(self.toggles):
            if toggled:
                mask ^= set_of(toggled)
            if not number & ((1 << self._shift) - 1):
                cells.append(mask)
        if self._kind is Kind.NUMBER and not self._shift:
            cells[1] = cells[-2] = None  # the infinities are no numbers of ours
        return cells

    @property
    def is_plain(self) -> bool:
        """Return whether each cell has its own mask, so that a caller may look into `cells` itself."""
        return not self._shift

    def mask(self, value: Any) -> int | None:
        """Return the clauses that `value` leaves."""
        point = _to_point(self._kind, value)
        if point is None:
            return None
        place = bisect_left(self.exact, point)
        cell = 2 * place + bool(self.exact[place] == point)
        if not self._shift:
            return self.cells[cell]
        stored = cell >> self._shift
        mask = self.cells[stored]
        assert mask is not None
        for bits in self.toggles[(stored << self._shift) + 1 : cell + 1]:
            mask = toggled(mask, bits)
        return mask


_ENDS: Mapping[Kind, tuple[Any, Any]] = {
    Kind.NUMBER: (Decimal("-Infinity"), Decimal("Infinity")),
    Kind.INSTANT: (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)),
    Kind.DURATION: (timedelta.min, timedelta.max),
}


def _as_int(point: Any) -> Any:
    """Return a number as an `int` where that is the same: comparing two of them costs half."""
    if not isinstance(point, Decimal):
        return point
    if not point.is_finite():
        return float(point)
    return int(point) if abs(point.adjusted()) <= 30 and point == point.to_integral_value() else point  # noqa: PLR2004  # a literal has at most 30 digits


def _to_point(kind: Kind, value: Any) -> Any:
    """Return `value` as a point of an ordered column, or None if it is of another type."""
    if kind is Kind.NUMBER:
        if isinstance(value, bool):
            return None
        if isinstance(value, float):
            value = Decimal(repr(value))
        if isinstance(value, Decimal):
            return value if value.is_finite() else None
        return Decimal(value) if isinstance(value, int) else None
    if kind is Kind.INSTANT:
        return value if isinstance(value, datetime) and value.tzinfo is not None else None
    return value if isinstance(value, timedelta) else None


# values by equality


class DiscreteColumn:
    """Equality and membership: a mask for each value that is named, and one for all others."""

    __slots__ = ("_column", "default", "masks")

    def __init__(self, column: Column, tested: Sequence[tuple[int, Among]], every: int) -> None:
        self._column = column
        self.default = every & ~set_of(bit for bit, test in tested if not test.others)
        named: dict[Any, list[int]] = {}
        for bit, test in tested:
            for value in test.values:
                named.setdefault(value, []).append(bit)
        # Naming a value turns the clause's answer for all others around.
        self.masks: dict[Any, Compact] = {}
        for value, bits in named.items():
            few = set_of(bits) if every.bit_length() <= SMALL else compact(bits)
            self.masks[value] = few if isinstance(few, tuple) else self.default ^ few

    def mask(self, value: Any) -> int | None:
        """Return the clauses that `value` leaves."""
        key = _to_word(self._column.kind, value)
        if key is None:
            return self.default if self._column.is_open and value is not ODD else None
        found: Compact = self.masks.get(key, self.default)
        return found if isinstance(found, int) else toggled(self.default, found)


def toggled(mask: int, bits: Iterable[int]) -> int:
    """Return `mask` with the membership of `bits` turned around."""
    for bit in bits:
        mask ^= 1 << bit
    return mask


def _to_word(kind: Kind, value: Any) -> Any:
    if kind is Kind.WORD:
        return value[:LONGEST_TEXT] if isinstance(value, str) else None
    if kind is Kind.FLAG:
        return value if isinstance(value, bool) else None
    return _to_point(Kind.NUMBER, value)


# what is found in a value


class FoundColumn:
    """Texts and lists: what is found in the value adds the clauses that want it and drops those that don't."""

    __slots__ = ("_dropped", "_wanted", "base")

    def __init__(self, tested: Sequence[tuple[int, Finds]], every: int) -> None:
        self.base = every & ~set_of(bit for bit, test in tested if test.found)
        wanted: dict[Any, list[int]] = {}
        dropped: dict[Any, list[int]] = {}
        for bit, test in tested:
            for atom in test.atoms:
                (wanted if test.found else dropped).setdefault(atom, []).append(bit)
        self._wanted: dict[Any, Compact] = {atom: compact(bits) for atom, bits in wanted.items()}
        self._dropped: dict[Any, Compact] = {atom: compact(bits) for atom, bits in dropped.items()}

    @property
    def atoms(self) -> frozenset[Any]:
        """Return everything that is looked for."""
        return frozenset(self._wanted) | frozenset(self._dropped)

    def mask(self, found: Iterable[Any]) -> int:
        """Return the clauses that a value leaves in which `found` was found."""
        left, gone = self.base, 0
        for atom in found:
            if (more := self._wanted.get(atom)) is not None:
                left = left | more if isinstance(more, int) else united(left, more)
            if self._dropped and atom in self._dropped:
                gone = united(gone, self._dropped[atom])
        return left & ~gone if gone else left


def items_of(value: Any) -> Sequence[str] | None:
    """Return the texts of a list as conditions see them, or None if it is no list of texts."""
    if not isinstance(value, tuple | list):
        return None
    try:
        if len("".join(value)) <= LONGEST_TEXT:  # joining raises for what is no text; none of short ones is cut
            return value
    except TypeError:
        return None
    items: list[str] = []
    for item in value:
        if not isinstance(item, str):
            return None
        items.append(item[:LONGEST_TEXT])
    return items


def truth_of(column: Column, test: Test, value: Any) -> bool | Odd | None:  # noqa: PLR0911  # a table
    """Return what one test says of one value of its column; None for unknown, `ODD` for a value of another type."""
    if value is None:
        return test.unknown
    if isinstance(test, Line):
        point = _to_point(column.kind, value)
        return ODD if point is None else test.holds(point)
    if isinstance(test, Among):
        word = _to_word(column.kind, value)
        if word is None:
            return test.others if column.is_open and value is not ODD else ODD
        return test.holds(word)
    if column.kind is Kind.ITEMS:
        items = items_of(value)
        return ODD if items is None else (not test.atoms.isdisjoint(items)) is test.found
    if not isinstance(value, str) or not is_encodable(value):
        return ODD
    return any(found_in(atom, value) for atom in test.atoms) is test.found

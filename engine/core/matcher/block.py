"""A block: conditions indexed together, judged all at once by intersecting one mask for each column.

Two masks are kept instead of one, as Kleene's logic needs: clauses that may still be true, and clauses that may still
be true or unknown. For a known value they are the same, since a test of a known value passes or fails; so a column
costs one intersection either way, and an unknown one costs none of its own: what a combination of unknown columns
leaves is worked out once and remembered.

The clauses of a condition stand in planes: the first bits are conditions of one clause, then come the first clauses
of all conditions with two, then their second clauses, and so on. Joining clauses to conditions is then a shift for
each plane, whatever their number.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import InvalidOperation
from typing import Any, NamedTuple

from engine.core.matcher.bits import members, set_of
from engine.core.matcher.clauses import DISCRETE, ODD, ORDERED, Clause, Column, Form, Kind, Odd, Source, Values
from engine.core.matcher.columns import (
    DiscreteColumn,
    FoundColumn,
    OrderedColumn,
    WhenUnknown,
    items_of,
    truth_of,
    when_unknown,
)
from engine.core.matcher.generated import PlainColumn, quick_way
from engine.core.matcher.predicates import Test
from engine.core.matcher.texts import TextIndex

EAGER = 4
"""A sub-expression that fewer tests than this share is worked out only for clauses that nothing else has ruled out."""
REMEMBERED = 256
"""How many combinations of unknown columns a block remembers."""


Verdicts = tuple[int, int, int]
"""Sets of places of conditions in a block: true, unknown, and odd.

Odd are those that read a value of a type it should not have; nothing is said of them.
"""


class _Plane(NamedTuple):
    """Conditions with the same number of clauses."""

    clauses: int
    conditions: int
    first_bit: int
    first_place: int


@dataclass(frozen=True, slots=True)
class _Shared:
    """Columns of one source that is no plain fact, or whose values need more than a look into a table."""

    source: Source
    numbers: int
    """The numbers of its columns among all, as a set."""
    found: tuple[tuple[int, FoundColumn], ...]
    """With the number of each column."""
    index: TextIndex | None
    plain: tuple[tuple[int, OrderedColumn | DiscreteColumn], ...]


class _Late(NamedTuple):
    """A test to make for a clause only if nothing else has ruled it out."""

    column: Column
    test: Test


class _Left(NamedTuple):
    sure: int
    possible: int
    settled: int
    """Clauses whose truth need not be worked out: it is unknown anyway."""


class Block:
    """Conditions indexed together; immutable but for what it remembers of unknown columns."""

    def __init__(self, forms: Sequence[Form]) -> None:
        by_size = sorted(range(len(forms)), key=lambda number: max(1, len(forms[number].clauses)))
        self.order: tuple[int, ...] = tuple(by_size)
        """For each place the number of its form."""
        self.planes = _planes([max(1, len(forms[number].clauses)) for number in by_size])
        self.forms = tuple(forms[number] for number in by_size)
        self.fallible = set_of([place for place, form in enumerate(self.forms) if form.fallible])
        """Places of conditions in which something may go wrong."""
        self._bits = sum(plane.clauses * plane.conditions for plane in self.planes)
        self._every = (1 << self._bits) - 1
        self._never = 0
        tested = self._place_clauses()
        self._start = self._every & ~self._never
        self._whole = len(self.planes) == 1 and self.planes[0].clauses == 1
        self._users: list[int] = []
        self._unknown: list[WhenUnknown] = []
        self._settled: list[int] = []
        self._build(tested)
        self._left: dict[int, _Left] = {}

    # building

    def _place_clauses(self) -> dict[tuple[Column, int], list[tuple[int, Test]]]:
        """Return for each column, and layer of it, the bits of its clauses with their tests."""
        tested: dict[tuple[Column, int], list[tuple[int, Test]]] = {}
        never = []
        for plane in self.planes:
            for offset in range(plane.conditions):
                clauses = self.forms[plane.first_place + offset].clauses
                if not clauses:
                    never.append(plane.first_bit + offset)
                for number, clause in enumerate(clauses):
                    _place(clause, plane.first_bit + number * plane.conditions + offset, tested)
        self._never = set_of(never)
        return tested

    def _build(self, tested: dict[tuple[Column, int], list[tuple[int, Test]]]) -> None:
        self._plain: list[PlainColumn] = []
        self._late: dict[int, list[_Late]] = {}
        shared: dict[Source, list[tuple[Column, int, list[tuple[int, Test]]]]] = {}
        users: dict[Source, int] = {}
        for (column, _layer), pairs in tested.items():
            users[column.source] = users.get(column.source, 0) + len(pairs)
        for (column, _layer), pairs in tested.items():
            if not column.source.is_cheap and users[column.source] < EAGER:
                for bit, test in pairs:
                    self._late.setdefault(bit, []).append(_Late(column, test))
                continue
            number = self._number(pairs)
            if not (column.source.is_fact and self._add_plain(column, pairs, number)):
                shared.setdefault(column.source, []).append((column, number, pairs))
        self._shared = [self._share(source, columns) for source, columns in shared.items()]
        self._late_bits = set_of(self._late)
        self._presence = self._find_settled()
        self._quick = quick_way(self._plain, self._start)

    def _find_settled(self) -> list[tuple[str, int]]:
        """Return the facts whose absence alone leaves a clause's only late test unknown."""
        settled: dict[str, list[int]] = {}
        for bit, lates in self._late.items():
            (column, test), *more = lates
            if not more and column.source.is_strict and test.unknown is None:
                for fact in column.source.facts:
                    settled.setdefault(fact, []).append(bit)
        return [(fact, 1 << self._number_settled(bits)) for fact, bits in settled.items()]

    def _number(self, pairs: list[tuple[int, Test]]) -> int:
        self._users.append(set_of(bit for bit, _ in pairs))
        self._unknown.append(when_unknown(pairs, self._every))
        self._settled.append(0)
        return len(self._users) - 1

    def _number_settled(self, bits: list[int]) -> int:
        settled = set_of(bits)
        self._users.append(0)
        self._unknown.append(WhenUnknown(sure=self._every & ~settled, possible=self._every))
        self._settled.append(settled)
        return len(self._users) - 1

    def _add_plain(self, column: Column, pairs: Any, number: int) -> bool:
        """Add a column of a plain fact to those with a quick way; return False if it has none."""
        one: OrderedColumn | DiscreteColumn
        if column.kind in ORDERED:
            one = OrderedColumn(column.kind, pairs, self._every)
            if not one.is_plain:
                return False
        elif column.kind in DISCRETE:
            one = DiscreteColumn(column, pairs, self._every)
        else:
            return False
        self._plain.append(PlainColumn(column.source.key, column.kind, number, one))
        return True

    def _share(self, source: Source, columns: list[tuple[Column, int, Any]]) -> _Shared:
        found: list[tuple[int, FoundColumn]] = []
        plain: list[tuple[int, OrderedColumn | DiscreteColumn]] = []
        is_text = False
        for column, number, pairs in columns:
            if column.kind in ORDERED:
                plain.append((number, OrderedColumn(column.kind, pairs, self._every)))
            elif column.kind in DISCRETE:
                plain.append((number, DiscreteColumn(column, pairs, self._every)))
            else:
                is_text = column.kind is Kind.TEXT
                found.append((number, FoundColumn(pairs, self._every)))
        atoms = frozenset(atom for _, column in found for atom in column.atoms)
        index = TextIndex(atoms) if is_text else None
        numbers = set_of(number for _, number, _ in columns)
        return _Shared(source=source, numbers=numbers, found=tuple(found), index=index, plain=tuple(plain))

    # matching

    def match(self, values: Values, now: datetime) -> Verdicts:
        """Return the verdict of every condition on `values` at `now`."""
        odd = 0
        try:
            found, missing = self._quick(values)
        except (TypeError, InvalidOperation):
            found, missing, odd = self._carefully(values)
        for shared in self._shared:
            value = shared.source.read(values, now)
            if value is None:
                missing |= shared.numbers
            else:
                found, odd = _shared_columns(shared, value, found, odd, self._users)
        for fact, number in self._presence:
            if fact not in values:
                missing |= number
        sure = possible = found
        settled = 0
        if missing:
            left = self._left.get(missing) or self._left_by(missing)
            sure, possible, settled = found & left.sure, found & left.possible, left.settled
        if asked := self._late_bits & possible & ~settled:
            sure, possible, odd = self._work_out((sure, possible, odd), asked & ~odd, values, now)
        true = self._fold(sure)
        if possible == sure:
            return true, 0, self._fold(odd) if odd else 0
        return true, self._fold(possible) & ~true, self._fold(odd) if odd else 0

    def _carefully(self, values: Values) -> tuple[int, int, int]:
        """Intersect the columns of plain facts, whatever the types of their values."""
        found, missing, odd = self._start, 0, 0
        for one in self._plain:
            value = values.get(one.fact)
            if value is None:
                missing |= 1 << one.number
                continue
            mask = one.column.mask(value)
            if mask is None:
                odd |= self._users[one.number]
            else:
                found &= mask
        return found, missing, odd

    def _left_by(self, missing: int) -> _Left:
        """Work out and remember what the columns `missing` leave."""
        sure = possible = self._every
        settled = 0
        for number in members(missing):
            sure &= self._unknown[number].sure
            possible &= self._unknown[number].possible
            settled |= self._settled[number]
        left = _Left(sure, possible, settled)
        if len(self._left) >= REMEMBERED:
            self._left.clear()
        self._left[missing] = left
        return left

    def _work_out(self, state: tuple[int, int, int], asked: int, values: Values, now: datetime) -> tuple[int, int, int]:
        """Make the late tests of the clauses `asked`; return what is sure, what is possible and what is odd then."""
        known: dict[str, Any] = {}
        false, unsure, odd = [], [], []
        for bit in members(asked):
            truth = self._late_truth(self._late[bit], known, values, now)
            if truth is False:
                false.append(bit)
            elif truth is None:
                unsure.append(bit)
            elif truth is ODD:
                odd.append(bit)
        sure, possible, already = state
        gone = set_of(false)
        return sure & ~(gone | set_of(unsure)), possible & ~gone, already | set_of(odd)

    def _late_truth(
        self, tests: Sequence[_Late], known: dict[str, Any], values: Values, now: datetime
    ) -> bool | Odd | None:
        truth: bool | Odd | None = True
        for column, test in tests:
            key = column.source.key
            if key not in known:
                known[key] = column.source.read(values, now)
            one = truth_of(column, test, known[key])
            if one is False:
                return False
            if one is ODD or (one is None and truth is True):
                truth = one
        return truth

    def _fold(self, clauses: int) -> int:
        """Return the places of the conditions of which one of `clauses` is."""
        if self._whole:
            return clauses
        found = 0
        for size, count, first_bit, first_place in self.planes:
            some = clauses >> first_bit
            for number in range(1, size):
                some |= clauses >> (first_bit + number * count)
            found |= (some & ((1 << count) - 1)) << first_place
        return found


def _shared_columns(shared: _Shared, value: Any, found: int, odd: int, users: Sequence[int]) -> tuple[int, int]:
    """Intersect the columns of a source that has a value."""
    for number, column in shared.plain:
        mask = column.mask(value)
        if mask is None:
            odd |= users[number]
        else:
            found &= mask
    if shared.found:
        atoms = _atoms_in(shared, value)
        for number, finder in shared.found:
            if atoms is None:
                odd |= users[number]
            else:
                found &= finder.mask(atoms) if atoms else finder.base
    return found, odd


def _atoms_in(shared: _Shared, value: Any) -> Sequence[Any] | None:
    if value is ODD:
        return None
    if shared.index is None:
        return items_of(value)
    return shared.index.find(value) if isinstance(value, str) else None


def _planes(sizes: Sequence[int]) -> tuple[_Plane, ...]:
    planes = []
    bit = place = 0
    for size in sorted(set(sizes)):
        count = sizes.count(size)
        planes.append(_Plane(size, count, bit, place))
        bit += size * count
        place += count
    return tuple(planes)


def _place(clause: Clause, bit: int, tested: dict[tuple[Column, int], list[tuple[int, Test]]]) -> None:
    """Note the tests of one clause; the second of the same column goes into the column's second layer."""
    layers: dict[Column, int] = {}
    for column, test in clause:
        layer = layers[column] = layers.get(column, -1) + 1
        tested.setdefault((column, layer), []).append((bit, test))

"""A block: conditions indexed together, judged all at once by intersecting one mask for each column.

Two masks are kept instead of one, as Kleene's logic needs: clauses that may still be true, and clauses that may still
be true or unknown. For a known value they are the same, since a test of a known value passes or fails; so a column
costs one intersection either way, and an unknown one costs none of its own: what a combination of unknown columns
leaves is worked out once and remembered.

The clauses of a condition stand in planes: the first bits are conditions of one clause, then come the first clauses
of all conditions with two, then their second clauses, and so on. Joining clauses to conditions is then a shift for
each plane, whatever their number.

Where a caller may need the first conditions only, a block is cut into windows, each with its own planes, the first
ones short. The columns are asked once; their masks are intersected window by window, and since `&` of a short integer
and a long one costs what the short one does, the first windows cost next to nothing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import InvalidOperation
from itertools import pairwise
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


class Window(NamedTuple):
    """Conditions that are judged together, those of all earlier windows before them."""

    bits: int
    """Its clauses but those that are never true, as a set."""
    planes: tuple[_Plane, ...]
    is_one: bool
    """Whether it begins at the first bit and each condition is one clause, so that nothing needs joining."""
    places: int
    """How many places it and those before it have."""


@dataclass(frozen=True, slots=True)
class _Shared:
    """Columns of one source that is no plain fact, or whose values need more than a look into a table."""

    source: Source
    numbers: int
    """The numbers of its columns among all, as a set."""
    found: tuple[FoundColumn, ...]
    bases: tuple[int, ...]
    """What each of `found` leaves where nothing is found."""
    seekers: int
    """The clauses that ask one of `found`."""
    plain: tuple[tuple[int, OrderedColumn | DiscreteColumn], ...]
    """With the number of each column."""


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

    def __init__(self, forms: Sequence[Form], ends: Sequence[int] = ()) -> None:
        """`ends` are the numbers of the forms before which a window ends, ascending; there is always a last one."""
        sizes = [max(1, len(form.clauses)) for form in forms]
        bounds = [0, *(end for end in ends if end < len(forms)), len(forms)]
        order: list[int] = []
        cut: list[tuple[_Plane, ...]] = []
        bits = 0
        for start, end in pairwise(bounds):
            here = sorted(range(start, end), key=sizes.__getitem__)
            cut.append(_planes([sizes[number] for number in here], bits, len(order)))
            bits += sum(plane.clauses * plane.conditions for plane in cut[-1])
            order += here
        self.order: tuple[int, ...] = tuple(order)
        """For each place the number of its form."""
        self.planes = tuple(plane for planes in cut for plane in planes)
        self.forms = tuple([forms[number] for number in order])
        self.fallible = set_of([place for place, form in enumerate(self.forms) if form.fallible])
        """Places of conditions in which something may go wrong."""
        self._every = (1 << bits) - 1
        self._never = 0
        tested = self._place_clauses()
        self.windows: tuple[Window, ...] = tuple(self._window(planes) for planes in cut)
        self.whole: tuple[Window, ...] = (self._window(self.planes),)
        """All conditions as one window."""
        self._users: list[int] = []
        self._unknown: list[WhenUnknown] = []
        self._settled: list[int] = []
        self._build(tested)
        self._left: dict[int, _Left] = {}

    # building

    def _window(self, planes: tuple[_Plane, ...]) -> Window:
        if not planes:
            return Window(0, (), is_one=True, places=0)
        first, last = planes[0], planes[-1]
        end = last.first_bit + last.clauses * last.conditions
        return Window(
            bits=((1 << end) - (1 << first.first_bit)) & ~self._never,
            planes=planes,
            is_one=first.first_bit == 0 and len(planes) == 1 and first.clauses == 1,
            places=last.first_place + last.conditions,
        )

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
        texts: dict[Source, list[tuple[Column, int, list[tuple[int, Test]]]]] = {}
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
                group = texts if column.kind is Kind.TEXT else shared
                group.setdefault(column.source, []).append((column, number, pairs))
        self._shared = [self._share(source, columns) for source, columns in shared.items()]
        self._texts = []
        for source, columns in texts.items():
            text = self._share(source, columns)
            self._texts.append((text, TextIndex({atom for column in text.found for atom in column.atoms})))
        self._late_bits = set_of(self._late)
        self._presence = self._find_settled()
        self._quick = quick_way(self._plain, self._every)

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
        found: list[FoundColumn] = []
        plain: list[tuple[int, OrderedColumn | DiscreteColumn]] = []
        seekers = 0
        for column, number, pairs in columns:
            if column.kind in ORDERED:
                plain.append((number, OrderedColumn(column.kind, pairs, self._every)))
            elif column.kind in DISCRETE:
                plain.append((number, DiscreteColumn(column, pairs, self._every)))
            else:
                found.append(FoundColumn(pairs, self._every))
                seekers |= self._users[number]
        numbers = set_of(number for _, number, _ in columns)
        bases = tuple([column.base for column in found])
        return _Shared(source, numbers, tuple(found), bases, seekers, tuple(plain))

    # matching

    def judge(self, values: Values, now: datetime, windows: Sequence[Window]) -> Iterator[Verdicts]:
        """Yield the verdicts on `values` at `now` of the conditions in each of `windows`, which are this block's."""
        left, odd = windows[0].bits, 0
        try:
            masks, missing = self._quick(values)
            for mask in masks:
                left &= mask
        except (TypeError, InvalidOperation):
            masks, missing, odd = self._carefully(values)
            left = windows[0].bits
            for mask in masks:
                left &= mask
        done = len(masks)
        without, strange = self._ask_shared(values, now, masks)
        wordless, garbled = self._ask_texts(values, now, masks)
        missing |= without | wordless
        odd |= strange | garbled
        unknown = (self._left.get(missing) or self._left_by(missing)) if missing else None
        for place, window in enumerate(windows):
            if place:
                left = window.bits
                done = 0
            for mask in masks[done:]:
                left &= mask
            yield self._verdicts(left, unknown, odd and odd & window.bits, window, values, now)

    def _ask_shared(self, values: Values, now: datetime, masks: list[int]) -> tuple[int, int]:
        """Add the masks of all other columns; return those without a value, and the clauses that find one odd."""
        missing = odd = 0
        for shared in self._shared:
            value = shared.source.read(values, now)
            if value is None:
                missing |= shared.numbers
                continue
            for number, column in shared.plain:
                mask = column.mask(value)
                if mask is None:
                    odd |= self._users[number]
                else:
                    masks.append(mask)
            if not shared.found:
                continue
            items = items_of(value)
            if items is None:
                odd |= shared.seekers
            else:
                masks += [finder.mask(items) for finder in shared.found]
        for fact, number in self._presence:
            if fact not in values:
                missing |= number
        return missing, odd

    def _ask_texts(self, values: Values, now: datetime, masks: list[int]) -> tuple[int, int]:
        """Do the same for the columns of texts."""
        missing = odd = 0
        for text, index in self._texts:
            value = text.source.read(values, now)
            if value is None:
                missing |= text.numbers
                continue
            atoms = index.find(value) if isinstance(value, str) else None
            if atoms is None:
                odd |= text.seekers
            elif atoms:
                masks += [finder.mask(atoms) for finder in text.found]
            else:
                masks += text.bases
        return missing, odd

    def _verdicts(
        self, found: int, unknown: "_Left | None", odd: int, window: Window, values: Values, now: datetime
    ) -> Verdicts:
        """Return what comes of the clauses `found` that no known value has ruled out."""
        sure = possible = found
        settled = 0
        if unknown is not None:
            sure, possible, settled = found & unknown.sure, found & unknown.possible, unknown.settled
        if asked := self._late_bits & possible & ~settled:
            sure, possible, odd = self._work_out((sure, possible, odd), asked & ~odd, values, now)
        true = _fold(sure, window)
        left = 0 if possible == sure else _fold(possible, window) & ~true
        return true, left, _fold(odd, window) if odd else 0

    def _carefully(self, values: Values) -> tuple[list[int], int, int]:
        """Return the masks of the columns of plain facts, whatever the types of their values."""
        masks: list[int] = []
        missing = odd = 0
        for one in self._plain:
            value = values.get(one.fact)
            if value is None:
                missing |= 1 << one.number
                continue
            mask = one.column.mask(value)
            if mask is None:
                odd |= self._users[one.number]
            else:
                masks.append(mask)
        return masks, missing, odd

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


def _fold(clauses: int, window: Window) -> int:
    """Return the places of the conditions of which one of `clauses`, all of one window, is."""
    if window.is_one or not clauses:
        return clauses
    found = 0
    for size, count, first_bit, first_place in window.planes:
        some = clauses >> first_bit
        for number in range(1, size):
            some |= clauses >> (first_bit + number * count)
        found |= (some & ((1 << count) - 1)) << first_place
    return found


def _planes(sizes: Sequence[int], bit: int, place: int) -> tuple[_Plane, ...]:
    """Return the planes of conditions with so many clauses, ascending; the first begins at `bit` and `place`."""
    planes = []
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

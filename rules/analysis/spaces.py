"""Variables and their domains: collected while conditions are read, then cut into cells and numbered.

Cells are bits: bit 0 is "unknown", then intervals and points of the line take turns. Texts stand on a line by code
point, so that one beginning is one stretch of it; values under `attributes[…]` stand on a line of `(rank, value)`,
one rank for each type.
"""

import bisect
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from rules.analysis.formulas import (
    EVERYTHING,
    FALSE,
    Every,
    Formula,
    Holds,
    Literal,
    Negated,
    Range,
    Sketch,
    Some,
    Within,
    conjunction,
    disjunction,
    negation,
    point,
    prefix_range,
)
from rules.tree import Node

UNKNOWN_CELL = 1
MOST_READINGS = 200_000
"""How often a text predicate is tried on texts that rules name, in all."""
LONGEST_NEEDLE = 60


class Line(Enum):
    """What the values of a variable are."""

    BOOLEAN = "boolean"
    NUMBER = "number"
    TEXT = "text"
    INSTANT = "instant"
    DURATION = "duration"
    JSON = "json"
    OTHER = "other"
    """Lists and mappings: only whether they are known is looked at."""
    DIFFERENCE = "difference"
    """Of two other variables: below, at or above 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextPredicate:
    """A question to a text that no stretch of the line answers."""

    form: str
    """`contains`, `ends`, or another word for what can't be compared."""
    needle: str
    holds: Callable[[str], bool]


@dataclass(slots=True, kw_only=True, eq=False)
class Variable:
    """One variable while it is collected, and its line once it is cut."""

    number: int
    line: Line
    node: Node
    """A part of a condition that it stands for."""
    universe: tuple[Range, ...] = EVERYTHING
    declared: tuple[Range, ...] = EVERYTHING
    """What the catalog promises beyond the type; used only where a finding says so."""
    may_be_unknown: bool = True
    fact: str | None = None
    predicate: TextPredicate | None = None
    text: "Variable | None" = None
    """The text a predicate is about."""
    sides: "tuple[Variable, Variable] | None" = None
    """What a difference is of."""
    needs: tuple[int, ...] = ()
    """The facts without which it has no value."""
    marks: set[Any] = field(default_factory=set)
    boundaries: list[Any] = field(default_factory=list)
    places: dict[Any, int] = field(default_factory=dict)

    def cut(self) -> None:
        """Fix the cells; nothing may be marked later."""
        self.boundaries = sorted(self.marks)
        self.places = {value: index for index, value in enumerate(self.boundaries)}

    def mask(self, ranges: Iterable[Range]) -> int:
        """Return the cells of stretches between marks."""
        found = 0
        last = 1 + 2 * len(self.boundaries)
        for low, low_in, high, high_in in ranges:
            first = 1 if low is None else 2 * self.places[low] + (2 if low_in else 3)
            until = last if high is None else 2 * self.places[high] + (2 if high_in else 1)
            if until >= first:
                found |= (1 << (until + 1)) - (1 << first)
        return found

    def cell_of(self, value: Any) -> int:
        """Return the cell, one bit, that a known value is in."""
        index = bisect.bisect_left(self.boundaries, value)
        is_mark = index < len(self.boundaries) and self.boundaries[index] == value
        return 1 << (2 * index + (2 if is_mark else 1))

    def beginning_with(self, mark: str) -> int:
        """Return the cells of the texts that begin with a mark; none if the end of that stretch is no mark."""
        stretch = prefix_range(mark)
        return self.mask((stretch,)) if stretch.low in self.places and stretch.high in self.places else 0

    def mask_of_truth(self, *, truth: bool) -> int:
        """Return the cell of a boolean."""
        return self.mask([point(truth)])

    def asks(self, text: str) -> bool:
        """Return the answer of a predicate for a text."""
        return self.predicate is not None and self.predicate.holds(text)

    def ends(self, cell: int) -> Range:
        """Return the stretch that the cell with this bit number (1 and up) is."""
        index, is_mark = divmod(cell - 1, 2)
        if is_mark:
            return point(self.boundaries[index])
        low = self.boundaries[index - 1] if index else None
        high = self.boundaries[index] if index < len(self.boundaries) else None
        return Range(low, False, high, False)


class Space:
    """All variables of the rules that are looked at together."""

    def __init__(self) -> None:
        self.variables: list[Variable] = []
        self._by_key: dict[Hashable, Variable] = {}
        self.universes: list[int] = []
        self.known: list[int] = []
        self.all_known: list[int] = []
        """All cells of each variable in a conversation of which every fact is known."""
        self._readings = 0
        self._can_hold: dict[int, tuple[int, int]] = {}
        self._implied: dict[int, tuple[int, ...]] = {}
        self._implying: dict[int, tuple[int, ...]] = {}

    def find(self, key: Hashable) -> Variable | None:
        """Return the variable of `key`."""
        return self._by_key.get(key)

    def add(self, key: Hashable, line: Line, node: Node, **more: Any) -> Variable:
        """Add a variable."""
        variable = Variable(number=len(self.variables), line=line, node=node, **more)
        for stretch in (*variable.universe, *variable.declared):
            variable.marks.update(end for end in (stretch.low, stretch.high) if end is not None)
        self.variables.append(variable)
        self._by_key[key] = variable
        return variable

    def cut(self) -> None:
        """Cut every line into cells."""
        for variable in self.variables:
            variable.cut()
            known = variable.mask(variable.universe)
            self.known.append(known)
            self.universes.append(known | (UNKNOWN_CELL if variable.may_be_unknown else 0))
            self.all_known.append(self.universes[-1] if variable.fact is None else known)
        self._relate_predicates()

    def formula(self, sketch: Sketch) -> Formula:
        """Return the formula of a sketch over these cells."""
        match sketch:
            case Within():
                return self._within(sketch)
            case Every():
                return conjunction([self.formula(part) for part in sketch.parts])
            case Some():
                return disjunction([self.formula(part) for part in sketch.parts], self.universes)
            case Negated():
                return negation(self.formula(sketch.part), self.universes)
            case Holds():
                return self._predicate(sketch)

    def _within(self, sketch: Within) -> Formula:
        variable = self.variables[sketch.variable]
        known = self.known[sketch.variable]
        mask = variable.mask(sketch.ranges) & known
        if sketch.inverted:
            mask = known & ~mask
        if sketch.unknown:
            mask |= UNKNOWN_CELL & self.universes[sketch.variable]
        if mask == self.universes[sketch.variable]:
            return conjunction(())
        return Literal(sketch.variable, mask) if mask else FALSE

    def _predicate(self, sketch: Holds) -> Formula:
        variable = self.variables[sketch.predicate]
        can_hold, can_fail = self.texts_of(variable)
        related = self._implied if sketch.positive else self._implying
        truth = variable.mask_of_truth(truth=sketch.positive)
        parts: list[Formula] = [Literal(sketch.predicate, truth)]
        parts.extend(
            Literal(other, self.variables[other].mask_of_truth(truth=sketch.positive))
            for other in related.get(sketch.predicate, ())
        )
        allowed = can_hold if sketch.positive else can_fail
        parts.append(Literal(sketch.text, allowed) if allowed else FALSE)
        return conjunction(parts)

    def texts_of(self, variable: Variable) -> tuple[int, int]:
        """Return the cells of its text where a predicate can hold, and where it can fail."""
        assert variable.text is not None
        found = self._can_hold.get(variable.number)
        if found is None:
            found = self._can_hold[variable.number] = self._read(variable, variable.text)
        return found

    def _read(self, variable: Variable, text: Variable) -> tuple[int, int]:
        known = self.known[text.number]
        if variable.predicate is None or text.line is not Line.TEXT:
            return known, known
        can_hold = can_fail = known
        self._readings += len(text.boundaries)
        if self._readings <= MOST_READINGS:
            for index, mark in enumerate(text.boundaries):
                cell = 1 << (2 * index + 2)
                if variable.predicate.holds(mark):
                    can_fail &= ~cell
                    if variable.predicate.form == "contains":  # so does everything that begins so
                        can_fail &= ~text.beginning_with(mark)
                else:
                    can_hold &= ~cell
        return can_hold, can_fail

    def _relate_predicates(self) -> None:
        """Note which predicates about one text imply which: who contains `refund now` contains `refund`."""
        by_needle: dict[tuple[int, str, str], int] = {}
        for variable in self.variables:
            if variable.predicate is not None and variable.text is not None:
                key = (variable.text.number, variable.predicate.form, variable.predicate.needle)
                by_needle[key] = variable.number
        implying: dict[int, list[int]] = {}
        for (text, form, needle), number in by_needle.items():
            if form not in ("contains", "ends") or len(needle) > LONGEST_NEEDLE:
                continue
            parts = {needle[i:j] for i in range(len(needle)) for j in range(i + 1, len(needle) + 1)}
            found = {by_needle.get((text, "contains", part)) for part in parts}
            if form == "ends":
                found |= {by_needle.get((text, "ends", needle[i:])) for i in range(len(needle))}
            implied = tuple(sorted(other for other in found if other is not None and other != number))
            self._implied[number] = implied
            for other in implied:
                implying.setdefault(other, []).append(number)
        self._implying = {number: tuple(others) for number, others in implying.items()}

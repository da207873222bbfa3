"""What a clause asks of one column: a test of a single value, as plain data that combine.

Every test is three-valued in one way only: a known value passes or fails, and `unknown` says what comes of a value
that is not known (true, false, or None for unknown). Kleene's logic is a distributive lattice with an involution, so
two tests of one value join into one, and De Morgan's laws hold; no law used here needs more than that.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Optional

Truth = bool | None

Point = Decimal | datetime | timedelta
Cut = tuple[Any, bool]
"""A place between values: right below a point, or right above it (True)."""


def kleene_and(one: Truth, other: Truth) -> Truth:
    """Return the lesser of two truths."""
    if one is False or other is False:
        return False
    return None if one is None or other is None else True


def kleene_or(one: Truth, other: Truth) -> Truth:
    """Return the greater of two truths."""
    if one is True or other is True:
        return True
    return None if one is None or other is None else False


def kleene_not(one: Truth) -> Truth:
    """Return the opposite of a truth."""
    return None if one is None else not one


@dataclass(frozen=True, slots=True)
class Line:
    """A test of an ordered value: intervals, written as what holds at the far left and where it changes."""

    start: bool
    cuts: tuple[Cut, ...]
    unknown: Truth = None

    def negated(self) -> "Line":
        """Return the opposite test."""
        return Line(not self.start, self.cuts, kleene_not(self.unknown))

    def both(self, other: "Line") -> "Line":
        """Return the test that both pass."""
        return _merged(self, other, lambda a, b: a and b, kleene_and(self.unknown, other.unknown))

    def either(self, other: "Line") -> "Line":
        """Return the test that one of them passes."""
        return _merged(self, other, lambda a, b: a or b, kleene_or(self.unknown, other.unknown))

    def holds(self, value: Point) -> bool:
        """Return what the test says of a known value."""
        passed = sum(value > point or (not after and value == point) for point, after in self.cuts)
        return self.start ^ bool(passed & 1)


def _merged(one: Line, other: Line, join: Callable[[bool, bool], bool], unknown: Truth) -> Line:
    a, b = one.start, other.start
    start = now = join(a, b)
    cuts = []
    mine, theirs = set(one.cuts), set(other.cuts)
    for cut in sorted(mine | theirs):
        a ^= cut in mine
        b ^= cut in theirs
        if join(a, b) is not now:
            now = not now
            cuts.append(cut)
    return Line(start, tuple(cuts), unknown)


@dataclass(frozen=True, slots=True)
class Among:
    """A test of a value by equality: those in `values` say the opposite of all `others`."""

    values: frozenset[Any]
    others: bool
    unknown: Truth = None

    def negated(self) -> "Among":
        """Return the opposite test."""
        return Among(self.values, not self.others, kleene_not(self.unknown))

    def both(self, other: "Among") -> "Among":
        """Return the test that both pass."""
        unknown = kleene_and(self.unknown, other.unknown)
        if self.others and other.others:
            return Among(self.values | other.values, others=True, unknown=unknown)
        if self.others:
            return Among(other.values - self.values, others=False, unknown=unknown)
        if other.others:
            return Among(self.values - other.values, others=False, unknown=unknown)
        return Among(self.values & other.values, others=False, unknown=unknown)

    def either(self, other: "Among") -> "Among":
        """Return the test that one of them passes."""
        return self.negated().both(other.negated()).negated()

    def holds(self, value: object) -> bool:
        """Return what the test says of a known value."""
        return (value in self.values) is not self.others


@dataclass(frozen=True, slots=True)
class Finds:
    """A test of a text or a list: whether one of `atoms` is found in it, or none of them."""

    atoms: frozenset[Any]
    found: bool = True
    unknown: Truth = None

    def negated(self) -> "Finds":
        """Return the opposite test."""
        return Finds(self.atoms, not self.found, kleene_not(self.unknown))

    def both(self, other: "Finds") -> Optional["Finds"]:
        """Return the test that both pass, or None if that takes two."""
        if self.found or other.found:
            return None
        return replace(self, atoms=self.atoms | other.atoms, unknown=kleene_and(self.unknown, other.unknown))

    def either(self, other: "Finds") -> Optional["Finds"]:
        """Return the test that one of them passes, or None if that takes two."""
        if not self.found or not other.found:
            return None
        return replace(self, atoms=self.atoms | other.atoms, unknown=kleene_or(self.unknown, other.unknown))


Test = Line | Among | Finds


def both(one: Test, other: Test) -> Test | None:
    """Return one test for two of the same column that must both pass, or None if that takes two."""
    if isinstance(one, Line) and isinstance(other, Line):
        return one.both(other)
    if isinstance(one, Among) and isinstance(other, Among):
        return one.both(other)
    if isinstance(one, Finds) and isinstance(other, Finds):
        return one.both(other)
    return None


def either(one: Test, other: Test) -> Test | None:
    """Return one test for two of the same column of which one must pass, or None if that takes two."""
    if isinstance(one, Line) and isinstance(other, Line):
        return one.either(other)
    if isinstance(one, Among) and isinstance(other, Among):
        return one.either(other)
    if isinstance(one, Finds) and isinstance(other, Finds):
        return one.either(other)
    return None

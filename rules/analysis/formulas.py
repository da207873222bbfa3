"""Formulas over variables: what must hold for a condition to be true, or to be false.

A variable is a fact, or another part of a condition whose value is not looked into. Its domain is a line of values
and a place apart for "unknown", so that three-valued logic becomes two questions in plain logic: when is it true,
when is it false. What is neither is unknown.

A *sketch* speaks of stretches of a line; it is made rule by rule. Once all rules are read the lines are cut into
cells at every value any rule names, and each sketch becomes a formula whose sets are bits of an integer: the
elementary intervals of packet classification (Lakshman and Stiliadis, "High-speed policy-based packet forwarding",
1998), used to prove rather than to match.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple


class Range(NamedTuple):
    """A stretch of a line; None is an end that is open for ever."""

    low: Any = None
    low_in: bool = False
    high: Any = None
    high_in: bool = False


def point(value: Any) -> Range:
    """Return the stretch that is one value."""
    return Range(value, True, value, True)


def prefix_range(prefix: str) -> Range:
    """Return the stretch of texts that begin with `prefix`."""
    if not prefix:
        return Range()
    stem = prefix.rstrip("\U0010ffff")
    after = stem[:-1] + chr(ord(stem[-1]) + 1) if stem else None
    return Range(prefix, True, after, False)


EVERYTHING = (Range(),)


@dataclass(frozen=True, slots=True)
class Within:
    """The variable's value is in one of the stretches (`inverted`: known and in none), or it is unknown if allowed."""

    variable: int
    ranges: tuple[Range, ...]
    unknown: bool = False
    inverted: bool = False


@dataclass(frozen=True, slots=True)
class Holds:
    """A text predicate, itself a variable, holds (or fails) for a known text."""

    predicate: int
    text: int
    positive: bool


@dataclass(frozen=True, slots=True)
class Every:
    """All parts hold."""

    parts: "tuple[Sketch, ...]"


@dataclass(frozen=True, slots=True)
class Some:
    """One part holds at least."""

    parts: "tuple[Sketch, ...]"


@dataclass(frozen=True, slots=True)
class Negated:
    """The part does not hold."""

    part: "Sketch"


Sketch = Within | Holds | Every | Some | Negated

YES: Sketch = Every(())
NO: Sketch = Some(())


class Truth(NamedTuple):
    """When a condition is true, and when it is false."""

    yes: Sketch
    no: Sketch

    @property
    def swapped(self) -> "Truth":
        """Return the truth of the negation."""
        return Truth(self.no, self.yes)


NEITHER = Truth(NO, NO)


def every(*parts: Sketch) -> Sketch:
    """Return the conjunction of `parts`."""
    kept = [part for part in parts if part != YES]
    if NO in kept:
        return NO
    return kept[0] if len(kept) == 1 else Every(tuple(kept))


def some(*parts: Sketch) -> Sketch:
    """Return the disjunction of `parts`."""
    kept = [part for part in parts if part != NO]
    if YES in kept:
        return YES
    return kept[0] if len(kept) == 1 else Some(tuple(kept))


@dataclass(frozen=True, slots=True)
class Literal:
    """The variable's cell is one of those in `mask`."""

    variable: int
    mask: int


@dataclass(frozen=True, slots=True)
class And:
    """All parts hold; no two literals speak of one variable."""

    parts: "tuple[Formula, ...]"


@dataclass(frozen=True, slots=True)
class Or:
    """One part holds at least; no two literals speak of one variable."""

    parts: "tuple[Formula, ...]"


Formula = Literal | And | Or

TRUE = And(())
FALSE = Or(())


def conjunction(parts: Iterable[Formula]) -> Formula:
    """Return the conjunction of `parts`, literals of one variable merged."""
    literals: dict[int, int] = {}
    others: list[Formula] = []
    waiting = list(parts)
    while waiting:
        part = waiting.pop()
        if isinstance(part, Literal):
            mask = literals.get(part.variable, -1) & part.mask
            if not mask:
                return FALSE
            literals[part.variable] = mask
        elif isinstance(part, And):
            waiting.extend(part.parts)
        elif not part.parts:
            return FALSE
        elif part not in others:
            others.append(part)
    whole: list[Formula] = [Literal(variable, mask) for variable, mask in literals.items()]
    whole.extend(reversed(others))
    return whole[0] if len(whole) == 1 else And(tuple(whole))


def disjunction(parts: Iterable[Formula], universes: Sequence[int]) -> Formula:
    """Return the disjunction of `parts`, literals of one variable merged."""
    literals: dict[int, int] = {}
    others: list[Formula] = []
    waiting = list(parts)
    while waiting:
        part = waiting.pop()
        if isinstance(part, Literal):
            mask = literals.get(part.variable, 0) | part.mask
            if mask == universes[part.variable]:
                return TRUE
            literals[part.variable] = mask
        elif isinstance(part, Or):
            waiting.extend(part.parts)
        elif not part.parts:
            return TRUE
        elif part not in others:
            others.append(part)
    whole: list[Formula] = [Literal(variable, mask) for variable, mask in literals.items()]
    whole.extend(reversed(others))
    return whole[0] if len(whole) == 1 else Or(tuple(whole))


def negation(formula: Formula, universes: Sequence[int]) -> Formula:
    """Return what holds exactly when `formula` does not."""
    match formula:
        case Literal():
            mask = universes[formula.variable] & ~formula.mask
            return Literal(formula.variable, mask) if mask else FALSE
        case And():
            return disjunction([negation(part, universes) for part in formula.parts], universes)
        case Or():
            return conjunction([negation(part, universes) for part in formula.parts])


def variables_of(formula: Formula) -> frozenset[int]:
    """Return the variables a formula speaks of."""
    found: set[int] = set()
    waiting: list[Formula] = [formula]
    while waiting:
        part = waiting.pop()
        if isinstance(part, Literal):
            found.add(part.variable)
        else:
            waiting.extend(part.parts)
    return frozenset(found)


def holds(formula: Formula, cells: dict[int, int], default: int) -> bool:
    """Return whether `formula` holds where each variable is in the cell (one bit) of `cells`, else in `default`."""
    match formula:
        case Literal():
            return bool(formula.mask & cells.get(formula.variable, default))
        case And():
            return all(holds(part, cells, default) for part in formula.parts)
        case Or():
            return any(holds(part, cells, default) for part in formula.parts)

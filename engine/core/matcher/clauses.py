"""What a condition becomes before it is indexed: a disjunction of clauses, each a conjunction of tests of columns.

A column is one source of values (a fact, a key of `attributes`, a sub-expression that several rules share) seen in
one way: ordered, by equality, by what is found in it. The rules package writes conditions in this form; this package
only indexes it.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, NamedTuple

from engine.core.facts import FactType, FactValue
from engine.core.matcher.predicates import Test

Values = Mapping[str, FactValue]
Read = Callable[[Values, datetime], Any]


class Odd:
    """The type of `ODD`."""


ODD = Odd()
"""What a source returns instead of a value that is not of the type it should have."""


class Kind(StrEnum):
    """How a column sees its source."""

    NUMBER = "number"
    INSTANT = "instant"
    DURATION = "duration"
    WORD = "word"
    FLAG = "flag"
    AMOUNT = "amount"
    """A number by equality only."""
    TEXT = "text"
    ITEMS = "items"


ORDERED = frozenset({Kind.NUMBER, Kind.INSTANT, Kind.DURATION})
DISCRETE = frozenset({Kind.WORD, Kind.FLAG, Kind.AMOUNT})
FOUND_IN = frozenset({Kind.TEXT, Kind.ITEMS})


@dataclass(frozen=True, slots=True)
class Source:
    """Where a column's values come from; sources of one `key` give the same values."""

    key: str
    facts: tuple[str, ...] = field(compare=False)
    """The facts it hangs on."""
    read: Read = field(compare=False, repr=False)
    """Its value: None when unknown, `ODD` when of another type."""
    is_fact: bool = field(compare=False, default=False)
    is_cheap: bool = field(compare=False, default=False)
    """Whether reading it is no more than a look-up."""
    is_strict: bool = field(compare=False, default=True)
    """Whether it is unknown as soon as one of its facts is."""


class Column(NamedTuple):
    """One way to see one source."""

    kind: Kind
    source: Source
    is_open: bool = False
    """Whether values of another type are just other values (`attributes[…]` under `==`), not a fault."""


class Literal(NamedTuple):
    """One test of one column."""

    column: Column
    test: Test


class Pattern(NamedTuple):
    """One thing to find in a text: `prefix` and `suffix` literally, `contains` literally, or an RE2 expression."""

    kind: str
    text: str


Clause = tuple[Literal, ...]


class Missing(NamedTuple):
    """A name to report when `read` has no value."""

    name: str
    source: Source


class Leaf(NamedTuple):
    """One test as it stands in a condition, and what to report when it is unknown."""

    tested: Literal
    missing: tuple[Missing, ...]


class Joined(NamedTuple):
    """Parts of a condition under one operator, in order of appearance."""

    is_or: bool
    parts: tuple["Leaf | Joined", ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """A condition in the matcher's form."""

    clauses: tuple[Clause, ...]
    """It is true when all tests of one clause are; none: never true and never unknown."""
    facts: Mapping[str, FactType]
    """The facts it reads, with their declared types."""
    missing: tuple[Missing, ...] | None
    """What to report when it is unknown: whatever of these has no value. None: that hangs on more."""
    shape: Leaf | Joined | None = None
    """How its tests are joined, to tell which of them leave it unknown. None: ask the condition itself."""
    fallible: tuple[frozenset[str], ...] = ()
    """For each part that can go wrong the facts it needs first: while one of them is unknown, it can't."""
    is_compiled: bool = True
    """Whether no part is left to the interpreter."""


def is_as_declared(value: Any, type_: FactType) -> bool:  # a table
    """Return whether a fact's value is one that its type allows; what is not may go wrong anywhere."""
    match type_:
        case FactType.BOOLEAN:
            return isinstance(value, bool)
        case FactType.STRING:
            return isinstance(value, str)
        case FactType.NUMBER | FactType.MONEY:
            return isinstance(value, int | float | Decimal) and not isinstance(value, bool) and is_finite(value)
        case FactType.DATETIME:
            return isinstance(value, datetime) and value.tzinfo is not None
        case FactType.STRINGS:
            return isinstance(value, tuple | list) and all(isinstance(item, str) for item in value)
        case FactType.MAPPING:
            return isinstance(value, Mapping) and is_finite(value)


def is_finite(value: Any) -> bool:
    """Return whether no number in a JSON value is infinite or not a number."""
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, Decimal):
        return value.is_finite()
    if isinstance(value, Mapping):
        return all(map(is_finite, value.values()))
    return not isinstance(value, tuple | list) or all(map(is_finite, value))

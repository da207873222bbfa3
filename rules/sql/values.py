"""What a part of a condition is in SQL: for each kind it may have, an expression that is null where it has no value.

A fact or a comparison has one kind. A value under `attributes[…]` shows its kind row by row, so it has several, at most
one of them not null; `others` says that it may also be known and none of these: a list, a mapping.
"""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Boolean, ColumnElement, case, cast, false, literal, null, or_, true
from sqlalchemy.sql.elements import Grouping

from engine.storage import UtcDateTime


class Inexpressible(Exception):  # noqa: N818 - it is no fault of anybody
    """Raised for what SQL can't say exactly; the message says what."""


NO_BOOLEAN: ColumnElement[bool] = cast(null(), Boolean())
"""Unknown."""

APPLY: Mapping[str, Callable[[Any, Any], ColumnElement[bool]]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
"""Comparisons of two expressions; null where one of them is."""
MIRRORED = {"==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
"""Each comparison with its sides exchanged."""
NEGATED = {"!=": "==", "<": ">=", "<=": ">"}
"""Comparisons by those they are the opposite of."""

AtLeast = Callable[[int], ColumnElement[bool]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A number: `value / 10**scale`, or only the answer whether it is at least so and so much."""

    known: ColumnElement[bool]
    scale: int = 0
    value: ColumnElement[Any] | None = None
    bound: int | None = None
    """No whole number in `value` is beyond this, either way; None if that can't be said."""
    fractions: bool = False
    """Whether `value` may be no whole number."""
    fixed: Decimal | None = None
    """The number itself, where it is the same for every row."""
    at_least: AtLeast | None = None
    """Whether `value` (without the scale) is at least that; null if there is no number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """A text; `is_long` if it may be longer than conditions see."""

    value: ColumnElement[str]
    is_long: bool = False
    literal: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Instant:
    """A stored instant and a distance from it, or a fixed instant."""

    value: ColumnElement[datetime]
    fixed: datetime | None = None
    offset: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Duration:
    """A fixed time, or that between a fixed instant and a stored one (`is_since`: the stored one comes first)."""

    fixed: timedelta | None = None
    instant: ColumnElement[datetime] | None = None
    against: datetime | None = None
    is_since: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """A list of texts."""

    value: ColumnElement[Any]
    contains: Callable[[str], ColumnElement[bool]] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlValue:
    """A part of a condition in SQL."""

    known: ColumnElement[bool]
    """Whether it has a value; never null."""
    boolean: ColumnElement[bool] | None = None
    number: Number | None = None
    words: Words | None = None
    instant: Instant | None = None
    duration: Duration | None = None
    texts: Texts | None = None
    others: bool = False
    key: Callable[[str], "SqlValue"] | None = None
    """Of a mapping: the value under a key."""

    @property
    def truth(self) -> ColumnElement[bool]:
        """Return the value as a condition's part: null unless it is a boolean."""
        return NO_BOOLEAN if self.boolean is None else self.boolean


UNKNOWN = SqlValue(known=false())


def of_boolean(value: ColumnElement[bool]) -> SqlValue:
    """Return what is true, false or null."""
    # In parentheses: `NOT x IS NOT NULL` would ask of another `x` than is meant.
    return SqlValue(known=Grouping(value).is_not(None), boolean=value)


def of_number(number: Number) -> SqlValue:
    """Return a number."""
    return SqlValue(known=number.known, number=number)


def of_words(words: Words) -> SqlValue:
    """Return a text."""
    return SqlValue(known=words.value.is_not(None), words=words)


def fixed_instant(at: datetime) -> Instant:
    """Return an instant that is the same for every row."""
    return Instant(value=literal(at, UtcDateTime()), fixed=at)


def if_known(known: ColumnElement[bool], result: ColumnElement[bool]) -> ColumnElement[bool]:
    """Return `result` where something is known, else null."""
    return case((known, result), else_=NO_BOOLEAN)


def constant(*, is_true: bool) -> ColumnElement[bool]:
    """Return true or false."""
    return true() if is_true else false()


def any_of(results: list[ColumnElement[bool]]) -> ColumnElement[bool]:
    """Return Kleene's disjunction; false of none."""
    return or_(false(), *results)

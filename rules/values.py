"""Values as conditions see them, what facts and JSON become, and when two values are equal.

Numbers are `Decimal`; texts are cut to 4,096 characters; lists are tuples and may hold unknown items. `Unknown`
stands for no value; it says so if an error was the cause. Mappings stay as they came; what is read out of them is
converted then.
"""

import decimal
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from engine.core.facts import FactValue
from engine.core.ruleset import EvaluationError
from rules import limits
from rules.kinds import Kind

Value = Any
"""`bool | Decimal | str | datetime | timedelta | tuple | frozenset | Mapping`, or `Unknown` inside a tuple."""

ARITHMETIC = decimal.Context(prec=28, traps=[decimal.InvalidOperation, decimal.DivisionByZero, decimal.Overflow])
"""How numbers are calculated; copied before use, since a context remembers what happened to it."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """No value; `error` is set if something went wrong right here."""

    error: EvaluationError | None = None


UNKNOWN = Unknown()


def failed(code: str, message: str) -> Unknown:
    """Return the unknown that an error leaves."""
    return Unknown(EvaluationError(code=code, message=message))


def wrong_type(value: Value, wanted: str) -> Unknown:
    """Return the unknown left by a value under `attributes[…]` that is not what is needed."""
    return failed("wrong_type", f"needs {wanted}, not a value of type {kind_of(value)}")


def from_fact(value: FactValue | None) -> Value | Unknown:
    """Return a fact's value as conditions see it."""
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    return from_json(value)


def from_json(value: Value) -> Value | Unknown:  # noqa: PLR0911  # a table
    """Return a value out of a JSON document, or a fact's, as conditions see it; `null` is no value."""
    match value:
        case None:
            return UNKNOWN
        case bool():
            return value
        case str():
            return value[: limits.MAX_TEXT_FACT]
        case Decimal():
            return value if value.is_finite() else failed("not_finite", "the number is not finite")
        case int():
            return Decimal(value)
        case float():
            return from_json(Decimal(repr(value)))
        case list() | tuple():
            return tuple(from_json(item) for item in value)
        case _:
            return value


def kind_of(value: Value) -> Kind:  # noqa: PLR0911  # a table
    """Return the kind of a known value."""
    match value:
        case bool():
            return Kind.BOOLEAN
        case Decimal():
            return Kind.NUMBER
        case str():
            return Kind.TEXT
        case datetime():
            return Kind.INSTANT
        case timedelta():
            return Kind.DURATION
        case tuple():
            return Kind.LIST
        case frozenset():
            return Kind.SET
        case _:
            return Kind.MAPPING


def equal(one: Value, other: Value) -> bool | None:  # noqa: PLR0911  # a table
    """Return whether two values are equal; None if that hangs on something unknown in them."""
    if isinstance(one, Unknown) or isinstance(other, Unknown):
        return None
    if kind_of(one) is not kind_of(other):
        return False
    if isinstance(one, tuple):
        if len(one) != len(other):
            return False
        if _are_texts(one) and _are_texts(other):
            return bool(one == other)
        return every(equal(a, b) for a, b in zip(one, other, strict=True))
    if isinstance(one, Mapping):
        if set(one) != set(other):
            return False
        return every(equal(from_json(one[key]), from_json(other[key])) for key in one)
    return bool(one == other)


def _are_texts(items: tuple[Value, ...]) -> bool:
    return set(map(type, items)) <= {str}


def every(results: Any) -> bool | None:
    """Return Kleene's conjunction: false if one is false, else None if one is None, else true."""
    known = True
    for result in results:
        if result is False:
            return False
        known = known and result is not None
    return True if known else None

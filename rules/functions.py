"""What each function and attribute does with known values. Total: an error is returned as `Unknown`."""

import decimal
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Any

from rules.expression import parse_datetime
from rules.operations import calculated, is_whole
from rules.values import UNKNOWN, Unknown, Value, equal, failed, kind_of, wrong_type

_NUMERIC_TEXT = re.compile(
    r"0(?:b[01]+|o[0-7]+|x[0-9a-fA-F]+)|[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?|\.[0-9]+(?:[eE][+-]?[0-9]+)?"
)
_WHOLE_TEXT = re.compile(r"0(?:b[01]+|o[0-7]+|x[0-9a-fA-F]+)|[0-9]+")
_LONGEST_WHOLE = 1000
"""Digits of a whole number that are written out."""
_LOCAL_PARTS = ("year", "month", "day", "hour", "minute", "second")


def start_of_day(now: datetime, zone: tzinfo) -> datetime:
    """Return midnight of `now`'s day in `zone`, in UTC."""
    return now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)


def call(name: str, arguments: Sequence[Value], zone: tzinfo) -> Value | Unknown:
    """Return what the function `$name` gives."""
    return _FUNCTIONS[name](arguments, zone)


def attribute(name: str, target: Value, zone: tzinfo) -> Value | Unknown:
    """Return the attribute `name` of `target`."""
    if name in _LOCAL_PARTS:
        if not isinstance(target, datetime):
            return wrong_type(target, "a date and time")
        return Decimal(getattr(_local(target, zone), name))
    return _ATTRIBUTES[name](target)


def _local(instant: datetime, zone: tzinfo) -> datetime:
    """Return an instant in a zone; where the calendar ends there (the years 1 and 9999), in UTC."""
    try:
        return instant.astimezone(zone)
    except OverflowError:
        return instant


def method(name: str, target: Value, argument: Value) -> bool | Unknown:
    """Return whether `target` starts or ends with `argument`, for texts and lists."""
    if not isinstance(target, str | tuple):
        return wrong_type(target, "a text or a list")
    if kind_of(argument) is not kind_of(target):
        return wrong_type(argument, f"a {kind_of(target)}")
    if len(argument) > len(target):
        return False
    part = target[: len(argument)] if name == "starts_with" else target[len(target) - len(argument) :]
    is_equal = equal(part, argument)
    return UNKNOWN if is_equal is None else is_equal


def _rounded(rounding: str) -> Callable[[Value], Value | Unknown]:
    def apply(target: Value) -> Value | Unknown:
        if not isinstance(target, Decimal):
            return wrong_type(target, "a number")
        whole = target.to_integral_value(rounding=rounding)
        # The library's form, 1000 for 1E+3, which `.to_str` shows; beyond reason it would fill the memory.
        return Decimal(int(whole)) if whole.adjusted() < _LONGEST_WHOLE else whole

    return apply


def _to_number(target: Value) -> Decimal | Unknown:
    if isinstance(target, Decimal):
        return target
    if not isinstance(target, str):
        return wrong_type(target, "a number or text")
    text = target.strip()
    if not _NUMERIC_TEXT.fullmatch(text):
        return _not_a_number(target)
    if _WHOLE_TEXT.fullmatch(text):
        return _not_a_number(text) if re.match(r"0+[1-9]", text) else Decimal(int(text, 0))
    # A fraction or an exponent makes it a float here, as in the library; `$parse_float` reads decimals exactly.
    number = Decimal(repr(float(text)))
    return number if number.is_finite() else failed("not_finite", "the number is not finite")


def _to_whole(target: Value) -> Decimal | Unknown:
    number = _to_number(target)
    if isinstance(number, Unknown) or is_whole(number):
        return number
    return failed("not_a_whole_number", f"{number} is not a whole number")


def _number_in(text: str) -> Decimal | Unknown:
    if re.match(r"0[0-9]", text):
        return _not_a_number(text)
    try:
        number = Decimal(int(text, 0)) if re.match(r"0[box]", text) else Decimal(text)
    except (decimal.DecimalException, ValueError):
        return _not_a_number(text)
    return number if number.is_finite() else _not_a_number(text)


def _not_a_number(text: str) -> Unknown:
    return failed("not_a_number", f"the text `{text[:40]}` is no number")


def _days(target: Value) -> Value | Unknown:
    return Decimal(target.days) if isinstance(target, timedelta) else wrong_type(target, "a duration")


def _total_seconds(target: Value) -> Value | Unknown:
    if not isinstance(target, timedelta):
        return wrong_type(target, "a duration")
    return Decimal(repr(target.total_seconds()))


def _sized(then: Callable[[int], Any]) -> Callable[[Value], Value | Unknown]:
    def apply(target: Value) -> Value | Unknown:
        if not isinstance(target, str | tuple | frozenset | Mapping):
            return wrong_type(target, "a text, a list or a mapping")
        return then(len(target))

    return apply


def _of_text(then: Callable[[str], str]) -> Callable[[Value], Value | Unknown]:
    return lambda target: then(target) if isinstance(target, str) else wrong_type(target, "text")


def _to_text(target: Value) -> str | Unknown:
    return str(target) if isinstance(target, str | Decimal) else wrong_type(target, "a number or text")


_ATTRIBUTES: dict[str, Callable[[Value], Value | Unknown]] = {
    "length": _sized(Decimal),
    "is_empty": _sized(lambda size: size == 0),
    "as_lower": _of_text(str.lower),
    "as_upper": _of_text(str.upper),
    "to_str": _to_text,
    "to_flt": _to_number,
    "to_int": _to_whole,
    "ceiling": _rounded(decimal.ROUND_CEILING),
    "floor": _rounded(decimal.ROUND_FLOOR),
    "days": _days,
    "total_seconds": _total_seconds,
}


def _abs(arguments: Sequence[Value], _zone: tzinfo) -> Value | Unknown:
    (number,) = arguments
    if not isinstance(number, Decimal):
        return wrong_type(number, "a number")
    return calculated(lambda context: context.abs(number))


def _of_numbers(then: Callable[[Sequence[Decimal]], Value | Unknown]) -> Callable[..., Value | Unknown]:
    def apply(arguments: Sequence[Value], _zone: tzinfo) -> Value | Unknown:
        (numbers,) = arguments
        if not isinstance(numbers, tuple):
            return wrong_type(numbers, "a list of numbers")
        if any(isinstance(number, Unknown) for number in numbers):
            return UNKNOWN
        if not all(isinstance(number, Decimal) for number in numbers):
            return failed("wrong_type", "needs a list of numbers")
        return then(numbers)

    return apply


def _extreme(of: Callable[[Sequence[Decimal]], Decimal]) -> Callable[[Sequence[Decimal]], Value | Unknown]:
    return lambda numbers: of(numbers) if numbers else failed("empty_list", "an empty list has no least or greatest")


def _sum(numbers: Sequence[Decimal]) -> Value | Unknown:
    def add_up(context: decimal.Context) -> Decimal:
        total = Decimal(0)
        for number in numbers:
            total = context.add(total, number)
        return total

    return calculated(add_up)


def _split(arguments: Sequence[Value], _zone: tzinfo) -> Value | Unknown:
    text = arguments[0]
    separator = arguments[1] if len(arguments) > 1 else None
    most = arguments[2] if len(arguments) > 2 else Decimal(-1)  # noqa: PLR2004  # the third argument
    if not isinstance(text, str) or not isinstance(separator, str | None):
        return failed("wrong_type", "`$split` needs texts")
    if separator == "":
        return failed("empty_separator", "a text can't be split at nothing")
    if not isinstance(most, Decimal) or not is_whole(most) or (len(arguments) > 2 and most < 0):  # noqa: PLR2004  # the same
        return failed("wrong_type", "the third argument of `$split` is a whole number, 0 or more")
    return tuple(text.split(separator, int(min(most, Decimal(len(text))))))


def _parse_datetime(arguments: Sequence[Value], zone: tzinfo) -> Value | Unknown:
    (text,) = arguments
    if not isinstance(text, str):
        return wrong_type(text, "text")
    instant = parse_datetime(text, zone)
    return failed("not_a_datetime", f"the text `{text[:40]}` is no date and time") if instant is None else instant


def _parse_float(arguments: Sequence[Value], _zone: tzinfo) -> Value | Unknown:
    (text,) = arguments
    return _number_in(text) if isinstance(text, str) else wrong_type(text, "text")


_FUNCTIONS: dict[str, Callable[[Sequence[Value], tzinfo], Value | Unknown]] = {
    "abs": _abs,
    "min": _of_numbers(_extreme(min)),
    "max": _of_numbers(_extreme(max)),
    "sum": _of_numbers(_sum),
    "split": _split,
    "parse_datetime": _parse_datetime,
    "parse_float": _parse_float,
}

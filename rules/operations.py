"""What each operator does with known values. Total: an error is returned as `Unknown`."""

import decimal
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal

from rules.kinds import Kind
from rules.values import ARITHMETIC, UNKNOWN, Unknown, Value, equal, failed, from_json, kind_of, wrong_type

_ORDERED = (Kind.NUMBER, Kind.INSTANT, Kind.DURATION)


def ordered(operator: str, left: Value, right: Value) -> bool | Unknown:
    """Return whether `left operator right` holds for `<`, `<=`, `>`, `>=`."""
    kind = kind_of(left)
    if kind not in _ORDERED:
        return wrong_type(left, "a number, a date or a duration")
    if kind_of(right) is not kind:
        return wrong_type(right, f"a {kind}")
    match operator:
        case "<":
            return bool(left < right)
        case "<=":
            return bool(left <= right)
        case ">":
            return bool(left > right)
        case _:
            return bool(left >= right)


def calculate(operator: str, left: Value, right: Value) -> Value | Unknown:
    """Return `left operator right` for `+`, `-`, `*`, `/`, `//`, `%`."""
    if isinstance(left, Decimal) and isinstance(right, Decimal):
        return _calculate_numbers(operator, left, right)
    try:
        if operator == "+" and _can_add(left, right):
            return left + right
        if operator == "-" and _can_subtract(left, right):
            return left - right
    except OverflowError:
        return failed("out_of_range", "the date is out of range")
    return failed("wrong_type", f"`{operator}` can't take a {kind_of(left)} and a {kind_of(right)}")


def negative(operand: Value) -> Value | Unknown:
    """Return `-operand`."""
    if isinstance(operand, Decimal):
        return calculated(lambda context: context.minus(operand))
    if isinstance(operand, timedelta):
        try:
            return -operand
        except OverflowError:
            return failed("out_of_range", "the duration is out of range")
    return wrong_type(operand, "a number or a duration")


def among(member: Value | Unknown, items: Sequence[Value | Unknown]) -> bool | Unknown:
    """Return whether `member` equals one of `items`: true if a known one does, else unknown if any part is."""
    results = [equal(member, item) for item in items]
    if True in results:
        return True
    return UNKNOWN if None in results or isinstance(member, Unknown) else False


def contained(member: Value | Unknown, container: Value) -> bool | Unknown:
    """Return whether `member` is in a known list, set, text or mapping (as a key)."""
    if isinstance(container, tuple | frozenset):
        return among(member, tuple(container))
    if isinstance(member, Unknown):
        return UNKNOWN
    if isinstance(container, str):
        return member in container if isinstance(member, str) else wrong_type(member, "text")
    if isinstance(container, Mapping):
        return container.get(member) is not None if isinstance(member, str) else wrong_type(member, "text")
    return wrong_type(container, "a list, a text or a mapping")


def item(target: Value, key: Value) -> Value | Unknown:
    """Return `target[key]`; a missing key of a mapping is unknown, an index out of range an error."""
    if isinstance(target, Mapping):
        return from_json(target.get(key)) if isinstance(key, str | Decimal) else wrong_type(key, "text")
    if not isinstance(target, str | tuple):
        return wrong_type(target, "a list, a text or a mapping")
    if not isinstance(key, Decimal) or not is_whole(key):
        return failed("wrong_type", "an index is a whole number")
    if not -len(target) <= key < len(target):
        return failed("index_out_of_range", f"there is no item {key:f}, there are {len(target)}")
    return target[int(key)]


def stretch(target: Value, start: Value | None, stop: Value | None) -> Value | Unknown:
    """Return `target[start:stop]`; bounds beyond the ends are cut to them."""
    if not isinstance(target, str | tuple):
        return wrong_type(target, "a list or a text")
    if not all(bound is None or (isinstance(bound, Decimal) and is_whole(bound)) for bound in (start, stop)):
        return failed("wrong_type", "an index is a whole number")
    size = len(target)
    first, last = (None if bound is None else int(max(-size, min(size, bound))) for bound in (start, stop))
    return target[first:last]


def set_of(items: Sequence[Value]) -> Value | Unknown:
    """Return a set of values that can stand in one."""
    for one in items:
        if isinstance(one, Mapping | tuple):
            return wrong_type(one, "simple values")
    return frozenset(items)


def mapping_of(entries: Sequence[tuple[Value, Value]]) -> Value | Unknown:
    """Return a mapping of values by text or number."""
    for key, _ in entries:
        if not isinstance(key, str | Decimal):
            return wrong_type(key, "text")
    return dict(entries)


# numbers


def _calculate_numbers(operator: str, left: Decimal, right: Decimal) -> Decimal | Unknown:
    if operator in ("/", "//", "%") and right == 0:
        return failed("division_by_zero", f"`{operator}` by zero")
    return calculated(lambda context: _CALCULATIONS[operator](context, left, right))


_CALCULATIONS: dict[str, Callable[[decimal.Context, Decimal, Decimal], Decimal]] = {
    "+": decimal.Context.add,
    "-": decimal.Context.subtract,
    "*": decimal.Context.multiply,
    "/": decimal.Context.divide,
    "//": decimal.Context.divide_int,
    "%": decimal.Context.remainder,
}


def calculated(work: Callable[[decimal.Context], Decimal]) -> Decimal | Unknown:
    """Return the number that `work` comes to, or the error it ends with."""
    try:
        return work(ARITHMETIC.copy())
    except decimal.DecimalException:
        return failed("out_of_range", "the number is out of range")


def is_whole(number: Decimal) -> bool:
    """Return whether a number has no fraction, without writing it out."""
    return number.is_finite() and number == number.to_integral_value()


# dates


def _can_add(left: Value, right: Value) -> bool:
    kinds = (kind_of(left), kind_of(right))
    return kinds in (
        (Kind.TEXT, Kind.TEXT),
        (Kind.INSTANT, Kind.DURATION),
        (Kind.DURATION, Kind.INSTANT),
        (Kind.DURATION, Kind.DURATION),
    )


def _can_subtract(left: Value, right: Value) -> bool:
    kinds = (kind_of(left), kind_of(right))
    return kinds in ((Kind.INSTANT, Kind.INSTANT), (Kind.INSTANT, Kind.DURATION), (Kind.DURATION, Kind.DURATION))

"""Instants and times between them, in SQL: always a stored instant compared with a fixed one.

`$now - customer_since > t"P30D"` becomes `customer_since < <30 days ago>`: a column stands alone on its side, and
nothing is calculated row by row.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, and_, literal, not_

from engine.storage import UtcDateTime
from rules.sql.values import (
    APPLY,
    MIRRORED,
    NEGATED,
    AtLeast,
    Duration,
    Inexpressible,
    Instant,
    Number,
    constant,
    if_known,
)

FIRST, LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def compare(operator: str, left: Instant, right: Instant) -> ColumnElement[bool]:
    """Return `left operator right` for a comparison or an equality."""
    if left.fixed is not None:
        left, right, operator = right, left, MIRRORED[operator]
    if right.fixed is not None:
        return _against(operator, left, right.fixed)
    if left.offset or right.offset:
        raise Inexpressible("a comparison of two instants with a time between them")
    return APPLY[operator](left.value, right.value)


def moved(instant: Instant, by: timedelta) -> Instant:
    """Return `instant + by`."""
    if instant.offset:
        raise Inexpressible("an instant moved twice")
    return replace(instant, offset=by)


def in_range(instant: Instant) -> ColumnElement[bool]:
    """Return whether a moved instant still is one; null if there is none."""
    if instant.offset > timedelta(0):
        limit = _shifted(LAST, -1, instant.offset)
        is_in_range = None if limit is None else instant.value <= literal(limit, UtcDateTime())
    else:
        limit = _shifted(FIRST, -1, instant.offset)
        is_in_range = None if limit is None else instant.value >= literal(limit, UtcDateTime())
    if is_in_range is None:
        raise Inexpressible("an instant moved very far")
    return is_in_range


def between(left: Instant, right: Instant) -> Duration:
    """Return `left - right`."""
    if left.offset or right.offset:
        raise Inexpressible("the time between moved instants")
    if left.fixed is not None:
        return Duration(instant=right.value, against=left.fixed)
    if right.fixed is not None:
        return Duration(instant=left.value, against=right.fixed, is_since=False)
    raise Inexpressible("the time between two stored instants")


def compare_durations(operator: str, left: Duration, right: Duration) -> ColumnElement[bool]:
    """Return `left operator right` for a comparison or an equality."""
    if left.fixed is not None:
        left, right, operator = right, left, MIRRORED[operator]
    if right.fixed is None or left.instant is None:
        raise Inexpressible("a comparison of two times between instants")
    at_least = _at_least(left, _MICROSECOND)
    count = right.fixed // _MICROSECOND
    base = NEGATED.get(operator, operator)
    if base == "==":
        result = and_(at_least(count), not_(at_least(count + 1)))
    else:
        result = at_least(count if base == ">=" else count + 1)
    return not_(result) if operator in NEGATED else result


def days(duration: Duration) -> Number:
    """Return the whole days of a time between two instants, floored."""
    return _counted(duration, 0, timedelta(days=1))


def total_seconds(duration: Duration) -> Number:
    """Return the seconds of a time between two instants."""
    return _counted(duration, 6, _MICROSECOND)


def since_year(instant: Instant) -> Number:
    """Return the year of an instant in UTC."""
    if instant.offset:
        raise Inexpressible("a part of a moved instant")

    def at_least(year: int) -> ColumnElement[bool]:
        if not FIRST.year < year <= LAST.year:
            return if_known(instant.value.is_not(None), constant(is_true=year <= FIRST.year))
        return instant.value >= literal(datetime(year, 1, 1, tzinfo=UTC), UtcDateTime())

    return Number(known=instant.value.is_not(None), at_least=at_least)


def _counted(duration: Duration, scale: int, unit: timedelta) -> Number:
    if duration.instant is None:
        raise Inexpressible("a time that is not between two instants")
    return Number(known=duration.instant.is_not(None), scale=scale, at_least=_at_least(duration, unit))


def _at_least(duration: Duration, unit: timedelta) -> AtLeast:
    """Return the question whether a time between a fixed and a stored instant is at least so many units."""
    value, against = duration.instant, duration.against
    assert value is not None
    assert against is not None

    def at_least(count: int) -> ColumnElement[bool]:
        operator = "<=" if duration.is_since else ">="
        limit = _shifted(against, -count if duration.is_since else count, unit)
        if limit is None:  # further away than any instant: all of them are nearer, or none is
            return if_known(value.is_not(None), constant(is_true=count < 0))
        return APPLY[operator](value, literal(limit, UtcDateTime()))

    return at_least


def _shifted(instant: datetime, count: int, unit: timedelta) -> datetime | None:
    try:
        return instant + count * unit
    except OverflowError:
        return None


def _against(operator: str, instant: Instant, fixed: datetime) -> ColumnElement[bool]:
    """Compare `value + offset` with `fixed`; null where the sum is no instant any more."""
    limit = _shifted(fixed, -1, instant.offset)
    if limit is None:
        # Then every sum that is an instant lies on one side; few rows have one.
        raise Inexpressible("an instant moved very far")
    result = APPLY[operator](instant.value, literal(limit, UtcDateTime()))
    return if_known(in_range(instant), result) if instant.offset else result

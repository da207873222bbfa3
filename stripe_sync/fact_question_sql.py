"""Questions about clock facts that SQL answers without working the fact out: is it at least so much, is that in it.

`days_overdue >= 30` is asked of the stored instant: is it 30 days ago? So a million rows are compared, not calculated,
and an index on the instant serves the clock fact too. The answers are those over `stripe_sync.fact_sql.sql_value`.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Boolean, ColumnElement, case, func, literal, null, or_
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from engine.core.facts import CountPassed, ElapsedDays, ElapsedSeconds, FactSpec, RecentNames, RemainingDays
from engine.storage import UtcDateTime
from stripe_sync.catalog import inputs_of
from stripe_sync.fact_sql import FACTS, sql_value

AtLeast = Callable[[int], ColumnElement[bool]]
Contains = Callable[[str], ColumnElement[bool]]
_DAY, _SECOND = timedelta(days=1), timedelta(seconds=1)


def sql_at_least(spec: FactSpec, now: datetime) -> AtLeast | None:
    """Return the question whether a clock fact that counts is at least so much; null where it has no value.

    None for every other fact.
    """
    match spec.clock:
        case ElapsedDays(name):
            return _since(FACTS.c[name], now, _DAY)
        case ElapsedSeconds(name):
            return _since(FACTS.c[name], now, _SECOND)
        case RemainingDays(name):
            return _until(FACTS.c[name], now, _DAY)
        case CountPassed(name):
            return _count(FACTS.c[name], sql_value(spec, now))
        case _:
            return None


def sql_contains(spec: FactSpec, now: datetime) -> Contains | None:
    """Return the question whether a clock fact that is a list holds a text; null where it has no value.

    None for every other fact.
    """
    form = spec.clock
    if not isinstance(form, RecentNames):
        return None
    since = literal(now - timedelta(days=form.days), UtcDateTime())

    def contains(name: str) -> ColumnElement[bool]:
        instants = [FACTS.c[column] for known, column in form.instants if known == name]
        is_recent = or_(*(func.coalesce(instant >= since, _constant(is_true=False)) for instant in instants))
        is_there = is_recent if instants else _constant(is_true=False)
        answer: ColumnElement[bool] = case((sql_known(spec), is_there))
        return answer

    return contains


def sql_known(spec: FactSpec) -> ColumnElement[bool]:
    """Return whether a Stripe fact has a value; never null."""
    if isinstance(spec.clock, RecentNames):
        has_no_reason: ColumnElement[bool] = FACTS.c.reasons[spec.name].as_string().is_(None)
        return has_no_reason
    name = spec.name if spec.clock is None else inputs_of(spec.clock)[0]
    return FACTS.c[name].is_not(None)


def _since(instant: ColumnElement[Any], now: datetime, unit: timedelta) -> AtLeast:
    """Whole units since an instant, floored, never below 0: at least `count` if it lies that far back."""

    def at_least(count: int) -> ColumnElement[bool]:
        limit = _moved(now, -count, unit)
        if count <= 0 or limit is None:
            return _if_known(instant, is_true=count <= 0)
        return instant <= literal(limit, UtcDateTime())

    return at_least


def _until(instant: ColumnElement[Any], now: datetime, unit: timedelta) -> AtLeast:
    """Whole units until an instant, ceiled, never below 0: at least `count` if it lies further than `count - 1`."""

    def at_least(count: int) -> ColumnElement[bool]:
        limit = _moved(now, count - 1, unit)
        if count <= 0 or limit is None:
            return _if_known(instant, is_true=count <= 0)
        return instant > literal(limit, UtcDateTime())

    return at_least


def _count(array: ColumnElement[Any], number: ColumnElement[Any]) -> AtLeast:
    """A count of some of an array's items: none of few is many, and most arrays are empty."""

    def at_least(count: int) -> ColumnElement[bool]:
        if count <= 0:
            return _if_known(array, is_true=True)
        return case((_Length(array) < count, _constant(is_true=False)), (array.is_not(None), number >= count))

    return at_least


def _moved(instant: datetime, count: int, unit: timedelta) -> datetime | None:
    try:
        return instant + count * unit
    except OverflowError:
        return None


def _if_known(value: ColumnElement[Any], *, is_true: bool) -> ColumnElement[bool]:
    return case((value.is_not(None), _constant(is_true=is_true)), else_=null())


def _constant(*, is_true: bool) -> ColumnElement[bool]:
    return literal(is_true, Boolean())


class _Length(FunctionElement[int]):
    """How many items a JSON array has."""

    type = BigInteger()
    inherit_cache = True
    name = "length"


@compiles(_Length, "postgresql")
def _length_postgresql(element: _Length, compiler: SQLCompiler, **kwargs: Any) -> str:
    return f"jsonb_array_length({compiler.process(element.clauses, **kwargs)})"


@compiles(_Length, "sqlite")
def _length_sqlite(element: _Length, compiler: SQLCompiler, **kwargs: Any) -> str:
    return f"json_array_length({compiler.process(element.clauses, **kwargs)})"

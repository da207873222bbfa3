"""Each fact as an SQL expression over the row of `DbEndUserFacts`, for PostgreSQL and SQLite.

The expression has the value that `stripe_sync.derive.at` gives in Python, and is null where that has none. Comparisons
of instants stay comparisons of the column, so that an index can serve them.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Table, case, literal, null
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from engine.core.facts import (
    ClockForm,
    CountPassed,
    ElapsedDays,
    ElapsedSeconds,
    FactSpec,
    HasPassed,
    InstantForm,
    IsAhead,
    RecentNames,
    RemainingDays,
)
from engine.storage import Json, UtcDateTime
from stripe_sync.derive.clock import passed_limit
from stripe_sync.fact_tables import DbEndUserFacts
from stripe_sync.portable_sql import Epoch, arguments

FACTS: Table = DbEndUserFacts.__table__
SECONDS_A_DAY = 86_400


def sql_value(spec: FactSpec, now: datetime) -> ColumnElement[Any]:
    """Return the value of a Stripe fact at `now` as an expression over the columns of `FACTS`."""
    return FACTS.c[spec.name] if spec.clock is None else _clock(spec, spec.clock, now)


def _clock(spec: FactSpec, form: ClockForm, now: datetime) -> ColumnElement[Any]:
    match form:
        case CountPassed(name):
            return case((FACTS.c[name].is_not(None), _CountBelow(FACTS.c[name], literal(passed_limit(now)))))
        case RecentNames():
            return _recent(spec, form, now)
        case _:
            return _over_instant(form, now)


def _over_instant(form: InstantForm, now: datetime) -> ColumnElement[Any]:
    match form:
        case ElapsedDays(name):
            return _not_below_zero(_elapsed(name, now)) // SECONDS_A_DAY
        case RemainingDays(name):
            # Ceiled: a day that has begun counts.
            return (_not_below_zero(-_elapsed(name, now)) + (SECONDS_A_DAY - 1)) // SECONDS_A_DAY
        case ElapsedSeconds(name):
            return _not_below_zero(_elapsed(name, now))
        case HasPassed(name):
            return FACTS.c[name] <= _instant(now)
        case IsAhead(name):
            return FACTS.c[name] > _instant(now)


def _instant(at: datetime) -> ColumnElement[datetime]:
    return literal(at, UtcDateTime())


def _elapsed(name: str, now: datetime) -> ColumnElement[int]:
    # Stored instants are whole seconds, so the fraction of `now` changes no whole day or second.
    return literal(int(now.timestamp() // 1), BigInteger()) - Epoch(FACTS.c[name])


def _not_below_zero(seconds: ColumnElement[int]) -> ColumnElement[int]:
    return case((seconds < 0, 0), else_=seconds)


def _recent(spec: FactSpec, form: RecentNames, now: datetime) -> ColumnElement[Any]:
    since = _instant(now - timedelta(days=form.days))
    names = [case((FACTS.c[column] >= since, literal(name)), else_=null()) for name, column in form.instants]
    # Of several instants some may be missing for good reason; the store says when one is missing for another.
    return case((FACTS.c.reasons[spec.name].as_string().is_(None), _Known(*names)))


class _CountBelow(FunctionElement[int]):
    """How many texts of a JSON array sort below a text."""

    type = BigInteger()
    inherit_cache = True
    name = "count_below"


class _Known(FunctionElement[Any]):
    """The JSON array of those texts that are not null."""

    type = Json
    inherit_cache = True
    name = "known"


@compiles(_CountBelow, "postgresql")
def _count_below_postgresql(element: _CountBelow, compiler: SQLCompiler, **kwargs: Any) -> str:
    array, limit = (compiler.process(clause, **kwargs) for clause in element.clauses)
    return f'(SELECT count(*) FROM jsonb_array_elements_text({array}) AS below(v) WHERE below.v COLLATE "C" < {limit})'  # noqa: S608 - compiled parts


@compiles(_CountBelow, "sqlite")
def _count_below_sqlite(element: _CountBelow, compiler: SQLCompiler, **kwargs: Any) -> str:
    array, limit = (compiler.process(clause, **kwargs) for clause in element.clauses)
    return f"(SELECT count(*) FROM json_each({array}) AS below WHERE below.value < {limit})"  # noqa: S608 - compiled parts


@compiles(_Known, "postgresql")
def _known_postgresql(element: _Known, compiler: SQLCompiler, **kwargs: Any) -> str:
    return f"to_jsonb(array_remove(CAST(ARRAY[{arguments(element, compiler, kwargs)}] AS TEXT[]), NULL))"


@compiles(_Known, "sqlite")
def _known_sqlite(element: _Known, compiler: SQLCompiler, **kwargs: Any) -> str:
    array = f"json_array({arguments(element, compiler, kwargs)})"
    return f"(SELECT json_group_array(value) FROM json_each({array}) WHERE value IS NOT NULL)"  # noqa: S608 - compiled parts

"""Runs a condition over the rows of a table: page by page, the newest first, or all of it.

Laws of this module
- Pages are found by key: a page begins after the last id of the one before, whatever has changed meanwhile.
- What SQL leaves open is judged by the interpreter over batches of rows that SQL has narrowed down; a page looks at a
  bounded number of them, so it may be short and still not be the last.
- A query that takes too long is stopped by the database, and TooSlowError is raised.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, false, func, select
from sqlalchemy.orm import Session

from engine.core.facts import Facts
from rules.sql.condition import SqlCondition
from rules.sql.dialects import dialect_of
from rules.sql.time_limit import TooSlowError, limited

__all__ = ["Selected", "Source", "TooSlowError", "count", "matching", "select_page"]

BATCH = 1000
MOST_RECHECKED = 20_000
"""Rows the interpreter judges for one page."""
TIME_LIMIT = timedelta(seconds=10)

FactsOf = Callable[[Sequence[str]], Mapping[str, Facts]]
"""Gives the facts of rows by id, as the interpreter sees them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The rows a condition is asked about."""

    table: FromClause
    id: ColumnElement[str]
    """What tells the rows apart; it holds no line feed."""
    scope: ColumnElement[bool]
    """Which of the rows are meant at all: those of the workspace."""
    facts: FactsOf


@dataclass(frozen=True, slots=True, kw_only=True)
class Selected:
    """A page of ids, the greatest first, and the id after which the next page begins; None on the last."""

    ids: tuple[str, ...]
    next: str | None


def select_page(
    session: Session,
    source: Source,
    condition: SqlCondition,
    *,
    after: str | None,
    limit: int,
    time_limit: timedelta = TIME_LIMIT,
) -> Selected:
    """Return the first `limit` rows that match among those below the id `after`; raise TooSlowError.

    Where the interpreter judges, a page may be shorter and still not be the last.
    """
    most = limit + 1 if condition.recheck is None else BATCH
    found: list[str] = []
    looked_at = 0
    with limited(session, time_limit):
        while True:
            rows = _rows(session, source, condition, after, most)
            found += _judged(source, condition, rows)
            looked_at += len(rows)
            if len(found) > limit:
                return Selected(ids=tuple(found[:limit]), next=found[limit - 1])
            if len(rows) < most:
                return Selected(ids=tuple(found), next=None)
            after = rows[-1][0]
            if looked_at >= MOST_RECHECKED:
                return Selected(ids=tuple(found), next=after)


def matching(session: Session, source: Source, condition: SqlCondition) -> Iterator[str]:
    """Yield the ids of all rows that match, in no order where the database alone answers."""
    if condition.recheck is None:
        # A million ids cost more to carry one by one than to find; as one text they come at a third of that.
        lines = dialect_of(session.get_bind().dialect.name).lines(source.id)
        found = session.scalars(_select(source, condition, lines)).one()
        yield from () if found is None else found.split("\n")
        return
    after, is_more = None, True
    while is_more:
        rows = _rows(session, source, condition, after, BATCH)
        yield from _judged(source, condition, rows)
        is_more = len(rows) == BATCH
        after = rows[-1][0] if rows else None


def count(session: Session, source: Source, condition: SqlCondition, *, time_limit: timedelta = TIME_LIMIT) -> int:
    """Return how many rows match; raise TooSlowError if one query takes longer than `time_limit`."""
    with limited(session, time_limit):
        if condition.recheck is None:
            return int(session.scalars(_select(source, condition, func.count())).one())
        return sum(1 for _ in matching(session, source, condition))


def _rows(
    session: Session, source: Source, condition: SqlCondition, after: str | None, most: int
) -> list[tuple[str, bool]]:
    """Return the next rows that SQL finds, and of each whether it is in doubt."""
    recheck = false() if condition.recheck is None else condition.recheck
    query = _select(source, condition, source.id, recheck).order_by(source.id.desc()).limit(most)
    if after is not None:
        query = query.where(source.id < after)
    return [(row[0], bool(row[1])) for row in session.execute(query)]


def _judged(source: Source, condition: SqlCondition, rows: Sequence[tuple[str, bool]]) -> list[str]:
    doubtful = [id_ for id_, is_in_doubt in rows if is_in_doubt]
    facts = source.facts(doubtful) if doubtful else {}
    return [id_ for id_, is_in_doubt in rows if not is_in_doubt or (id_ in facts and condition.holds(facts[id_]))]


def _select(source: Source, condition: SqlCondition, *what: ColumnElement[Any]) -> Select[Any]:
    return select(*what).select_from(source.table).where(source.scope, condition.where)

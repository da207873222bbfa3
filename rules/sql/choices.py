"""One of several values in SQL, kind by kind: `x ?? y`, `p ? a : b`."""

from typing import Any

from sqlalchemy import ColumnElement, case, false, null

from rules.sql import texts
from rules.sql.numbers import Numbers
from rules.sql.values import Inexpressible, Instant, SqlValue, Words


def first_of(numbers: Numbers, choices: list[tuple[ColumnElement[bool], SqlValue]]) -> SqlValue:
    """Return the value beside the first condition that is true; unknown if none is."""
    values = [value for _, value in choices]
    if any(value.duration is not None or value.texts is not None or value.key is not None for value in values):
        raise Inexpressible("a choice between lists, mappings or times")
    if any(value.instant is not None and value.instant.offset for value in values):
        raise Inexpressible("a choice between moved instants")
    return SqlValue(
        known=case(*((condition, value.known) for condition, value in choices), else_=false()),
        boolean=_pick([(condition, value.boolean) for condition, value in choices]),
        number=numbers.first_of([(condition, value.number) for condition, value in choices]),
        words=_pick_words([(condition, value.words) for condition, value in choices]),
        instant=_pick_instant([(condition, value.instant) for condition, value in choices]),
        others=any(value.others for value in values),
    )


def _pick(choices: list[tuple[ColumnElement[bool], ColumnElement[Any] | None]]) -> ColumnElement[Any] | None:
    if all(value is None for _, value in choices):
        return None
    return case(*((condition, null() if value is None else value) for condition, value in choices))


def _pick_words(choices: list[tuple[ColumnElement[bool], Words | None]]) -> Words | None:
    value = _pick([(condition, None if words is None else texts.seen(words)) for condition, words in choices])
    return None if value is None else Words(value=value)


def _pick_instant(choices: list[tuple[ColumnElement[bool], Instant | None]]) -> Instant | None:
    value = _pick([(condition, None if instant is None else instant.value) for condition, instant in choices])
    return None if value is None else Instant(value=value)

"""Attributes of texts, lists, instants and times in SQL: `subject.length`, `tags.is_empty`, `customer_since.year`."""

from datetime import tzinfo

from sqlalchemy import BigInteger, cast, func, literal
from sqlalchemy.types import Text

from rules.sql import instants, numbers, texts
from rules.sql.dialects import Dialect
from rules.sql.values import Inexpressible, Instant, Number, SqlValue, Texts, Words, of_boolean, of_number, of_words

_ROUNDED = ("to_int", "floor", "ceiling")
_PARTS = ("month", "day", "hour", "minute", "second")


def attribute(target: SqlValue, name: str, part: SqlValue | None, dialect: Dialect, zone: tzinfo) -> SqlValue:
    """Return `target.name`, or `target.name(part)`; raise Inexpressible if it can't be said exactly."""
    if target.others:
        raise Inexpressible(f"`.{name}` of an attribute")
    if target.words is not None:
        return _of_text(target.words, name, part)
    if target.texts is not None:
        return _of_list(target.texts, name, dialect)
    if target.instant is not None:
        return _of_instant(target.instant, name, dialect, zone)
    if target.duration is not None and name in ("days", "total_seconds"):
        count = instants.days if name == "days" else instants.total_seconds
        return of_number(count(target.duration))
    if target.number is not None and (name == "to_flt" or (name in _ROUNDED and _is_whole(target.number))):
        return target
    raise Inexpressible(f"`.{name}`")


def _is_whole(number: Number) -> bool:
    return number.scale == 0 and not number.fractions


def _of_text(words: Words, name: str, part: SqlValue | None) -> SqlValue:
    if part is not None:
        if part.others or part.words is None:
            raise Inexpressible(f"`.{name}` of an attribute")
        compared = texts.starts_with if name == "starts_with" else texts.ends_with
        return of_boolean(compared(words, part.words))
    match name:
        case "length":
            length = func.length(texts.seen(words), type_=BigInteger())
            return of_number(Number(known=words.value.is_not(None), value=length, bound=numbers.MOST))
        case "is_empty":
            return of_boolean(words.value == literal("", Text()))
        case "to_str":
            return of_words(words)
        case _:
            raise Inexpressible(f"`.{name}` of a text")


def _of_list(list_: Texts, name: str, dialect: Dialect) -> SqlValue:
    length = cast(dialect.array_length(list_.value), BigInteger())
    match name:
        case "length":
            return of_number(Number(known=list_.value.is_not(None), value=length, bound=numbers.MOST))
        case "is_empty":
            return of_boolean(length == 0)
        case _:
            raise Inexpressible(f"`.{name}` of a list")


def _of_instant(instant: Instant, name: str, dialect: Dialect, zone: tzinfo) -> SqlValue:
    if str(zone) != "UTC" or instant.offset:
        raise Inexpressible(f"`.{name}` of an instant, except in UTC")
    if name == "year":
        return of_number(instants.since_year(instant))
    if name not in _PARTS:
        raise Inexpressible(f"`.{name}` of an instant")
    part = dialect.part(instant.value, name)
    return of_number(Number(known=instant.value.is_not(None), value=part, bound=numbers.MOST))

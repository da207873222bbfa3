"""What PostgreSQL and SQLite say differently, and what each of them can keep exact.

Both compare text by code point here: columns and JSON texts have the collation "C" on PostgreSQL, SQLite's is BINARY.
PostgreSQL calculates in `numeric`, exact at any size. SQLite's integers turn into floats where they leave 64 bits and
its JSON fractions are floats, so there a value whose type is `real` is in doubt and its row is evaluated elsewhere.
"""

import re
from typing import Any, Protocol

from sqlalchemy import BigInteger, Boolean, ColumnElement, Integer, Numeric, Text, case, cast, collate, func, literal
from typing_extensions import override

_AWKWARD_KEY = re.compile(r'["\\\x00-\x1f\x7f]')


class Dialect(Protocol):
    """One database's way of saying things."""

    fractions: bool
    """Whether JSON numbers are exact decimals; otherwise only whole ones are, and others are in doubt."""

    def position(self, text: ColumnElement[str], part: ColumnElement[str]) -> ColumnElement[int]:
        """Return where `part` first stands in `text`, from 1; 0 if it does not."""
        ...

    def wide(self, number: ColumnElement[Any]) -> ColumnElement[Any]:
        """Return a whole number ready for arithmetic that may leave 64 bits."""
        ...

    def doubt(self, number: ColumnElement[Any]) -> ColumnElement[bool] | None:
        """Return whether a calculated number is not exact; None if that can't be."""
        ...

    def array_length(self, array: ColumnElement[Any]) -> ColumnElement[int]:
        """Return how many items a JSON array has."""
        ...

    def part(self, instant: ColumnElement[Any], name: str) -> ColumnElement[int]:
        """Return the year, month, day, hour, minute or second of an instant in UTC."""
        ...

    def lines(self, text: ColumnElement[str]) -> ColumnElement[str]:
        """Return the texts of all rows as the lines of one text; null if there is no row."""
        ...

    def has_key(self, key: str) -> bool:
        """Return whether a key of a JSON object can be named exactly."""
        ...

    def json_known(self, document: ColumnElement[Any], key: str) -> ColumnElement[bool]:
        """Return whether a JSON object has a value, not `null`, under a key; never null."""
        ...

    def json_number(self, document: ColumnElement[Any], key: str) -> ColumnElement[Any]:
        """Return the number under a key; null if there is none."""
        ...

    def json_text(self, document: ColumnElement[Any], key: str) -> ColumnElement[str]:
        """Return the text under a key; null if there is none."""
        ...

    def json_boolean(self, document: ColumnElement[Any], key: str) -> ColumnElement[bool]:
        """Return the boolean under a key; null if there is none."""
        ...


class PostgreSql(Dialect):
    """PostgreSQL."""

    fractions = True

    @override
    def position(self, text: ColumnElement[str], part: ColumnElement[str]) -> ColumnElement[int]:
        return func.strpos(text, part, type_=Integer())

    @override
    def wide(self, number: ColumnElement[Any]) -> ColumnElement[Any]:
        return cast(number, Numeric())

    @override
    def doubt(self, number: ColumnElement[Any]) -> ColumnElement[bool] | None:
        return None

    @override
    def array_length(self, array: ColumnElement[Any]) -> ColumnElement[int]:
        return func.jsonb_array_length(array, type_=Integer())

    @override
    def part(self, instant: ColumnElement[Any], name: str) -> ColumnElement[int]:
        in_utc = func.timezone("UTC", instant)
        return cast(func.floor(func.date_part(name, in_utc)), BigInteger())

    @override
    def lines(self, text: ColumnElement[str]) -> ColumnElement[str]:
        return func.string_agg(text, "\n", type_=Text())

    @override
    def has_key(self, key: str) -> bool:
        return "\x00" not in key

    @override
    def json_known(self, document: ColumnElement[Any], key: str) -> ColumnElement[bool]:
        return func.coalesce(self._type(document, key), "null") != "null"

    @override
    def json_number(self, document: ColumnElement[Any], key: str) -> ColumnElement[Any]:
        return case((self._type(document, key) == "number", cast(self._text(document, key), Numeric())))

    @override
    def json_text(self, document: ColumnElement[Any], key: str) -> ColumnElement[str]:
        return collate(case((self._type(document, key) == "string", self._text(document, key))), "C")

    @override
    def json_boolean(self, document: ColumnElement[Any], key: str) -> ColumnElement[bool]:
        return case((self._type(document, key) == "boolean", cast(self._text(document, key), Boolean())))

    def _type(self, document: ColumnElement[Any], key: str) -> ColumnElement[str]:
        return func.jsonb_typeof(document.op("->")(literal(key, Text())), type_=Text())

    def _text(self, document: ColumnElement[Any], key: str) -> ColumnElement[str]:
        return document.op("->>", return_type=Text())(literal(key, Text()))


class Sqlite(Dialect):
    """SQLite."""

    fractions = False

    @override
    def position(self, text: ColumnElement[str], part: ColumnElement[str]) -> ColumnElement[int]:
        return func.instr(text, part, type_=Integer())

    @override
    def wide(self, number: ColumnElement[Any]) -> ColumnElement[Any]:
        return number

    @override
    def doubt(self, number: ColumnElement[Any]) -> ColumnElement[bool] | None:
        return func.typeof(number) == "real"

    @override
    def array_length(self, array: ColumnElement[Any]) -> ColumnElement[int]:
        return func.json_array_length(array, type_=Integer())

    @override
    def part(self, instant: ColumnElement[Any], name: str) -> ColumnElement[int]:
        return cast(func.strftime(_STRFTIME[name], instant), Integer())

    @override
    def lines(self, text: ColumnElement[str]) -> ColumnElement[str]:
        return func.group_concat(text, "\n", type_=Text())

    @override
    def has_key(self, key: str) -> bool:
        return _AWKWARD_KEY.search(key) is None

    @override
    def json_known(self, document: ColumnElement[Any], key: str) -> ColumnElement[bool]:
        return func.coalesce(self._type(document, key), "null") != "null"

    @override
    def json_number(self, document: ColumnElement[Any], key: str) -> ColumnElement[Any]:
        return case((self._type(document, key).in_(("integer", "real")), self._value(document, key, BigInteger())))

    @override
    def json_text(self, document: ColumnElement[Any], key: str) -> ColumnElement[str]:
        return case((self._type(document, key) == "text", self._value(document, key, Text())))

    @override
    def json_boolean(self, document: ColumnElement[Any], key: str) -> ColumnElement[bool]:
        type_ = self._type(document, key)
        return case((type_ == "true", literal(True, Boolean())), (type_ == "false", literal(False, Boolean())))

    def _type(self, document: ColumnElement[Any], key: str) -> ColumnElement[str]:
        return func.json_type(document, _path(key), type_=Text())

    def _value(self, document: ColumnElement[Any], key: str, type_: Any) -> ColumnElement[Any]:
        return func.json_extract(document, _path(key), type_=type_)


def _path(key: str) -> str:
    return f'$."{key}"'


_STRFTIME = {"year": "%Y", "month": "%m", "day": "%d", "hour": "%H", "minute": "%M", "second": "%S"}
_DIALECTS: dict[str, Dialect] = {"postgresql": PostgreSql(), "sqlite": Sqlite()}


def dialect_of(name: str) -> Dialect:
    """Return the database called `name`; raise KeyError if conditions are not compiled for it."""
    return _DIALECTS[name]

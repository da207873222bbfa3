"""Texts in SQL. Conditions see the first 4,096 characters of a text; literals are shorter than that."""

from sqlalchemy import ColumnElement, and_, func, literal, not_, or_, true
from sqlalchemy.types import Text

from engine.storage import BinaryText
from rules import limits
from rules.sql.dialects import Dialect
from rules.sql.patterns import Piece
from rules.sql.values import Inexpressible, Words, any_of, if_known

_LAST = 0x10FFFF
_BEFORE_SURROGATES, _AFTER_SURROGATES = 0xD7FF, 0xE000


def fixed(text: str) -> Words:
    """Return a text that is the same for every row; raise Inexpressible for one that no database can hold."""
    if "\x00" in text or any("\ud800" <= c <= "\udfff" for c in text):
        raise Inexpressible("a text that can't be stored")
    return Words(value=literal(text, BinaryText), literal=text)


def seen(words: Words) -> ColumnElement[str]:
    """Return what conditions see of a text."""
    return func.substr(words.value, 1, limits.MAX_TEXT_FACT, type_=Text()) if words.is_long else words.value


def equal(one: Words, other: Words) -> ColumnElement[bool]:
    """Return whether two texts are the same."""
    if one.literal is not None or other.literal is not None:
        one, other = (other, one) if one.literal is not None else (one, other)
        if other.literal is not None and len(other.literal) < limits.MAX_TEXT_FACT:
            return one.value == other.value  # a text that is cut is longer than that anyway
    return seen(one) == seen(other)


def contains(text: Words, part: Words, dialect: Dialect) -> ColumnElement[bool]:
    """Return whether `part` stands in `text`."""
    if part.literal is None or len(part.literal) > limits.MAX_TEXT_FACT:
        return dialect.position(seen(text), seen(part)) > 0
    if part.literal == "":
        return if_known(text.value.is_not(None), true())
    position = dialect.position(text.value, part.value)
    if not text.is_long:
        return position > 0
    return position.between(1, limits.MAX_TEXT_FACT + 1 - len(part.literal))


def starts_with(text: Words, part: Words) -> ColumnElement[bool]:
    """Return whether `text` starts with `part`; a fixed part is a stretch of sorted texts, which an index can serve."""
    if part.literal is None or len(part.literal) > limits.MAX_TEXT_FACT:
        raise Inexpressible("`starts_with` of a text that is not written out")
    if part.literal == "":
        return if_known(text.value.is_not(None), true())
    following = _following(part.literal)
    if following is None:
        return text.value >= part.value
    return and_(text.value >= part.value, text.value < literal(following, BinaryText))


def ends_with(text: Words, part: Words) -> ColumnElement[bool]:
    """Return whether `text` ends with `part`."""
    if part.literal is None or len(part.literal) > limits.MAX_TEXT_FACT:
        raise Inexpressible("`ends_with` of a text that is not written out")
    if part.literal == "":
        return if_known(text.value.is_not(None), true())
    whole = seen(text)
    # Of a shorter text this is never as long as the part, wherever a database lets it begin.
    tail = func.substr(whole, func.length(whole) - (len(part.literal) - 1), type_=Text())
    return tail == part.value


def matches(text: Words, pieces: tuple[Piece, ...], dialect: Dialect, *, negated: bool) -> ColumnElement[bool]:
    """Return whether a text matches one of the pieces of a pattern."""
    found = any_of([_piece(text, piece, dialect) for piece in pieces])
    return not_(found) if negated else found


def _piece(text: Words, piece: Piece, dialect: Dialect) -> ColumnElement[bool]:
    part = fixed(piece.text)
    match piece.at_start, piece.end:
        case False, None:
            return contains(text, part, dialect)
        case True, None:
            return starts_with(text, part)
        case True, end:
            endings = (part,) if end == "end" else (part, fixed(piece.text + "\n"))
            return or_(*(equal(text, ending) for ending in endings))
        case _, end:
            endings = (part,) if end == "end" else (part, fixed(piece.text + "\n"))
            return or_(*(ends_with(text, ending) for ending in endings))


def _following(prefix: str) -> str | None:
    """Return the least text above every text that starts with `prefix`, by code point; None if there is none."""
    while prefix:
        last = ord(prefix[-1])
        if last < _LAST:
            return prefix[:-1] + chr(_AFTER_SURROGATES if last == _BEFORE_SURROGATES else last + 1)
        prefix = prefix[:-1]
    return None

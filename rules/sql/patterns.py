r"""Regular expressions that are plain texts with an anchor or two: those that SQL can look for.

`^Ent`, `(refund|chargeback)`, `\.edu$` mean nothing more than texts at the start, anywhere and at the end. Everything
else, and everything under a flag, stays with RE2.
"""

import importlib
import re
from dataclasses import dataclass, replace
from typing import Any

from rules.patterns import op
from rules.sql.values import Inexpressible

MOST_PIECES = 32
_parser: Any = importlib.import_module("re._parser")


@dataclass(frozen=True, slots=True)
class Piece:
    """A text to be found; `end`: at the end, or (`line`) at the end or before a final line feed."""

    text: str
    at_start: bool = False
    end: str | None = None


def pieces(pattern: str, *, anchored: bool) -> tuple[Piece, ...]:
    """Return the texts that a pattern looks for, any of which will do; raise Inexpressible for more than that."""
    tree = _parser.parse(pattern)
    if tree.state.flags & ~re.UNICODE:
        raise Inexpressible("a regular expression with flags")
    start = (Piece("", at_start=anchored),)
    return tuple(dict.fromkeys(_sequence([*tree], start)))


def _sequence(items: list[Any], before: tuple[Piece, ...]) -> tuple[Piece, ...]:
    for code, argument in items:
        before = _then(before, code, argument)
        if len(before) > MOST_PIECES:
            raise Inexpressible("a regular expression with many branches")
    return before


def _then(before: tuple[Piece, ...], code: Any, argument: Any) -> tuple[Piece, ...]:
    if code is op.AT:
        return tuple(_at(piece, argument) for piece in before)
    if code is op.SUBPATTERN:
        _, added, removed, inner = argument
        if added or removed:
            raise Inexpressible("a regular expression with flags")
        return _sequence([*inner], before)
    if code is op.BRANCH:
        return tuple(piece for branch in argument[1] for piece in _sequence([*branch], before))
    if code is op.LITERAL:
        return tuple(_append(piece, argument) for piece in before)
    if code is op.IN and all(each is op.LITERAL for each, _ in argument):
        return tuple(_append(piece, character) for piece in before for _, character in argument)
    raise Inexpressible("a regular expression that is more than a text")


def _append(piece: Piece, code_point: int) -> Piece:
    if piece.end is not None:
        raise Inexpressible("a regular expression that goes on after its end")
    return replace(piece, text=piece.text + chr(code_point))


def _at(piece: Piece, where: Any) -> Piece:
    if where in (op.AT_BEGINNING, op.AT_BEGINNING_STRING) and not piece.text:
        return replace(piece, at_start=True)
    if where is op.AT_END_STRING and piece.end is None:
        return replace(piece, end="end")
    if where is op.AT_END and piece.end is None:
        return replace(piece, end="line")
    raise Inexpressible("a regular expression with an anchor inside")

"""Where each character of a decoded YAML scalar stands in the file.

Plain, quoted, literal and folded scalars all keep the order of what is not white space; they differ in what they do
to line breaks, indentation and escapes. So the written form is cut into units (one character, or one escape with
what it decodes to), and the decoded text is laid along them: white space may be skipped or shared, nothing else.
"""

import functools
import re
from typing import NamedTuple

from rules.tree import Span

_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|\r\n|.)", re.DOTALL)
_SINGLE_ESCAPES = {
    "0": "\0", "a": "\a", "b": "\b", "t": "\t", "n": "\n", "v": "\v", "f": "\f", "r": "\r", "e": "\x1b",
    "N": "\x85", "_": "\xa0", "L": "\u2028", "P": "\u2029",
}  # fmt: skip
_SPACE = " \t\r\n"


class Unit(NamedTuple):
    """A piece of the written form: where it stands, and the character it decodes to; soft ones may be left out."""

    start: int
    end: int
    character: str
    is_soft: bool


@functools.lru_cache(maxsize=1)  # of several findings in one condition, which come one after the other
def align(decoded: str, written: str, style: str | None, start: int) -> list[Span]:
    """Return where in the file each character of `decoded` stands, and one empty place more for its end.

    `written` is the scalar as it stands in the file, from offset `start` on; `style` is the character that opens it.
    """
    units = _units(written, style, start)
    behind = start + len(written.rstrip())
    places = []
    at = 0
    for character in decoded:
        if character not in _SPACE:
            while at < len(units) and units[at].is_soft:
                at += 1
        if at >= len(units):
            places.append(Span(behind, behind))
            continue
        places.append(Span(units[at].start, units[at].end))
        if units[at].character == character or character not in _SPACE or (units[at].is_soft and character in " \n"):
            at += 1
    end = units[at - 1].end if 0 < at <= len(units) else behind
    return [*places, Span(end, end)]


def _units(written: str, style: str | None, start: int) -> list[Unit]:
    if style in ("|", ">"):
        header = written.find("\n") + 1 or len(written)
        return [_soft(start + header + i, c) for i, c in enumerate(written[header:])]
    if style == "'":
        return _single_quoted(written[1:-1], start + 1)
    if style == '"':
        return _double_quoted(written[1:-1], start + 1)
    return [_soft(start + i, c) for i, c in enumerate(written)]


def _soft(offset: int, character: str) -> Unit:
    return Unit(offset, offset + 1, character, character in _SPACE)


def _single_quoted(inner: str, start: int) -> list[Unit]:
    units, i = [], 0
    while i < len(inner):
        width = 2 if inner[i : i + 2] == "''" else 1
        units.append(Unit(start + i, start + i + width, inner[i], inner[i] in _SPACE))
        i += width
    return units


def _double_quoted(inner: str, start: int) -> list[Unit]:
    units, i = [], 0
    while i < len(inner):
        escape = _ESCAPE.match(inner, i)
        if escape is None:
            units.append(_soft(start + i, inner[i]))
            i += 1
            continue
        body = escape[1]
        if body[0] not in "\r\n":  # an escaped line break stands for nothing
            character = chr(int(body[1:], 16)) if body[0] in "xuU" else _SINGLE_ESCAPES.get(body, body)
            units.append(Unit(start + i, start + escape.end(), character, is_soft=False))
        i = escape.end()
    return units

"""What YAML is made of: nodes that know where they stand, and what the core schema makes of a plain scalar."""

import re
from decimal import Decimal
from typing import NamedTuple

from rules.tree import Span

Plain = bool | int | Decimal | str | None

_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("null", "Null", "NULL", "~", "")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER = re.compile(r"[-+]?[0-9]{1,30}|0o[0-7]{1,30}|0x[0-9a-fA-F]{1,30}")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]{1,30}|[0-9]{1,30}(?:\.[0-9]{0,30})?)(?:[eE][-+]?[0-9]{1,3})?")


class Scalar(NamedTuple):
    """A single value; `style` is None for a plain one, else the character that opens it."""

    span: Span
    text: str
    style: str | None

    @property
    def value(self) -> Plain:
        """Return what the core schema makes of it; numbers beyond reason stay text."""
        return self.text if self.style is not None else _resolve(self.text)


class Sequence(NamedTuple):
    """A list."""

    span: Span
    items: tuple["YamlNode", ...]


class Mapping(NamedTuple):
    """Keys and values in order; a key that was defined twice stands with its first value."""

    span: Span
    entries: tuple[tuple[Scalar, "YamlNode"], ...]


class Broken(NamedTuple):
    """Something whose fault was already reported."""

    span: Span


YamlNode = Scalar | Sequence | Mapping | Broken
"""Anything in the file; `span` is in code points from the start of the text."""


def _resolve(text: str) -> Plain:
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in "+-.0123456789":
        return text
    if _INTEGER.fullmatch(text):
        return int(text, 0) if text[:2] in ("0o", "0x") else int(text)
    return Decimal(text) if _FLOAT.fullmatch(text) else text

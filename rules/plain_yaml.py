"""The usual way to write a rule, read line by line: several times as fast as with the YAML library.

Only text of which there can be no doubt is read here: ASCII; keys of small letters; values that are plain words, a
text in single quotes, or a list or mapping of such on one line; blocks below a key. Of anything else nothing is said,
and the library reads it. What is read comes out as the library would have it, every place included.
"""

import re
from dataclasses import dataclass

from rules.tree import Span
from rules.yaml_nodes import Mapping, Scalar, Sequence, YamlNode

_QUOTED = r"'((?:[^'\n]++|'')*+)'"
_PLAIN = r"([A-Za-z0-9_$(](?:[^:#\n]++|:(?=[^ \n])|(?<! )#)*+)"
_WORDS = r"([A-Za-z0-9_](?:[A-Za-z0-9_.@/+ -]*[A-Za-z0-9_.@/+-])?)"
_END = r" *(?:\n|\Z)"

_FIRST = re.compile(r"( *)- (?=[a-z_]+:)")
_ENTRY = re.compile(rf"([a-z_]+):(?: +(?:{_QUOTED}|{_PLAIN}|(?=[\[{{])()))?(?:{_END}|(?<= )(?=[\[{{]))")
_ITEM = re.compile(rf"- (?:{_QUOTED}|{_PLAIN}){_END}")
_SPACES = re.compile(" *")
_LINE_END = re.compile(_END)
_FLOW_SCALAR = re.compile(rf"(?:{_QUOTED}|{_WORDS})(?= *[,\]}}]|: )")
_FLOW_KEY = re.compile(rf"{_WORDS}: +")
_DEEPEST = 10
_LONGEST_KEY = 200


class _DoubtError(Exception):
    """Raised where the library has to read the text."""


def read_item(text: str) -> Sequence | None:
    """Return the list of one mapping that `text` is, or None if the library has to read it."""
    first = _FIRST.match(text)
    if first is None or not text.isascii() or "\t" in text or "\r" in text:
        return None
    reading = _Reading(text=text.rstrip("\n "), whole=len(text))
    try:
        mapping = reading.block(first.end(), first.end())
    except _DoubtError:
        return None
    if mapping.span.end < len(text):
        return None
    return Sequence(span=Span(first.end(1), len(text)), items=(mapping,))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reading:
    text: str
    """Without what is blank at its end."""
    whole: int
    """How long the text is with it."""

    def block(self, at: int, indent: int) -> Mapping:
        """Return the mapping whose first key stands at `at`, so far in; it ends where what follows it begins."""
        text, start = self.text, at
        entries: dict[str, tuple[Scalar, YamlNode]] = {}
        while True:
            found = _ENTRY.match(text, at)
            if found is None or (name := found[1]) in entries:
                raise _DoubtError
            key = Scalar(Span(at, found.end(1)), name, None)
            value, at = self._value(found, indent)
            entries[name] = (key, value)
            at, width = self._next(at)
            if width < indent:
                return Mapping(span=Span(start, at), entries=tuple(entries.values()))
            if width > indent:
                raise _DoubtError

    def _next(self, line: int) -> tuple[int, int]:
        """Return where the line that starts at `line` begins in earnest, and how far in that is; -1 at the end."""
        if line >= len(self.text):
            return self.whole, -1
        spaces = _SPACES.match(self.text, line)
        assert spaces is not None
        return spaces.end(), spaces.end() - line

    def _value(self, found: re.Match[str], indent: int) -> tuple[YamlNode, int]:
        """Return the value of an entry, and where the next line starts."""
        kind = found.lastindex
        if kind == 2 or kind == 3:  # noqa: PLR1714, PLR2004  # groups of the pattern; this is a hot path
            return _scalar(found, kind), found.end()
        if kind == 4:  # noqa: PLR2004  # what begins with a bracket
            value, at = self._flow(found.end(), 1)
            end = _LINE_END.match(self.text, at)
            if end is None:
                raise _DoubtError
            return value, end.end()
        at, width = self._next(found.end())
        if width >= indent and self.text.startswith("- ", at):
            below: Mapping | Sequence = self._items(at, width)
        elif width > indent:
            below = self.block(at, width)
        else:
            raise _DoubtError
        end_of_block = below.span.end
        return below, self.whole if end_of_block == self.whole else self.text.rindex("\n", 0, end_of_block) + 1

    def _items(self, at: int, indent: int) -> Sequence:
        start, width = at, indent
        items: list[YamlNode] = []
        while width == indent and (found := _ITEM.match(self.text, at)) is not None:
            items.append(_scalar(found, found.lastindex or 0))
            at, width = self._next(found.end())
        if not items or width > indent or (width == indent and self.text.startswith("-", at)):
            raise _DoubtError
        return Sequence(span=Span(start, at), items=tuple(items))

    def _flow(self, at: int, depth: int) -> tuple[YamlNode, int]:
        """Return what stands at `at` within one line, and where it ends."""
        opening = self.text[at : at + 1]
        if opening not in ("[", "{"):
            found = _FLOW_SCALAR.match(self.text, at)
            if found is None or self.text.startswith(":", found.end()):
                raise _DoubtError
            return _scalar(found, found.lastindex or 0), found.end()
        if depth > _DEEPEST:
            raise _DoubtError
        parts, end = self._parts(at + 1, depth, "]" if opening == "[" else "}")
        span = Span(at, end)
        if opening == "[":
            return Sequence(span=span, items=tuple([value for _, value in parts])), end
        entries = {key.text: (key, value) for key, value in parts if key is not None}
        if len(entries) < len(parts):
            raise _DoubtError
        return Mapping(span=span, entries=tuple(entries.values())), end

    def _parts(self, at: int, depth: int, closing: str) -> tuple[list[tuple[Scalar | None, YamlNode]], int]:
        """Return the parts of a list (without keys) or mapping on one line, and where it ends."""
        parts: list[tuple[Scalar | None, YamlNode]] = []
        at = self._after_spaces(at)
        if self.text.startswith(closing, at):
            return parts, at + 1
        while True:
            key = None
            if closing == "}":
                found = _FLOW_KEY.match(self.text, at)
                if found is None or len(found[1]) > _LONGEST_KEY:
                    raise _DoubtError
                key, at = _scalar(found, 1), found.end()
            value, at = self._flow(at, depth + 1)
            parts.append((key, value))
            at = self._after_spaces(at)
            sign = self.text[at : at + 1]
            if sign == closing:
                return parts, at + 1
            if sign != ",":
                raise _DoubtError
            at = self._after_spaces(at + 1)

    def _after_spaces(self, at: int) -> int:
        spaces = _SPACES.match(self.text, at)
        assert spaces is not None
        return spaces.end()


def _scalar(found: re.Match[str], group: int) -> Scalar:
    """Return the text that a group of a pattern took; one in single quotes stands within them."""
    start, end = found.span(group)
    text = found[group]
    if start > 0 and found.string[start - 1] == "'":
        return Scalar(Span(start - 1, end + 1), text.replace("''", "'"), "'")
    text = text.rstrip(" ")
    return Scalar(Span(start, start + len(text)), text, None)

"""The text of a ruleset as a tree of YAML nodes that know where they stand.

The reader is libyaml's, at the level of events, because that is fast, and our own for one rule written in the usual
way (rules/plain_yaml.py); what the text means is decided here, by the
core schema of YAML 1.2 (`on`, `no`, `yes` are text). Tags, anchors, aliases, second documents and second
definitions of a key are faults. A line that YAML can't read is reported, blanked, and the rest is read again, so
that one slip does not hide the others.
"""

import bisect
import itertools
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import yaml

from rules import limits
from rules.alignment import align
from rules.plain_yaml import read_item
from rules.tree import Span
from rules.yaml_nodes import Broken, Mapping, Scalar, Sequence, YamlNode

_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_UNPRINTABLE_STRETCH = re.compile(_UNPRINTABLE.pattern + "+")
_MOST_STRETCHES = 100
"""Stretches of characters that are not allowed which are told; a file can hold millions."""
_KEY_AND_VALUE = re.compile(r"^(?P<key>[ ]*(?:- +)*(?P<name>[\w\"'-]+) *:)[ \t]+(?P<value>\S.*)$")
_KEY_OR_ITEM = re.compile(r"""[ ]*(?:- |[\w"'-]+ *:(?:[ \t]|$))""")
_MAX_RECOVERIES = 20
_UNDECODED = range(0xDC80, 0xDD00)
"""What bytes that are no UTF-8 become when a file is read with `surrogateescape`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What keeps a stretch of the file from being read as meant."""

    code: str
    message: str
    span: Span
    hint: str | None = None


@dataclass(frozen=True, kw_only=True)
class Source:
    """A text that was read: its root, or None if there is none, and every fault on the way."""

    text: str
    root: YamlNode | None
    faults: tuple[Fault, ...]
    is_whole: bool = True
    """False if reading stopped before the end, so that what is missing may only not have been reached."""
    hidden_after: int = 0
    """The line after which lines of the file are left out of `text`."""
    hidden_lines: int = 0
    """How many they are."""

    @cached_property
    def line_starts(self) -> list[int]:
        """Return where each line starts."""
        return line_starts(self.text)

    def position(self, offset: int) -> tuple[int, int]:
        """Return line and column of an offset in the file, both counted from 1."""
        line = bisect.bisect_right(self.line_starts, offset)
        column = offset - self.line_starts[line - 1] + 1
        return line + (self.hidden_lines if line > self.hidden_after else 0), column

    def place_in(self, scalar: Scalar, span: Span) -> Span:
        """Return where a stretch of a scalar's decoded text stands in the file."""
        written = self.text[scalar.span.start : scalar.span.end]
        inner = 0 if scalar.style is None else 1
        if scalar.text == written[inner : len(written) - inner]:  # written as it is, which most conditions are
            start = scalar.span.start + inner
            first_at = min(span.start, len(scalar.text))
            return Span(start + first_at, start + max(first_at, min(span.end, len(scalar.text))))
        places = align(scalar.text, written, scalar.style, scalar.span.start)
        first = places[min(span.start, len(places) - 1)]
        if span.end <= span.start:
            return Span(first.start, first.start)
        return Span(first.start, places[min(span.end, len(places)) - 1].end)


def line_starts(text: str) -> list[int]:
    """Return the offset at which each line of `text` starts."""
    return [0, *(found.end() for found in re.finditer(r"\r\n|\r|\n", text))]


def read(text: str) -> Source:
    """Return `text` read as YAML; never raises."""
    text = text.removeprefix("\ufeff")
    size = len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
    if size > limits.MAX_RULESET_BYTES:
        message = f"the ruleset is {size} bytes long, the limit is {limits.MAX_RULESET_BYTES}"
        return Source(text=text, root=None, faults=(Fault(code="too_large", message=message, span=Span(0, 0)),))
    faults = [_unprintable(found) for found in itertools.islice(_UNPRINTABLE_STRETCH.finditer(text), _MOST_STRETCHES)]
    if not faults and (item := read_item(text)) is not None:
        return Source(text=text, root=item, faults=())
    readable = _UNPRINTABLE.sub("\ufffd", text) if faults else text
    broken_lines: set[int] = set()
    while True:
        starts = line_starts(text) if broken_lines else []
        reading = _Reading(broken_lines=frozenset(broken_lines), starts=starts)
        try:
            root = reading.run(readable)
        except yaml.MarkedYAMLError as error:
            fault, line = _syntax_fault(error, readable)
            if line in broken_lines:  # it was reported, and reading on without its value did not help
                return Source(text=text, root=None, faults=(*faults, *reading.faults), is_whole=False)
            faults.append(fault)
            blanked = _blank(readable, line)
            if blanked is None or len(broken_lines) >= _MAX_RECOVERIES:
                return Source(text=text, root=None, faults=(*faults, *reading.faults), is_whole=False)
            broken_lines.add(line)
            readable = blanked
        else:
            is_whole = all(fault.code != "second_document" for fault in reading.faults)
            return Source(text=text, root=root, faults=(*faults, *reading.faults), is_whole=is_whole)


def is_readable(text: str) -> bool:
    """Return whether YAML can read `text` from beginning to end."""
    try:
        _Reading(broken_lines=frozenset(), starts=[]).run(_UNPRINTABLE.sub("\ufffd", text))
    except yaml.MarkedYAMLError:
        return False
    return True


def _unprintable(found: re.Match[str]) -> Fault:
    first = ord(found[0][0])
    if first in _UNDECODED:
        message = "this is no UTF-8"
        return Fault(code="not_utf8", message=message, span=Span(*found.span()), hint="save the file as UTF-8")
    message = f"the character U+{first:04X} is not allowed in a ruleset"
    return Fault(code="control_character", message=message, span=Span(*found.span()), hint="remove it")


def _syntax_fault(error: yaml.MarkedYAMLError, text: str) -> tuple[Fault, int]:
    """Return the fault, and the line (from 0) on which the thing stands that could not be read."""
    mark = error.problem_mark or error.context_mark
    assert mark is not None
    # A quoted text that never ends is noticed at the end of the file; it is at fault where it starts.
    is_unended = error.context_mark is not None and "quoted scalar" in (error.context or "")
    if is_unended and error.context_mark is not None:
        mark = error.context_mark
    starts = line_starts(text)
    offset = min(mark.index, len(text))
    line = bisect.bisect_right(starts, offset) - 1
    found = re.compile(r"\w+|\S").match(text, offset)
    span = Span(*found.span()) if found else Span(offset, offset)
    message = f"YAML can't read this: {error.problem}" if not is_unended else "YAML finds no end of this quoted text"
    return Fault(code="yaml_syntax", message=message, span=span, hint=_syntax_hint(_line(text, starts, line))), line


def _line(text: str, starts: list[int], line: int) -> str:
    end = starts[line + 1] if line + 1 < len(starts) else len(text)
    return text[starts[line] : end].rstrip("\r\n")


def _syntax_hint(line: str) -> str | None:
    found = _KEY_AND_VALUE.match(line)
    if found is None and re.search(r"\bwhen *:", line):
        return "put the condition in single quotes"
    if found is None:
        return "indent with spaces, not tabs" if "\t" in line[: len(line) - len(line.lstrip())] else None
    if found["name"] == "when":
        quoted = "'" + found["value"].replace("'", "''") + "'"
        return f"put the condition in single quotes, `when: {quoted}`, or on its own line after `when: |`"
    return f"put the value of `{found['name']}` in quotes"


def _blank(text: str, line: int) -> str | None:
    """Return `text` with the value that begins on `line` replaced by spaces, or None if the line is no key and value.

    Lines further in that follow belong to the value, up to one that looks like a key or an item of its own.
    """
    starts = line_starts(text)
    found = _KEY_AND_VALUE.match(_line(text, starts, line))
    if found is None:
        return None
    last = line
    while last + 1 < len(starts) and _continues(_line(text, starts, last + 1), found.start("name")):
        last += 1
    start = starts[line] + len(found["key"])
    end = starts[last] + len(_line(text, starts, last))
    return text[:start] + re.sub(r"[^\r\n]", " ", text[start:end]) + text[end:]


def _continues(line: str, indent: int) -> bool:
    is_further_in = len(line) - len(line.lstrip(" ")) > indent
    return not line.strip() or (is_further_in and not _KEY_OR_ITEM.match(line))


class _StopError(Exception):
    """Raised where reading must end before the text does; the fault was noted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reading:
    broken_lines: frozenset[int]
    starts: list[int]
    faults: list[Fault] = field(default_factory=list)

    def run(self, text: str) -> YamlNode | None:
        loader = yaml.CLoader(text)
        root: YamlNode | None = None
        try:
            next_event = loader.get_event
            while type(event := next_event()) is not yaml.StreamEndEvent:
                if type(event) is yaml.DocumentStartEvent:
                    if root is not None:
                        hint = "remove the line `---`"
                        self._fault("second_document", "a ruleset is one YAML document", event, hint)
                        break
                    root = self._node(_given(next_event()), next_event, 1)
        except _StopError:
            return None
        finally:
            loader.dispose()
        return root

    def _node(self, event: yaml.Event, next_event: Callable[[], yaml.Event | None], depth: int) -> YamlNode:
        kind = type(event)
        if kind is yaml.ScalarEvent:
            return self._scalar(event)  # type: ignore[arg-type]  # its class says so
        if kind is yaml.AliasEvent:
            hint = "write the value out"
            return self._fault("yaml_alias", "aliases are not allowed in a ruleset", event, hint)
        self._properties(event)  # type: ignore[arg-type]  # nothing else begins a node
        if depth > limits.MAX_YAML_DEPTH:
            self._fault("too_deep", f"this is nested more than {limits.MAX_YAML_DEPTH} deep", event, None)
            raise _StopError
        if kind is yaml.MappingStartEvent:
            return self._mapping(event, next_event, depth)
        items = []
        while type(one := _given(next_event())) is not yaml.SequenceEndEvent:
            items.append(self._node(one, next_event, depth + 1))
        return Sequence(span=Span(_start(event), _end(one)), items=tuple(items))

    def _mapping(self, event: yaml.Event, next_event: Callable[[], yaml.Event | None], depth: int) -> Mapping:
        entries: dict[str, tuple[Scalar, YamlNode]] = {}
        while type(one := _given(next_event())) is not yaml.MappingEndEvent:
            key = self._node(one, next_event, depth + 1)
            value = self._node(_given(next_event()), next_event, depth + 1)
            if type(key) is not Scalar:
                if type(key) is not Broken:
                    self.faults.append(Fault(code="bad_key", message="a key is text", span=key.span))
            elif key.text in entries:
                message = f"`{key.text}` is defined twice"
                self.faults.append(Fault(code="duplicate_key", message=message, span=key.span, hint="keep one of them"))
            else:
                entries[key.text] = (key, self._unless_blanked(key, value) if self.broken_lines else value)
        return Mapping(span=Span(_start(event), _end(one)), entries=tuple(entries.values()))

    def _scalar(self, event: yaml.ScalarEvent) -> Scalar:
        if event.anchor is not None or event.tag is not None:
            self._properties(event)
        # Events name the style of a plain scalar by an empty string.
        style = event.style or None
        span = Span(_start(event), _end(event))
        # Only escapes can bring in what the text itself does not hold.
        if style == '"' and (harmful := _UNPRINTABLE.search(event.value)):
            message = f"the character U+{ord(harmful[0]):04X} is not allowed in a text"
            self.faults.append(Fault(code="control_character", message=message, span=span))
        return Scalar(span=span, text=event.value, style=style)

    def _properties(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent) -> None:
        if event.anchor is not None:
            self._fault("yaml_alias", "anchors are not allowed in a ruleset", event, f"remove `&{event.anchor}`")
        if event.tag is not None:
            hint = "if it belongs to a text, put the text in quotes; to negate a condition write `not`"
            self._fault("yaml_tag", "YAML tags are not allowed in a ruleset", event, hint)

    def _fault(self, code: str, message: str, event: yaml.Event, hint: str | None) -> Broken:
        span = Span(_start(event), _end(event))
        self.faults.append(Fault(code=code, message=message, span=span, hint=hint))
        return Broken(span=span)

    def _unless_blanked(self, key: Scalar, value: YamlNode) -> YamlNode:
        line = bisect.bisect_right(self.starts, key.span.start) - 1
        is_blank = isinstance(value, Scalar) and value.text == "" and line in self.broken_lines
        return Broken(span=value.span) if is_blank else value


def _given(event: yaml.Event | None) -> yaml.Event:
    assert event is not None  # the stream's end comes first
    return event


def _start(event: yaml.Event) -> int:
    assert event.start_mark is not None  # only events made by hand have none
    return event.start_mark.index


def _end(event: yaml.Event) -> int:
    assert event.end_mark is not None
    return event.end_mark.index

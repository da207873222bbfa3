"""Diagnostics: what is wrong with a ruleset, where, and how to mend it; and their text form with source and caret.

House style of messages: lower case start, no final period, names in backticks. Positions are 1-based, in code points
of the file; the end is exclusive. A `Finding` is the same inside one condition, before its place in the file is known.
"""

import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum

from engine.core.facts import JsonValue
from rules.tree import Span

_LINE_END = re.compile(r"\r\n|\r|\n")
"""What ends a line for YAML and for editors; other characters that may are part of one."""


class Severity(StrEnum):
    """Whether a ruleset with this diagnostic can run."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something about a stretch of one condition's text."""

    code: str
    message: str
    span: Span
    hint: str | None = None
    severity: Severity = Severity.ERROR


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostic:
    """Something about a stretch of a ruleset's text."""

    code: str
    severity: Severity
    message: str
    rule: str | None
    line: int
    column: int
    end_line: int
    end_column: int
    hint: str | None = None

    @property
    def is_error(self) -> bool:
        """Return whether the ruleset can't run because of this."""
        return self.severity is Severity.ERROR

    @property
    def position(self) -> tuple[int, int, str]:
        """Return what diagnostics are sorted by."""
        return (self.line, self.column, self.code)

    def to_json(self) -> dict[str, JsonValue]:
        """Return the diagnostic as contracts write it."""
        return asdict(self)


def render(diagnostics: Iterable[Diagnostic], text: str, filename: str) -> str:
    """Return the diagnostics for people: place, message, the line with a caret under the fault, and the hint."""
    lines = _LINE_END.split(text)
    return "".join(_render_one(diagnostic, lines, filename) for diagnostic in diagnostics)


def summarize(diagnostics: Iterable[Diagnostic]) -> str:
    """Return the last line of a report: `2 errors, 1 warning` or `no errors`."""
    severities = [diagnostic.severity for diagnostic in diagnostics]
    errors, warnings = severities.count(Severity.ERROR), severities.count(Severity.WARNING)
    parts = [_count(errors, "error")] if errors else ["no errors"]
    if warnings:
        parts.append(_count(warnings, "warning"))
    return ", ".join(parts)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _render_one(diagnostic: Diagnostic, lines: list[str], filename: str) -> str:
    place = f"{filename}:{diagnostic.line}:{diagnostic.column}"
    about = f" (rule `{diagnostic.rule}`)" if diagnostic.rule else ""
    head = f"{place}: {diagnostic.severity.value}[{diagnostic.code}]: {_printable(diagnostic.message + about)}\n"
    source = lines[diagnostic.line - 1] if diagnostic.line <= len(lines) else ""
    shown, before, width = _window(source, diagnostic)
    number = str(diagnostic.line)
    gutter = " " * len(number)
    body = f" {number} | {shown}\n {gutter} | {' ' * before}{'^' * width}\n"
    hint = f" {gutter} = hint: {_printable(diagnostic.hint)}\n" if diagnostic.hint else ""
    return head + body + hint


def _printable(text: str) -> str:
    """Return `text` without what could move the cursor or hide something."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" if c != "\t" else " " for c in text)


def _window(source: str, diagnostic: Diagnostic, widest: int = 110) -> tuple[str, int, int]:
    """Return the part of a long line around the fault, the caret's distance from its start, and its width."""
    before = diagnostic.column - 1
    end = diagnostic.end_column - 1 if diagnostic.end_line == diagnostic.line else len(source)
    width = max(1, min(end, len(source)) - before)
    source = _printable(source)
    if len(source) <= widest:
        return source, before, width
    first = max(0, min(before - 40, len(source) - widest))
    last = first + widest
    shown = ("…" if first else "") + source[first:last] + ("…" if last < len(source) else "")
    return shown, before - first + (1 if first else 0), min(width, widest)

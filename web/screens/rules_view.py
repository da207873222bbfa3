"""What the page of the rules shows: the text, what the check found, versions, differences. Pure."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from rules.compile import Coverage
from rules.diagnostics import Diagnostic, summarize
from web.rule_notes import Note
from web.screens import format as fmt

WIDEST = 100
LEAD = 40
MOST_LINES = 20_000
"""Texts longer than this are not compared line by line: it would take seconds, and nobody would read it."""
CONTEXT = 3
MOST_DIAGNOSTICS = 200
MOST_NOTES = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class DiagnosticView:
    """One thing the check found, with its line and a caret under the place."""

    is_error: bool
    code: str
    message: str
    rule: str | None
    line: int
    column: int
    place: str
    """`line column end_line end_column`, for jumping there."""
    excerpt: str
    caret: str
    hint: str | None


@dataclass(frozen=True, slots=True)
class DiffLine:
    """One line of a comparison: `+`, `-`, or a space."""

    kind: str
    text: str


GAP = DiffLine(" ", "…")


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionView:
    """One published version in the list."""

    number: int
    author: str
    at: datetime
    age: str
    is_active: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RulesView:
    """The page around the editor."""

    text: str
    etag: str
    saved_line: str
    is_saved: bool
    is_changed: bool
    """The draft differs from the version that decides."""
    versions: tuple[VersionView, ...]
    is_checked: bool = False
    diagnostics: tuple[DiagnosticView, ...] = ()
    summary: str = ""
    coverage: str = ""
    """How many rules the matcher takes, as words; empty where there are faults."""
    notes: tuple[Note, ...] = ()
    """The conditions about customers that SQL can't answer alone."""
    more_notes: int = 0
    """How many of them are not shown."""
    conflict: str = ""
    """Who saved meanwhile, as a sentence."""
    diff: tuple["DiffLine", ...] = ()
    """From the draft that was saved meanwhile to the text in the editor."""

    @property
    def active(self) -> int | None:
        """Return the number of the version that decides."""
        return next((version.number for version in self.versions if version.is_active), None)

    @property
    def fault_lines(self) -> list[int]:
        """Return the lines the check found something in."""
        return sorted({found.line for found in self.diagnostics})


def diagnostic_views(diagnostics: Sequence[Diagnostic], text: str) -> tuple[DiagnosticView, ...]:
    """Return what the check found, in order; no more than anybody reads."""
    lines = text.split("\n")
    return tuple(_diagnostic(found, lines) for found in diagnostics[:MOST_DIAGNOSTICS])


def summary_of(diagnostics: Sequence[Diagnostic]) -> str:
    """Return `2 errors, 1 warning`."""
    return summarize(diagnostics).capitalize()


def coverage_in_words(found: Coverage) -> str:
    """Return `3 of 3 rules compiled`, and what happens with those that are not."""
    told = f"{found.compiled:,} of {fmt.plural(found.rules, 'rule')} compiled"
    return told if found.compiled == found.rules else f"{told}; the rest evaluated one by one"


def diff(before: str, after: str) -> tuple[DiffLine, ...]:
    """Return the lines that changed from `before` to `after`, each with a few lines around it."""
    old, new = before.splitlines(), after.splitlines()
    if len(old) + len(new) > MOST_LINES:
        return (DiffLine(" ", f"The texts are too long to compare here ({len(old):,} and {len(new):,} lines)."),)
    lines = list(difflib.unified_diff(old, new, n=CONTEXT, lineterm=""))[3:]  # after the file names and the first place
    return tuple(GAP if line.startswith("@@") else DiffLine(line[0], line[1:]) for line in lines)


def changes_in_words(lines: Sequence[DiffLine]) -> str:
    """Return `3 lines added, 1 removed`."""
    added = sum(line.kind == "+" for line in lines)
    removed = sum(line.kind == "-" for line in lines)
    return f"{fmt.plural(added, 'line')} added, {removed:,} removed"


def _diagnostic(found: Diagnostic, lines: Sequence[str]) -> DiagnosticView:
    line = lines[found.line - 1] if found.line <= len(lines) else ""
    end = found.end_column if found.end_line == found.line else len(line) + 1
    excerpt, caret = _excerpt(line, found.column, end)
    return DiagnosticView(
        is_error=found.is_error,
        code=found.code,
        message=found.message,
        rule=found.rule,
        line=found.line,
        column=found.column,
        place=f"{found.line} {found.column} {found.end_line} {found.end_column}",
        excerpt=excerpt,
        caret=caret,
        hint=found.hint,
    )


def _excerpt(line: str, column: int, end_column: int) -> tuple[str, str]:
    """Return the part of `line` around a place, and a second line with carets under it."""
    printable = "".join(
        " " if character == "\t" else character if character.isprintable() else "�" for character in line
    )
    first = 0 if len(printable) <= WIDEST else max(0, min(column - 1 - LEAD, len(printable) - WIDEST))
    shown = printable[first : first + WIDEST]
    before, after = "…" if first else "", "…" if first + WIDEST < len(printable) else ""
    start = column - 1 - first + len(before)
    width = max(1, min(end_column - column, WIDEST))
    return f"{before}{shown}{after}", " " * start + "^" * width

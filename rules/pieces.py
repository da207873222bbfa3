"""The text of a ruleset cut into its rules, so that after one edit of thousands only that rule is read again.

A piece is the lines of one item under `rules:`; the frame is all other lines, with one item in place of the pieces.
Lines are not how YAML is defined: a quoted text may go on over a line that looks like an item. So a cut is only
proposed here; whoever reads the parts makes sure that each piece is one whole item and the frame has its
placeholder where it was put, and reads the text as a whole if not.
"""

import re
from dataclasses import dataclass

_RULES_KEY = re.compile(r"^rules:[ \t]*(?:#.*)?\r?$\n?", re.MULTILINE)
_BLANK_LINES = re.compile(r"(?:[ \t]*(?:#.*)?\r?\n)*")
_INDENT = re.compile(r"( *)-(?=[ \t\r\n])")
_PLACEHOLDER = "rules"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """The parts of a ruleset's text."""

    frame: str
    placeholder: int
    """Where in the frame the one item stands that stands for all pieces."""
    lines_before: int
    """Lines of the frame above the pieces."""
    pieces: tuple[str, ...]


def cut(text: str) -> Cut | None:
    """Return the parts of `text`, or None if it has no list of rules in block style, one below the other."""
    if text.count("\nrules:") + text.startswith("rules:") != 1 or text.count("\r") != text.count("\r\n"):
        return None
    key = _RULES_KEY.search(text)
    blank = None if key is None else _BLANK_LINES.match(text, key.end())
    indent = None if blank is None else _INDENT.match(text, blank.end())
    if blank is None or indent is None:
        return None
    start, margin = blank.end(), indent[1]
    # The list ends with the first line that is not blank, no comment, no item, and not further in.
    beyond = re.compile(rf"^(?!{margin}(?:-[ \t\r\n]| ))[ ]*[^\s#]", re.MULTILINE).search(text, start)
    end = len(text) if beyond is None else beyond.start()
    items = re.compile(rf"^{margin}-(?=[ \t\r\n])", re.MULTILINE)
    starts = [found.start() for found in items.finditer(text, start, end)]
    pieces = tuple([text[a:b] for a, b in zip(starts, [*starts[1:], end], strict=True)])
    frame = f"{text[:start]}{margin}- {_PLACEHOLDER}\n{text[end:]}"
    lines_before = text.count("\n", 0, start)
    return Cut(frame=frame, placeholder=start + len(margin) + 2, lines_before=lines_before, pieces=pieces)

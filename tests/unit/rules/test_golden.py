"""Diagnostics as people see them: each file of `tests/golden/rules` with its rendering beside it.

`OCHRE_WRITE_GOLDEN=1 pytest tests/unit/rules/test_golden.py` writes the renderings anew, to be reviewed as a diff.
"""

import os
import re
from pathlib import Path

import pytest

from rules.check import check
from rules.diagnostics import render, summarize
from web.facts import CATALOG

GOLDEN = Path(__file__).parents[2] / "golden" / "rules"
RULESETS = sorted(GOLDEN.glob("*.yaml"))


@pytest.mark.parametrize("path", RULESETS, ids=lambda path: path.stem)
def test_diagnostics_read_as_agreed(path: Path) -> None:
    """The rendered diagnostics of a ruleset are those that were reviewed."""
    text = path.read_text(encoding="utf-8")
    result = check(text, CATALOG)
    shown = render(result.diagnostics, text, path.name) + summarize(result.diagnostics) + "\n"
    golden = path.with_suffix(".txt")
    if os.environ.get("OCHRE_WRITE_GOLDEN"):
        golden.write_text(shown, encoding="utf-8")

    assert shown == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", RULESETS, ids=lambda path: path.stem)
def test_messages_keep_the_house_style(path: Path) -> None:
    """A message starts in lower case (or with a name) and has no final period; a place lies inside the file."""
    text = path.read_text(encoding="utf-8")
    lines = text.split("\n")
    for diagnostic in check(text, CATALOG).diagnostics:
        assert re.match(r"[a-z`]|YAML|POSIX", diagnostic.message), diagnostic.message
        assert not diagnostic.message.endswith("."), diagnostic.message
        assert re.fullmatch(r"[a-z][a-z0-9_]*", diagnostic.code)
        assert 1 <= diagnostic.line <= diagnostic.end_line <= len(lines)
        assert 1 <= diagnostic.column <= len(lines[diagnostic.line - 1]) + 1
        assert (diagnostic.line, diagnostic.column) <= (diagnostic.end_line, diagnostic.end_column)

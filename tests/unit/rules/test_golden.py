"""Diagnostics as people see them: each file of `tests/golden/rules` with its rendering beside it.

`OCHRE_WRITE_GOLDEN=1 pytest tests/unit/rules/test_golden.py` writes the renderings anew, to be reviewed as a diff.
"""

import ast
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.workspace.models import References
from rules import limits
from rules.check import check
from rules.diagnostics import render, summarize
from web.facts import CATALOG

GOLDEN = Path(__file__).parents[2] / "golden" / "rules"
RULESETS = sorted(GOLDEN.glob("*.yaml"))
PACKAGE = Path(__file__).parents[3] / "rules"

_FRAME = "version: 1\nrules:\n{}fallback: {{assign_team: support}}\n"
_RULE = "- name: {}\n  when: {}\n  then: {{assign_team: support}}\n"


def _ruleset(*conditions: str) -> str:
    quoted = ("'" + condition.replace("'", "''") + "'" for condition in conditions)
    return _FRAME.format("".join(_RULE.format(f"Rule {number}", one) for number, one in enumerate(quoted, 1)))


_PATTERNS = [f'body =~~ "{first}.*{second}"' for first in range(63) for second in range(64)]
MADE = {
    "empty": "",
    "too large": "x" * (limits.MAX_RULESET_BYTES + 1),
    "too many rules": _FRAME.format("- {}\n" * (limits.MAX_RULES + 1)),
    "too many patterns": _ruleset(*(" or ".join(_PATTERNS[at : at + 32]) for at in range(0, len(_PATTERNS), 32))),
    "patterns too large": _ruleset(
        *(" or ".join([f'body =~~ "\\\\w+@\\\\w+.{at + n}"' for n in range(32)]) for at in range(0, 1280, 32))
    ),
    "long conditions": _ruleset(
        "mrr > 1" + " " * limits.MAX_CONDITION_BYTES,
        " or ".join(["delinquent"] * 101),
        "(" * 51 + "delinquent" + ")" * 51,
        "not " * 50 + "delinquent",
        " or ".join(['body =~ "a"'] * 33),
        'plan == "' + "x" * 1001 + '"',
    ),
    "characters": _ruleset("mrr > 1 \u202e", "mrr > 1 \u2028", 'plan == "\\x00"')
    + 'timezone: "\\x07"\nversion\x07: 1\n',
    "no UTF-8": _ruleset("mrr > 1").replace("Rule 1", "gr\udcf6\udcdfer"),
    "deep": _FRAME.format("- name: deep\n  when: delinquent\n  then: " + "[" * 60 + "]" * 60 + "\n"),
    "keys and documents": _ruleset("mrr > 1") + "{a: b}: c\n---\nversion: 1\n",
    "references": _ruleset("mrr > 1"),
}
"""Rulesets that are made here, because of their size, their characters or what must be known for them."""
_NO_DIAGNOSTIC = {"conversation_fact"}
"""Codes of faults that are told elsewhere."""


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


@pytest.mark.parametrize("name", MADE)
def test_diagnostics_of_what_fits_no_file_read_as_agreed(name: str) -> None:
    """Rulesets too large or too odd to be kept have reviewed renderings all the same."""
    known = References(agents=frozenset(), teams=frozenset({"billing"}), queues=frozenset(), endpoints=frozenset())
    result = check(MADE[name], CATALOG, known if name == "references" else None)
    shown = render(result.diagnostics, MADE[name], "made.yaml") + summarize(result.diagnostics) + "\n"
    golden = GOLDEN / f"made {name}.txt".replace(" ", "_")
    if os.environ.get("OCHRE_WRITE_GOLDEN"):
        golden.write_text(shown, encoding="utf-8")

    assert shown == golden.read_text(encoding="utf-8")


def test_every_code_has_a_golden_rendering() -> None:
    """No diagnostic can be added without somebody reading how it looks."""
    renderings = "".join(path.read_text(encoding="utf-8") for path in GOLDEN.glob("*.txt"))
    shown = set(re.findall(r"(?:error|warning)\[([a-z0-9_]+)\]", renderings))
    files = [*PACKAGE.glob("*.py"), *(PACKAGE / "checks").glob("*.py")]
    codes = {code for file in files for code in _codes(ast.parse(file.read_text(encoding="utf-8")))}

    assert len(codes) > 50  # the search below finds them
    assert codes - _NO_DIAGNOSTIC - shown == set()


def _codes(module: ast.Module) -> Iterator[str]:
    """Yield the codes a module gives: `code="…"`, `….add("…", …)`, `self._fault("…", …)`, `code, … = "…", …`."""
    for node in ast.walk(module):
        found: list[ast.expr] = []
        if isinstance(node, ast.Call):
            found = [keyword.value for keyword in node.keywords if keyword.arg == "code"]
            if isinstance(node.func, ast.Attribute) and node.func.attr in ("add", "_fault") and len(node.args) > 1:
                found.append(node.args[0])
        elif isinstance(node, ast.Assign):
            target, value = node.targets[0], node.value
            if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
                names = [one.id if isinstance(one, ast.Name) else "" for one in target.elts]
                found = [one for name, one in zip(names, value.elts, strict=True) if name == "code"]
        yield from (one.value for one in found if isinstance(one, ast.Constant) and isinstance(one.value, str))


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

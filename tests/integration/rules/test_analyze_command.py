"""`ochre rules analyze`: what it prints and how it exits."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from web.cli.rules import command

RULESET = """\
version: 1
rules:
  - {name: Rich, when: mrr > 500, then: {assign_team: senior}, stop: true}
  - {name: Richer, when: mrr > 1000 and delinquent, then: {assign_team: billing}}
  - {name: Never, when: mrr > 5 and mrr < 3, then: {add_tags: [a]}}
fallback: {assign_team: support}
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a ruleset with a rule that is never reached and one that is never true."""
    file = tmp_path / "rules.yaml"
    file.write_text(RULESET, encoding="utf-8")
    return file


def test_findings_are_json(path: Path) -> None:
    """Each finding has the keys of the contracts; findings are no failure."""
    result = _run(path, "--format", "json")
    found: Any = json.loads(result.stdout)

    assert result.exit_code == 0
    assert [(one["rule"], one["code"], one["verdict"], one["others"]) for one in found["findings"]] == [
        ("Richer", "unreachable", "proved", ["Rich"]),
        ("Never", "never_true", "proved", []),
    ]
    assert found["findings"][0]["example"] is None


def test_findings_are_text(path: Path) -> None:
    """People read the rule, the code and a sentence."""
    result = _run(path)

    assert (
        "Richer: unreachable (proved)\n    whenever it would match, `Rich` ends the check before it\n" in result.stdout
    )
    assert result.stdout.endswith("2 findings\n")


def test_strict_fails_on_what_is_proved(path: Path, tmp_path: Path) -> None:
    """Only `--strict` makes findings a failure, and none where there are none."""
    sound = tmp_path / "sound.yaml"
    sound.write_text("\n".join(RULESET.splitlines()[:3] + RULESET.splitlines()[5:]) + "\n", encoding="utf-8")

    assert _run(path, "--strict").exit_code == 1
    assert _run(sound, "--strict").exit_code == 0
    assert _run(sound).stdout == "no findings\n"


def test_a_ruleset_with_errors_is_not_analyzed(path: Path) -> None:
    """Its diagnostics go to standard error, and the exit code is 1; wrong usage is 2."""
    path.write_text(RULESET.replace("delinquent", "delinquentt"), encoding="utf-8")
    result = _run(path, "--format", "json")

    assert (result.exit_code, result.stdout) == (1, "")
    assert "unknown_fact" in result.stderr or "delinquentt" in result.stderr
    assert _run(path, "--format", "xml").exit_code == 2


def _run(path: Path, *arguments: str) -> Result:
    return CliRunner().invoke(command, ["analyze", str(path), *arguments])

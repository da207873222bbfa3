"""The page about rules says what the language does."""

import re
from pathlib import Path

import pytest

from rules import limits
from rules.analysis.findings import Code, Verdict
from rules.check import check
from rules.document import ACTION_KEYS, RULE_KEYS
from rules.kinds import ATTRIBUTES, CONSTANTS, FUNCTIONS, METHODS
from web.facts import CATALOG

PAGE = (Path(__file__).parents[3] / "docs" / "rules.md").read_text(encoding="utf-8")


def test_the_example_is_sound() -> None:
    """The ruleset at the top of the page passes the check without a warning."""
    example = re.search(r"```yaml\n(version:.*?)```", PAGE, re.DOTALL)
    assert example

    assert check(example[1], CATALOG).diagnostics == ()


@pytest.mark.parametrize("name", [*RULE_KEYS, *ACTION_KEYS, *ATTRIBUTES])
def test_every_key_and_attribute_is_described(name: str) -> None:
    """What can be written is on the page."""
    assert f"`{name}`" in PAGE


@pytest.mark.parametrize(
    "name", [*(f"${name}" for name in (*CONSTANTS, *FUNCTIONS)), *(f"`{name}(…)`" for name in METHODS)]
)
def test_every_function_is_described(name: str) -> None:
    """What can be called is on the page."""
    assert name in PAGE


def test_the_limits_are_those_of_the_code() -> None:
    """Numbers on the page are the ones that are held."""
    for number in (limits.MAX_RULES, limits.MAX_PATTERNS, limits.MAX_TEXT_LITERAL, limits.MAX_TEXT_FACT):
        assert f"{number:,}" in PAGE
    assert f"{limits.MAX_PATTERNS_PROGRAM:,}" in PAGE
    for number in (limits.MAX_NODES, limits.MAX_DEPTH, limits.MAX_TEXT_PREDICATES, limits.MAX_DIGITS):
        assert str(number) in PAGE


@pytest.mark.parametrize("word", [*Code, *Verdict])
def test_every_finding_of_the_analysis_is_described(word: str) -> None:
    """Codes and verdicts are on the page."""
    assert f"`{word}`" in PAGE

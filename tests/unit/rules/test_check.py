"""Whole rulesets: defaults, what is accepted, references, positions of the end, and ten thousand rules."""

import re
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.actions import Actions, Priority
from engine.core.ruleset import Mode
from engine.workspace.models import References
from rules import limits
from rules.check import CheckedRuleset, CheckResult, check
from web.facts import CATALOG

HEAD = "version: 1\nrules:\n"
TAIL = "fallback: {assign_team: support}\n"


def test_a_rule_has_its_defaults() -> None:
    """Only name, condition and actions must be written."""
    (rule,) = _sound("  - {name: a, when: delinquent, then: {assign_team: b}}\n").rules

    assert (rule.stop, rule.mode, rule.canary, rule.on, rule.override) == (
        False,
        Mode.LIVE,
        100,
        frozenset({"created"}),
        False,
    )


def test_everything_that_can_be_written_is_read() -> None:
    """Each key and each action of the grammar arrives."""
    ruleset = _sound(
        """  - name: all of it
    description: ""
    when: |
      delinquent
        and mrr > 5
    then:
      assign_agent: Ada@Example.com
      assign_team: billing
      route_to: onboarding
      priority: urgent
      add_tags: [on, "yes", on]
      remove_tags: [no]
      set_attributes: {tier: gold, n: 1.5, deep: {a: [1, null, true]}, on: off}
      note: Look at this.
      webhook: crm
    stop: true
    mode: shadow
    canary: 0
    on: [message, facts_changed]
    override: true
"""
    )
    (rule,) = ruleset.rules

    assert rule.actions == Actions(
        assign_agent="Ada@Example.com",
        assign_team="billing",
        route_to="onboarding",
        priority=Priority.URGENT,
        add_tags=("on", "yes"),
        remove_tags=("no",),
        set_attributes={"tier": "gold", "n": 1.5, "deep": {"a": [1, None, True]}, "on": "off"},
        notes=("Look at this.",),
        webhooks=("crm",),
    )
    assert (rule.stop, rule.mode, rule.canary, rule.on, rule.override) == (
        True,
        Mode.SHADOW,
        0,
        frozenset({"message", "facts_changed"}),
        True,
    )


@pytest.mark.parametrize(
    "when",
    [
        '"vip" in tags',
        '"vip" in tags\n      and mrr > 5',
        '"vip" in tags and\n\n      "new" in tags',
        '"vip in tags',
        "[vip",
        "status: past_due",
        "@vip",
    ],
)
def test_an_unreadable_condition_is_the_only_fault(when: str) -> None:
    """What stands below a line that YAML can't read, the rest of the condition or the fallback, is not said to miss."""
    result = check(f"{HEAD}  - name: a\n    when: {when}\n    then: {{assign_team: b}}\n{TAIL}", CATALOG)

    assert [one.code for one in result.diagnostics] == ["yaml_syntax"]


def test_nothing_is_missing_that_stands_in_a_second_document() -> None:
    """A line `---` in the middle hides the rest, whose keys may well be there."""
    codes = [one.code for one in check(f"{HEAD}  []\n---\n{TAIL}", CATALOG).diagnostics]
    missing = [one.code for one in check('version: 1\nrules:\n  - when: "a" b\n', CATALOG).diagnostics]

    assert codes == ["second_document"]
    assert missing.count("missing_key") == 3  # with a line skipped the file was still read to its end


def test_a_rule_that_only_stops_is_a_rule() -> None:
    """`then: {}` stands with `stop`."""
    assert _sound("  - {name: a, when: delinquent, then: {}, stop: true}\n").rules[0].actions.is_empty


def test_a_ruleset_may_have_no_rules() -> None:
    """The fallback alone decides."""
    assert check("version: 1\nrules: []\n" + TAIL, CATALOG).ok


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "empty"),
        ("# nothing\n", "empty"),
        ("just text", "wrong_type"),
        ("- a\n", "wrong_type"),
        ("rules: []\n" + TAIL, "missing_key"),
        ('version: "1"\nrules: []\n' + TAIL, "wrong_version"),
        ("version: 1.0\nrules: []\n" + TAIL, "wrong_version"),
        ("version: true\nrules: []\n" + TAIL, "wrong_version"),
        ("version: 1\nrules: {}\n" + TAIL, "wrong_type"),
        ("version: 1\nrules:\n" + TAIL, "wrong_type"),
        (HEAD + "  - {name: a, when: delinquent, then: {}}\n" + TAIL, "no_action"),
        (HEAD + "  - {name: a, when: delinquent, then: {}, stop: false}\n" + TAIL, "no_action"),
        (HEAD + "  - {name: ' ', when: delinquent, then: {note: a}}\n" + TAIL, "empty_text"),
        (HEAD + "  - {name: a, when: , then: {note: a}}\n" + TAIL, "empty_condition"),
        (HEAD + "  - {name: a, when: delinquent, then: {note: a}, canary: 101}\n" + TAIL, "bad_canary"),
        (HEAD + "  - {name: a, when: delinquent, then: {note: a}, canary: -1}\n" + TAIL, "bad_canary"),
        (HEAD + "  - {name: a, when: delinquent, then: {note: a}, canary: true}\n" + TAIL, "bad_canary"),
        ("version: 1\nrules: []\nfallback: {}\n", "no_destination"),
        ("version: 1\nrules: []\nfallback: {priority: low, add_tags: [a]}\n", "no_destination"),
        ("version: 1\nrules: []\nfallback: support\n", "wrong_type"),
        ("version: 1\ntimezone: ../../etc/passwd\nrules: []\n" + TAIL, "unknown_timezone"),
    ],
)
def test_one_fault_is_one_diagnostic(text: str, code: str) -> None:
    """Each fault of the grammar has a name of its own, and brings no others with it."""
    assert [diagnostic.code for diagnostic in check(text, CATALOG).diagnostics] == [code]


def test_places_are_those_of_the_file() -> None:
    """Line and column are counted from 1 in code points; the end is behind the last character."""
    text = HEAD + "  - name: größe 😀\n    when: '\"ü\" in plan and mrrr > 5'\n    then: {note: a}\n" + TAIL
    (diagnostic,) = check(text, CATALOG).diagnostics

    assert (diagnostic.line, diagnostic.column, diagnostic.end_line, diagnostic.end_column) == (4, 28, 4, 32)
    assert diagnostic.rule == "größe 😀"


def test_names_of_the_workspace_are_checked_when_they_are_given() -> None:
    """Teams, agents, queues and endpoints must exist; addresses are compared in their normal form."""
    references = References(
        teams=frozenset({"billing"}), agents=frozenset({"ada@example.com"}), queues=frozenset({"onboarding"})
    )
    rules = """  - {name: a, when: delinquent, then: {assign_team: biling, assign_agent: " ADA@example.com"}}
  - {name: b, when: delinquent, then: {route_to: onboarding, webhook: crm, assign_agent: zacharias@other.io}}
"""
    found = check(HEAD + rules + TAIL, CATALOG, references).diagnostics

    assert [(d.code, d.rule, d.message, d.hint) for d in found] == [
        ("unknown_reference", "a", "there is no team called `biling`", "did you mean `billing`?"),
        ("unknown_reference", "b", "there is no endpoint called `crm`", None),
        ("unknown_reference", "b", "there is no agent with the e-mail address `zacharias@other.io`", None),
        ("unknown_reference", None, "there is no team called `support`", None),
    ]


GOLDEN = [
    path.read_text(encoding="utf-8") for path in sorted((Path(__file__).parents[2] / "golden/rules").glob("*.yaml"))
]
PIECES = st.sampled_from(
    [
        *"\"':#-[]{}|>&*!%@`,?\n \t",
        "\r\n",
        "\x00",
        "\ufeff",
        "\u2028",
        "\ud800",
        "---",
        "when:",
        "- ",
        "  ",
        "null",
        "é",
    ]
)


@settings(max_examples=150)
@given(
    st.sampled_from(GOLDEN), st.lists(st.tuples(st.floats(0, 1), st.integers(0, 30), PIECES), min_size=1, max_size=4)
)
def test_no_text_makes_the_check_raise(text: str, edits: list[tuple[float, int, str]]) -> None:
    """Whatever is done to a ruleset, it is answered with diagnostics that lie inside it, or accepted."""
    for place, removed, inserted in edits:
        at = int(place * len(text))
        text = text[:at] + inserted + text[at + removed :]
    lines = re.split(r"\r\n|\r|\n", text.removeprefix("\ufeff"))
    for diagnostic in check(text, CATALOG).diagnostics:
        assert 1 <= diagnostic.line <= diagnostic.end_line <= len(lines)
        assert 1 <= diagnostic.column <= len(lines[diagnostic.line - 1]) + 2


def test_more_rules_than_allowed_are_refused() -> None:
    """The limit names itself at the first rule beyond it."""
    rules = "  - {}\n" * (limits.MAX_RULES + 1)  # what stands in them is not looked at
    (diagnostic,) = check(HEAD + rules + TAIL, CATALOG).diagnostics

    assert (diagnostic.code, diagnostic.line) == ("too_many_rules", limits.MAX_RULES + 3)


def test_a_thousand_rules_are_checked_while_one_waits() -> None:
    """Checking grows with the number of rules and no faster; ten thousand take seconds."""
    rules = "".join(
        f'  - name: rule {n}\n    when: status == "past_due" and mrr > {n}\n    then: {{add_tags: [t{n}]}}\n'
        for n in range(1000)
    )
    started = time.process_time()
    result: CheckResult = check(HEAD + rules + TAIL, CATALOG)

    assert result.ok
    assert len(result.ruleset.rules if result.ruleset else ()) == 1000
    assert time.process_time() - started < 5


def _sound(rules: str) -> CheckedRuleset:
    result = check(HEAD + rules + TAIL, CATALOG)
    assert result.ruleset is not None, result.diagnostics
    return result.ruleset

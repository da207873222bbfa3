"""`ochre rules`: output, exit codes and streams, as scripts rely on them."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from web.cli.rules import command

RULESET = """version: 1
rules:
  - {name: past due, when: status == "past_due", then: {assign_team: billing}}
  - {name: big, when: mrr / quantity > 100, then: {assign_team: senior}, canary: 50}
fallback: {assign_team: support}
"""


@pytest.fixture
def ruleset(tmp_path: Path) -> Path:
    """Return a sound ruleset's file."""
    return _write(tmp_path / "rules.yaml", RULESET)


def test_check_says_nothing_is_wrong(ruleset: Path) -> None:
    """A sound ruleset exits with 0."""
    result = _run("check", _write(ruleset, RULESET.replace("mrr / quantity", "mrr")))

    assert (result.exit_code, result.stdout) == (0, "no errors\n2 of 2 rules compiled\n")


def test_check_tells_what_sql_can_not_say(ruleset: Path) -> None:
    """A condition about customers that SQL can't answer alone is a note, which fails no check, strict or not."""
    shown = _run("check", ruleset, "--strict")
    result = json.loads(_run("check", ruleset, "--format", "json", "--strict").stdout)

    assert shown.exit_code == 0
    assert "note: SQL can't say" in shown.stdout
    assert (result["ok"], result["diagnostics"]) == (True, [])
    assert [(note["code"], note["rule"]) for note in result["notes"]] == [("beyond_sql", "big")]


@pytest.mark.parametrize(
    ("condition", "noted"),
    [
        ('mrr > 5 and status == "active" and not delinquent', 0),
        ("mrr * 12 > 100 and plan.length > 3", 0),
        ('plan.as_lower == "pro"', 1),
        ('recent_events == ["charged"]', 1),
        ('["charged"] != recent_events', 1),
        ("mrr % 2 == 1", 1),
        ('period_end - period_start > t"P7D"', 1),
        ('plan =~ "a+b"', 1),
        ('plan =~ "^Ent"', 0),
        ('subject.as_lower == "x"', 0),  # nobody asks that of all customers
        ("$max([mrr, ltv]) > 5", 1),
        ('attributes["a"] == attributes["b"]', 1),
    ],
)
def test_notes_are_about_what_sql_can_not_say(condition: str, noted: int, tmp_path: Path) -> None:
    """What the documentation lists is noted, the rest is not."""
    quoted = "'" + condition.replace("'", "''") + "'"
    path = _write(tmp_path / "rules.yaml", RULESET.replace("mrr / quantity > 100", quoted))
    result = _run("check", path, "--format", "json")

    assert result.exit_code == 0, result.stdout
    assert len(json.loads(result.stdout)["notes"]) == noted


def test_check_prints_diagnostics_as_json(tmp_path: Path) -> None:
    """With faults it exits with 1 and prints one JSON document with every key."""
    faulty = _write(tmp_path / "rules.yaml", RULESET.replace("mrr", "mrrr"))
    result = _run("check", faulty, "--format", "json")

    assert result.exit_code == 1
    assert json.loads(result.stdout) == {
        "ok": False,
        "diagnostics": [
            {
                "code": "unknown_fact",
                "severity": "error",
                "message": "there is no fact called `mrrr`",
                "rule": "big",
                "line": 4,
                "column": 23,
                "end_line": 4,
                "end_column": 27,
                "hint": "did you mean `mrr`?",
            }
        ],
        "notes": [],
        "coverage": None,
    }


def test_check_tells_how_many_rules_are_compiled(ruleset: Path) -> None:
    """A sound ruleset's JSON says how many of its rules run without the interpreter."""
    found = json.loads(_run("check", ruleset, "--format", "json").stdout)

    assert found["coverage"] == {"rules": 2, "compiled": 2}


def test_warnings_fail_only_a_strict_check(tmp_path: Path) -> None:
    """A warning leaves the exit code at 0 unless `--strict` is given."""
    path = _write(tmp_path / "rules.yaml", RULESET.replace('status == "past_due"', "true"))

    assert _run("check", path).exit_code == 0
    assert "warning[always_true]" in _run("check", path).stdout
    assert _run("check", path, "--strict").exit_code == 1


def test_a_file_that_is_no_utf8_is_a_diagnostic(tmp_path: Path) -> None:
    """The bytes at fault have their place: one diagnostic for those that stand together."""
    path = tmp_path / "rules.yaml"
    path.write_bytes(RULESET.replace("big", "gr\xf6\xdfer").encode("latin-1"))
    result = _run("check", path, "--format", "json")

    assert [(d["code"], d["line"], d["column"], d["end_column"]) for d in json.loads(result.stdout)["diagnostics"]] == [
        ("not_utf8", 4, 14, 16)
    ]


@pytest.mark.parametrize(
    "arguments",
    [["check"], ["check", "nowhere.yaml"], ["check", "{file}", "--format", "xml"], ["eval", "{file}"], ["no"]],
)
def test_wrong_usage_exits_with_2(arguments: list[str], ruleset: Path) -> None:
    """Missing files, unknown options and missing arguments are the caller's."""
    assert _run(*(str(ruleset) if one == "{file}" else one for one in arguments)).exit_code == 2


def test_eval_prints_one_decision_a_line(ruleset: Path, tmp_path: Path) -> None:
    """Each line of facts gives one decision line, in order; empty lines give none."""
    facts = _write(
        tmp_path / "facts.jsonl",
        '{"status": "past_due", "mrr": "50", "quantity": 1}\n\n{}\n{"mrr": 1, "quantity": 0, "status": null}\n',
    )
    result = _run("eval", ruleset, "--facts", facts)
    first, second, third = (json.loads(line) for line in result.stdout.splitlines())

    assert result.exit_code == 0
    assert (first["matched"], first["fallback"], first["actions"]["assign_team"]) == (["past due"], False, "billing")
    assert (second["unknown"], second["fallback"]) == ({"past due": ["status"]}, True)
    assert third["errors"] == []  # the canary rule is shadow without a conversation


def test_eval_takes_the_conversation_and_the_time(tmp_path: Path) -> None:
    """`conversation_id` places a line in its bucket, `--at` is the evaluation's time, `--on` the trigger."""
    path = _write(
        tmp_path / "rules.yaml",
        RULESET.replace("canary: 50", "canary: 99")
        .replace("mrr / quantity > 100", 'customer_since < $now - t"P1D"')
        .replace("canary", "on: [message], canary"),
    )
    facts = _write(
        tmp_path / "facts.jsonl", '{"conversation_id": "a", "customer_since": "2026-01-01T00:00:00Z", "status": "x"}\n'
    )

    def matched(at: str, on: str = "message") -> list[str]:
        line = json.loads(_run("eval", path, "--facts", facts, "--at", at, "--on", on).stdout)
        assert isinstance(line["matched"], list)
        return line["matched"]

    assert matched("2026-01-03") == ["big"]
    assert matched("2026-01-01T12:00:00Z") == []
    assert matched("2026-01-03", on="created") == []


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"mrrr": 1}', "line 2: `mrrr`: there is no such fact"),
        ('{"mrr": "x"}', "line 2: `mrr`: needs a number"),
        ("nonsense", "line 2: not JSON"),
    ],
)
def test_eval_stops_at_a_line_that_is_no_facts(line: str, message: str, ruleset: Path, tmp_path: Path) -> None:
    """Lines before are answered, the faulty one is named, and the exit code is 1."""
    facts = _write(tmp_path / "facts.jsonl", f'{{"mrr": 1}}\n{line}\n{{"mrr": 2}}\n')
    result = _run("eval", ruleset, "--facts", facts)

    assert result.exit_code == 1
    assert len(result.stdout.splitlines()) == 1
    assert message in result.stderr


def test_eval_prints_nothing_for_a_faulty_ruleset(tmp_path: Path) -> None:
    """Diagnostics go to standard error before any line; warnings do not stand in the way."""
    facts = _write(tmp_path / "facts.jsonl", "{}\n")
    faulty = _run("eval", _write(tmp_path / "a.yaml", RULESET.replace("mrr", "mrrr")), "--facts", facts)
    doubtful = _run("eval", _write(tmp_path / "b.yaml", RULESET.replace("mrr /", "1 < 0 and mrr /")), "--facts", facts)

    assert (faulty.exit_code, faulty.stdout) == (1, "")
    assert "there is no fact called `mrrr`" in faulty.stderr
    assert doubtful.exit_code == 0


def test_eval_reads_standard_input(ruleset: Path) -> None:
    """A dash stands for standard input."""
    result = CliRunner().invoke(command, ["eval", str(ruleset), "--facts", "-"], input='{"status": "past_due"}\n')

    assert json.loads(result.stdout)["matched"] == ["past due"]


CASES = """cases:
  - name: past due goes to billing
    facts: {status: past_due, mrr: "5"}
    expect: {matched: [past due], fallback: false, stopped_by: null, actions: {assign_team: billing, add_tags: []}}
  - name: others go to support
    facts: {status: active}
    at: 2026-01-01
    on: created
    expect: {fallback: true, actions: {assign_team: support}}
"""


def test_cases_that_come_out_as_expected_pass(ruleset: Path, tmp_path: Path) -> None:
    """Keys that are given are compared, the others are not looked at."""
    result = _run("test", ruleset, "--cases", _write(tmp_path / "cases.yaml", CASES))

    assert result.exit_code == 0, result.output
    assert result.stdout.endswith("2 passed, 0 failed\n")


def test_cases_that_come_out_otherwise_show_the_difference(ruleset: Path, tmp_path: Path) -> None:
    """Each key that differs is shown with what was expected and what it was; the exit code is 1."""
    cases = CASES.replace("assign_team: billing", "assign_team: senior").replace("[past due]", "[past due, big]")
    result = _run("test", ruleset, "--cases", _write(tmp_path / "cases.yaml", cases))

    assert result.exit_code == 1
    assert (
        result.stdout
        == """FAIL past due goes to billing
     matched
       - expected ["past due", "big"]
       + got      ["past due"]
     actions.assign_team
       - expected "senior"
       + got      "billing"
ok   others go to support
1 passed, 1 failed
"""
    )


@pytest.mark.parametrize(
    ("cases", "message"),
    [
        ("[]", "a file of cases is"),
        ("cases: [{name: a}]", "case 1 (a): needs `expect`"),
        ("cases: [{name: a, expect: {match: []}}]", "case 1 (a): `expect` has no key `match`"),
        ("cases: [{name: a, facts: {mrrr: 1}, expect: {}}]", "case 1 (a): `mrrr`: there is no such fact"),
        ("cases: [{name: a, on: later, expect: {}}]", "case 1 (a): there is no trigger called `later`"),
        ("cases: [{name: a, at: soon, expect: {}}]", "case 1 (a): `soon` is no date and time"),
        ("cases: [{", "1:10:"),
    ],
)
def test_a_file_that_holds_no_cases_is_refused(cases: str, message: str, ruleset: Path, tmp_path: Path) -> None:
    """The message names the case and what is wrong with it."""
    result = _run("test", ruleset, "--cases", _write(tmp_path / "cases.yaml", cases))

    assert (result.exit_code, result.stdout) == (1, "")
    assert message in result.stderr


def _run(*arguments: object) -> Result:
    return CliRunner().invoke(command, [str(argument) for argument in arguments])


def _write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path

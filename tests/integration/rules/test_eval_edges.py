"""`ochre rules eval` and `test` on input that is odd, hostile, endless, or read by somebody who leaves."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from web.cli.rules import command

RULESET = """version: 1
rules:
  - {name: past due, when: status == "past_due", then: {assign_team: billing, add_tags: [late]}, stop: true}
  - {name: big, when: mrr > 1000, then: {priority: high}}
fallback: {assign_team: support}
"""


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b'{"mrr": 1, "mrr": 2}', "line 2: `mrr`: stands twice in one object"),
        (b'{"attributes": {"a": 1, "a": 2}}', "line 2: `a`: stands twice in one object"),
        (b'{"mrr": NaN}', "line 2: not JSON"),
        (b'{"mrr": -Infinity}', "line 2: not JSON"),
        (b'{"mrr": "NaN"}', "line 2: `mrr`: needs a number"),
        (b'{"plan": "\xff"}', "line 2: not UTF-8"),
        (b'{"plan": "\\ud800"}', "line 2: `plan`: needs text"),
        (b'{"attributes": {"\\udfff": 1}}', "line 2: `attributes`: needs an object"),
        (b'{"mrr": 1}}', "line 2: not JSON"),
        (b"[" * 100_000, "line 2: not JSON: nested too deep"),
        (b'\xef\xbb\xbf{"mrr": 1}', "line 2: not JSON"),  # in the middle it is no mark
        (b"[]", "line 2: not a JSON object of facts"),
        (b'{"mrr": 1' + b"0" * 5000 + b"}", "line 2: not JSON"),
        (b'{"plan": "' + b"x" * (16 * 1024 * 1024) + b'"}', "line 2: longer than 16777216 bytes"),
    ],
    ids=lambda value: str(value)[:24],
)
def test_what_can_not_be_read_ends_eval_with_its_line(line: bytes, message: str, tmp_path: Path) -> None:
    """Lines before are answered, then the fault is named on standard error, and the exit code is 1."""
    facts = tmp_path / "facts.jsonl"
    facts.write_bytes(b'{"mrr": 1}\n' + line + b"\n{}\n")
    result = CliRunner().invoke(command, ["eval", str(_rules(tmp_path)), "--facts", str(facts)])

    assert result.exit_code == 1
    assert len(result.stdout.splitlines()) == 1
    assert message in result.stderr


@pytest.mark.parametrize("line", [b'{"plan": "a\\u0000b"}', b'{"body": "\xe2\x80\xa8"}', b'  {"mrr": 5}\t\r', b"{}"])
def test_what_is_only_odd_is_answered(line: bytes, tmp_path: Path) -> None:
    """A NUL or a line separator in a text, spaces around the object and no facts at all are input like any other."""
    facts = tmp_path / "facts.jsonl"
    facts.write_bytes(line)
    result = CliRunner().invoke(command, ["eval", str(_rules(tmp_path)), "--facts", str(facts)])

    assert (result.exit_code, result.stderr) == (0, "")
    assert json.loads(result.stdout)["fallback"] is True


def test_a_mark_of_the_byte_order_is_no_part_of_the_first_line(tmp_path: Path) -> None:
    """Some editors put one at the beginning of what they save."""
    rules, facts = tmp_path / "rules.yaml", tmp_path / "facts.jsonl"
    rules.write_text(RULESET)
    facts.write_bytes(b'\xef\xbb\xbf{"mrr": 2000}\r\n{"mrr": 20}\r\n')
    found = CliRunner().invoke(command, ["eval", str(rules), "--facts", str(facts)])

    assert found.exit_code == 0
    assert [json.loads(line)["matched"] for line in found.output.splitlines()] == [["big"], []]


def test_a_reader_who_leaves_ends_eval_quietly(tmp_path: Path) -> None:
    """As in `… | head -1`: no traceback, and soon."""
    facts = tmp_path / "facts.jsonl"
    facts.write_bytes(b'{"mrr": 5000}\n' * 20_000)
    arguments = [sys.executable, "-m", "web.cli.main", "rules", "eval", str(_rules(tmp_path)), "--facts", str(facts)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        first = process.stdout.readline()
        process.stdout.close()
        process.wait(timeout=60)

        assert json.loads(first)["matched"] == ["big"]
        assert process.stderr.read() == b""


@pytest.mark.parametrize(
    ("expect", "is_met"),
    [
        ("{matched: [past due]}", True),
        ("{matched: []}", False),
        ("{matched: [past due, big]}", False),
        ("{fallback: false}", True),
        ("{fallback: true}", False),
        ("{stopped_by: past due}", True),
        ("{stopped_by: null}", False),
        ("{actions: {assign_team: billing}}", True),
        ("{actions: {assign_team: null}}", False),
        ("{actions: {priority: null, add_tags: [late], remove_tags: [], notes: [], webhooks: []}}", True),
        ("{actions: {set_attributes: {}, assign_agent: null, route_to: null}}", True),
        ("{actions: {add_tags: []}}", False),
        ("{actions: {no_such: 1}}", False),
        ("{}", True),
    ],
)
def test_every_key_that_is_expected_is_compared_exactly(expect: str, is_met: bool, tmp_path: Path) -> None:  # noqa: FBT001  # a table
    """A key that is given must be as given; keys that are not are not looked at."""
    cases = tmp_path / "cases.yaml"
    cases.write_text(f"cases: [{{name: a, facts: {{status: past_due, mrr: 5000}}, expect: {expect}}}]\n", "utf-8")
    result = CliRunner().invoke(command, ["test", str(_rules(tmp_path)), "--cases", str(cases)])

    assert result.exit_code == (0 if is_met else 1), result.output
    assert ("- expected" in result.stdout) is not is_met


def _rules(tmp_path: Path) -> Path:
    path = tmp_path / "rules.yaml"
    path.write_text(RULESET, encoding="utf-8")
    return path

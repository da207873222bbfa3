"""A ruleset read rule by rule is the same as one read as a whole."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules import check as checking
from rules.check import check
from rules.diagnostics import Diagnostic
from rules.pieces import cut
from web.facts import CATALOG

_GOLDEN = sorted((Path(__file__).parents[2] / "golden" / "rules").glob("*.yaml"))
_RULES = """\
version: 1
timezone: Europe/Berlin
# above the rules
rules:   # all of them

  - name: first
    when: mrr > 1000
    then: {assign_team: a}
  # between
  - name: second
    when: |
      "vip" in tags
        and plan == 5
    then:
      add_tags:
        - a
        - b
    stop: true
  -
    name: "third\\tone"
    when: 'status == "past_dew"'
    then: {note: "goes on

      here"}
fallback:
  assign_team: support
"""
_LINES = (
    "  - name: again", "  - name: first", "    when: mrr >", "    then: {}", "rules:", "- x", "  x: [",
    "    then: {note: 'open", "", "# note", "version: 1", "fallback: {assign_team: a}",
    "    when: [a] in tags", "\ttab: 1", "---",
    "    stop: !!bool true", "    description: &a text", "  - name: odd\r", "    when: \x00", "    when: 'it''s'",
    "        and mrr > 1", "  - - a", '    when: "a" in tags',
)  # fmt: skip


@pytest.mark.parametrize("path", _GOLDEN, ids=lambda path: path.stem)
def test_golden_rulesets_are_read_alike(path: Path) -> None:
    """What YAML can read gives the same diagnostics either way."""
    text = path.read_text(encoding="utf-8")
    whole, found = checking._check_whole(text, CATALOG, None), check(text, CATALOG)

    if not any(diagnostic.code == "yaml_syntax" for diagnostic in whole.diagnostics):
        assert found == whole


def test_a_plain_ruleset_is_cut() -> None:
    """Each rule is a piece, comments and blank lines with it; the rest is the frame."""
    found = cut(_RULES)

    assert found is not None
    assert [piece.splitlines()[0] for piece in found.pieces] == ["  - name: first", "  - name: second", "  -"]
    assert (
        "".join((*found.frame.partition("  - rules\n")[:1], *found.pieces, found.frame.partition("  - rules\n")[2]))
        == _RULES
    )
    assert checking._check_pieces(_RULES, CATALOG, None) == checking._check_whole(_RULES, CATALOG, None)


@settings(max_examples=150)
@given(st.lists(st.tuples(st.integers(0, 24), st.sampled_from(_LINES), st.booleans()), max_size=3))
def test_edits_are_read_alike(edits: list[tuple[int, str, bool]]) -> None:
    """After any edit of lines both ways agree, unless YAML itself is lost: then each still reports an error."""
    lines = _RULES.split("\n")
    for at, line, replaces in edits:
        lines[at : at + replaces] = [line]
    text = "\n".join(lines)
    whole, found = checking._check_whole(text, CATALOG, None), check(text, CATALOG)

    if any(diagnostic.code in ("yaml_syntax", "too_deep") for diagnostic in whole.diagnostics):
        assert not found.ok
    else:
        assert found.ruleset == whole.ruleset
        assert list(map(_without_end, found.diagnostics)) == list(map(_without_end, whole.diagnostics))


def test_one_changed_rule_is_read_alone() -> None:
    """After one edit the other rules come from memory."""
    rules = "".join(f"  - name: r{n}\n    when: mrr > {n}\n    then: {{note: x}}\n" for n in range(50))
    text = f"version: 1\nrules:\n{rules}fallback: {{assign_team: a}}\n"
    check(text, CATALOG)
    before = checking._piece.cache_info()
    found = check(text.replace("mrr > 7\n", "mrr > 70000\n"), CATALOG)

    after = checking._piece.cache_info()
    assert found.ok
    assert (after.misses - before.misses, after.hits - before.hits) == (1, 49)


def test_a_quoted_text_may_go_on_over_what_looks_like_a_rule() -> None:
    """Where lines mislead, the text is read as a whole."""
    text = (
        'version: 1\nrules:\n  - name: a\n    when: delinquent\n    then: {note: "one\n\n  - two"}\n'
        "fallback: {assign_team: a}\n"
    )
    found = check(text, CATALOG)

    assert found.ruleset is not None
    assert found.ruleset.rules[0].actions.notes == ("one\n- two",)


def _without_end(diagnostic: Diagnostic) -> Diagnostic:
    # A list in block style ends where the next thing begins, which may be in another piece.
    return replace(diagnostic, end_line=0, end_column=0)


def test_an_open_quote_is_reported_where_it_stands() -> None:
    """A quote that never ends is the fault of its rule, not of those after it."""
    text = (
        "version: 1\nrules:\n  - name: a\n    when: 'mrr > 1\n    then: {note: x}\n  - name: b\n    when: 'it''s'\n"
        "    then: {note: y}\nfallback: {assign_team: a}\n"
    )
    found = check(text, CATALOG)

    first = found.diagnostics[0]
    assert (first.code, first.rule, first.line, first.column) == ("yaml_syntax", "a", 4, 11)
    assert {diagnostic.rule for diagnostic in found.diagnostics} == {"a", "b"}

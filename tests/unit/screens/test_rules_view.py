"""Diagnostics at their places, and differences between texts."""

from hypothesis import given
from hypothesis import strategies as st

from rules.compile import Coverage
from rules.diagnostics import Diagnostic, Severity
from web.screens.rules_view import changes_in_words, coverage_in_words, diagnostic_views, diff


def found(line: int, column: int, width: int) -> Diagnostic:
    return Diagnostic(
        code="unknown_fact",
        severity=Severity.ERROR,
        message="there is no fact `mrrr`",
        rule="VIP",
        line=line,
        column=column,
        end_line=line,
        end_column=column + width,
    )


def test_the_caret_stands_under_the_token() -> None:
    """The second line marks exactly the offending token of the first."""
    (view,) = diagnostic_views([found(2, 11, 4)], "version: 1\n    when: mrrr > 1000\n")
    start = view.caret.index("^")
    assert view.excerpt[start : start + view.caret.count("^")] == "mrrr"


def test_the_caret_follows_into_a_long_line() -> None:
    """Of a very long line the part around the fault is shown, and the caret is still under it."""
    text = "x" * 500 + "mrrr" + "y" * 500
    (view,) = diagnostic_views([found(1, 501, 4)], text)
    start = view.caret.index("^")
    assert view.excerpt[start : start + 4] == "mrrr"
    assert len(view.excerpt) < 120


@given(st.text(max_size=300), st.integers(1, 400), st.integers(1, 50), st.integers(1, 9))
def test_any_place_can_be_shown(text: str, column: int, width: int, line: int) -> None:
    """A place outside the text is odd, but never an error."""
    assert diagnostic_views([found(line, column, width)], text)


def test_a_difference_tells_added_and_removed_lines() -> None:
    """One changed line is one removed and one added, with a few lines around."""
    before = "\n".join(f"line {number}" for number in range(20))
    lines = diff(before, before.replace("line 10", "line ten"))
    assert [line.text for line in lines if line.kind != " "] == ["line 10", "line ten"]
    assert changes_in_words(lines) == "1 line added, 1 removed"
    assert len(lines) == 8


def test_equal_texts_do_not_differ() -> None:
    """Nothing is shown where nothing changed."""
    assert diff("a\nb", "a\nb") == ()


def test_coverage_says_what_becomes_of_the_rest() -> None:
    """All rules compiled is one statement; where some are not, it is said how they are evaluated."""
    assert coverage_in_words(Coverage(rules=1, compiled=1)) == "1 of 1 rule compiled"
    assert (
        coverage_in_words(Coverage(rules=1200, compiled=1198))
        == "1,198 of 1,200 rules compiled; the rest evaluated one by one"
    )

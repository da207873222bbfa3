"""Regular expressions mean what Python's mean, and what could not is refused."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.patterns import PatternError, compile_pattern

PATTERNS = [
    r"^Ent", r"foo$", r"a|b$", r"\d+", r"\w+\s\w+", r"[^\W\d_]+", r"[\s\S]*x", r"[^\S\n]", r"(?i)stra[sß]e", r"a{2,3}",
    r"(?m)^x$", r"(?s)a.b", r"a.b", r"[a-z\d]+", r"(foo|bar)+?$", r"x*", r"[]a]", r"[^]a]", r"(?:)", r"(?a)\w+$",
    r"(?a)[^\W]", r"[\W]", r"[\Wx]", r"\.", r"\Aa\Z", r"(?x) a b # c", r"(?i:A)b", r"[^a]", r"[^\d]", r"\D\S\W", r"",
    r"a||b", r"^$", r"(a$)?", r"[\d\D]", r"[\w\W]", r"[^\w\W]", r"a$|b$", r"(?P<n>a)b", r"\x41", r"\u0062", r"\t|\n",
    r"[\]]", r"[a\-z]", r"[+-]", r"(?-i:a)", r"\\", r"(?a)\bfoo\b", r"^", r"(?m)^", r"a?$",
]  # fmt: skip


@settings(max_examples=60)
@pytest.mark.parametrize("pattern", PATTERNS)
@given(text=st.text("aAbxz 09_é٣\n\t\u2028ßEntfobr.日²Ⅷ-]\\", max_size=8))
def test_patterns_mean_what_pythons_mean(pattern: str, text: str) -> None:
    """A translated pattern matches exactly where Python's does, anchored and not."""
    reference = re.compile(pattern)

    assert compile_pattern(pattern, anchored=True).found_in(text) is (reference.match(text) is not None)
    assert compile_pattern(pattern, anchored=False).found_in(text) is (reference.search(text) is not None)


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        (r"a(?=b)", "look-ahead and look-behind are"),
        (r"(?<!a)b", "look-ahead and look-behind are"),
        (r"(a)\1", "back-references are"),
        (r"(?P<n>a)(?P=n)", "back-references are"),
        (r"(a)?(?(1)b|c)", "conditional groups are"),
        (r"a++", "possessive repeats are"),
        (r"(?>a)", "atomic groups are"),
        (r"[[:alpha:]]", "POSIX classes"),
        (r"[a&&b]", "ambiguous"),
        (r"[[a]]", "ambiguous"),
        (r"$a", "stands at the end"),
        (r"(a$)+", "stands at the end"),
        (r"a{1001}", "repeats go up to 1000"),
        (r"(?:a{1000}){1000}", "too large"),
        (r"[^\Wa]", "goes with"),
        (r"(", "can't be read"),
        (r"*a", "can't be read"),
        (r"(?L)a", "can't be read"),
    ],
)
def test_what_can_not_be_kept_is_refused_with_a_reason(pattern: str, reason: str) -> None:
    """The message says what is refused and, where there is one, what to write instead."""
    with pytest.raises(PatternError, match=re.escape(reason)):
        compile_pattern(pattern, anchored=False)


def test_half_a_surrogate_pair_in_a_text_is_no_reason_to_fail() -> None:
    """Text from anywhere can be searched."""
    assert compile_pattern("a", anchored=False).found_in("\ud800a")

"""Finding many patterns in one text: never an answer that is not complete."""

import random

import pytest
import re2

from engine.core.matcher.clauses import Pattern
from engine.core.matcher.texts import TextIndex

PATTERNS = [Pattern("pattern", f"a.{{{number}}}b.*c") for number in range(20)]


class Silent:
    """A set as it answers when its automaton ran out of memory: nothing matches, not even what every text has."""

    def __init__(self, answer: list[int] | None) -> None:
        self._answer = answer

    def Match(self, _text: bytes) -> list[int] | None:  # noqa: N802  # RE2's name
        """Return no match."""
        return self._answer


@pytest.mark.parametrize("answer", [None, []])
def test_a_set_that_gives_no_answer_is_not_believed(answer: list[int] | None) -> None:
    """When RE2's automaton runs out of memory the patterns are tried one by one."""
    index, silent = TextIndex(PATTERNS), TextIndex(PATTERNS)
    (search,) = silent._searches
    search._set = Silent(answer)
    chance = random.Random(1)
    for size in (0, 10, 100, 1000):
        text = "".join(chance.choice("abcd") for _ in range(size))
        expected = {pattern for pattern in PATTERNS if re2.search(pattern.text, text)}
        assert set(index.find(text) or ()) == set(silent.find(text) or ()) == expected


def test_prefixes_suffixes_and_parts_are_found_at_their_edges() -> None:
    """The empty text is part of every text, and what is longer than the text is in none."""
    atoms = [Pattern(kind, text) for kind in ("prefix", "suffix", "contains") for text in ("", "a", "ab", "é", "abc")]
    index = TextIndex(atoms)
    for text in ("", "a", "ab", "ba", "é", "aé", "xabx"):
        expected = {
            atom
            for atom in atoms
            if (atom.kind == "prefix" and text.startswith(atom.text))
            or (atom.kind == "suffix" and text.endswith(atom.text))
            or (atom.kind == "contains" and atom.text in text)
        }
        assert set(index.find(text) or ()) == expected


def test_many_parts_are_found_as_few_are() -> None:
    """Whether parts are looked for one by one or in a set makes no difference, special characters included."""
    words = [f"{sign}{number}" for sign in (".", "*", "é", "\n", "a|b", "\\") for number in range(20)]
    index = TextIndex([Pattern("contains", word) for word in words])
    text = "x.1 *12 é7\n3 a|b9 \\19"
    assert {atom.text for atom in index.find(text) or ()} == {word for word in words if word in text}


def test_a_text_without_utf_8_has_no_answer() -> None:
    """Half of a surrogate pair can't be searched in a set; the caller judges such rules one by one."""
    assert TextIndex(PATTERNS).find("\ud800") is None

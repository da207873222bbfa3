"""Texts: which of many prefixes, suffixes, parts and patterns are found in one text, without trying each.

Sources of the ideas
- Prefixes and suffixes: one hash table, asked once for each length that occurs (Waldvogel et al., "Scalable high speed
  IP routing lookups", SIGCOMM 1997, without their search over lengths: there are few).
- Parts and patterns: all in one automaton, RE2's set (Cox, "Regular Expression Matching in the Wild", 2010), built on
  Thompson's simulation of all of them at once.

The law about sets: RE2's set says "no match" also when its automaton ran out of memory. So it never rejects by
itself: each set holds one pattern that every text matches. An answer that names it is complete; one that does not is
no answer, and the patterns are tried one by one.
"""

import functools
from collections.abc import Iterable, Sequence
from typing import Any

import re2

from engine.core.matcher.clauses import Pattern

FEW_PARTS = 32
"""Up to so many parts are looked for one by one, which takes no longer than one answer of a set."""
SET_MEMORY = 32 << 20
"""Bytes one set of patterns may use for its program and its automaton."""
ONE_MEMORY = 1 << 22
"""The same for one pattern; with less, RE2 gives up where a program is large, even if it needs few states."""
MOST_IN_A_SET = 1000
MOST_ALONE = 8000
"""How many patterns a process keeps compiled by themselves, once they were needed so."""
EVERY_TEXT = ""
"""A pattern that is found in every text, the first of each set."""
_NOTHING_ELSE = [0]


class TextIndex:
    """Finds patterns in texts. Immutable once made; RE2 guards its own caches."""

    __slots__ = ("_ends", "_parts", "_searches")

    def __init__(self, atoms: Iterable[Pattern]) -> None:
        prefixes: dict[int, dict[str, Pattern]] = {}
        suffixes: dict[int, dict[str, Pattern]] = {}
        searched: list[Pattern] = []
        parts: list[Pattern] = []
        for atom in sorted(atoms):
            if atom.kind == "prefix":
                prefixes.setdefault(len(atom.text), {})[atom.text] = atom
            elif atom.kind == "suffix":
                suffixes.setdefault(len(atom.text), {})[atom.text] = atom
            elif atom.kind == "contains":
                parts.append(atom)
            else:
                searched.append(atom)
        self._ends = tuple(
            [(slice(0, size), named) for size, named in sorted(prefixes.items())]
            + [(slice(-size, None) if size else slice(0, 0), named) for size, named in sorted(suffixes.items())]
        )
        if len(parts) > FEW_PARTS:
            searched, parts = sorted(searched + parts), []
        self._parts = tuple((atom.text, atom) for atom in parts)
        groups = [searched[start : start + MOST_IN_A_SET] for start in range(0, len(searched), MOST_IN_A_SET)]
        self._searches = tuple(search for group in groups for search in _searches(group))

    def find(self, text: str) -> list[Pattern] | None:
        """Return the patterns found in `text`, or None if it has no UTF-8."""
        found = []
        for end, named in self._ends:
            if (atom := named.get(text[end])) is not None:
                found.append(atom)
        for part, atom in self._parts:
            if part in text:
                found.append(atom)
        if self._searches:
            try:
                encoded = text.encode()
            except UnicodeEncodeError:
                return None
            for search in self._searches:
                search.find(encoded, found)
        return found


class _Search:
    """A set of parts and patterns, and each of them apart for when the set gives no answer."""

    __slots__ = ("_atoms", "_set")

    def __init__(self, atoms: Sequence[Pattern], compiled: Any) -> None:
        self._atoms = tuple(atoms)
        self._set = compiled

    def find(self, encoded: bytes, found: list[Pattern]) -> None:
        if self._set is not None:
            answer = self._set.Match(encoded)
            if answer == _NOTHING_ELSE:
                return
            if answer is not None and 0 in answer:  # the pattern of every text: the answer is complete
                found.extend([self._atoms[number - 1] for number in answer if number])
                return
        found.extend(atom for atom in self._atoms if _one(atom).search(encoded))


def _searches(atoms: Sequence[Pattern]) -> list[_Search]:
    """Return searches that together find `atoms`: one if a set can hold them, else those of its halves."""
    compiled = re2.Set.SearchSet(_options(SET_MEMORY))
    compiled.Add(EVERY_TEXT)
    for atom in atoms:
        compiled.Add(_expression(atom))
    try:
        compiled.Compile()
    except re2.error:
        if len(atoms) == 1:
            return [_Search(atoms, None)]
        half = len(atoms) // 2
        return [*_searches(atoms[:half]), *_searches(atoms[half:])]
    return [_Search(atoms, compiled)]


def found_in(atom: Pattern, text: str) -> bool:
    """Return whether one pattern is found in `text`, which has UTF-8."""
    match atom.kind:
        case "prefix":
            return text.startswith(atom.text)
        case "suffix":
            return text.endswith(atom.text)
        case "contains":
            return atom.text in text
        case _:
            return _one(atom).search(text.encode()) is not None


def is_encodable(text: str) -> bool:
    """Return whether `text` has UTF-8: half of a surrogate pair has none."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


@functools.lru_cache(maxsize=MOST_ALONE)
def _one(atom: Pattern) -> Any:
    return re2.compile(_expression(atom), _options(ONE_MEMORY))


def _expression(atom: Pattern) -> str:
    return str(re2.escape(atom.text)) if atom.kind == "contains" else atom.text


def _options(memory: int) -> Any:
    options = re2.Options()
    options.log_errors = False
    options.max_mem = memory
    return options

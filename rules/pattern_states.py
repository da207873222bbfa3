"""How many states a regular expression can lead RE2 through, counted before it is accepted.

RE2 takes time linear in the text as long as the states of its deterministic automaton fit into its memory; when they
don't, it simulates all possibilities side by side, a hundred times slower. `x.{0,500}y` is short and has more states
than there is memory anywhere, because every `x` seen on the way must be remembered. So the states are counted here,
by the subset construction over the positions of the pattern (Glushkov's automaton, sets as bits of whole numbers),
up to a limit, over one character of each kind the pattern tells apart.

Forwards, to find a match that may begin anywhere, and backwards from its end, as RE2 runs.

A pattern with more states may still be harmless: side by side, `invoice.{0,50}overdue` is at most at a few places at
once, since `invoice` can't begin again before it has ended. `most_places` is an upper bound of that, read off the
pattern; RE2 is then given so little memory that it soon turns to simulating.
"""

import functools
import importlib
import re
from dataclasses import dataclass, field
from typing import Any

op: Any = importlib.import_module("re._constants")

_SAMPLES = "azAZ059_ \n\t!.-\x00\x7f\u00df\u00e9\u0130\u2028\u3042\U0001f600"
"""Characters of every kind that classes tell apart, whatever the pattern names."""
_STARTS = (op.AT_BEGINNING, op.AT_BEGINNING_STRING)


class TooManyPositionsError(ValueError):
    """Raised for a pattern that, with its repeats written out, is too long to look at."""


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of a pattern: whether it may be empty, and the positions it can begin and end with."""

    is_nullable: bool
    first: int
    last: int


_NOTHING = _Part(is_nullable=True, first=0, last=0)


def count_states(tree: Any, flags: int, *, anchored: bool, most: int, most_positions: int) -> int:
    """Return the states of a parsed pattern, or `most` + 1 if there are more.

    Raise TooManyPositionsError if its repeats written out come to more than `most_positions` characters.
    """
    items = list(tree)
    is_anchored = anchored or (bool(items) and items[0][0] is op.AT and items[0][1] in _STARTS)
    positions = _Positions(most=most_positions)
    whole = positions.sequence(items, flags)
    kinds = positions.kinds()
    forwards = _reachable(positions.follow, whole.first, kinds, is_anchored=is_anchored, most=most)
    if forwards > most:
        return forwards
    return max(forwards, _reachable(positions.reversed(), whole.last, kinds, is_anchored=True, most=most))


def most_places(tree: Any, flags: int) -> int:
    """Return how many places in a pattern a text can be at simultaneously, at most."""
    return _places(list(tree), flags)


def _places(items: list[Any], flags: int) -> int:
    """Return the bound for a sequence: that of its parts, each stretch of plain characters being one."""
    places = 0
    written: list[int] = []
    endings = {""}
    for code, argument in [*items, (None, None)]:
        if code is op.LITERAL:
            written.append(ord(chr(argument).lower()[:1]) if flags & re.IGNORECASE else argument)
        else:
            places += _overlaps(written) + _places_of(code, argument, flags, _apart(endings))
            written = []
        if code is not None and code is not op.AT:
            words = _words([(code, argument)], flags)
            endings = {""} if words is None else _both(endings, words) or words
    return places


def _places_of(code: Any, argument: Any, flags: int, apart: int) -> int:
    """Return the bound for one part, before which at least `apart` characters lie between two times it begins."""
    if code is op.BRANCH:
        return sum(_places(list(branch), flags) for branch in argument[1])
    if code is op.SUBPATTERN:
        return _places(list(argument[3]), (flags | argument[1]) & ~argument[2])
    if code in (op.MAX_REPEAT, op.MIN_REPEAT):
        least, most, inner = argument
        if most is op.MAXREPEAT:
            return int(least + 1) * max(1, _places(list(inner), flags))
        if len(inner) == 1 and inner[0][0] in (op.ANY, op.IN, op.NOT_LITERAL):
            return min(int(most), int(most) // apart + 1)
        return int(most) * max(1, _places(list(inner), flags))
    return 0 if code is None or code is op.AT else 1


_MOST_WORDS = 64


def _words(items: Any, flags: int) -> set[str] | None:
    """Return the texts that a sequence stands for, or None if they are many."""
    words: set[str] | None = {""}
    for code, argument in items:
        one: set[str] | None = None
        if code is op.LITERAL:
            one = {chr(argument).lower() if flags & re.IGNORECASE else chr(argument)}
        elif code is op.AT:
            one = {""}
        elif code is op.SUBPATTERN:
            one = _words(argument[3], (flags | argument[1]) & ~argument[2])
        elif code is op.BRANCH:
            branches = [_words(branch, flags) for branch in argument[1]]
            one = {word for branch in branches for word in branch or ()} if all(branches) else None
        elif code in (op.MAX_REPEAT, op.MIN_REPEAT) and argument[0] == 0 and argument[1] == 1:
            inner = _words(argument[2], flags)
            one = None if inner is None else {"", *inner}
        words = None if words is None or one is None else _both(words, one)
        if words is None:
            return None
    return words


def _both(before: set[str], after: set[str]) -> set[str] | None:
    if len(before) * len(after) > _MOST_WORDS:
        return None
    return {one + other for one in before for other in after}


def _apart(words: set[str]) -> int:
    """Return how many characters lie at least between the end of one of `words` in a text and the next such end."""
    if "" in words:
        return 1
    return min(
        next(gap for gap in range(1, len(after) + 1) if _may_follow(before, after, gap))
        for before in words
        for after in words
    )


def _may_follow(before: str, after: str, gap: int) -> bool:
    """Return whether `after` may end `gap` characters behind the end of `before`."""
    shared = after[:-gap]
    return before.endswith(shared) or shared.endswith(before)


def _borders(written: list[int]) -> list[int]:
    """Return for each beginning of `written` the longest shorter beginning that it also ends with."""
    borders = [0] * (len(written) + 1)
    for end in range(1, len(written)):
        border = borders[end]
        while border and written[border] != written[end]:
            border = borders[border]
        borders[end + 1] = border + (written[border] == written[end])
    return borders


def _overlaps(written: list[int]) -> int:
    """Return at how many places in `written` a text can be at once."""
    borders = _borders(written)
    depth = [0] * len(borders)
    for end in range(1, len(borders)):
        depth[end] = depth[borders[end]] + 1
    return max(depth)


def _reachable(follow: list[int], first: int, kinds: tuple[int, ...], *, is_anchored: bool, most: int) -> int:
    """Return how many sets of positions a text can lead to, each the positions its last character can be at."""
    again = 0 if is_anchored else first
    seen = {0} | {first & kind for kind in kinds}
    waiting = list(seen)
    while waiting and len(seen) <= most:
        possible, here = again, waiting.pop()
        while here:
            lowest = here & -here
            possible |= follow[lowest.bit_length() - 1]
            here ^= lowest
        for kind in kinds:
            reached = possible & kind
            if reached not in seen:
                seen.add(reached)
                waiting.append(reached)
    return len(seen)


@dataclass(frozen=True, slots=True)
class _Positions:
    """The characters of a pattern with its repeats written out, and which may follow which."""

    most: int
    follow: list[int] = field(default_factory=list)
    matchers: list[tuple[Any, Any, int]] = field(default_factory=list)

    def sequence(self, items: Any, flags: int) -> _Part:
        whole = _NOTHING
        for code, argument in items:
            whole = self._joined(whole, self._part(code, argument, flags))
        return whole

    def reversed(self) -> list[int]:
        """Return for each position those it may follow."""
        before = [0] * len(self.follow)
        for place, after in enumerate(self.follow):
            rest = after
            while rest:
                lowest = rest & -rest
                before[lowest.bit_length() - 1] |= 1 << place
                rest ^= lowest
        return before

    def kinds(self) -> tuple[int, ...]:
        """Return, for each kind of character the pattern tells apart, the positions that take it."""
        samples = set(map(ord, _SAMPLES))
        for code, argument, _ in self.matchers:
            samples.update(_named(code, argument))
        kinds = dict.fromkeys(samples, 0)
        by_matcher: dict[tuple[str, int], int] = {}
        matchers: dict[tuple[str, int], tuple[Any, Any, int]] = {}
        for place, matcher in enumerate(self.matchers):
            key = (str(matcher[:2]), matcher[2])
            by_matcher[key] = by_matcher.get(key, 0) | 1 << place
            matchers[key] = matcher
        for key, places in by_matcher.items():
            code, argument, flags = matchers[key]
            for sample in samples:
                if _takes(code, argument, flags, sample):
                    kinds[sample] |= places
        return tuple(set(kinds.values()))

    def _part(self, code: Any, argument: Any, flags: int) -> _Part:
        if code is op.AT:
            return _NOTHING
        if code is op.BRANCH:
            parts = [self.sequence(branch, flags) for branch in argument[1]]
            return functools.reduce(_either, parts)
        if code is op.SUBPATTERN:
            _, added, removed, inner = argument
            return self.sequence(inner, (flags | added) & ~removed)
        if code in (op.MAX_REPEAT, op.MIN_REPEAT):
            least, most, inner = argument
            return self._repeated(least, most, inner, flags)
        if len(self.follow) >= self.most:
            raise TooManyPositionsError
        place = 1 << len(self.follow)
        self.follow.append(0)
        self.matchers.append((code, argument, flags))
        return _Part(is_nullable=False, first=place, last=place)

    def _repeated(self, least: int, most: Any, inner: Any, flags: int) -> _Part:
        whole = _NOTHING
        for _ in range(least):
            whole = self._joined(whole, self.sequence(inner, flags))
        if most is op.MAXREPEAT:
            part = self.sequence(inner, flags)
            self._link(part.last, part.first)
            return self._joined(whole, _Part(is_nullable=True, first=part.first, last=part.last))
        # As RE2 nests them, `(x(x)?)?`: how many were seen is part of the state.
        copies = [self.sequence(inner, flags) for _ in range(most - least)]
        rest = _NOTHING
        for part in reversed(copies):
            some = self._joined(part, rest)
            rest = _Part(is_nullable=True, first=some.first, last=some.last)
        return self._joined(whole, rest)

    def _joined(self, one: _Part, other: _Part) -> _Part:
        self._link(one.last, other.first)
        return _Part(
            is_nullable=one.is_nullable and other.is_nullable,
            first=one.first | (other.first if one.is_nullable else 0),
            last=other.last | (one.last if other.is_nullable else 0),
        )

    def _link(self, before: int, after: int) -> None:
        while before:
            lowest = before & -before
            self.follow[lowest.bit_length() - 1] |= after
            before ^= lowest


def _either(one: _Part, other: _Part) -> _Part:
    return _Part(
        is_nullable=one.is_nullable or other.is_nullable, first=one.first | other.first, last=one.last | other.last
    )


def _named(code: Any, argument: Any) -> set[int]:
    """Return the characters that a piece of a pattern names, and those just outside its ranges."""
    if code in (op.LITERAL, op.NOT_LITERAL):
        return {argument}
    if code is not op.IN:
        return set()
    named: set[int] = set()
    for kind, value in argument:
        if kind is op.LITERAL:
            named.add(value)
        elif kind is op.RANGE:
            low, high = value
            named.update((low, high, max(0, low - 1), min(0x10FFFF, high + 1)))
    return named


def _takes(code: Any, argument: Any, flags: int, sample: int) -> bool:
    if code is op.ANY:
        return sample != ord("\n") or bool(flags & re.DOTALL)
    samples = {sample}
    if flags & re.IGNORECASE:
        samples |= {ord(c) for c in (chr(sample).lower(), chr(sample).upper()) if len(c) == 1}
    if code is op.LITERAL:
        return argument in samples
    if code is op.NOT_LITERAL:
        return argument not in samples
    negated = bool(argument) and argument[0][0] is op.NEGATE
    return any(_has(kind, value, one) for kind, value in argument for one in samples) is not negated


def _has(kind: Any, value: Any, sample: int) -> bool:
    if kind is op.LITERAL:
        return bool(sample == value)
    if kind is op.RANGE:
        return bool(value[0] <= sample <= value[1])
    if kind is op.CATEGORY:
        return bool(_CLASSES[value](chr(sample)))
    return False


_CLASSES: dict[Any, Any] = {
    op.CATEGORY_DIGIT: str.isdecimal,
    op.CATEGORY_NOT_DIGIT: lambda c: not c.isdecimal(),
    op.CATEGORY_SPACE: str.isspace,
    op.CATEGORY_NOT_SPACE: lambda c: not c.isspace(),
    op.CATEGORY_WORD: lambda c: c.isalnum() or c == "_",
    op.CATEGORY_NOT_WORD: lambda c: not (c.isalnum() or c == "_"),
}

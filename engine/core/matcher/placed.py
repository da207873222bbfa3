"""Who is asked: which rules of a ruleset stand where in a block, and which of them act, count as shadow, or stop."""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate, chain
from typing import NamedTuple

from engine.core.matcher.bits import first, set_of
from engine.core.matcher.block import Block
from engine.core.ruleset import CompiledRule, Mode

EVERYBODY = 100

Kinds = Sequence[tuple[tuple[bool, frozenset[str], bool, int], int]]
"""For each liveness, triggers, `stop` and canary that occur, the places of their rules, as a set. No drafts."""


class Scope(NamedTuple):
    """Sets of places: who is asked on one trigger in one canary bucket."""

    live: int
    shadow: int
    stops: int


def kinds_of(rules: Sequence[CompiledRule | None]) -> Kinds:
    """Return the places of `rules` by what decides who asks them; None is no rule."""
    kinds: dict[tuple[bool, frozenset[str], bool, int], list[int]] = {}
    for place, rule in enumerate(rules):
        if rule is None or rule.mode is Mode.DRAFT:
            continue
        kind = (rule.mode is Mode.LIVE, rule.on, rule.stop, rule.canary)
        if kind in kinds:
            kinds[kind].append(place)
        else:
            kinds[kind] = [place]
    return [(kind, set_of(places)) for kind, places in kinds.items()]


def scope_of(kinds: Kinds, on: str, bucket: int | None) -> Scope:
    """Return who is asked on the trigger `on` in a canary bucket."""
    live = shadow = stops = 0
    for (is_live, triggers, stop, canary), places in kinds:
        if on not in triggers:
            continue
        if is_live and (canary >= EVERYBODY or (bucket is not None and bucket < canary)):
            live |= places
            stops |= places if stop else 0
        else:
            shadow |= places
    return Scope(live, shadow, stops)


class _Segment(NamedTuple):
    """A stretch of places whose rules stand in ascending order."""

    first_place: int
    rules: tuple[int, ...]


class Placed:
    """A block, and which rules of the ruleset stand in it."""

    def __init__(
        self, block: Block, forms: tuple[int, ...], rule_of: Sequence[int], rules: Sequence[CompiledRule]
    ) -> None:
        """`forms` are the numbers of the block's forms as given to it, `rule_of` their rules, -1 for none."""
        self.block = block
        self.rules = tuple(rule_of[number] for number in forms)
        self.every = (1 << len(self.rules)) - 1
        self._segments = tuple(
            tuple(
                _Segment(plane.first_place, tuple(_ascending(self.rules[plane.first_place :][: plane.conditions])))
                for plane in window.planes
            )
            for window in block.windows
        )
        ends = accumulate((max(self.rules[: window.places], default=-1) for window in block.windows), max)
        self.ends = tuple(ends)
        """For each window of the block the last rule in it and those before."""
        self._kinds = kinds_of([rules[number] if number >= 0 else None for number in self.rules])
        self.rule_at = self.rules.__getitem__
        self.scopes: dict[tuple[str, int | None], Scope] = {}

    def scope(self, on: str, bucket: int | None) -> Scope:
        """Return who is asked on the trigger `on` in a canary bucket."""
        scope = self.scopes.get((on, bucket))
        if scope is None:
            scope = self.scopes[on, bucket] = scope_of(self._kinds, on, bucket)
        return scope

    def up_to(self, last: int) -> int:
        """Return the places of the rules up to the rule `last`."""
        found = 0
        for segments in self._segments:
            for first_place, rules in segments:
                found |= ((1 << bisect_right(rules, last)) - 1) << first_place
        return found

    def first_of(self, places: int, window: int | None, least: int | None) -> int | None:
        """Return the first rule of those at `places`, all in one `window` if that is given, and of `least`."""
        segments = chain.from_iterable(self._segments) if window is None else self._segments[window]
        for first_place, rules in segments:
            here = places >> first_place & ((1 << len(rules)) - 1)
            if here and (least is None or self.rules[first_place + first(here)] < least):
                least = self.rules[first_place + first(here)]
        return least


def _ascending(rules: Sequence[int]) -> list[int]:
    """Return rules in order, the gaps of struck ones (-1) filled with the rule before."""
    return list(accumulate(rules, max))

"""What came of asking the rules of a ruleset: sets of rules, until somebody reads them."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from engine.core.facts import Facts
from engine.core.matcher.bits import members
from engine.core.matcher.block import Verdicts
from engine.core.matcher.missing import Lister
from engine.core.matcher.placed import Placed, Scope
from engine.core.ruleset import EvaluationError, Verdict


class Judges(Protocol):
    """What is asked about single rules afterwards."""

    def judge(self, number: int, facts: Facts, now: datetime) -> Verdict:
        """Return the verdict of one rule's own condition; never raise."""
        ...

    def is_peculiar(self, facts: Facts) -> bool:
        """Return whether a value that rules read is not of its fact's type, so that anything may go wrong."""
        ...


Judged = tuple[Placed, Scope, Verdicts]
"""What came of one block, whole or down to a window in which a rule stopped."""


class _Part(NamedTuple):
    """What came of one block: sets of places, of rules down to the one that stopped."""

    placed: Placed
    matched: int
    shadow: int
    unknown: int
    odd: int


class MatcherReached:
    """What came of asking every rule down to the one that stopped; sets, until somebody reads them."""

    __slots__ = ("_facts", "_judged", "_judges", "_now", "_parts_", "stopped_by")

    def __init__(
        self, judges: Judges, facts: Facts, now: datetime, judged: Sequence[Judged], stopped_by: int | None
    ) -> None:
        self._judges = judges
        self._facts = facts
        self._now = now
        self._judged = judged
        self._parts_: Sequence[_Part] | None = None
        self.stopped_by = stopped_by

    @property
    def _parts(self) -> Sequence[_Part]:
        """Return what came of each block, cut off behind the rule that stopped when it is first read."""
        if self._parts_ is None:
            self._parts_ = [_part(one, self.stopped_by) for one in self._judged]
        return self._parts_

    @property
    def matched(self) -> list[int]:
        """Return the live rules that matched, in order."""
        found: list[int] = []
        for placed, matched, _, _, _ in self._parts:
            found += map(placed.rule_at, members(matched))
        found.sort()
        return found

    @property
    def shadow(self) -> list[int]:
        """Return the rules that matched but only count as shadow, in order."""
        return sorted(placed.rule_at(place) for placed, _, shadow, _, _ in self._parts for place in members(shadow))

    @property
    def unknown_count(self) -> int:
        """Return how many live rules were unknown."""
        return sum(part.unknown.bit_count() for part in self._parts)

    def unknown(self) -> list[int]:
        """Return the live rules that were unknown, in order."""
        return sorted(placed.rule_at(place) for placed, _, _, unknown, _ in self._parts for place in members(unknown))

    def missing(self) -> list[tuple[int, tuple[str, ...]]]:
        """Return each live rule that was unknown with the facts that had no value, in order."""
        found: list[tuple[int, tuple[str, ...]]] = []
        lister = Lister(self._facts.values, self._now)
        is_peculiar = self._judges.is_peculiar(self._facts)
        for placed, _, _, unknown, odd in self._parts:
            for place in members(unknown):
                number, form = placed.rules[place], placed.block.forms[place]
                names = None if is_peculiar or odd >> place & 1 else lister.missing(form)
                if names is None:
                    names = self._judges.judge(number, self._facts, self._now).unknown
                found.append((number, names))
        found.sort()
        return found

    def errors(self) -> list[tuple[int, EvaluationError]]:
        """Return what went wrong in live rules that were unknown, in order."""
        found: list[tuple[int, EvaluationError]] = []
        if not self.unknown_count:
            return found
        known = set(self._facts.values)
        is_peculiar = self._judges.is_peculiar(self._facts)
        for placed, _, _, unknown, odd in self._parts:
            for place in members(unknown if is_peculiar else unknown & (placed.block.fallible | odd)):
                form = placed.block.forms[place]
                if is_peculiar or odd >> place & 1 or any(needs <= known for needs in form.fallible):
                    number = placed.rules[place]
                    verdict = self._judges.judge(number, self._facts, self._now)
                    found.extend((number, error) for error in verdict.errors)
        found.sort(key=lambda one: one[0])
        return found


def _part(judged: Judged, stopped_by: int | None) -> _Part:
    placed, (live, shadow, _), (true, unknown, odd) = judged
    if stopped_by is not None:
        asked = placed.up_to(stopped_by)
        live, shadow = live & asked, shadow & asked
    return _Part(placed, true & live, true & shadow if shadow else 0, unknown & live if unknown else 0, odd)


class ScannedReached:
    """What came of a scan: every rule down to the one that stopped is true or false. Nobody changes it."""

    __slots__ = ("matched", "shadow", "stopped_by")

    def __init__(self, live: int, shadow: int, stopped_by: int | None) -> None:
        """`live` and `shadow` are the rules that matched, as sets."""
        self.matched: Sequence[int] = tuple(members(live))
        """The live rules that matched, in order."""
        self.shadow: Sequence[int] = tuple(members(shadow))
        """The rules that matched but only count as shadow, in order."""
        self.stopped_by = stopped_by

    @property
    def unknown_count(self) -> int:
        """Return 0: a scan that meets what is unknown gives up."""
        return 0

    def missing(self) -> list[tuple[int, tuple[str, ...]]]:
        """Return nothing, since no rule was unknown."""
        return []

    def errors(self) -> list[tuple[int, EvaluationError]]:
        """Return nothing: what goes wrong leaves a rule unknown."""
        return []

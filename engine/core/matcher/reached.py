"""What came of asking the rules of a ruleset: sets of rules, until somebody reads them."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from engine.core.facts import Facts
from engine.core.matcher.bits import members
from engine.core.matcher.missing import Lister
from engine.core.matcher.placed import Placed
from engine.core.ruleset import EvaluationError, Verdict


class Judges(Protocol):
    """What is asked about single rules afterwards."""

    def judge(self, number: int, facts: Facts, now: datetime) -> Verdict:
        """Return the verdict of one rule's own condition; never raise."""
        ...

    def is_peculiar(self, facts: Facts) -> bool:
        """Return whether a value that rules read is not of its fact's type, so that anything may go wrong."""
        ...


class Part(NamedTuple):
    """What came of one block: sets of places."""

    placed: Placed
    matched: int
    shadow: int
    unknown: int
    odd: int


class MatcherReached:
    """What came of asking every rule down to the one that stopped; sets, until somebody reads them."""

    __slots__ = ("_facts", "_judges", "_now", "_parts", "stopped_by")

    def __init__(
        self, judges: Judges, facts: Facts, now: datetime, parts: Sequence[Part], stopped_by: int | None
    ) -> None:
        self._judges = judges
        self._facts = facts
        self._now = now
        self._parts = parts
        self.stopped_by = stopped_by

    @property
    def matched(self) -> list[int]:
        """Return the live rules that matched, in order."""
        parts = self._parts
        found = list(map(parts[0][0].rule_at, members(parts[0][1])))
        if len(parts) > 1:
            for placed, matched, _, _, _ in parts[1:]:
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


class ScannedReached:
    """What came of a scan: every rule down to the one that stopped is true or false."""

    __slots__ = ("_live", "_shadow", "stopped_by")

    def __init__(self, live: int, shadow: int, stopped_by: int | None) -> None:
        """`live` and `shadow` are the rules that matched, as sets."""
        self._live = live
        self._shadow = shadow
        self.stopped_by = stopped_by

    @property
    def matched(self) -> list[int]:
        """Return the live rules that matched, in order."""
        return members(self._live)

    @property
    def shadow(self) -> list[int]:
        """Return the rules that matched but only count as shadow, in order."""
        return members(self._shadow)

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

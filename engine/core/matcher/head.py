"""The head of a ruleset: its first rules, scanned before the index is asked.

A ruleset of few rules is all head. In a longer one the head is scanned where one of its rules may stop the check, and
only as long as that pays: where stops are rare, the index, which must then be asked anyway, is asked at once.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from engine.core.facts import Facts
from engine.core.matcher.bits import first
from engine.core.matcher.clauses import Form
from engine.core.matcher.placed import kinds_of, scope_of
from engine.core.matcher.reached import ScannedReached
from engine.core.matcher.scan import Scan, scan_of
from engine.core.ruleset import CompiledRule

FEW = 128
"""Up to so many rules are scanned whatever they do."""
STRETCH = 256
"""So many rules make one function; a changed rule costs the writing of one."""
STRETCHES = 2
MOST_SCANS = 8
"""How many functions one stretch keeps: it needs another where canaries or triggers ask other rules."""
PATIENCE = 32
WORTH = 4
"""A scan costs about a quarter of asking the index: one stop in so many must spare that."""
AGAIN = 1024
"""After so many conversations without a scan it is tried anew: what comes in may have changed."""


class _Scoped(NamedTuple):
    """A stretch as it is asked on one trigger in one canary bucket; sets of places in it."""

    first_rule: int
    scan: Scan
    live: int
    shadow: int
    stops: int


class _Stretch:
    """Rules that stand one after the other, and the functions that scan them."""

    def __init__(self, first_rule: int, forms: Sequence[Form], rules: Sequence[CompiledRule]) -> None:
        self.forms = forms
        self.kinds = kinds_of(rules)
        self._first_rule = first_rule
        self._scans: dict[tuple[int, int], Scan] = {}

    def is_same(self, other: "_Stretch") -> bool:
        """Return whether the functions of `other` are good for this one."""
        if self.kinds != other.kinds or len(self.forms) != len(other.forms):
            return False
        return all(one is two for one, two in zip(self.forms, other.forms, strict=True))

    def scoped(self, on: str, bucket: int | None) -> _Scoped | None:
        """Return the stretch for a trigger and a bucket, its function written now if it never was."""
        live, shadow, stops = scope_of(self.kinds, on, bucket)
        scan = self._scans.get((live | shadow, stops))
        if scan is None:
            if len(self._scans) >= MOST_SCANS:
                return None
            scan = self._scans[live | shadow, stops] = scan_of(self.forms, live | shadow, stops)
        return _Scoped(self._first_rule, scan, live, shadow, stops)


class Head:
    """The first rules of a ruleset. Threads may share it; a count lost between two of them does no harm."""

    def __init__(self, rules: Sequence[CompiledRule], forms: Sequence[Form], previous: "Head | None") -> None:
        """Stretches that `previous` has too are taken from there."""
        self._is_whole = len(rules) <= FEW
        self._stretches: list[_Stretch] = []
        for number in range(STRETCHES):
            start, end = number * STRETCH, (number + 1) * STRETCH
            if start >= len(rules):
                break
            stretch = _Stretch(start, forms[start:end], rules[start:end])
            known = previous._stretches[number : number + 1] if previous is not None else []  # noqa: SLF001  # the same class
            self._stretches.append(known[0] if known and stretch.is_same(known[0]) else stretch)
        self._plans: dict[tuple[str, int | None], tuple[_Scoped, ...]] = {}
        self._hits = self._misses = self._skipped = 0

    def reach(self, facts: Facts, now: datetime, on: str, bucket: int | None) -> ScannedReached | None:
        """Return what comes of the rules down to the first that stops; None if that takes the index."""
        plan = self._plans.get((on, bucket))
        if plan is None:
            plan = self._plans[on, bucket] = self._plan(on, bucket)
        if not plan or (self._misses > PATIENCE and self._is_no_use()):
            return None
        all_live = all_shadow = 0
        for first_rule, scan, live, shadow, stops in plan:
            try:
                true = scan(facts.values, now)
            except Exception:  # noqa: BLE001  # whatever it is, the index knows how to live with it
                return None
            if true < 0:
                return None
            all_live |= (true & live) << first_rule
            all_shadow |= (true & shadow) << first_rule
            if stopped := true & stops:
                self._hits += 1
                return ScannedReached(all_live, all_shadow, first_rule + first(stopped))
        if self._is_whole:
            return ScannedReached(all_live, all_shadow, None)
        self._misses += 1
        return None

    def _plan(self, on: str, bucket: int | None) -> tuple[_Scoped, ...]:
        """Return the stretches to scan, none if that is no use."""
        plan: list[_Scoped] = []
        try:
            for stretch in self._stretches:
                scoped = stretch.scoped(on, bucket)
                if scoped is None:
                    return ()
                plan.append(scoped)
        except Exception:  # noqa: BLE001  # a condition that can't be written out is the index's
            return ()
        return tuple(plan) if self._is_whole or any(one.stops for one in plan) else ()

    def _is_no_use(self) -> bool:
        """Return whether too few scans found a stop to pay for all of them."""
        if self._hits * WORTH > self._misses:
            return False
        self._skipped += 1
        if self._skipped >= AGAIN:
            self._hits = self._misses = self._skipped = 0
        return True

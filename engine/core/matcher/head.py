"""The head of a ruleset: its first rules, scanned before the index is asked.

A ruleset of few rules is all head. In a longer one the head is scanned where one of its rules may stop the check, and
only as long as that pays: where stops are rare, the index, which must then be asked anyway, is asked at once.
"""

from collections.abc import Sequence
from datetime import datetime

from engine.core.facts import Facts
from engine.core.matcher.bits import first
from engine.core.matcher.clauses import Form, Values
from engine.core.matcher.placed import kinds_of, scope_of
from engine.core.matcher.reached import ScannedReached
from engine.core.matcher.scan import GIVEN_UP, Scan, scan_of
from engine.core.ruleset import CompiledRule

FEW = 128
"""Up to so many rules are scanned whatever they do."""
STRETCH = 256
"""So many rules make one function; a changed rule costs the writing of one."""
STRETCHES = 4
"""So many are scanned, each written when it is first needed."""
MOST_SCANS = 8
"""How many functions one stretch keeps: it needs another where canaries or triggers ask other rules."""
MOST_ANSWERS = 4096
"""How many answers a head keeps ready, a few hundred bytes each; most are that nothing matched, or one rule."""

HIT, MISS = 2, 3
"""What a scan that found a stop adds to its stretch's credit, and what one in vain takes: about as the index costs."""
CREDIT = 96
"""A stretch's credit to begin with."""
MOST_CREDIT = 384
AGAIN = 1024
"""After so many conversations without a scan it is tried anew: what comes in may have changed."""


class _Stretch:
    """Rules that stand one after the other, and the functions that scan them."""

    def __init__(self, first_rule: int, forms: Sequence[Form], rules: Sequence[CompiledRule]) -> None:
        self.forms = forms
        self.kinds = kinds_of(rules)
        self.first_rule = first_rule
        self.credit = CREDIT
        """Below 0: not scanned, and for how many conversations not."""
        self._scans: dict[tuple[int, int], Scan] = {}

    def is_same(self, other: "_Stretch") -> bool:
        """Return whether the functions of `other` are good for this one."""
        if self.kinds != other.kinds or len(self.forms) != len(other.forms):
            return False
        return all(one is two for one, two in zip(self.forms, other.forms, strict=True))

    def scan(self, asked: int, stops: int) -> Scan | None:
        """Return the function that asks the rules `asked`, written now if it never was; None if there are too many."""
        scan = self._scans.get((asked, stops))
        if scan is None and len(self._scans) < MOST_SCANS:
            scan = self._scans[asked, stops] = scan_of(self.forms, asked, stops)
        return scan


class _Step:
    """A stretch as it is asked on one trigger in one canary bucket."""

    __slots__ = ("_asked", "first_rule", "scan", "stops", "stretch")

    def __init__(self, stretch: _Stretch, asked: int, stops: int) -> None:
        """`asked` and `stops` are sets of places in the stretch."""
        self.stretch = stretch
        self.first_rule = stretch.first_rule
        self.stops = stops
        self.scan: Scan | None = None
        self._asked = asked

    def written(self) -> Scan:
        """Return the function that scans it; one that always gives up if none can be had."""
        try:
            self.scan = self.stretch.scan(self._asked, self.stops) or _give_up
        except Exception:  # noqa: BLE001  # a condition that can't be written out is the index's
            self.scan = _give_up
        return self.scan


def _give_up(_values: Values, _now: datetime) -> int:
    return GIVEN_UP


class _Plan:
    """What is scanned on one trigger in one canary bucket, and answers that are ready."""

    __slots__ = ("_live", "_shadow", "_stops", "answers", "is_whole", "steps")

    def __init__(self, stretches: Sequence[_Stretch], on: str, bucket: int | None, *, is_whole: bool) -> None:
        """`is_whole` says that `stretches` are all rules there are."""
        self.is_whole = is_whole and bool(stretches)
        self.answers: dict[int, ScannedReached] = {}
        """By the rules that a scan found true."""
        self.steps: list[_Step] = []
        self._live = self._shadow = self._stops = 0
        for stretch in stretches:
            live, shadow, stops = scope_of(stretch.kinds, on, bucket)
            self.steps.append(_Step(stretch, live | shadow, stops))
            self._live |= live << stretch.first_rule
            self._shadow |= shadow << stretch.first_rule
            self._stops |= stops << stretch.first_rule
        while self.steps and not is_whole and not self.steps[-1].stops:
            self.steps.pop()

    def answer(self, true: int) -> ScannedReached:
        """Return what comes of the rules `true`, of which the last may have stopped."""
        stopped = true & self._stops
        return ScannedReached(true & self._live, true & self._shadow, first(stopped) if stopped else None)


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
        self._plans: dict[tuple[str, int | None], _Plan] = {}
        self._ready = 0

    def reach(self, facts: Facts, now: datetime, on: str, bucket: int | None) -> ScannedReached | None:
        """Return what comes of the rules down to the first that stops; None if that takes the index."""
        plan = self._plans.get((on, bucket)) or self._plan(on, bucket)
        found = 0
        try:
            for step in plan.steps:
                stretch = step.stretch
                if not self._is_whole:
                    if stretch.credit < 0:
                        stretch.credit = stretch.credit - 1 if stretch.credit > -AGAIN else CREDIT
                        return None
                    stretch.credit -= MISS
                true = (step.scan or step.written())(facts.values, now)
                if true < 0:
                    return None
                found |= true << step.first_rule
                if true & step.stops:
                    if stretch.credit < MOST_CREDIT:
                        stretch.credit += MISS + HIT
                    return plan.answers.get(found) or self._answer(plan, found)
        except Exception:  # noqa: BLE001  # whatever it is, the index knows how to live with it
            return None
        return plan.answers.get(found) or self._answer(plan, found) if plan.is_whole else None

    def _answer(self, plan: _Plan, found: int) -> ScannedReached:
        reached = plan.answer(found)
        if self._ready < MOST_ANSWERS:
            self._ready += 1
            plan.answers[found] = reached
        return reached

    def _plan(self, on: str, bucket: int | None) -> _Plan:
        plan = self._plans[on, bucket] = _Plan(self._stretches, on, bucket, is_whole=self._is_whole)
        return plan

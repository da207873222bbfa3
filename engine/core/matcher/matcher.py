"""The matcher of a ruleset: a block of all rules, and a small one of those that changed since it was built.

Changing one rule of 10,000 does not build the large block anew: the rule is struck from it and judged in the small
one (the idea of a log-structured merge: O'Neil et al., "The log-structured merge-tree", 1996). When the small block
has grown, both are built into one.

`reach` is what a decision needs: which rules act, which are shadow, which one stopped, and, kept as sets until somebody
reads them, which are unknown.
"""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from engine.core.facts import Facts
from engine.core.matcher.bits import first, members, set_of
from engine.core.matcher.block import Block, Verdicts
from engine.core.matcher.clauses import Form, is_as_declared
from engine.core.ruleset import CompiledRule, EvaluationError, Mode, Verdict

EVERYBODY = 100
MOST_CHANGED = 256
"""How many rules the small block holds before everything is built anew."""


class _Scope(NamedTuple):
    """Sets of places: who is asked on one trigger in one canary bucket."""

    live: int
    shadow: int
    stops: int


class _Segment(NamedTuple):
    """A stretch of places whose rules stand in ascending order."""

    first_place: int
    rules: tuple[int, ...]


class _Placed:
    """A block, and which rules of the ruleset stand in it."""

    def __init__(
        self, block: Block, forms: tuple[int, ...], rule_of: Sequence[int], rules: Sequence[CompiledRule]
    ) -> None:
        """`forms` are the numbers of the block's forms as given to it, `rule_of` their rules, -1 for none."""
        self.block = block
        self.rules = tuple(rule_of[number] for number in forms)
        self.segments = tuple(
            _Segment(plane.first_place, tuple(_ascending(self.rules[plane.first_place :][: plane.conditions])))
            for plane in block.planes
        )
        self.fallible = set_of(place for place, form in enumerate(block.forms) if form.fallible)
        kinds: dict[tuple[Mode, frozenset[str], bool, int], list[int]] = {}
        for place, number in enumerate(self.rules):
            if number >= 0:
                rule = rules[number]
                kinds.setdefault((rule.mode, rule.on, rule.stop, rule.canary), []).append(place)
        self._sets = [(kind, set_of(places)) for kind, places in kinds.items()]
        self._scopes: dict[tuple[str, int | None], _Scope] = {}

    def scope(self, on: str, bucket: int | None) -> _Scope:
        """Return who is asked on the trigger `on` in a canary bucket."""
        known = self._scopes.get((on, bucket))
        if known is not None:
            return known
        live = shadow = stops = 0
        for (mode, triggers, stop, canary), places in self._sets:
            if mode is Mode.DRAFT or on not in triggers:
                continue
            if mode is Mode.LIVE and (canary >= EVERYBODY or (bucket is not None and bucket < canary)):
                live |= places
                stops |= places if stop else 0
            else:
                shadow |= places
        scope = self._scopes[on, bucket] = _Scope(live, shadow, stops)
        return scope

    def up_to(self, last: int) -> int:
        """Return the places of the rules up to the rule `last`."""
        found = 0
        for first_place, rules in self.segments:
            found |= ((1 << bisect_right(rules, last)) - 1) << first_place
        return found

    def first_of(self, places: int) -> int | None:
        """Return the first rule of those at `places`."""
        least: int | None = None
        for first_place, rules in self.segments:
            here = places >> first_place & ((1 << len(rules)) - 1)
            if here and (least is None or self.rules[first_place + first(here)] < least):
                least = self.rules[first_place + first(here)]
        return least


class MatcherReached:
    """What came of asking every rule down to the one that stopped; what is unknown is worked out when it is read."""

    __slots__ = ("_facts", "_matcher", "_now", "_unknown", "matched", "shadow", "stopped_by")

    def __init__(
        self,
        matcher: "Matcher",
        facts: Facts,
        now: datetime,
        found: tuple[list[int], list[int], int | None, list[tuple[_Placed, int, int]]],
    ) -> None:
        self._matcher = matcher
        self._facts = facts
        self._now = now
        self.matched, self.shadow, self.stopped_by, self._unknown = found

    @property
    def unknown_count(self) -> int:
        """Return how many live rules were unknown."""
        return sum(unknown.bit_count() for _, unknown, _ in self._unknown)

    def unknown(self) -> list[int]:
        """Return the live rules that were unknown, in order."""
        found = [placed.rules[place] for placed, unknown, _ in self._unknown for place in members(unknown)]
        found.sort()
        return found

    def missing(self) -> list[tuple[int, tuple[str, ...]]]:
        """Return each live rule that was unknown with the facts that had no value, in order."""
        found: list[tuple[int, tuple[str, ...]]] = []
        absent: dict[str, bool] = {}
        values, now = self._facts.values, self._now
        is_peculiar = self._matcher.is_peculiar(self._facts)
        for placed, unknown, odd in self._unknown:
            for place in members(unknown):
                number, form = placed.rules[place], placed.block.forms[place]
                if form.missing is None or is_peculiar or odd >> place & 1:
                    found.append((number, self._matcher.judge(number, self._facts, now).unknown))
                    continue
                for name, source in form.missing:
                    if name not in absent:
                        absent[name] = source.read(values, now) is None
                found.append((number, tuple([name for name, _ in form.missing if absent[name]])))
        found.sort()
        return found

    def errors(self) -> list[tuple[int, EvaluationError]]:
        """Return what went wrong in live rules that were unknown, in order."""
        found: list[tuple[int, EvaluationError]] = []
        if not self.unknown_count:
            return found
        known = set(self._facts.values)
        is_peculiar = self._matcher.is_peculiar(self._facts)
        for placed, unknown, odd in self._unknown:
            for place in members(unknown if is_peculiar else unknown & (placed.fallible | odd)):
                form = placed.block.forms[place]
                if is_peculiar or odd >> place & 1 or any(needs <= known for needs in form.fallible):
                    number = placed.rules[place]
                    verdict = self._matcher.judge(number, self._facts, self._now)
                    found.extend((number, error) for error in verdict.errors)
        found.sort(key=lambda one: one[0])
        return found


class Matcher:
    """Judges all rules of a ruleset at once. Threads may share it."""

    def __init__(self, rules: Sequence[CompiledRule], forms: Sequence[Form], previous: "Matcher | None" = None) -> None:
        """Index `rules`, each with its form; what `previous` has indexed already is taken from there."""
        self._rules = tuple(rules)
        kept = None if previous is None else _kept(previous, forms)
        if previous is None or kept is None:
            self._base_forms = tuple(forms)
            self._base_block = Block(self._base_forms)
            base = _Placed(self._base_block, self._base_block.order, range(len(forms)), self._rules)
            self._placed: tuple[_Placed, ...] = (base,)
            self._types = {name: type_ for form in forms for name, type_ in form.facts.items()}
            return
        self._base_forms = previous._base_forms  # noqa: SLF001  # the same class
        self._base_block = previous._base_block  # noqa: SLF001
        base = _Placed(self._base_block, self._base_block.order, kept, self._rules)
        taken = set(kept)
        changed = [number for number in range(len(forms)) if number not in taken]
        block = Block([forms[number] for number in changed])
        self._placed = (base, _Placed(block, block.order, changed, self._rules))
        self._types = previous._types | {  # noqa: SLF001  # the same class
            name: type_ for number in changed for name, type_ in forms[number].facts.items()
        }

    def reach(self, facts: Facts, now: datetime, on: str, bucket: int | None) -> MatcherReached:
        """Ask the rules that listen to `on`, from the first down to one that stops."""
        judged = [(placed, placed.scope(on, bucket), self._verdicts(placed, facts, now)) for placed in self._placed]
        stopped: int | None = None
        for placed, scope, verdicts in judged:
            if stops := verdicts.true & scope.stops:
                candidate = placed.first_of(stops)
                if candidate is not None and (stopped is None or candidate < stopped):
                    stopped = candidate
        matched: list[int] = []
        shadow: list[int] = []
        unknown = []
        for placed, scope, verdicts in judged:
            reached = -1 if stopped is None else placed.up_to(stopped)
            rules = placed.rules
            matched += [rules[place] for place in members(verdicts.true & scope.live & reached)]
            if found := verdicts.true & scope.shadow & reached:
                shadow += [rules[place] for place in members(found)]
            unknown.append((placed, verdicts.unknown & scope.live & reached, verdicts.odd))
        matched.sort()
        shadow.sort()
        return MatcherReached(self, facts, now, (matched, shadow, stopped, unknown))

    def judge(self, number: int, facts: Facts, now: datetime) -> Verdict:
        """Return the verdict of one rule's own condition; never raise."""
        try:
            return self._rules[number].condition.evaluate(facts, now)
        except Exception as fault:  # noqa: BLE001  # a rule cannot hurt the service, not even through our own bug
            message = f"the condition could not be evaluated ({type(fault).__name__})"
            return Verdict(result=None, errors=(EvaluationError(code="internal", message=message),))

    def is_peculiar(self, facts: Facts) -> bool:
        """Return whether a value that rules read is not of its fact's type, so that anything may go wrong."""
        types = self._types
        return not all(is_as_declared(value, types[name]) for name, value in facts.values.items() if name in types)

    @property
    def blocks(self) -> tuple[Block, ...]:
        """Return the large block and, if rules changed since it was built, the small one."""
        return tuple(placed.block for placed in self._placed)

    @property
    def compiled(self) -> int:
        """Return how many rules run without the interpreter."""
        return sum(
            number >= 0 and form.is_compiled
            for placed in self._placed
            for number, form in zip(placed.rules, placed.block.forms, strict=True)
        )

    def _verdicts(self, placed: _Placed, facts: Facts, now: datetime) -> Verdicts:
        try:
            verdicts = placed.block.match(facts.values, now)
        except Exception:  # noqa: BLE001  # our own bug must not stop the service: judge each rule by itself
            verdicts = Verdicts(0, 0, (1 << len(placed.rules)) - 1)
        return self._by_themselves(placed, verdicts, facts, now) if verdicts.odd else verdicts

    def _by_themselves(self, placed: _Placed, verdicts: Verdicts, facts: Facts, now: datetime) -> Verdicts:
        """Return the verdicts with those of odd conditions, each judged by itself."""
        true, unknown, odd = verdicts
        true, unknown = true & ~odd, unknown & ~odd
        for place in members(odd):
            if placed.rules[place] < 0:
                continue
            result = self.judge(placed.rules[place], facts, now).result
            true |= (result is True) << place
            unknown |= (result is None) << place
        return Verdicts(true, unknown, odd)


def _ascending(rules: Sequence[int]) -> list[int]:
    """Return rules in order, the gaps of struck ones (-1) filled with the rule before."""
    filled, last = [], -1
    for number in rules:
        last = max(last, number)
        filled.append(last)
    return filled


def _kept(previous: Matcher, forms: Sequence[Form]) -> list[int] | None:
    """Return, for each form of the large block, its place among `forms` or -1; None if too many changed."""
    old = previous._base_forms  # noqa: SLF001  # the same class
    shortest = min(len(old), len(forms))
    head = 0
    while head < shortest and old[head] is forms[head]:
        head += 1
    tail = 0
    while tail < shortest - head and old[-1 - tail] is forms[-1 - tail]:
        tail += 1
    kept = [*range(head), *[-1] * (len(old) - head - tail), *range(len(forms) - tail, len(forms))]
    if len(old) == len(forms):
        for number in range(head, len(old) - tail):
            if old[number] is forms[number]:
                kept[number] = number
    new = len(forms) - sum(number >= 0 for number in kept)
    return None if new > min(MOST_CHANGED, len(forms) // 2) else kept

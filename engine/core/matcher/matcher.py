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
from engine.core.matcher.missing import Lister
from engine.core.ruleset import CompiledRule, EvaluationError, Mode, Verdict

EVERYBODY = 100
HEAD = 512
"""So many rules are asked first, by themselves, where one of them may stop the check: then the others cost nothing."""
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
        self.rule_at = self.rules.__getitem__
        self.scopes: dict[tuple[str, int | None], _Scope] = {}

    def scope(self, on: str, bucket: int | None) -> _Scope:
        """Return who is asked on the trigger `on` in a canary bucket."""
        known = self.scopes.get((on, bucket))
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
        scope = self.scopes[on, bucket] = _Scope(live, shadow, stops)
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


_Judged = tuple[_Placed, _Scope, Verdicts]


class _Part(NamedTuple):
    """What came of one block: sets of places."""

    placed: _Placed
    matched: int
    shadow: int
    unknown: int
    odd: int


class MatcherReached:
    """What came of asking every rule down to the one that stopped; sets, until somebody reads them."""

    __slots__ = ("_facts", "_matcher", "_now", "_parts", "stopped_by")

    def __init__(
        self, matcher: "Matcher", facts: Facts, now: datetime, parts: Sequence[_Part], stopped_by: int | None
    ) -> None:
        self._matcher = matcher
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
        is_peculiar = self._matcher.is_peculiar(self._facts)
        for placed, _, _, unknown, odd in self._parts:
            for place in members(unknown):
                number, form = placed.rules[place], placed.block.forms[place]
                names = None if is_peculiar or odd >> place & 1 else lister.missing(form)
                if names is None:
                    names = self._matcher.judge(number, self._facts, self._now).unknown
                found.append((number, names))
        found.sort()
        return found

    def errors(self) -> list[tuple[int, EvaluationError]]:
        """Return what went wrong in live rules that were unknown, in order."""
        found: list[tuple[int, EvaluationError]] = []
        if not self.unknown_count:
            return found
        known = set(self._facts.values)
        is_peculiar = self._matcher.is_peculiar(self._facts)
        for placed, _, _, unknown, odd in self._parts:
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
        self._head = _head(self._rules, forms)
        kept = None if previous is None else _kept(previous, forms)
        if previous is None or kept is None:
            self._base_forms = tuple(forms)
            self._base_block = Block(self._base_forms)
            base = _Placed(self._base_block, self._base_block.order, range(len(forms)), self._rules)
            self._placed: tuple[_Placed, ...] = (base,)
            self._only: _Placed | None = base if self._head is None else None
            self._types = {name: type_ for form in forms for name, type_ in form.facts.items()}
            return
        self._base_forms = previous._base_forms  # noqa: SLF001  # the same class
        self._base_block = previous._base_block  # noqa: SLF001
        base = _Placed(self._base_block, self._base_block.order, kept, self._rules)
        self._only = None
        taken = set(kept)
        changed = [number for number in range(len(forms)) if number not in taken]
        block = Block([forms[number] for number in changed])
        self._placed = (base, _Placed(block, block.order, changed, self._rules))
        self._types = previous._types | {  # noqa: SLF001  # the same class
            name: type_ for number in changed for name, type_ in forms[number].facts.items()
        }

    def reach(self, facts: Facts, now: datetime, on: str, bucket: int | None) -> MatcherReached:
        """Ask the rules that listen to `on`, from the first down to one that stops."""
        only = self._only
        if only is not None:  # the commonest: one block
            scope = only.scopes.get((on, bucket)) or only.scope(on, bucket)
            true, unknown, odd = self._verdicts(only, facts, now)
            if not true & scope.stops:
                part = _Part(only, true & scope.live, true & scope.shadow, unknown & scope.live, odd)
                return MatcherReached(self, facts, now, (part,), None)
        judged = self._judge_head(facts, now, on, bucket)
        if judged is None:
            judged = [(placed, placed.scope(on, bucket), self._verdicts(placed, facts, now)) for placed in self._placed]
        stopped = _first_stop(judged)
        parts = []
        for placed, scope, (true, unknown, odd) in judged:
            asked = -1 if stopped is None else placed.up_to(stopped)
            live = scope.live & asked
            parts.append(_Part(placed, true & live, true & scope.shadow & asked, unknown & live, odd))
        return MatcherReached(self, facts, now, parts, stopped)

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

    def _judge_head(self, facts: Facts, now: datetime, on: str, bucket: int | None) -> list[_Judged] | None:
        """Judge the first rules alone; return None if none of them stops, so that all must be asked."""
        if self._head is None:
            return None
        scope = self._head.scope(on, bucket)
        if not scope.stops:
            return None
        verdicts = self._verdicts(self._head, facts, now)
        return [(self._head, scope, verdicts)] if verdicts[0] & scope.stops else None

    def _verdicts(self, placed: _Placed, facts: Facts, now: datetime) -> Verdicts:
        try:
            verdicts = placed.block.match(facts.values, now)
        except Exception:  # noqa: BLE001  # our own bug must not stop the service: judge each rule by itself
            verdicts = (0, 0, (1 << len(placed.rules)) - 1)
        return self._by_themselves(placed, verdicts, facts, now) if verdicts[2] else verdicts

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
        return true, unknown, odd


def _head(rules: Sequence[CompiledRule], forms: Sequence[Form]) -> _Placed | None:
    """Return the first rules indexed by themselves, if some of them stop and there are many more."""
    if len(rules) < 2 * HEAD or not any(rule.stop and rule.mode is Mode.LIVE for rule in rules[:HEAD]):
        return None
    block = Block(forms[:HEAD])
    return _Placed(block, block.order, range(HEAD), rules)


def _first_stop(judged: Sequence[_Judged]) -> int | None:
    """Return the first rule that stops the check."""
    stopped: int | None = None
    for placed, scope, verdicts in judged:
        if stops := verdicts[0] & scope.stops:
            candidate = placed.first_of(stops)
            if candidate is not None and (stopped is None or candidate < stopped):
                stopped = candidate
    return stopped


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

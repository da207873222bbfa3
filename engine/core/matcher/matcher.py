"""The matcher of a ruleset: a head that is scanned, a block of all rules, a small one of those that changed since.

Changing one rule of 10,000 does not build the large block anew: the rule is struck from it and judged in the small
one (the idea of a log-structured merge: O'Neil et al., "The log-structured merge-tree", 1996). When the small block
has grown, both are built into one.

`reach` is what a decision needs: which rules act, which are shadow, which one stopped, and, kept as sets until somebody
reads them, which are unknown.
"""

from collections.abc import Sequence
from datetime import datetime

from engine.core.facts import Facts
from engine.core.matcher.bits import members
from engine.core.matcher.block import Block, Verdicts
from engine.core.matcher.clauses import Form, is_as_declared
from engine.core.matcher.head import Head
from engine.core.matcher.placed import Placed, Scope
from engine.core.matcher.reached import Judged, MatcherReached
from engine.core.ruleset import CompiledRule, EvaluationError, Reached, Verdict

MOST_CHANGED = 256
"""How many rules the small block holds before everything is built anew."""
WINDOWS = (1024, 4096)
"""Where rules may stop the check, the first so many are judged before the next."""


class Matcher:
    """Judges all rules of a ruleset at once. Threads may share it."""

    def __init__(
        self,
        rules: Sequence[CompiledRule],
        forms: Sequence[Form],
        previous: "Matcher | None" = None,
        windows: Sequence[int] = WINDOWS,
    ) -> None:
        """Index `rules`, each with its form; what `previous` has indexed already is taken from there."""
        self._rules = tuple(rules)
        before = None if previous is None else previous._head  # noqa: SLF001  # the same class
        self._head: Head = Head(self._rules, forms, before)
        kept = None if previous is None else _kept(previous, forms)
        if previous is None or kept is None:
            self._base_forms = tuple(forms)
            self._base_block = Block(self._base_forms, windows if any(rule.stop for rule in self._rules) else ())
            base = Placed(self._base_block, self._base_block.order, range(len(forms)), self._rules)
            self._placed: tuple[Placed, ...] = (base,)
            self._asked: tuple[Placed, ...] = self._placed
            self._types = {name: type_ for form in forms for name, type_ in form.facts.items()}
            return
        self._base_forms = previous._base_forms  # noqa: SLF001  # the same class
        self._base_block = previous._base_block  # noqa: SLF001  # the same class
        base = Placed(self._base_block, self._base_block.order, kept, self._rules)
        taken = set(kept)
        changed = [number for number in range(len(forms)) if number not in taken]
        block = Block([forms[number] for number in changed])
        self._placed = (base, Placed(block, block.order, changed, self._rules))
        self._asked = self._placed[::-1]  # where the small one stops, less of the large one is asked
        self._types = previous._types | {  # noqa: SLF001  # the same class
            name: type_ for number in changed for name, type_ in forms[number].facts.items()
        }

    def reach(self, facts: Facts, now: datetime, on: str, bucket: int | None) -> Reached:
        """Ask the rules that listen to `on`, from the first down to one that stops."""
        scanned = self._head.reach(facts, now, on, bucket)
        if scanned is not None:
            return scanned
        judged: list[Judged] = []
        stopped: int | None = None
        for placed in self._asked:
            scope = placed.scopes.get((on, bucket)) or placed.scope(on, bucket)
            verdicts, stopped = self._verdicts(placed, scope, stopped, facts, now)
            judged.append((placed, scope, verdicts))
        return MatcherReached(self, facts, now, judged, stopped)

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

    def _verdicts(
        self, placed: Placed, scope: Scope, stopped: int | None, facts: Facts, now: datetime
    ) -> tuple[Verdicts, int | None]:
        """Return the verdicts on a block, and the first rule that stops; `stopped` did so in another block.

        Where rules may stop, windows further down than one that did are not asked.
        """
        block = placed.block
        if not scope.stops and stopped is None:
            return self._whole(placed, facts, now), None
        true = unknown = odd = 0
        try:
            for number, verdicts in enumerate(block.judge(facts.values, now, block.windows)):
                one = self._by_themselves(placed, verdicts, facts, now) if verdicts[2] else verdicts
                true, unknown, odd = true | one[0], unknown | one[1], odd | one[2]
                if stops := one[0] & scope.stops:
                    return (true, unknown, odd), placed.first_of(stops, number, stopped)
                if stopped is not None and stopped <= placed.ends[number]:
                    break
        except Exception:  # noqa: BLE001  # our own bug must not stop the service: judge each rule by itself
            true, unknown, odd = self._by_themselves(placed, (0, 0, placed.every), facts, now)
            stopped = placed.first_of(true & scope.stops, None, stopped)
        return (true, unknown, odd), stopped

    def _whole(self, placed: Placed, facts: Facts, now: datetime) -> Verdicts:
        """Return the verdicts on a block none of whose rules stops."""
        try:
            (verdicts,) = placed.block.judge(facts.values, now, placed.block.whole)
        except Exception:  # noqa: BLE001  # as above
            verdicts = (0, 0, placed.every)
        return self._by_themselves(placed, verdicts, facts, now) if verdicts[2] else verdicts

    def _by_themselves(self, placed: Placed, verdicts: Verdicts, facts: Facts, now: datetime) -> Verdicts:
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

"""Facts for a box: a value for each variable, tried by the interpreter before anybody is told.

What no value can be read off for (`mrr / quantity`, a regular expression) is tried with values that the rules name;
an example that does not hold is never given.
"""

import itertools
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from engine.core.facts import Facts, FactType, FactValue, JsonValue, to_json
from rules.analysis.lines import middle
from rules.analysis.model import RuleModel, RulesetModel
from rules.analysis.search import Box
from rules.analysis.spaces import Line, Variable
from rules.interpret import InterpretedCondition
from rules.tree import Fact, Item, Literal, Membership, Node

MOST_TRIES = 300
_MOST_CELLS = 40
_MOST_VALUES = 6

Wanted = Callable[[Facts], bool]


class Examples:
    """Makes examples for one ruleset at one instant."""

    def __init__(self, model: RulesetModel, now: datetime) -> None:
        self._model = model
        self._now = now

    def result(self, rule: RuleModel, facts: Facts) -> bool | None:
        """Return what the interpreter makes of a rule's condition."""
        condition = InterpretedCondition(tree=rule.rule.tree, zone=self._model.zone)
        return condition.evaluate(facts, self._now).result

    def find(self, box: Box, wanted: Wanted) -> Mapping[str, JsonValue] | None:
        """Return facts in `box` for which `wanted` holds, or None if none were found."""
        base = self._values(box)
        for values in self._variations(box, base):
            facts = Facts(as_of=self._now, values=values)
            if wanted(facts):
                return {name: to_json(value) for name, value in sorted(values.items())}
        return None

    def _values(self, box: Box) -> dict[str, FactValue]:
        values: dict[str, Any] = {}
        space = self._model.space
        for number, cells in box.items():
            variable = space.variables[number]
            if variable.fact is None or not cells & space.known[number]:
                continue
            if variable.line is Line.OTHER:
                values[variable.fact] = self._collected(variable, box)
            else:
                value = next(self._choices(variable, cells, box), None)
                if value is not None:
                    values[variable.fact] = value
        return values

    def _choices(self, variable: Variable, cells: int, box: Box) -> Iterator[Any]:
        """Yield values of the cells; what the catalog promises first, and for texts those that answer as wanted."""
        declared = variable.mask(variable.declared)
        preferred = [cells & declared, cells & ~declared] if declared else [cells]
        asked = [one for one in self._model.space.variables if one.text is variable and one.number in box]
        for part in preferred:
            for value in itertools.islice(values_in(variable, part & ~1), _MOST_CELLS):
                if not asked:
                    yield value
                else:
                    yield from self._answering(variable, cells, value, asked, box)

    @staticmethod
    def _answering(variable: Variable, cells: int, base: str, asked: list[Variable], box: Box) -> Iterator[str]:
        needles = [
            one.predicate.needle for one in asked if one.predicate and box[one.number] == one.mask_of_truth(truth=True)
        ]
        for text in (base, base + " ".join(needles), base + " " + " ".join(needles), " ".join(needles) + base):
            fits = variable.cell_of(text) & cells
            if fits and all(box[one.number] & one.mask_of_truth(truth=one.asks(text)) for one in asked):
                yield text

    def _collected(self, variable: Variable, box: Box) -> Any:
        """Return the list or the object that the questions about it in `box` ask for."""
        members: list[str] = []
        entries: dict[str, Any] = {}
        for number, cells in box.items():
            other = self._model.space.variables[number]
            node = other.node
            if isinstance(node, Membership) and _fact_name(node.right) == variable.fact:
                wanted = node.left.value if isinstance(node.left, Literal) else None
                if isinstance(wanted, str) and cells == other.mask_of_truth(truth=True):
                    members.append(wanted)
                    entries.setdefault(wanted, "x")
            elif isinstance(node, Item) and other.line is Line.JSON and isinstance(node.key, Literal):
                place = next(values_in(other, cells & ~1), None)
                if place is not None and isinstance(node.key.value, str):
                    entries[node.key.value] = to_json(place[1])
        spec = variable.node.spec if isinstance(variable.node, Fact) else None
        is_mapping = spec is not None and spec.type is FactType.MAPPING
        return entries if is_mapping else tuple(members)

    def _variations(self, box: Box, base: dict[str, Any]) -> Iterator[dict[str, Any]]:
        yield base
        space = self._model.space
        derived = [space.variables[n] for n in box if space.variables[n].fact is None]
        needed = {n for one in derived for n in (*one.needs, *(side.number for side in one.sides or ()))}
        loose = [space.variables[n] for n in sorted(needed) if space.variables[n].fact is not None]
        if not loose:
            return
        choices = [list(self._loose_values(one, box)) for one in loose]
        for combination in itertools.islice(itertools.product(*choices), MOST_TRIES):
            yield {**base, **{str(one.fact): value for one, value in zip(loose, combination, strict=True)}}

    def _loose_values(self, variable: Variable, box: Box) -> Iterator[Any]:
        cells = box.get(variable.number) or self._model.space.known[variable.number]
        if variable.line is Line.OTHER:
            yield self._collected(variable, box)
            return
        yield from itertools.islice(self._choices(variable, cells, {}), _MOST_VALUES)


def _fact_name(node: Node) -> str | None:
    return node.spec.name if isinstance(node, Fact) and node.spec is not None else None


def values_in(variable: Variable, cells: int) -> Iterator[Any]:
    """Yield a value of each cell that has one, points first since they are what rules name."""
    numbers = [number for number in range(1, cells.bit_length()) if cells >> number & 1][: 4 * _MOST_CELLS]
    for number in sorted(numbers, key=lambda one: one % 2):
        stretch = variable.ends(number)
        if stretch.low_in and stretch.low == stretch.high:
            if not (variable.line is Line.JSON and len(stretch.low) == 1):
                yield stretch.low
            continue
        value = middle(variable.line, stretch.low, stretch.high)
        if value is not None:
            yield value

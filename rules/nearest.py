"""The nearest change: what would have to be otherwise for a condition that is false to be true.

Laws of this module
- Fewest facts first, then the smallest distance: of amounts and counts relative to what they are, of
  instants in months; between texts and truth values every change is as far as any other.
- Nothing is said that isn't so. A change is a stretch of values, read off the condition's formula, in which the
  condition is true while all else stays; before it is shown the interpreter tries it.
- Bounded: past its limits nothing is said.
"""

import itertools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from typing import Any

from engine.core.facts import Facts, JsonValue
from rules.analysis.formulas import Formula
from rules.analysis.lines import on_line
from rules.analysis.search import Box, boxes
from rules.analysis.spaces import UNKNOWN_CELL, Line, Space, Variable
from rules.analysis.stretches import Stretch, nearest_stretch
from rules.analysis.subjects import cell_now, derived_of, leans_on, restored, subject_of, witnesses
from rules.constants import varying_parts
from rules.interpret import Evaluation
from rules.inverse import IsolatingLowering
from rules.kinds import Type, infer
from rules.tree import Fact, Node, walk
from rules.values import UNKNOWN, Unknown
from rules.wording import question, said, sentence, shown, unknown_words

MOST_FACTS = 3
"""A change of more facts than these helps nobody."""
MOST_BOXES = 128
MOST_TRIED = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What one fact would have to be."""

    fact: str
    """Its name, or `attributes["tier"]`."""
    about: str
    """What of it the condition reads: the fact itself, or `subject.length`."""
    wanted: str
    """In words: `were above 1,000`."""
    value: Any
    """A value that does it, as conditions see it; None for no value."""
    distance: float
    current: str
    """What it is, in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Nearest:
    """The nearest change that makes a condition true."""

    changes: tuple[Change, ...]

    @property
    def text(self) -> str:
        """Return the change as a sentence: `would match if mrr were above 1,000; it is 940.00`."""
        return sentence([(one.about, one.wanted, one.current) for one in self.changes])

    def to_json(self) -> dict[str, JsonValue]:
        """Return the change as a trace shows it."""
        return {
            "text": self.text,
            "changes": [{"fact": one.fact, "wanted": one.wanted, "current": one.current} for one in self.changes],
        }


def nearest_change(
    tree: Node, facts: Facts, *, now: datetime, zone: tzinfo, currency: str | None = None
) -> Nearest | None:
    """Return the nearest change that makes the condition `tree` true, or None if it isn't false or none was found.

    `currency` is the one that amounts are in.
    """
    nodes = tuple(walk(tree))
    evaluation = Evaluation(facts, now, zone)
    if evaluation.truth(tree) is not False:
        return None
    seeker = _Seeker(tree, nodes, infer(tree), evaluation, currency)
    names = dict.fromkeys(node.spec.name for node in nodes if isinstance(node, Fact) and node.spec is not None)
    singles = [found for name in names for found in seeker.changes(frozenset({name}), 1)]
    if singles:
        return min(singles, key=_distance)
    return min(seeker.changes(frozenset(names), MOST_FACTS), key=_distance, default=None)


def _distance(nearest: Nearest) -> tuple[int, float]:
    return len(nearest.changes), sum(one.distance for one in nearest.changes)


class _Seeker:
    """Seeks changes of one false condition."""

    def __init__(
        self,
        tree: Node,
        nodes: tuple[Node, ...],
        types: dict[int, Type],
        evaluation: Evaluation,
        currency: str | None,
    ) -> None:
        self._tree = tree
        self._nodes = nodes
        self._types = types
        self._evaluation = evaluation
        self._currency = currency
        names = (node.spec.name for node in nodes if isinstance(node, Fact) and node.spec is not None)
        self._names = tuple(dict.fromkeys(names))

    def _place(self, about: str) -> int:
        """Return where a fact appears first in the condition."""
        return self._names.index(about.partition("[")[0])

    def changes(self, free: frozenset[str], most: int) -> Iterator[Nearest]:
        """Yield changes of at most `most` of the facts in `free`, everything else staying as it is."""
        varying = varying_parts(
            self._nodes, lambda node: isinstance(node, Fact) and node.spec is not None and node.spec.name in free
        )
        space = Space()
        sketch = IsolatingLowering(space, self._types, varying, self._evaluation.value).truth(self._tree)
        space.cut()
        formula: Formula = space.formula(sketch.yes)
        for box in boxes(formula, MOST_BOXES) or ():
            found = self._change(space, box, most)
            if found is not None:
                yield found

    def _change(self, space: Space, box: Box, most: int) -> Nearest | None:
        """Return what has to change to come into `box`, if that can be said and holds."""
        subjects: dict[str, list[int]] = {}
        for number, cells in box.items():
            if not self._current(space.variables[number]) & cells:
                about = subject_of(space.variables[number])
                if about is None:
                    return None
                subjects.setdefault(about, []).append(number)
        if not 0 < len(subjects) <= most:
            return None
        changes = []
        for about in sorted(subjects, key=self._place):
            change = self._of_fact(space, box, about)
            if change is None:
                return None
            changes.append(change)
        nearest = Nearest(changes=tuple(one for one, _ in changes))
        trials = itertools.islice(itertools.product(*(values for _, values in changes)), MOST_TRIED)
        if all(self._holds(nearest, values) for values in trials):
            return nearest
        return None

    def _of_fact(self, space: Space, box: Box, about: str) -> "tuple[Change, list[Any]] | None":
        """Return the change of one fact, said in full, and values in it to try."""
        mine = [space.variables[number] for number in box if subject_of(space.variables[number]) == about]
        read = next((found for one in mine if (found := derived_of(one)) is not None), None)
        if read is not None:
            if not self._speaks_of(space, box, mine, read):
                return None
            mine = [one for one in mine if derived_of(one) is read]
        main = next((one for one in mine if one.predicate is None and one.line is not Line.BOOLEAN), None)
        main = main or next((one for one in mine if one.fact is not None), None)
        asked = [one for one in mine if one is not main]
        others = [space.variables[number] for number in box if subject_of(space.variables[number]) != about]
        if any(leans_on(one, about, [space.variables[need].fact for need in one.needs]) for one in others):
            return None
        phrases = [
            question(one.node, one.predicate, holds=box[one.number] == one.mask_of_truth(truth=True)) for one in asked
        ]
        if None in phrases:
            return None
        stretch: Stretch | None = None
        cells = 0 if main is None else self._cells(space, main, box, asked)
        if main is not None and cells:
            stretch = nearest_stretch(main, cells, self._value(main))
            phrase = None if stretch is None else said(main, stretch, self._currency)
            if stretch is None or phrase is None:
                return None
            if stretch.named:  # these texts answer as they should
                asked, phrases = [], []
            phrases.insert(0, phrase)
        now = self._evaluation.facts.get(about.partition("[")[0])
        values = witnesses(stretch, asked, box, now if read is None else self._value(read))
        if read is not None:
            values = [value for one in values if (value := restored(read.node, one, now)) is not None]
        if not values:
            return None
        change = Change(
            fact=about,
            about=about if read is None else f"{about}.{getattr(read.node, 'name', '')}",
            wanted=" and ".join(str(phrase) for phrase in phrases),
            value=values[0],
            distance=1.0 if stretch is None else stretch.distance,
            current=self._current_words(about, main if stretch is not None else None),
        )
        return change, values

    @staticmethod
    def _speaks_of(space: Space, box: Box, mine: list[Variable], read: Variable) -> bool:
        """Return whether `mine` say nothing of their fact but what `read` should be, and that it is known."""
        others = [one for one in mine if derived_of(one) is not read]
        return all(one.fact is not None and not space.known[one.number] & ~box[one.number] for one in others)

    @staticmethod
    def _cells(space: Space, main: Variable, box: Box, asked: list[Variable]) -> int:
        """Return the cells to speak of: none if the questions asked of a text say all there is to say.

        What only the questions leave out is put back, since they are told too: texts at the beginning of a stretch or
        inside it, never the one it ends before.
        """
        answering = space.known[main.number]
        for one in asked:
            if one.text is main:
                can_hold, can_fail = space.texts_of(one)
                answering &= can_hold if box[one.number] == one.mask_of_truth(truth=True) else can_fail
        if not asked:
            return box[main.number]
        if not answering & ~box[main.number]:
            return 0
        stretch = nearest_stretch(main, box[main.number], UNKNOWN)
        if stretch is not None and stretch.named:
            return box[main.number]
        return box[main.number] | (space.known[main.number] & ~answering & (box[main.number] >> 1))

    # what is

    def _value(self, variable: Variable) -> Any:
        return self._evaluation.value(variable.node)

    def _current(self, variable: Variable) -> int:
        """Return the cell a variable is in now; all of them if that can't be read off."""
        if variable.sides is not None:
            return 0
        if variable.predicate is not None and variable.text is not None:
            text = self._value(variable.text)
            if not isinstance(text, str):
                return UNKNOWN_CELL
            return variable.mask_of_truth(truth=variable.asks(text))
        value = self._value(variable)
        place = None if isinstance(value, Unknown) or variable.line is Line.OTHER else on_line(variable.line, value)
        return (
            0
            if place is None and not isinstance(value, Unknown) and variable.line is not Line.OTHER
            else cell_now(variable, value, place)
        )

    def _current_words(self, about: str, main: Variable | None) -> str:
        if main is None:
            return ""
        value = self._value(main)
        if isinstance(value, Unknown):
            return unknown_words(self._evaluation.facts.reasons.get(about))
        return shown(main, value, self._currency)

    def _holds(self, nearest: Nearest, values: tuple[Any, ...]) -> bool:
        """Return whether the condition is true with the changed values; the interpreter says so."""
        changed: dict[str, Any] = dict(self._evaluation.facts.values)
        for change, value in zip(nearest.changes, values, strict=True):
            _put(changed, change.fact, value)
        facts = replace(self._evaluation.facts, values=changed)
        return Evaluation(facts, self._evaluation.now, self._evaluation.zone).truth(self._tree) is True


def _put(values: dict[str, Any], about: str, value: Any) -> None:
    name, bracket, rest = about.partition("[")
    if bracket:
        key = json.loads(rest[:-1])
        kept = values.get(name)
        entries = dict(kept) if isinstance(kept, Mapping) else {}
        entries.pop(key, None)
        if value is not None:
            entries[key] = value
        values[name] = entries
    elif value is None:
        values.pop(name, None)
    else:
        values[name] = value

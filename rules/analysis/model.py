"""A checked ruleset as the analysis sees it: for each rule the formula of when it matches, and what it may touch."""

from dataclasses import dataclass
from functools import cached_property
from zoneinfo import ZoneInfo

from engine.core.decide import EVERYBODY
from engine.core.ruleset import Mode
from engine.core.slots import SINGLE_SLOTS, attribute_slot
from rules.analysis.formulas import Formula, Literal, Truth, negation, variables_of
from rules.analysis.lower import Lowering
from rules.analysis.search import Box, boxes
from rules.analysis.spaces import UNKNOWN_CELL, Space
from rules.check import CheckedRule, CheckedRuleset
from rules.constants import constant_value, varying_parts
from rules.kinds import infer
from rules.tree import Node, walk

MOST_BOXES = 64
"""A condition that falls apart into more boxes is left to the search."""


@dataclass(frozen=True, kw_only=True)
class RuleModel:
    """One rule that is evaluated."""

    position: int
    rule: CheckedRule
    space: Space
    matches: Formula
    """Where its condition is true."""
    fails: Formula
    """Where its condition is false."""

    @property
    def name(self) -> str:
        """Return the rule's name."""
        return self.rule.name

    @property
    def is_live(self) -> bool:
        """Return whether it acts on every conversation that it matches."""
        return self.rule.mode is Mode.LIVE and self.rule.canary >= EVERYBODY

    @property
    def stops(self) -> bool:
        """Return whether nothing below it is asked whenever it matches."""
        return self.is_live and self.rule.stop

    @cached_property
    def boxes(self) -> tuple[Box, ...] | None:
        """The boxes that together are where it matches; None if they are too many."""
        found = boxes(self.matches, MOST_BOXES)
        return None if found is None else tuple(found)

    @cached_property
    def misses(self) -> Formula:
        """Where its condition is not true: false or unknown."""
        return negation(self.matches, self.space.universes)

    @cached_property
    def variables(self) -> frozenset[int]:
        """The variables that decide whether it matches."""
        return variables_of(self.matches)

    @cached_property
    def hull(self) -> Box | None:
        """For each variable the cells in which the rule can match at all; the same for equal conditions."""
        if self.boxes is None:
            return None
        hull: Box = {}
        for variable in self.variables:
            cells = 0
            for box in self.boxes:
                cells |= box.get(variable, self.space.universes[variable])
            if cells != self.space.universes[variable]:
                hull[variable] = cells
        return hull

    def matches_in(self, variable: int) -> int:
        """Return the cells of one variable in which the rule may match."""
        every_cell = self.space.universes[variable]
        return every_cell if self.hull is None else self.hull.get(variable, every_cell)

    @cached_property
    def slots(self) -> dict[str, object]:
        """The slots it sets, with what it sets them to."""
        actions = self.rule.actions
        found = {slot: getattr(actions, slot) for slot in SINGLE_SLOTS if getattr(actions, slot) is not None}
        found.update((attribute_slot(key), value) for key, value in actions.set_attributes.items())
        return found

    def all_known(self) -> list[Formula]:
        """Return that every fact the condition hangs on is known."""
        return known_literals(self.space, self.variables)


@dataclass(frozen=True, slots=True, kw_only=True)
class RulesetModel:
    """The rules that are evaluated, in order, over one space."""

    checked: CheckedRuleset
    space: Space
    rules: tuple[RuleModel, ...]

    @property
    def zone(self) -> ZoneInfo:
        """Return the ruleset's time zone."""
        return ZoneInfo(self.checked.timezone)


def known_literals(space: Space, variables: frozenset[int]) -> list[Formula]:
    """Return that each of `variables` that may be unknown is known."""

    return [
        Literal(number, space.known[number])
        for number in variables
        if space.universes[number] & UNKNOWN_CELL and space.variables[number].fact is not None
    ]


def model_of(checked: CheckedRuleset) -> RulesetModel:
    """Return the model of a ruleset; drafts, which are not evaluated, are left out."""
    space = Space()
    zone = ZoneInfo(checked.timezone)
    evaluated = [(at, rule) for at, rule in enumerate(checked.rules) if rule.mode is not Mode.DRAFT]
    sketches = [sketch_of(rule.tree, space, zone) for _, rule in evaluated]
    space.cut()
    return RulesetModel(
        checked=checked,
        space=space,
        rules=tuple(
            RuleModel(
                position=at,
                rule=rule,
                space=space,
                matches=space.formula(truth.yes),
                fails=space.formula(truth.no),
            )
            for (at, rule), truth in zip(evaluated, sketches, strict=True)
        ),
    )


def sketch_of(tree: Node, space: Space, zone: ZoneInfo) -> Truth:
    """Return when the condition `tree` is true and when it is false, with its variables in `space`."""
    nodes = tuple(walk(tree))
    lowering = Lowering(space, infer(tree), varying_parts(nodes), lambda node: constant_value(node, zone))
    return lowering.truth(tree)

"""Formulas of the analysis against the interpreter: what is said to be possible or impossible is."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from engine.core.facts import Facts
from rules.analysis.formulas import Formula, Literal, point
from rules.analysis.lines import on_line
from rules.analysis.model import sketch_of
from rules.analysis.search import Search
from rules.analysis.spaces import UNKNOWN_CELL, Line, Space, Variable
from rules.interpret import Evaluation
from rules.tree import Arithmetic, Node, walk
from rules.values import Unknown
from tests.unit.rules import fact_generator, generator
from tests.unit.rules.choices import SeededChoices
from tests.unit.rules.facts import check

UTC_ZONE = ZoneInfo("UTC")


@pytest.mark.parametrize("seed", range(8))
def test_a_formula_allows_what_the_interpreter_says(seed: int) -> None:
    """For facts where a condition is true, false or unknown, the formulas hold, and can't hold, accordingly."""
    for number in range(40):
        assert_sound(seed * 1000 + number)


def assert_sound(seed: int) -> None:
    """Compare one generated condition over several sets of facts; shared with the long proof."""
    text = generator.condition(SeededChoices(seed), generator.Grammar(depth=seed % 4))
    tree = check(text).tree
    if tree is None:
        return
    space = Space()
    sketch = sketch_of(tree, space, UTC_ZONE)
    space.cut()
    yes, no = space.formula(sketch.yes), space.formula(sketch.no)
    for known in (100, 80, 30):
        facts = fact_generator.facts(SeededChoices(seed * 7 + known), known=known)
        _compare(text, tree, (yes, no), space, facts)


def _compare(text: str, tree: Node, formulas: tuple[Formula, Formula], space: Space, facts: Facts) -> None:
    evaluation = Evaluation(facts, fact_generator.NOW, UTC_ZONE)
    if any(_leaves_the_calendar(node, evaluation) for node in walk(tree)):
        return  # the analysis takes instants to lie far from its ends
    result = evaluation.truth(tree)
    cells = [literal for variable in space.variables if (literal := _cell(variable, evaluation)) is not None]
    search = Search(space.universes, 50_000)
    for formula, expected in zip(formulas, (result is True, result is False), strict=True):
        if len(cells) == len(space.variables):
            assert (search.find([*cells, formula]) is not None) is expected, (text, dict(facts.values))
        elif expected:
            assert search.find([*cells, formula]) is not None, (text, dict(facts.values))


def _leaves_the_calendar(node: Node, evaluation: Evaluation) -> bool:
    """Return whether an instant is moved to where there are none any more."""
    if not isinstance(node, Arithmetic) or not isinstance(evaluation.value(node), Unknown):
        return False
    sides = [evaluation.value(side) for side in node.children]
    return not any(isinstance(side, Unknown) for side in sides) and any(isinstance(side, datetime) for side in sides)


def _cell(variable: Variable, evaluation: Evaluation) -> Literal | None:  # noqa: PLR0911  # one line for each kind
    """Return where a variable stands for these facts, or None if that can't be read off one part of the tree."""
    if variable.sides is not None:
        one, other = (evaluation.value(side.node) for side in variable.sides)
        if isinstance(one, Unknown) or isinstance(other, Unknown):
            return Literal(variable.number, UNKNOWN_CELL)
        if variable.sides[0].line is Line.INSTANT:
            return Literal(variable.number, variable.cell_of(one - other))
        return Literal(variable.number, variable.cell_of((one > other) - (one < other)))
    if variable.predicate is not None and variable.text is not None:
        value = evaluation.value(variable.text.node)
        if not isinstance(value, str):
            return Literal(variable.number, UNKNOWN_CELL)
        return Literal(variable.number, variable.mask([point(variable.predicate.holds(value))]))
    if variable.line is Line.BOOLEAN and variable.fact is None:
        return None
    value = evaluation.value(variable.node)
    if isinstance(value, Unknown):
        return Literal(variable.number, UNKNOWN_CELL)
    place = value if variable.line is Line.OTHER else on_line(variable.line, value)
    return Literal(variable.number, 2 if variable.line is Line.OTHER else variable.cell_of(place))

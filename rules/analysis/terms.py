"""The parts of conditions that have values, as variables: one for all places where the same thing is written."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from engine.core.facts import FactSpec, FactType
from rules.analysis.formulas import EVERYTHING, Range, point
from rules.analysis.keys import key_of, needed_facts
from rules.analysis.lines import FURTHEST, LINES
from rules.analysis.spaces import Line, Space, TextPredicate, Variable
from rules.kinds import Kind, Type
from rules.tree import Arithmetic, Attribute, Builtin, Fact, Literal, Node

_BOOLEANS = (point(False), point(True))
_ATTRIBUTE_RANGES = {
    "length": (0, None),
    "month": (1, 12),
    "day": (1, 31),
    "hour": (0, 23),
    "minute": (0, 59),
    "second": (0, 59),
    "year": (1, 9999),
}


class Terms:
    """Finds and makes the variables of one tree in a space that other trees share."""

    def __init__(self, space: Space, types: dict[int, Type]) -> None:
        self._space = space
        self._types = types

    def find(self, node: Node) -> Variable:
        """Return the variable that stands for the value of `node`."""
        key = key_of(node)
        variable = self._space.find(key)
        if variable is None:
            line = LINES.get(self._types[id(node)].kind, Line.OTHER)
            variable = self._space.add(key, line, node, **_domain(node, line))
            self._note_needs(variable, node)
        return variable

    def opaque(self, key: Any, node: Node) -> Variable:
        """Return the variable that stands for the answer to a question nobody looks into."""
        key = ("opaque", key)
        variable = self._space.find(key)
        if variable is None:
            variable = self._space.add(key, Line.BOOLEAN, node, universe=_BOOLEANS)
            self._note_needs(variable, node)
        return variable

    def asked(self, text: Variable, node: Node, predicate: TextPredicate) -> Variable:
        """Return the variable that stands for the answer to a question to a text."""
        key = ("asked", text.number, predicate.form, predicate.needle)
        variable = self._space.find(key)
        if variable is None:
            variable = self._space.add(key, Line.BOOLEAN, node, universe=_BOOLEANS, predicate=predicate, text=text)
            self._note_needs(variable, node)
        return variable

    def difference(self, left: Node, right: Node) -> tuple[Variable, bool, Any] | None:
        """Return how two parts stand to each other: the variable `one - other`, whether `left` is the other, and the
        difference at which they are equal. None for parts that are not compared so.
        """
        kind = self._types[id(left)].kind
        if kind is not self._types[id(right)].kind or LINES.get(kind) in (None, Line.JSON, Line.BOOLEAN):
            return None
        threshold: Any = Decimal(0)
        if kind is Kind.INSTANT:
            (left, more), (right, less) = _unmoved(left), _unmoved(right)
            threshold = less - more
        one, other = self.find(left), self.find(right)
        if one is other:
            return None
        is_flipped = one.number > other.number
        if is_flipped:
            one, other = other, one
        key = ("difference", one.number, other.number)
        variable = self._space.find(key)
        if variable is None:
            variable = self._space.add(key, Line.DIFFERENCE, left, sides=(one, other))
            needs = (*(self.needs(one)), *(self.needs(other)))
            variable.needs = tuple(dict.fromkeys(needs))
        return variable, is_flipped, threshold

    def needs(self, variable: Variable) -> tuple[int, ...]:
        """Return the variables without which `variable` has no value, itself if it is a fact."""
        return (variable.number,) if variable.fact is not None else variable.needs

    def _note_needs(self, variable: Variable, node: Node) -> None:
        if variable.fact is None:
            found = (self.find(fact).number for fact in needed_facts(node))
            variable.needs = tuple(dict.fromkeys(found))


def _unmoved(node: Node) -> tuple[Node, timedelta]:
    """Return what `node` is a fixed span away from, and the span."""
    if isinstance(node, Arithmetic) and node.operator in ("+", "-"):
        for base, span in ((node.left, node.right), (node.right, node.left)):
            if isinstance(span, Literal) and isinstance(span.value, timedelta) and abs(span.value.days) <= FURTHEST:
                if node.operator == "-" and span is node.left:
                    break
                inner, more = _unmoved(base)
                return inner, more + (span.value if node.operator == "+" else -span.value)
    return node, timedelta(0)


def _domain(node: Node, line: Line) -> dict[str, Any]:
    if isinstance(node, Builtin):
        return {"may_be_unknown": False}
    if isinstance(node, Fact) and node.spec is not None:
        return {"fact": node.spec.name, "universe": _universe(node.spec, line), "declared": _declared(node.spec)}
    if line is Line.BOOLEAN:
        return {"universe": _BOOLEANS}
    if isinstance(node, Attribute) and node.name in _ATTRIBUTE_RANGES:
        return {"universe": (_numbers(*_ATTRIBUTE_RANGES[node.name]),)}
    return {}


def _universe(spec: FactSpec, line: Line) -> tuple[Range, ...]:
    if line is Line.BOOLEAN:
        return _BOOLEANS
    if line is Line.TEXT and spec.closed_set is not None:
        return tuple(point(value) for value in spec.closed_set)
    return EVERYTHING


def _declared(spec: FactSpec) -> tuple[Range, ...]:
    if spec.type not in (FactType.NUMBER, FactType.MONEY):
        return EVERYTHING
    return (_numbers(spec.minimum, spec.maximum),)


def _numbers(low: int | None, high: int | None) -> Range:
    return Range(
        None if low is None else Decimal(low),
        low is not None,
        None if high is None else Decimal(high),
        high is not None,
    )

"""From the tree of a condition to two sketches: when it is true, and when it is false.

Law of this module: for every set of facts, what is sketched agrees with what the interpreter says. A part that can't
be looked into becomes a variable of its own; so what is proved to be impossible is impossible, and what is found to
be possible must be tried. (Instants are taken to lie so far from the ends of the calendar that adding a span of at
most 1,000 years stays inside it.)
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from rules import operations
from rules.analysis.formulas import (
    EVERYTHING,
    NEITHER,
    NO,
    YES,
    Holds,
    Negated,
    Range,
    Sketch,
    Truth,
    Within,
    every,
    point,
    prefix_range,
    some,
)
from rules.analysis.keys import key_of
from rules.analysis.lines import ORDERED, RANKS, on_line, opposite, ranges_of, text_predicate
from rules.analysis.spaces import Line, Space, TextPredicate, Variable
from rules.analysis.terms import Terms
from rules.kinds import Kind, Type
from rules.tree import (
    Attribute,
    Choice,
    Coalesce,
    Collection,
    Equality,
    Fact,
    Item,
    Literal,
    Logic,
    Match,
    Membership,
    Node,
    Not,
    Ordering,
    is_null,
)
from rules.values import Unknown, Value, equal, kind_of

Leaf = Callable[[Node], Truth]


class Lowering:
    """Sketches one tree; variables go into `space`.

    `varying` are the ids of the nodes that vary; `value` works the others out.
    """

    def __init__(
        self,
        space: Space,
        types: dict[int, Type],
        varying: frozenset[int],
        value: Callable[[Node], Value | Unknown],
    ) -> None:
        self._types = types
        self._varying = varying
        self._value = value
        self._terms = Terms(space, types)

    def truth(self, node: Node) -> Truth:  # noqa: C901, PLR0911  # one line for each kind of node
        """Return when `node`, a part that is true or false, is which."""
        if id(node) not in self._varying:
            return _settled(self._value(node))
        match node:
            case Logic():
                return self._logic(node)
            case Not():
                return self.truth(node.operand).swapped
            case Choice() | Coalesce():
                return self._spread(node, self.truth)
            case Equality():
                same = self._equality(node)
                return same if node.operator == "==" else same.swapped
            case Ordering():
                return self._ordering(node)
            case Membership():
                return self._spread(node.right, lambda container: self._membership(node, container))
            case Match():
                found = self._spread(node.left, lambda text: self._match(node, text))
                return found if node.operator.startswith("=") else found.swapped
            case Attribute() if node.arguments:
                return self._method(node)
            case Attribute(name="is_empty") if self._kind(node.target) is Kind.TEXT:
                return self._spread(node.target, lambda text: self._within(text, (point(""),), "is_empty"))
            case _:
                return self._boolean(node)

    # parts that are made of others

    def _logic(self, node: Logic) -> Truth:
        parts = [self.truth(operand) for operand in node.operands]
        if node.operator == "and":
            return Truth(every(*(part.yes for part in parts)), some(*(part.no for part in parts)))
        return Truth(some(*(part.yes for part in parts)), every(*(part.no for part in parts)))

    def _spread(self, node: Node, leaf: Leaf) -> Truth:
        """Return the truth of `leaf` of whatever `node` comes to: of one branch, or of what stands in for unknown."""
        if id(node) not in self._varying or not isinstance(node, Choice | Coalesce):
            return leaf(node)
        if isinstance(node, Coalesce):
            first, second = self._spread(node.left, leaf), self._spread(node.right, leaf)
            lacking = self._unknown(node.left)
            return Truth(
                some(first.yes, every(lacking, second.yes)),
                some(first.no, every(lacking, second.no)),
            )
        chosen = self.truth(node.condition)
        yes, no = self._spread(node.yes, leaf), self._spread(node.no, leaf)
        return Truth(
            some(every(chosen.yes, yes.yes), every(chosen.no, no.yes)),
            some(every(chosen.yes, yes.no), every(chosen.no, no.no)),
        )

    def _unknown(self, node: Node) -> Sketch:
        """Return when `node` has no value."""
        if id(node) not in self._varying:
            return YES if isinstance(self._value(node), Unknown) else NO
        match node:
            case Coalesce():
                return every(self._unknown(node.left), self._unknown(node.right))
            case Choice():
                chosen = self.truth(node.condition)
                return some(
                    every(Negated(chosen.yes), Negated(chosen.no)),
                    every(chosen.yes, self._unknown(node.yes)),
                    every(chosen.no, self._unknown(node.no)),
                )
            case Logic() | Not() | Equality() | Ordering() | Membership() | Match():
                truth = self.truth(node)
                return every(Negated(truth.yes), Negated(truth.no))
            case _:
                return Within(self._terms.find(node).number, (), unknown=True)

    # comparisons

    def _equality(self, node: Equality) -> Truth:
        for side, other in ((node.left, node.right), (node.right, node.left)):
            if is_null(side):
                lacking = self._unknown(other)
                return Truth(lacking, Negated(lacking))
        return self._same(node.left, node.right, node)

    def _same(self, left: Node, right: Node, whole: Node) -> Truth:
        for side, other in ((left, right), (right, left)):
            if id(side) not in self._varying:
                wanted = self._value(side)
                if isinstance(wanted, Unknown):
                    return NEITHER
                return self._spread(other, partial(self._equals, wanted=wanted, whole=whole))
        if self._kind(left) is Kind.BOOLEAN and self._kind(right) is Kind.BOOLEAN:
            one, two = self.truth(left), self.truth(right)
            return Truth(
                some(every(one.yes, two.yes), every(one.no, two.no)),
                some(every(one.yes, two.no), every(one.no, two.yes)),
            )
        return self._related(left, right, "==", whole)

    def _equals(self, term: Node, wanted: Value, whole: Node) -> Truth:
        if id(term) not in self._varying:
            return _settled(equal(self._value(term), wanted))
        if self._kind(term) is Kind.BOOLEAN and isinstance(wanted, bool):
            truth = self.truth(term)
            return truth if wanted else truth.swapped
        if isinstance(wanted, tuple | frozenset | dict) or self._kind(term) in (Kind.LIST, Kind.SET, Kind.MAPPING):
            return self._opaque(("same", key_of(term), key_of(whole)), whole)
        variable = self._terms.find(term)
        if variable.line is Line.OTHER:
            return self._opaque(("same", key_of(term), key_of(whole)), whole)
        place = on_line(variable.line, wanted)
        if place is None:  # a value of another type is known to differ
            return Truth(NO, self._known(term))
        return self._in(term, (point(place),))

    def _ordering(self, node: Ordering) -> Truth:
        for side, other, operator in (
            (node.right, node.left, node.operator),
            (node.left, node.right, opposite(node.operator)),
        ):
            if id(side) not in self._varying:
                bound = self._value(side)
                if isinstance(bound, Unknown) or kind_of(bound) not in ORDERED:
                    return NEITHER
                return self._spread(other, partial(self._compared, operator=operator, bound=bound))
        return self._related(node.left, node.right, node.operator, node)

    def _compared(self, term: Node, operator: str, bound: Value) -> Truth:
        if id(term) not in self._varying:
            value = self._value(term)
            return NEITHER if isinstance(value, Unknown) else _settled(operations.ordered(operator, value, bound))
        variable = self._terms.find(term)
        if variable.line is not Line.JSON and on_line(variable.line, bound) is None:
            return NEITHER
        return Truth(
            self._in(term, ranges_of(variable.line, operator, bound)).yes,
            self._in(term, ranges_of(variable.line, OTHERWISE[operator], bound)).yes,
        )

    def _related(self, left: Node, right: Node, operator: str, whole: Node) -> Truth:
        """Return the truth of a comparison of two parts that both vary, by how they stand to each other."""
        found = self._terms.difference(left, right)
        if found is None:
            return self._opaque((operator, key_of(left), key_of(right)), whole)
        variable, is_flipped, threshold = found
        if is_flipped:
            operator, threshold = opposite(operator), -threshold
        variable.marks.add(threshold)
        if operator == "==":
            same = Within(variable.number, (point(threshold),))
            other = Within(variable.number, (point(threshold),), inverted=True)
            return self._linked(variable, Truth(same, other))
        yes = Within(variable.number, ranges_of(Line.NUMBER, operator, threshold, plain=True))
        no = Within(variable.number, ranges_of(Line.NUMBER, OTHERWISE[operator], threshold, plain=True))
        return self._linked(variable, Truth(yes, no))

    # membership and texts

    def _membership(self, node: Membership, container: Node) -> Truth:
        if isinstance(container, Collection):
            return self._spread(node.left, lambda member: self._among(member, container))
        if id(container) not in self._varying:
            within = self._value(container)
            if isinstance(within, tuple | frozenset) and not any(isinstance(one, Unknown) for one in within):
                return self._spread(node.left, lambda member: self._one_of(member, list(within), node, lacks=False))
        needle = self._value(node.left) if id(node.left) not in self._varying else None
        if isinstance(needle, str) and self._kind(container) is Kind.TEXT and id(container) in self._varying:
            return self._asked(container, text_predicate("contains", needle))
        return self._opaque(("in", key_of(node.left), key_of(container)), node)

    def _among(self, member: Node, container: Collection) -> Truth:
        if all(id(item) not in self._varying for item in container.items):
            values = [self._value(item) for item in container.items]
            known = [value for value in values if not isinstance(value, Unknown)]
            return self._one_of(member, known, container, lacks=len(known) < len(values))
        parts = [self._same(member, item, item) for item in container.items]
        return Truth(some(*(part.yes for part in parts)), every(*(part.no for part in parts)))

    def _one_of(self, member: Node, values: list[Value], whole: Node, *, lacks: bool) -> Truth:
        if id(member) not in self._varying:
            one = self._value(member)
            found = operations.among(one, [*values, *([Unknown()] if lacks else [])])
            return _settled(found)
        kind = self._kind(member)
        if kind is Kind.BOOLEAN:
            parts = [self._equals(member, value, whole) for value in values]
            absent = every(self._known(member), *(part.no for part in parts))
            return Truth(some(*(part.yes for part in parts)), NO if lacks else absent)
        variable = self._terms.find(member)
        if variable.line is Line.OTHER or any(isinstance(value, tuple | frozenset | dict) for value in values):
            return self._opaque(("in", key_of(member), key_of(whole)), whole)
        places = [on_line(variable.line, value) for value in values]
        points = tuple(point(place) for place in places if place is not None)
        truth = self._in(member, points)
        return Truth(truth.yes, NO) if lacks else truth

    def _match(self, node: Match, text: Node) -> Truth:
        assert isinstance(node.right, Literal)
        predicate = text_predicate(node.operator[1:], str(node.right.value))
        return self._asked(text, predicate)

    def _method(self, node: Attribute) -> Truth:
        assert node.arguments is not None
        argument = self._value(node.arguments[0]) if id(node.arguments[0]) not in self._varying else None
        if isinstance(argument, str) and self._kind(node.target) is Kind.TEXT:
            predicate = text_predicate("starts" if node.name == "starts_with" else "ends", argument)
            return self._spread(node.target, lambda text: self._asked(text, predicate))
        return self._opaque(key_of(node), node)

    def _asked(self, text: Node, predicate: TextPredicate) -> Truth:
        """Return the truth of a question to a text."""
        if id(text) not in self._varying:
            value = self._value(text)
            return _settled(predicate.holds(value)) if isinstance(value, str) else NEITHER
        variable = self._terms.find(text)
        if predicate.form == "starts" and variable.line is Line.TEXT:
            return self._in(text, (prefix_range(predicate.needle),))
        asked = self._terms.asked(variable, text, predicate)
        if variable.line is not Line.TEXT:  # an attribute may be no text at all
            return self._linked(asked, _boolean(asked))
        return self._linked(
            asked, Truth(Holds(asked.number, variable.number, True), Holds(asked.number, variable.number, False))
        )

    # single variables

    def _in(self, term: Node, ranges: tuple[Range, ...], *, inverted: bool = False) -> Truth:
        variable = self._terms.find(term)
        for stretch in ranges:
            variable.marks.update(end for end in (stretch.low, stretch.high) if end is not None)
        inside = Within(variable.number, ranges, inverted=inverted)
        outside = Within(variable.number, ranges, inverted=not inverted)
        return self._linked(variable, Truth(inside, outside))

    def _within(self, term: Node, ranges: tuple[Range, ...], question: str) -> Truth:
        if id(term) not in self._varying:
            value = self._value(term)
            return NEITHER if isinstance(value, Unknown) else _settled(value == "")
        if self._terms.find(term).line is not Line.TEXT:
            return self._opaque((question, key_of(term)), term)
        return self._in(term, ranges)

    def _known(self, term: Node) -> Sketch:
        return Negated(self._unknown(term))

    def _boolean(self, node: Node) -> Truth:
        """Return the truth of a fact or another part that is true or false by itself."""
        if isinstance(node, Fact | Item) or self._kind(node) is Kind.JSON:
            variable = self._terms.find(node)
            if variable.line is Line.BOOLEAN:
                return self._linked(variable, _boolean(variable))
            if variable.line is Line.JSON:
                rank = RANKS[Kind.BOOLEAN]
                yes, no = point((rank, True)), point((rank, False))
                return Truth(self._in(node, (yes,)).yes, self._in(node, (no,)).yes)
        return self._opaque(key_of(node), node)

    def _opaque(self, key: Any, node: Node) -> Truth:
        variable = self._terms.opaque(key, node)
        return self._linked(variable, _boolean(variable))

    @staticmethod
    def _linked(variable: Variable, truth: Truth) -> Truth:
        """Return `truth`, said together with what it needs: the facts without which there is no answer."""
        if not variable.needs:
            return truth
        known = [Within(number, EVERYTHING) for number in variable.needs]
        return Truth(every(truth.yes, *known), every(truth.no, *known))

    def _kind(self, node: Node) -> Kind:
        return self._types[id(node)].kind


OTHERWISE = {"<": ">=", "<=": ">", ">": "<=", ">=": "<"}
"""What is true of two known values where a comparison is false."""


def _boolean(variable: Variable) -> Truth:
    return Truth(Within(variable.number, (point(True),)), Within(variable.number, (point(False),)))


def _settled(value: Value | Unknown | None) -> Truth:
    if value is True:
        return Truth(YES, NO)
    return Truth(NO, YES) if value is False else NEITHER

"""The reference interpreter: a condition's tree and facts in, a verdict out. It defines what rules mean.

Laws of this module
- Three-valued (Kleene): what hangs on a fact without value is unknown; `and` and `or` decide without it where they
  can, in any order.
- Total: whatever the facts, it returns; what goes wrong makes its sub-expression unknown and is named if the
  condition ends unknown through it.
- Pure: `now` is an argument and stands still; nothing is cached between evaluations.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from engine.core.facts import Facts, FactType
from engine.core.ruleset import EvaluationError, Verdict
from rules import functions, operations
from rules.patterns import compile_pattern
from rules.tree import (
    Arithmetic,
    Attribute,
    Builtin,
    Call,
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
    Negative,
    Node,
    Not,
    Ordering,
    Refused,
    Slice,
    Table,
    is_null,
)
from rules.values import UNKNOWN, Unknown, Value, equal, from_fact, from_json, wrong_type


@dataclass(frozen=True, slots=True, kw_only=True)
class InterpretedCondition:
    """A checked condition that the interpreter runs; satisfies `engine.core.ruleset.Condition`."""

    tree: Node
    zone: tzinfo

    def evaluate(self, facts: Facts, now: datetime) -> Verdict:
        """Return the verdict on `facts` at `now`."""
        evaluation = Evaluation(facts, now, self.zone)
        result = evaluation.truth(self.tree)
        if not isinstance(result, Unknown):
            return Verdict(result=result)
        unknown = tuple(dict.fromkeys(evaluation.unknown_facts(self.tree)))
        errors = [*evaluation.errors(self.tree)]
        if result.error is not None and result.error not in errors:
            errors.insert(0, result.error)  # the root itself is no boolean
        return Verdict(result=None, unknown=unknown, errors=tuple(dict.fromkeys(errors)))


class Evaluation:
    """The values of one tree's nodes for one set of facts at one instant, each worked out once."""

    def __init__(self, facts: Facts, now: datetime, zone: tzinfo) -> None:
        self.facts = facts
        self.now = now
        self.zone = zone
        self._values: dict[int, Value | Unknown] = {}

    def value(self, node: Node) -> Value | Unknown:
        """Return the value of `node`, a node of the tree this evaluation is for."""
        key = id(node)
        if key not in self._values:
            self._values[key] = _EVALUATORS[type(node)](self, node)
        return self._values[key]

    def truth(self, node: Node) -> bool | Unknown:
        """Return the value of `node` as a condition's part: true, false or unknown."""
        value = self.value(node)
        if isinstance(value, bool | Unknown):
            return value
        return wrong_type(value, "true or false")

    def unknown_facts(self, node: Node) -> Iterator[str]:
        """Yield the facts without value under `node` and its parts that are unknown, in order of appearance."""
        if not isinstance(self.value(node), Unknown):
            return
        if isinstance(node, Fact) and node.spec is not None:
            yield node.spec.name
        elif isinstance(node, Item) and (path := self._path(node)) is not None:
            yield path
        else:
            for child in node.children:
                yield from self.unknown_facts(child)

    def errors(self, node: Node) -> Iterator[EvaluationError]:
        """Yield the errors under `node` that leave it unknown, in order of appearance."""
        value = self.value(node)
        if not isinstance(value, Unknown):
            return
        for child in self._consulted(node):
            yield from self.errors(child)
        if value.error is not None:
            yield value.error

    def _consulted(self, node: Node) -> tuple[Node, ...]:
        """Return the parts that `node` looked at: of a choice that is made, one branch only."""
        if not isinstance(node, Choice):
            return node.children
        chosen = self.truth(node.condition)
        if isinstance(chosen, Unknown):
            return (node.condition,)
        return (node.yes if chosen else node.no,)

    def _path(self, node: Item) -> str | None:
        """Return `attributes["tier"]` for a missing key of `attributes`, or None if `node` is anything else."""
        key = self.value(node.key)
        if not isinstance(key, str):
            return None
        step = f"[{json.dumps(key, ensure_ascii=False)}]"
        if isinstance(node.target, Fact) and node.target.spec is not None:
            # A list has no keys: a text in its brackets is of the wrong type, and nothing is missing.
            is_mapping = node.target.spec.type is FactType.MAPPING
            return f"{node.target.spec.name}{step}" if is_mapping else None
        if isinstance(node.target, Item) and not isinstance(self.value(node.target), Unknown):
            above = self._path(node.target)
            return None if above is None else f"{above}{step}"
        return None


def _literal(_evaluation: Evaluation, node: Literal) -> Value | Unknown:
    return from_json(node.value) if node.value is not None else UNKNOWN


def _fact(evaluation: Evaluation, node: Fact) -> Value | Unknown:
    assert node.spec is not None
    return from_fact(evaluation.facts.get(node.spec.name))


def _builtin(evaluation: Evaluation, node: Builtin) -> Value:
    return evaluation.now if node.name == "now" else functions.start_of_day(evaluation.now, evaluation.zone)


def _call(evaluation: Evaluation, node: Call) -> Value | Unknown:
    arguments = [evaluation.value(argument) for argument in node.arguments]
    if any(isinstance(argument, Unknown) for argument in arguments):
        return UNKNOWN
    return functions.call(node.name, arguments, evaluation.zone)


def _attribute(evaluation: Evaluation, node: Attribute) -> Value | Unknown:
    target = evaluation.value(node.target)
    arguments = [evaluation.value(argument) for argument in node.arguments or ()]
    if isinstance(target, Unknown) or any(isinstance(argument, Unknown) for argument in arguments):
        return UNKNOWN
    if arguments:
        return functions.method(node.name, target, arguments[0])
    return functions.attribute(node.name, target, evaluation.zone)


def _item(evaluation: Evaluation, node: Item) -> Value | Unknown:
    target, key = evaluation.value(node.target), evaluation.value(node.key)
    if isinstance(target, Unknown) or isinstance(key, Unknown):
        return UNKNOWN
    return operations.item(target, key)


def _slice(evaluation: Evaluation, node: Slice) -> Value | Unknown:
    target = evaluation.value(node.target)
    bounds = [None if bound is None else evaluation.value(bound) for bound in (node.start, node.stop)]
    if isinstance(target, Unknown) or any(isinstance(bound, Unknown) for bound in bounds):
        return UNKNOWN
    return operations.stretch(target, *bounds)


def _collection(evaluation: Evaluation, node: Collection) -> Value | Unknown:
    items = [evaluation.value(item) for item in node.items]
    if any(isinstance(item, Unknown) for item in items):
        return UNKNOWN
    return operations.set_of(items) if node.is_set else tuple(items)


def _table(evaluation: Evaluation, node: Table) -> Value | Unknown:
    entries = [(evaluation.value(key), evaluation.value(value)) for key, value in node.entries]
    if any(isinstance(part, Unknown) for entry in entries for part in entry):
        return UNKNOWN
    return operations.mapping_of(entries)


def _not(evaluation: Evaluation, node: Not) -> bool | Unknown:
    operand = evaluation.truth(node.operand)
    return operand if isinstance(operand, Unknown) else not operand


def _logic(evaluation: Evaluation, node: Logic) -> bool | Unknown:
    decisive = node.operator == "or"
    undecided: Unknown | None = None
    for operand in node.operands:
        truth = evaluation.truth(operand)
        if truth is decisive:
            return decisive
        if isinstance(truth, Unknown):
            # An operand's own error is found below it; one that is no boolean is this node's to tell.
            mine = truth if not isinstance(evaluation.value(operand), Unknown) else UNKNOWN
            undecided = mine if undecided is None or undecided.error is None else undecided
    return not decisive if undecided is None else undecided


def _equality(evaluation: Evaluation, node: Equality) -> bool | Unknown:
    is_equal: bool | None
    if is_null(node.left) or is_null(node.right):
        is_equal = all(isinstance(evaluation.value(side), Unknown) for side in node.children)
    else:
        is_equal = equal(evaluation.value(node.left), evaluation.value(node.right))
    if is_equal is None:
        return UNKNOWN
    return is_equal if node.operator == "==" else not is_equal


def _ordering(evaluation: Evaluation, node: Ordering) -> bool | Unknown:
    left, right = evaluation.value(node.left), evaluation.value(node.right)
    if isinstance(left, Unknown) or isinstance(right, Unknown):
        return UNKNOWN
    return operations.ordered(node.operator, left, right)


def _arithmetic(evaluation: Evaluation, node: Arithmetic) -> Value | Unknown:
    left, right = evaluation.value(node.left), evaluation.value(node.right)
    if isinstance(left, Unknown) or isinstance(right, Unknown):
        return UNKNOWN
    return operations.calculate(node.operator, left, right)


def _negative(evaluation: Evaluation, node: Negative) -> Value | Unknown:
    operand = evaluation.value(node.operand)
    return operand if isinstance(operand, Unknown) else operations.negative(operand)


def _match(evaluation: Evaluation, node: Match) -> bool | Unknown:
    text = evaluation.value(node.left)
    if isinstance(text, Unknown):
        return UNKNOWN
    if not isinstance(text, str):
        return wrong_type(text, "text")
    assert isinstance(node.right, Literal)
    assert isinstance(node.right.value, str)
    found = compile_pattern(node.right.value, anchored=not node.operator.endswith("~~")).found_in(text)
    return found is node.operator.startswith("=")


def _membership(evaluation: Evaluation, node: Membership) -> bool | Unknown:
    member = evaluation.value(node.left)
    if isinstance(node.right, Collection):  # an unknown item does not make the others unknown
        return operations.among(member, [evaluation.value(item) for item in node.right.items])
    container = evaluation.value(node.right)
    if isinstance(container, Unknown):
        return UNKNOWN
    return operations.contained(member, container)


def _coalesce(evaluation: Evaluation, node: Coalesce) -> Value | Unknown:
    left = evaluation.value(node.left)
    if not isinstance(left, Unknown):
        return left
    right = evaluation.value(node.right)
    return UNKNOWN if isinstance(right, Unknown) else right


def _choice(evaluation: Evaluation, node: Choice) -> Value | Unknown:
    chosen = evaluation.truth(node.condition)
    if isinstance(chosen, Unknown):
        return chosen if not isinstance(evaluation.value(node.condition), Unknown) else UNKNOWN
    value = evaluation.value(node.yes if chosen else node.no)
    return UNKNOWN if isinstance(value, Unknown) else value


def _refused(_evaluation: Evaluation, _node: Refused) -> Unknown:
    return UNKNOWN


_EVALUATORS: dict[type[Node], Callable[[Evaluation, Any], Value | Unknown]] = {
    Literal: _literal,
    Fact: _fact,
    Builtin: _builtin,
    Call: _call,
    Attribute: _attribute,
    Item: _item,
    Slice: _slice,
    Collection: _collection,
    Table: _table,
    Not: _not,
    Logic: _logic,
    Equality: _equality,
    Ordering: _ordering,
    Arithmetic: _arithmetic,
    Negative: _negative,
    Match: _match,
    Membership: _membership,
    Coalesce: _coalesce,
    Choice: _choice,
    Refused: _refused,
}

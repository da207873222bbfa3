"""Sub-expressions as closures of Python: what no index can take, worked out without walking the tree.

A closure is made of the closures of its parts, bound once; no text of a rule is ever turned into code. Each mirrors
the reference interpreter and uses the same operations; it knows no errors, only values and unknown.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, tzinfo
from decimal import Decimal
from typing import Any

from engine.core.facts import FactValue
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
    Slice,
    Table,
    is_null,
)
from rules.values import UNKNOWN, Unknown, Value, equal, from_fact, from_json

Values = Mapping[str, FactValue]
Closure = Callable[[Values, datetime], Any]
"""From the values of facts and the time to a value or an `Unknown`."""


def close(node: Node, zone: tzinfo) -> Closure:
    """Return `node` as a closure."""
    return _MAKERS[type(node)](node, zone)


def _all(nodes: Sequence[Node], zone: tzinfo) -> tuple[Closure, ...]:
    return tuple(close(node, zone) for node in nodes)


def _literal(node: Literal, _zone: tzinfo) -> Closure:
    value = UNKNOWN if node.value is None else from_json(node.value)
    return lambda _values, _now: value


def _fact(node: Fact, _zone: tzinfo) -> Closure:
    assert node.spec is not None
    name = node.spec.name

    def read(values: Values, _now: datetime) -> Value | Unknown:
        value = values.get(name)
        if type(value) is int:  # the commonest first; `bool` is another type
            return Decimal(value)
        return from_fact(value)

    return read


def _builtin(node: Builtin, zone: tzinfo) -> Closure:
    if node.name == "now":
        return lambda _values, now: now
    return lambda _values, now: functions.start_of_day(now, zone)


def _call(node: Call, zone: tzinfo) -> Closure:
    name, parts = node.name, _all(node.arguments, zone)

    def call(values: Values, now: datetime) -> Value | Unknown:
        arguments = [part(values, now) for part in parts]
        if any(isinstance(argument, Unknown) for argument in arguments):
            return UNKNOWN
        return functions.call(name, arguments, zone)

    return call


def _attribute(node: Attribute, zone: tzinfo) -> Closure:
    name, target = node.name, close(node.target, zone)
    if node.arguments:
        argument = close(node.arguments[0], zone)

        def method(values: Values, now: datetime) -> Value | Unknown:
            one, other = target(values, now), argument(values, now)
            if isinstance(one, Unknown) or isinstance(other, Unknown):
                return UNKNOWN
            return functions.method(name, one, other)

        return method

    def attribute(values: Values, now: datetime) -> Value | Unknown:
        value = target(values, now)
        return UNKNOWN if isinstance(value, Unknown) else functions.attribute(name, value, zone)

    return attribute


def _item(node: Item, zone: tzinfo) -> Closure:
    return _strict(operations.item, node, zone)


def _slice(node: Slice, zone: tzinfo) -> Closure:
    target = close(node.target, zone)
    bounds = tuple(None if bound is None else close(bound, zone) for bound in (node.start, node.stop))

    def stretch(values: Values, now: datetime) -> Value | Unknown:
        value = target(values, now)
        start, stop = (None if bound is None else bound(values, now) for bound in bounds)
        if isinstance(value, Unknown) or isinstance(start, Unknown) or isinstance(stop, Unknown):
            return UNKNOWN
        return operations.stretch(value, start, stop)

    return stretch


def _collection(node: Collection, zone: tzinfo) -> Closure:
    parts, is_set = _all(node.items, zone), node.is_set

    def collect(values: Values, now: datetime) -> Value | Unknown:
        items = [part(values, now) for part in parts]
        if any(isinstance(item, Unknown) for item in items):
            return UNKNOWN
        return operations.set_of(items) if is_set else tuple(items)

    return collect


def _table(node: Table, zone: tzinfo) -> Closure:
    parts = [(close(key, zone), close(value, zone)) for key, value in node.entries]

    def collect(values: Values, now: datetime) -> Value | Unknown:
        entries = [(key(values, now), value(values, now)) for key, value in parts]
        if any(isinstance(part, Unknown) for entry in entries for part in entry):
            return UNKNOWN
        return operations.mapping_of(entries)

    return collect


def _truth(node: Node, zone: tzinfo) -> Closure:
    """Return `node` as part of a condition: a value that is no boolean is unknown."""
    part = close(node, zone)

    def truth(values: Values, now: datetime) -> bool | Unknown:
        value = part(values, now)
        return value if value is True or value is False else UNKNOWN

    return truth


def _not(node: Not, zone: tzinfo) -> Closure:
    operand = _truth(node.operand, zone)

    def negate(values: Values, now: datetime) -> bool | Unknown:
        value = operand(values, now)
        return UNKNOWN if isinstance(value, Unknown) else not value

    return negate


def _logic(node: Logic, zone: tzinfo) -> Closure:
    parts, decisive = tuple(_truth(operand, zone) for operand in node.operands), node.operator == "or"

    def join(values: Values, now: datetime) -> bool | Unknown:
        is_unknown = False
        for part in parts:
            value: bool | Unknown = part(values, now)
            if value is decisive:
                return value
            is_unknown = is_unknown or isinstance(value, Unknown)
        return UNKNOWN if is_unknown else not decisive

    return join


def _equality(node: Equality, zone: tzinfo) -> Closure:
    left, right, wanted = close(node.left, zone), close(node.right, zone), node.operator == "=="
    if is_null(node.left) or is_null(node.right):
        return lambda values, now: (
            (isinstance(left(values, now), Unknown) and isinstance(right(values, now), Unknown)) is wanted
        )

    def compare(values: Values, now: datetime) -> bool | Unknown:
        found = equal(left(values, now), right(values, now))
        return UNKNOWN if found is None else found is wanted

    return compare


def _ordering(node: Ordering, zone: tzinfo) -> Closure:
    operator = node.operator
    return _strict(lambda left, right: operations.ordered(operator, left, right), node, zone)


def _arithmetic(node: Arithmetic, zone: tzinfo) -> Closure:
    operator = node.operator
    return _strict(lambda left, right: operations.calculate(operator, left, right), node, zone)


def _strict(work: Callable[[Any, Any], Any], node: Item | Ordering | Arithmetic, zone: tzinfo) -> Closure:
    """Return `work` over both parts of `node`, unknown if one of them is."""
    left, right = _all(node.children, zone)

    def apply(values: Values, now: datetime) -> Value | Unknown:
        one = left(values, now)
        if isinstance(one, Unknown):
            return UNKNOWN
        other = right(values, now)
        return UNKNOWN if isinstance(other, Unknown) else work(one, other)

    return apply


def _negative(node: Negative, zone: tzinfo) -> Closure:
    operand = close(node.operand, zone)

    def negate(values: Values, now: datetime) -> Value | Unknown:
        value = operand(values, now)
        return UNKNOWN if isinstance(value, Unknown) else operations.negative(value)

    return negate


def _match(node: Match, zone: tzinfo) -> Closure:
    assert isinstance(node.right, Literal)
    assert isinstance(node.right.value, str)
    left, wanted = close(node.left, zone), node.operator.startswith("=")
    pattern = compile_pattern(node.right.value, anchored=not node.operator.endswith("~~"))

    def match(values: Values, now: datetime) -> bool | Unknown:
        text: Value | Unknown = left(values, now)
        return pattern.found_in(text) is wanted if isinstance(text, str) else UNKNOWN

    return match


def _membership(node: Membership, zone: tzinfo) -> Closure:
    left = close(node.left, zone)
    if isinstance(node.right, Collection):
        items = _all(node.right.items, zone)
        return lambda values, now: operations.among(left(values, now), [item(values, now) for item in items])
    right = close(node.right, zone)

    def contained(values: Values, now: datetime) -> bool | Unknown:
        container = right(values, now)
        return UNKNOWN if isinstance(container, Unknown) else operations.contained(left(values, now), container)

    return contained


def _coalesce(node: Coalesce, zone: tzinfo) -> Closure:
    left, right = close(node.left, zone), close(node.right, zone)

    def coalesce(values: Values, now: datetime) -> Value | Unknown:
        value = left(values, now)
        return right(values, now) if isinstance(value, Unknown) else value

    return coalesce


def _choice(node: Choice, zone: tzinfo) -> Closure:
    condition, yes, no = _truth(node.condition, zone), close(node.yes, zone), close(node.no, zone)

    def choose(values: Values, now: datetime) -> Value | Unknown:
        chosen = condition(values, now)
        if chosen is UNKNOWN:
            return UNKNOWN
        return yes(values, now) if chosen else no(values, now)

    return choose


_MAKERS: dict[type[Node], Callable[[Any, tzinfo], Closure]] = {
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
}

"""Conditions of the plain kind, most of all: facts compared with values written out, joined by `and`, `or`, `not`.

What the checks say of such a part hangs on its fact, its operator and the types of its values; where the values
themselves matter (a closed set, a pattern) they are counted in. And what they say of the whole is what they say of
its parts, as long as there are few. So parts that were found sound once need not be looked at again, whatever
other parts they stand beside.
"""

from decimal import Decimal

from engine.core.facts import FactCatalog
from rules import limits
from rules.tree import Collection, Equality, Fact, Literal, Logic, Match, Membership, Node, Not, Ordering

Part = tuple[object, ...]
"""Something hashable."""

_MOST = 20_000


def plain_parts(tree: Node) -> tuple[Part, ...] | None:
    """Return what tells the parts of a plain condition apart for the checks; None for any other condition."""
    parts: list[Part] = []
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        kind = type(node)
        if kind is Logic:
            waiting.extend(node.children)
        elif kind is Not:
            waiting.extend(node.children)
            parts.append((Not,))
        else:
            part = _part(node)
            if part is None:
                return None
            parts.append(part)
    return tuple(parts) if len(parts) <= limits.MAX_TEXT_PREDICATES else None


def is_comparisons(tree: Node) -> bool:
    """Return whether a condition is facts compared with single values, or looked for in lists of them, and no more."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Logic | Not):
            waiting.extend(node.children)
        elif isinstance(node, Equality | Ordering):
            if not isinstance(node.left, Fact) or _is_no_value(node.right):
                return False
        elif isinstance(node, Membership):
            if not isinstance(node.left, Fact) or not isinstance(node.right, Collection):
                return False
            if any(map(_is_no_value, node.right.items)):
                return False
        elif not isinstance(node, Fact):
            return False
    return True


def _is_no_value(node: Node) -> bool:
    return not isinstance(node, Literal) or node.value is None


class SoundParts:
    """The parts that were found sound against one catalog."""

    def __init__(self) -> None:
        self._known: dict[FactCatalog, set[Part]] = {}

    def hold(self, catalog: FactCatalog, parts: tuple[Part, ...]) -> bool:
        """Return whether all of `parts` were found sound before."""
        known = self._known.get(catalog)
        return known is not None and known.issuperset(parts)

    def add(self, catalog: FactCatalog, parts: tuple[Part, ...]) -> None:
        """Remember that nothing is wrong with `parts`."""
        known = self._known.setdefault(catalog, set())
        if len(known) >= _MOST:
            known.clear()
        known.update(parts)


def _part(node: Node) -> Part | None:
    if isinstance(node, Fact):
        return (Fact, node.name)
    if not isinstance(node, Equality | Ordering | Match | Membership):
        return None
    kind, left, right = type(node), node.left, node.right
    fact = left if isinstance(left, Fact) else right if isinstance(right, Fact) else None
    if fact is None or fact.spec is None:
        return None
    by_value = kind is Match or fact.spec.closed_set is not None
    one, other = _side(left, by_value=by_value), _side(right, by_value=by_value)
    if one is None or other is None:
        return None
    return (kind, node.operator, one, other)


def _side(node: Node, *, by_value: bool) -> object:
    """Return what tells a side of a comparison apart; None if it is no fact and no known values."""
    if isinstance(node, Fact):
        return node.name
    if isinstance(node, Literal):
        return _value(node, by_value=by_value)
    if not isinstance(node, Collection) or not node.items:
        return None
    items = frozenset(_value(item, by_value=by_value) if type(item) is Literal else None for item in node.items)
    return None if None in items else (node.is_set, items)


def _value(node: Literal, *, by_value: bool) -> object:
    value = node.value
    if value is None or (type(value) is Decimal and not value.is_finite()):
        return None
    kind = type(value)
    return (kind, value) if by_value else kind

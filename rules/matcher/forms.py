"""From a condition's tree to the matcher's form: negations pushed inwards, then a disjunction of conjunctions.

Kleene's three values with `and`, `or`, `not` obey De Morgan's laws, distribution, and absorption of neutral elements,
and nothing else is used; so the form is true, false and unknown exactly when the tree is. A disjunction that would
make too many clauses stays one sub-expression.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo

from engine.core.facts import Facts
from engine.core.matcher.clauses import Column, Form, Joined, Kind, Leaf, Missing, Source
from engine.core.matcher.clauses import Literal as Tested
from engine.core.matcher.predicates import Among, both, either
from rules.interpret import InterpretedCondition
from rules.matcher.atoms import constant, holds, literal_of
from rules.matcher.sources import fact_types, fallible_parts, is_strict, missing_of, spelled
from rules.tree import Equality, Literal, Logic, Node, Not, Ordering

MOST_CLAUSES = 12
"""A condition that would need more is worked out in part by itself."""


@dataclass(frozen=True, slots=True)
class _Leaf:
    """A test, the part it stands for, and whether that part can be unknown only with all its facts to blame."""

    tested: Tested
    node: Node


@dataclass(frozen=True, slots=True)
class _Joined:
    """Parts under one operator; `node`, negated or not, is what they stand for."""

    is_or: bool
    parts: tuple["_Part", ...]
    node: Node
    negated: bool


_Part = _Leaf | _Joined | bool


def form_of(tree: Node, zone: tzinfo) -> Form:
    """Return a checked condition in the matcher's form."""
    part = _part(tree, zone, negated=False)
    clauses = tuple(tuple(clause) for clause in _clauses(part, zone))
    return Form(
        clauses=clauses,
        facts=fact_types(tree),
        missing=_missing(part, zone),
        shape=_shape(part, zone),
        fallible=tuple(dict.fromkeys(needs for leaf in _leaves(part) for needs in _fallible(leaf))),
    )


def interpreted_form(tree: Node, zone: tzinfo) -> Form:
    """Return the form of a condition that is left to the interpreter as a whole."""
    condition = InterpretedCondition(tree=tree, zone=zone)
    source = Source(
        f"interpreted {id(condition)} {spelled(tree)}",
        tuple(fact_types(tree)),
        lambda values, now: condition.evaluate(Facts(as_of=now, values=values), now).result,
        is_strict=False,
    )
    tested = Tested(Column(Kind.FLAG, source), Among(frozenset({True}), others=False))
    return Form(
        clauses=((tested,),),
        facts=fact_types(tree),
        missing=None,
        fallible=(frozenset(),),
        is_compiled=False,
    )


def _part(node: Node, zone: tzinfo, *, negated: bool) -> _Part:
    if isinstance(node, Not):
        return _part(node.operand, zone, negated=not negated)
    if isinstance(node, Logic):
        return _join(node, [_part(operand, zone, negated=negated) for operand in node.operands], negated=negated)
    if isinstance(node, Equality) and (truth := _compared_with_truth(node)) is not None:
        inner, wanted = truth
        return _part(inner, zone, negated=negated is ((node.operator == "==") is wanted))
    value = constant(node, zone)
    if isinstance(value, bool):
        return value is not negated
    tested = literal_of(node, zone) or holds(node, zone)
    return _Leaf(Tested(tested.column, tested.test.negated()) if negated else tested, node)


def _compared_with_truth(node: Equality) -> tuple[Node, bool] | None:
    """Return what `x == true` and the like ask, for an `x` that is a comparison or a fact."""
    for one, other in (node.children, node.children[::-1]):
        if isinstance(other, Literal) and isinstance(other.value, bool) and isinstance(one, Ordering | Equality | Not):
            return one, other.value
    return None


def _join(node: Logic, parts: Sequence[_Part], *, negated: bool) -> _Part:
    is_or = (node.operator == "or") is not negated
    kept: list[_Part] = []
    for part in parts:
        if isinstance(part, bool):
            if part is is_or:
                return part
            continue
        kept.append(part)
    if not kept:
        return not is_or
    return kept[0] if len(kept) == 1 else _Joined(is_or, tuple(kept), node, negated)


def _clauses(part: _Part, zone: tzinfo) -> list[list[Tested]]:
    """Return the clauses of `part`; none for false, one without tests for true."""
    if isinstance(part, bool):
        return [[]] if part else []
    if isinstance(part, _Leaf):
        return [[part.tested]]
    below = [_clauses(one, zone) for one in part.parts]
    if part.is_or:
        joined = _united([clause for clauses in below for clause in clauses])
        return joined if len(joined) <= MOST_CLAUSES else [[_by_itself(part, zone)]]
    return _product(part, below, zone)


def _product(part: _Joined, below: list[list[list[Tested]]], zone: tzinfo) -> list[list[Tested]]:
    count = 1
    for number, clauses in enumerate(below):
        count *= len(clauses)
        if count > MOST_CLAUSES:
            one = part.parts[number]
            count //= len(clauses)
            below[number] = [[_by_itself(one, zone)]] if isinstance(one, _Joined) else clauses
    product: list[list[Tested]] = [[]]
    for clauses in below:
        product = [[*one, *other] for one in product for other in clauses]
    return [_narrowed(clause) for clause in product]


def _by_itself(part: _Joined, zone: tzinfo) -> Tested:
    tested = holds(part.node, zone)
    return Tested(tested.column, tested.test.negated()) if part.negated else tested


def _narrowed(clause: list[Tested]) -> list[Tested]:
    """Return a conjunction with the tests of one column made one, where that can be."""
    kept: list[Tested] = []
    for tested in clause:
        for number, other in enumerate(kept):
            if other.column == tested.column and (test := both(other.test, tested.test)) is not None:
                kept[number] = Tested(other.column, test)
                break
        else:
            kept.append(tested)
    return kept


def _united(clauses: list[list[Tested]]) -> list[list[Tested]]:
    """Return a disjunction with single tests of one column made one, where that can be."""
    kept: list[list[Tested]] = []
    for clause in clauses:
        for number, other in enumerate(kept):
            if len(clause) == len(other) == 1 and clause[0].column == other[0].column:
                test = either(other[0].test, clause[0].test)
                if test is not None:
                    kept[number] = [Tested(clause[0].column, test)]
                    break
        else:
            kept.append(clause)
    return kept


def _leaves(part: _Part) -> list[_Leaf]:
    if isinstance(part, bool):
        return []
    if isinstance(part, _Leaf):
        return [part]
    return [leaf for one in part.parts for leaf in _leaves(one)]


def _missing(part: _Part, zone: tzinfo) -> tuple[Missing, ...] | None:
    """Return what the condition lacks when it is unknown, if its parts are all joined by one operator."""
    if _operators(part) > {False} and True in _operators(part):
        return None
    found: dict[str, Missing] = {}
    for leaf in _leaves(part):
        names = _missing_of_leaf(leaf, zone)
        if names is None:
            return None
        for one in names:
            found.setdefault(one.name, one)
    return tuple(found.values())


def _shape(part: _Part, zone: tzinfo) -> Leaf | Joined | None:
    """Return how the tests are joined, or None if one of them can't tell its missing facts by itself."""
    if isinstance(part, bool):
        return None
    if isinstance(part, _Leaf):
        missing = _missing_of_leaf(part, zone)
        return None if missing is None else Leaf(part.tested, missing)
    parts = [_shape(one, zone) for one in part.parts]
    whole = tuple(one for one in parts if one is not None)
    return Joined(part.is_or, whole) if len(whole) == len(parts) else None


def _missing_of_leaf(leaf: _Leaf, zone: tzinfo) -> tuple[Missing, ...] | None:
    if leaf.tested.test.unknown is not None:
        return ()  # a question for null, or a default: it is never unknown
    return missing_of(leaf.node, zone) if is_strict(leaf.node) else None


def _operators(part: _Part) -> set[bool]:
    if not isinstance(part, _Joined):
        return set()
    return {part.is_or}.union(*(_operators(one) for one in part.parts))


def _fallible(leaf: _Leaf) -> list[frozenset[str]]:
    source = leaf.tested.column.source
    if source.is_cheap:
        return []
    return list(fallible_parts(leaf.node))

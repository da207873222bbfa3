"""Atoms: comparisons of one source with constants, as tests of a column.

`literal_of` returns None for what is no such comparison; it becomes a sub-expression that is true, false or unknown
by itself. `x ?? constant` stays an atom: the constant says what comes of an unknown `x`.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from engine.core.matcher import clauses
from engine.core.matcher.clauses import ODD, Column, Odd, Pattern, Read, Source
from engine.core.matcher.clauses import Literal as Tested
from engine.core.matcher.columns import truth_of
from engine.core.matcher.predicates import Among, Finds, Line, Test, either
from rules.kinds import Kind
from rules.matcher.closures import close
from rules.matcher.sources import attribute_path, fact_names, source_of, type_of
from rules.patterns import compile_pattern
from rules.tree import (
    Arithmetic,
    Attribute,
    Builtin,
    Coalesce,
    Collection,
    Equality,
    Fact,
    Literal,
    Match,
    Membership,
    Node,
    Ordering,
    is_null,
    walk,
)
from rules.values import Unknown, kind_of

_NEVER = datetime(2000, 1, 1, tzinfo=UTC)
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
_ORDERED = {
    Kind.NUMBER: clauses.Kind.NUMBER,
    Kind.INSTANT: clauses.Kind.INSTANT,
    Kind.DURATION: clauses.Kind.DURATION,
}
_BY_EQUALITY = {Kind.TEXT: clauses.Kind.WORD, Kind.BOOLEAN: clauses.Kind.FLAG, Kind.NUMBER: clauses.Kind.AMOUNT}
_PLAIN_PATTERN = re.compile(r"[\w \-@,:;!'\"%&/<>=`]*")
_SANE_YEARS = range(1900, 2200)
_SANE_SPAN = timedelta(days=365_000)


@dataclass(frozen=True, slots=True)
class _Term:
    """The side of a comparison that varies, and what stands for it when it is unknown."""

    node: Node
    source: Source
    default: Any = None

    def literal(self, column: Column, test: Test) -> Tested | None:
        """Return the test of this term, true or false by the default when it is unknown."""
        if self.default is None:
            return Tested(column, test)
        truth = truth_of(column, test, self.default)
        if truth is None or isinstance(truth, Odd):
            return None
        return Tested(column, replace(test, unknown=truth))


def literal_of(node: Node, zone: tzinfo) -> Tested | None:
    """Return `node` as a test of one column, or None if it is none."""
    maker = _MAKERS.get(type(node))
    return None if maker is None else maker(node, zone)


def constant(node: Node, zone: tzinfo) -> Any:
    """Return the value of a part without facts and without the time, or None if it varies or has none."""
    if isinstance(node, Literal):
        return node.value
    if any(isinstance(part, Fact | Builtin) for part in walk(node)):
        return None
    try:
        value = close(node, zone)({}, _NEVER)
    except Exception:  # noqa: BLE001  # then it is no constant, and goes wrong when it is evaluated
        return None
    return None if isinstance(value, Unknown) else value


def holds(node: Node, zone: tzinfo) -> Tested:
    """Return the test that `node`, whatever it is, is true."""
    column = Column(clauses.Kind.FLAG, source_of(node, zone))
    return Tested(column, Among(frozenset({True}), others=False))


def _fact(node: Fact, zone: tzinfo) -> Tested:
    return holds(node, zone)


def _ordering(node: Ordering, zone: tzinfo) -> Tested | None:
    left, right, operator = node.left, node.right, node.operator
    point = constant(right, zone)
    if point is None:
        left, right, operator = right, left, _MIRRORED[operator]
        point = constant(right, zone)
    if point is None:
        return _beside_now(node)
    kind = _ORDERED.get(kind_of(point))
    term = None if kind is None else _term(left, zone)
    if kind is None or term is None:
        return None
    after = operator in (">", "<=")
    return term.literal(Column(kind, term.source), Line(operator in ("<", "<="), ((point, after),)))


def _beside_now(node: Ordering) -> Tested | None:
    """Return `fact > $now - t"P7D"` as a test of the time between the fact and now."""
    left, right, operator = node.left, node.right, node.operator
    offset = _offset(right)
    if offset is None:
        left, operator = right, _MIRRORED[operator]
        offset = _offset(node.left)
    if offset is None or not isinstance(left, Fact) or type_of(left) is not Kind.INSTANT or left.spec is None:
        return None
    name = left.spec.name
    column = Column(clauses.Kind.DURATION, Source(f"{name} - $now", (name,), _since_now(name)))
    return Tested(column, Line(operator in ("<", "<="), ((offset, operator in (">", "<=")),)))


def _offset(node: Node) -> timedelta | None:
    """Return the time from now to `$now`, `$now + t"…"` or `$now - t"…"`, or None for anything else."""
    if isinstance(node, Builtin) and node.name == "now":
        return timedelta(0)
    if (
        isinstance(node, Arithmetic)
        and isinstance(node.left, Builtin)
        and node.left.name == "now"
        and isinstance(node.right, Literal)
        and isinstance(node.right.value, timedelta)
        and abs(node.right.value) < _SANE_SPAN
    ):
        return node.right.value if node.operator == "+" else -node.right.value
    return None


def _since_now(name: str) -> Read:
    def read(values: clauses.Values, now: datetime) -> Any:
        instant = values.get(name)
        if instant is None:
            return None
        is_sane = isinstance(instant, datetime) and instant.tzinfo is not None and now.year in _SANE_YEARS
        return instant - now if is_sane else ODD  # type: ignore[operator]  # is_sane says it is a datetime

    return read


def _equality(node: Equality, zone: tzinfo) -> Tested | None:
    tested: Tested | None
    if is_null(node.left) or is_null(node.right):
        tested = _is_null(node.right if is_null(node.left) else node.left, zone)
    else:
        left, value = node.left, constant(node.right, zone)
        if value is None:
            left, value = node.right, constant(node.left, zone)
        tested = None if value is None else _equals(left, (value,), zone)
    if tested is None:
        return None
    return tested if node.operator == "==" else Tested(tested.column, tested.test.negated())


def _is_null(node: Node, zone: tzinfo) -> Tested | None:
    if attribute_path(node) is not None:
        column = Column(clauses.Kind.WORD, source_of(node, zone), is_open=True)
        return Tested(column, Among(frozenset(), others=False, unknown=True))
    if not isinstance(node, Fact):
        return None
    kind = type_of(node)
    source = source_of(node, zone)
    if kind in _ORDERED:
        return Tested(Column(_ORDERED[kind], source), Line(start=False, cuts=(), unknown=True))
    if kind in _BY_EQUALITY:
        return Tested(Column(_BY_EQUALITY[kind], source), Among(frozenset(), others=False, unknown=True))
    if kind is Kind.LIST:
        return Tested(Column(clauses.Kind.ITEMS, source), Finds(frozenset(), found=True, unknown=True))
    return None


def _equals(node: Node, values: tuple[Any, ...], zone: tzinfo) -> Tested | None:
    """Return the test that `node` equals one of `values`, none of which is None."""
    term = _term(node, zone)
    if term is None:
        return None
    kind = type_of(node)
    kinds = {kind_of(value) for value in values}
    if kind in (Kind.JSON, Kind.ANY):
        if len(kinds) != 1 or (by := _BY_EQUALITY.get(kinds.pop())) is None:
            return None
        return term.literal(Column(by, term.source, is_open=True), Among(frozenset(values), others=False))
    alike = tuple(value for value in values if kind_of(value) is kind)
    if kind in _ORDERED:
        test: Test | None = Line(start=False, cuts=())
        for value in alike:
            assert test is not None
            test = either(test, Line(start=False, cuts=((value, False), (value, True))))
        return None if test is None else term.literal(Column(_ORDERED[kind], term.source), test)
    if kind in (Kind.TEXT, Kind.BOOLEAN):
        return term.literal(Column(_BY_EQUALITY[kind], term.source), Among(frozenset(alike), others=False))
    return None


def _membership(node: Membership, zone: tzinfo) -> Tested | None:
    if isinstance(node.right, Collection):
        values = tuple(constant(item, zone) for item in node.right.items)
        return None if any(value is None for value in values) else _equals(node.left, values, zone)
    member = constant(node.left, zone)
    if not isinstance(member, str):
        return None
    term = _term(node.right, zone)
    if term is None or term.default is not None:
        return None
    kind = type_of(node.right)
    if kind is Kind.TEXT:
        column, atoms = Column(clauses.Kind.TEXT, term.source), frozenset({Pattern("contains", member)})
        return Tested(column, Finds(atoms))
    if kind is Kind.LIST:
        return Tested(Column(clauses.Kind.ITEMS, term.source), Finds(frozenset({member})))
    return None


def _match(node: Match, zone: tzinfo) -> Tested | None:
    if not isinstance(node.right, Literal) or not isinstance(node.right.value, str):
        return None
    atoms = _patterns(node.right.value, anchored=not node.operator.endswith("~~"))
    tested = _finds(node.left, atoms, zone)
    if tested is None or node.operator.startswith("="):
        return tested
    return Tested(tested.column, tested.test.negated())


def _attribute(node: Attribute, zone: tzinfo) -> Tested | None:
    if node.name not in ("starts_with", "ends_with") or not node.arguments:
        return None
    text = constant(node.arguments[0], zone)
    if not isinstance(text, str):
        return None
    atom = Pattern("prefix" if node.name == "starts_with" else "suffix", text)
    return _finds(node.target, frozenset({atom}), zone)


def _finds(node: Node, atoms: frozenset[Pattern], zone: tzinfo) -> Tested | None:
    if type_of(node) not in (Kind.TEXT, Kind.JSON):
        return None
    term = _term(node, zone)
    return None if term is None else term.literal(Column(clauses.Kind.TEXT, term.source), Finds(atoms))


def _patterns(text: str, *, anchored: bool) -> frozenset[Pattern]:
    """Return a regular expression as what to find; plain texts, alone or as alternatives, are found as such."""
    is_anchored = anchored or text.startswith("^")
    plain = text.removeprefix("^")
    if _PLAIN_PATTERN.fullmatch(plain):
        return frozenset({Pattern("prefix" if is_anchored else "contains", plain)})
    if not is_anchored and all(map(_PLAIN_PATTERN.fullmatch, text.split("|"))):
        return frozenset(Pattern("contains", one) for one in text.split("|"))
    source = compile_pattern(text, anchored=anchored).source
    return frozenset({Pattern("pattern", (r"\A(?:" if anchored else "(?:") + source + ")")})


def _term(node: Node, zone: tzinfo) -> _Term | None:
    """Return `node` as the varying side of a comparison, or None if it is constant."""
    if isinstance(node, Coalesce):
        default = constant(node.right, zone)
        if default is not None and not isinstance(node.left, Coalesce) and type_of(node.left) is kind_of(default):
            return _Term(node.left, source_of(node.left, zone), default)
    if not any(True for _ in fact_names(node)) and not any(isinstance(part, Builtin) for part in walk(node)):
        return None
    return _Term(node, source_of(node, zone))


_MAKERS: dict[type[Node], Callable[[Any, tzinfo], Tested | None]] = {
    Fact: _fact,
    Ordering: _ordering,
    Equality: _equality,
    Membership: _membership,
    Match: _match,
    Attribute: _attribute,
}

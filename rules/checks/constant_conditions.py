"""A condition that has one outcome whatever the facts is probably a mistake: a warning.

Each part is given the set of outcomes it can have: some value, no value, and for booleans true and false. A part
without facts is worked out; the others are estimated upwards, so what is said to be impossible is impossible.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from rules.checks.subject import Subject
from rules.constants import constant_value, varying_parts
from rules.diagnostics import Finding, Severity
from rules.tree import (
    Arithmetic,
    Builtin,
    Choice,
    Coalesce,
    Collection,
    Equality,
    Fact,
    Literal,
    Logic,
    Match,
    Membership,
    Node,
    Not,
    Ordering,
    is_null,
)
from rules.values import Unknown

Outcomes = frozenset[bool | None]
"""What a part can come to: true, false (for a value that is no boolean: true), and None for unknown."""

_EITHER: Outcomes = frozenset({True, False})
_ANYTHING: Outcomes = frozenset({True, False, None})
_NEVER: Outcomes = frozenset({None})


def check(subject: Subject) -> Iterator[Finding]:
    """Yield a warning if the condition is always true, never true or always unknown."""
    if _is_plain(subject.tree):
        return
    outcomes = _Estimate(varying_parts(subject.nodes)).of(subject.tree)
    if outcomes == _NEVER:
        code, message = "always_unknown", "the condition is always unknown, so the rule never matches"
    elif True not in outcomes:
        code, message = "never_true", "the condition is never true, so the rule never matches"
    elif outcomes == {True}:
        code, message = "always_true", "the condition is always true, so the rule matches every conversation"
    else:
        return
    yield Finding(code=code, message=message, span=subject.tree.span, severity=Severity.WARNING)


def _is_plain(node: Node) -> bool:
    """Return whether a condition is comparisons of facts with literals, joined: each may go any way."""
    match node:
        case Fact():
            return True
        case Logic():
            return all(map(_is_plain, node.operands))
        case Not():
            return _is_plain(node.operand)
        case Equality() | Ordering() | Match() | Membership():
            left, right = node.left, node.right
            fact, other = (left, right) if isinstance(left, Fact) else (right, left)
            return isinstance(fact, Fact) and (isinstance(other, Fact) or _is_known(other))
        case _:
            return False


def _is_known(node: Node) -> bool:
    if isinstance(node, Collection):
        return bool(node.items) and all(map(_is_known, node.items))
    if not isinstance(node, Literal) or node.value is None:
        return False
    return not isinstance(node.value, Decimal) or node.value.is_finite()


@dataclass(frozen=True, slots=True)
class _Estimate:
    varying: frozenset[int]

    def of(self, node: Node) -> Outcomes:  # noqa: PLR0911  # one line for each kind of node
        if id(node) not in self.varying:
            return _worked_out(node)
        match node:
            case Fact() | Builtin():
                return _ANYTHING
            case Logic():
                return self._logic(node)
            case Not():
                return frozenset(None if one is None else not one for one in self.of(node.operand))
            case Equality() if is_null(node.left) or is_null(node.right):
                return self._null_test(node)
            case Coalesce():
                left = self.of(node.left)
                return left if None not in left else (left - {None}) | self.of(node.right)
            case Choice():
                return self._choice(node)
            case Arithmetic(operator="/" | "//" | "%") if self._is_zero(node.right):
                return _NEVER
            case Membership() if isinstance(node.right, Collection):
                return _ANYTHING  # a known item may decide though others are unknown
            case _:
                return _NEVER if any(self.of(child) == _NEVER for child in node.children) else _ANYTHING

    def _is_zero(self, node: Node) -> bool:
        return id(node) not in self.varying and constant_value(node) == 0

    def _logic(self, node: Logic) -> Outcomes:
        decisive = node.operator == "or"
        parts = [self.of(operand) for operand in node.operands]
        possible: set[bool | None] = set()
        if any(decisive in part for part in parts):
            possible.add(decisive)
        if any(part == {decisive} for part in parts):
            return frozenset(possible)
        if all((not decisive) in part for part in parts):
            possible.add(not decisive)
        if any(None in part for part in parts):
            possible.add(None)
        return frozenset(possible)

    def _null_test(self, node: Equality) -> Outcomes:
        other = node.right if is_null(node.left) else node.left
        outcomes = self.of(other)
        if outcomes == _NEVER:
            return frozenset({node.operator == "=="})
        return _EITHER if None in outcomes else frozenset({node.operator != "=="})

    def _choice(self, node: Choice) -> Outcomes:
        condition = self.of(node.condition)
        possible: Outcomes = frozenset({None}) if None in condition else frozenset()
        if True in condition:
            possible |= self.of(node.yes)
        if False in condition:
            possible |= self.of(node.no)
        return possible


def _worked_out(node: Node) -> Outcomes:
    value = constant_value(node)
    if isinstance(value, Unknown):
        return _NEVER
    return frozenset({value}) if isinstance(value, bool) else frozenset({True})

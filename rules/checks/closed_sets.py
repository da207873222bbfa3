"""A text compared with a fact of a closed set is one of its values."""

from collections.abc import Iterator

from engine.core.facts import FactSpec
from rules.checks.subject import Subject
from rules.diagnostics import Finding
from rules.suggestions import did_you_mean
from rules.tree import Collection, Equality, Fact, Literal, Membership, Node


def check(subject: Subject) -> Iterator[Finding]:
    """Yield a finding for each literal that its fact can never equal."""
    for node in subject.each(Equality):
        for fact, other in ((node.left, node.right), (node.right, node.left)):
            yield from _outside(fact, (other,))
    for membership in subject.each(Membership):
        if isinstance(membership.right, Collection):
            yield from _outside(membership.left, membership.right.items)


def _outside(fact: Node, others: tuple[Node, ...]) -> Iterator[Finding]:
    if not isinstance(fact, Fact) or fact.spec is None or fact.spec.closed_set is None:
        return
    for other in others:
        if isinstance(other, Literal) and isinstance(other.value, str) and other.value not in fact.spec.closed_set:
            message = f"`{fact.name}` is never `{other.value}`"
            hint = _hint(other.value, fact.spec, fact.spec.closed_set)
            yield Finding(code="closed_set", message=message, span=other.span, hint=hint)


def _hint(value: str, spec: FactSpec, closed_set: tuple[str, ...]) -> str:
    values = ", ".join(f"`{one}`" for one in closed_set)
    close = did_you_mean(value, closed_set)
    return f"{close + ' ' if close else ''}`{spec.name}` is one of {values}"

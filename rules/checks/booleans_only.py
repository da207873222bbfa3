"""`and`, `or`, `not` and the question of `?:` take booleans only."""

from collections.abc import Iterator

from rules.checks.subject import Subject
from rules.diagnostics import Finding
from rules.kinds import Kind, Type, is_open
from rules.tree import Choice, Logic, Node, Not


def check(subject: Subject) -> Iterator[Finding]:
    """Yield a finding for each operand that is not true or false."""
    for chain in subject.each(Logic):
        yield from _operands(f"`{chain.operator}`", chain.operands, subject)
    for negation in subject.each(Not):
        yield from _operands("`not`", (negation.operand,), subject)
    for choice in subject.each(Choice):
        yield from _operands("the question before `?`", (choice.condition,), subject)


def comparison_hint(node: Node, type_: Type, subject: Subject) -> str | None:
    """Return what to write where a condition was meant and a value stands."""
    written = subject.written(node)
    match type_.kind:
        case Kind.TEXT:
            return f'compare it: `{written} == "…"`, or `{written} != null` if any value will do'
        case Kind.NUMBER:
            return f"compare it: `{written} > 0`"
        case Kind.LIST:
            return f'ask for an item: `"…" in {written}`, or write `not {written}.is_empty`'
        case Kind.INSTANT:
            return f"compare it: `{written} < $now`, or write `{written} != null` if any value will do"
        case _:
            return None


def _operands(place: str, operands: tuple[Node, ...], subject: Subject) -> Iterator[Finding]:
    for operand in operands:
        if not _is_boolean(subject.type_of(operand)):
            yield _finding(place, operand, subject)


def _is_boolean(type_: Type) -> bool:
    return type_.kind in (Kind.BOOLEAN, Kind.NULL) or is_open(type_)  # null is reported by its own check


def _finding(place: str, operand: Node, subject: Subject) -> Finding:
    message = f"{place} takes true or false, but {subject.described(operand)}"
    hint = comparison_hint(operand, subject.type_of(operand), subject)
    return Finding(code="not_boolean", message=message, span=operand.span, hint=hint)

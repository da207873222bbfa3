"""`==` and `!=` compare values of one type; `<` and its like compare numbers, dates or durations."""

from collections.abc import Iterator

from rules.checks.subject import Subject
from rules.diagnostics import Finding
from rules.kinds import Kind, Type, fits, is_open
from rules.tree import Equality, Literal, Ordering, is_null

_ORDERED = (Kind.NUMBER, Kind.INSTANT, Kind.DURATION)


def check(subject: Subject) -> Iterator[Finding]:
    """Yield a finding for each comparison that can have only one answer, or none."""
    for node in subject.each(Equality):
        yield from _equality(node, subject)
    for ordering in subject.each(Ordering):
        yield from _ordering(ordering, subject)


def _equality(node: Equality, subject: Subject) -> Iterator[Finding]:
    if is_null(node.left) or is_null(node.right):
        return
    left, right = subject.type_of(node.left), subject.type_of(node.right)
    if left.kind is right.kind is Kind.MAPPING:
        instead = 'compare one key: `x["key"] == …`'
        span = node.operator_span
        yield Finding(code="type_mismatch", message="mappings can't be compared", span=span, hint=instead)
    elif not fits(left, right):
        message = f"{subject.described(node.left)} and {subject.described(node.right)}: they are never equal"
        hint = _equality_hint(node, left, right, subject)
        yield Finding(code="type_mismatch", message=message, span=node.operator_span, hint=hint)


def _equality_hint(  # noqa: PLR0911  # one line for each mistake
    node: Equality, left: Type, right: Type, subject: Subject
) -> str | None:
    if left.kind is Kind.LIST and left.item is not None and fits(left.item, right):
        return f"write `{subject.written(node.right)} in {subject.written(node.left)}`"
    if right.kind is Kind.LIST and right.item is not None and fits(right.item, left):
        return f"write `{subject.written(node.left)} in {subject.written(node.right)}`"
    if {left.kind, right.kind} == {Kind.TEXT, Kind.NUMBER} and isinstance(node.right, Literal):
        if left.kind is Kind.TEXT:
            return f'write the number in quotes: `"{subject.written(node.right)}"`'
        return "write the number without quotes"
    if Kind.BOOLEAN in (left.kind, right.kind) and isinstance(node.right, Literal):
        return f"write `{subject.written(node.left)}` or `not {subject.written(node.left)}`"
    if {left.kind, right.kind} == {Kind.TEXT, Kind.INSTANT}:
        return 'write the date as `d"2026-11-20"`'
    return None


def _ordering(node: Ordering, subject: Subject) -> Iterator[Finding]:
    left, right = subject.type_of(node.left), subject.type_of(node.right)
    for side, type_ in ((node.left, left), (node.right, right)):
        if not is_open(type_) and type_.kind not in (*_ORDERED, Kind.NULL):
            message = f"`{node.operator}` compares numbers, dates and durations, but {subject.described(side)}"
            hint = _ordering_hint(type_, left, right)
            yield Finding(code="unordered_type", message=message, span=side.span, hint=hint)
            return
    if not fits(left, right) and Kind.NULL not in (left.kind, right.kind):
        message = f"{subject.described(node.left)}, but {subject.described(node.right)}"
        hint = 'a span of time is written `t"P7D"`' if Kind.DURATION in (left.kind, right.kind) else None
        yield Finding(code="type_mismatch", message=message, span=node.operator_span, hint=hint)


def _ordering_hint(type_: Type, left: Type, right: Type) -> str | None:
    kinds = {left.kind, right.kind}
    if kinds == {Kind.TEXT, Kind.NUMBER}:
        return "write the number without quotes"
    if kinds == {Kind.TEXT, Kind.INSTANT}:
        return 'write the date as `d"2026-11-20"`'
    return "use `.length` for how many there are" if type_.kind is Kind.LIST else None

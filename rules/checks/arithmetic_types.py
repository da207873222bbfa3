"""Arithmetic is done with numbers, dates and durations; `+` also joins texts."""

from collections.abc import Iterator

from rules.checks.subject import Subject
from rules.diagnostics import Finding
from rules.kinds import Kind, is_open, sum_type
from rules.tree import Arithmetic, Negative


def check(subject: Subject) -> Iterator[Finding]:
    """Yield a finding for each calculation that its operands don't allow."""
    for node in subject.each(Arithmetic):
        left, right = subject.type_of(node.left), subject.type_of(node.right)
        if Kind.NULL in (left.kind, right.kind) or sum_type(node.operator, left, right) is not None:
            continue
        message = f"`{node.operator}` can't take these: {subject.described(node.left)}, {subject.described(node.right)}"
        is_days = {left.kind, right.kind} == {Kind.INSTANT, Kind.NUMBER}
        hint = 'a span of time is written `t"P7D"`' if is_days else None
        yield Finding(code="arithmetic_type", message=message, span=node.operator_span, hint=hint)
    for negative in subject.each(Negative):
        type_ = subject.type_of(negative.operand)
        if not is_open(type_) and type_.kind not in (Kind.NUMBER, Kind.DURATION, Kind.NULL):
            message = f"`-` takes a number or a duration, but {subject.described(negative.operand)}"
            yield Finding(code="arithmetic_type", message=message, span=negative.span)

"""`null` stands only as a direct operand of `==` and `!=`."""

from collections.abc import Iterator

from rules.checks.subject import Subject
from rules.diagnostics import Finding
from rules.tree import Equality, Literal, is_null


def check(subject: Subject) -> Iterator[Finding]:
    """Yield a finding for each `null` elsewhere."""
    nulls = [node for node in subject.each(Literal) if is_null(node)]
    allowed = {id(side) for node in subject.each(Equality) for side in node.children} if nulls else ()
    for node in nulls:
        if id(node) not in allowed:
            message = "`null` stands only beside `==` and `!=`"
            hint = "write `x == null` to ask whether a value is missing"
            yield Finding(code="misplaced_null", message=message, span=node.span, hint=hint)

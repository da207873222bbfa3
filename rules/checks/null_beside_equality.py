"""`null` stands only as a direct operand of `==` and `!=`."""

from collections.abc import Iterator

from rules.checks.subject import Subject
from rules.diagnostics import Finding
from rules.tree import Equality, is_null


def check(subject: Subject) -> Iterator[Finding]:
    """Yield a finding for each `null` elsewhere."""
    allowed = {id(side) for node in subject.each(Equality) for side in node.children}
    for node in subject.nodes:
        if is_null(node) and id(node) not in allowed:
            message = "`null` stands only beside `==` and `!=`"
            hint = "write `x == null` to ask whether a value is missing"
            yield Finding(code="misplaced_null", message=message, span=node.span, hint=hint)

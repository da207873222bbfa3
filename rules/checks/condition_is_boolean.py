"""The whole condition is true or false."""

from collections.abc import Iterator

from rules.checks.booleans_only import comparison_hint
from rules.checks.subject import Subject
from rules.diagnostics import Finding
from rules.kinds import Kind, is_open


def check(subject: Subject) -> Iterator[Finding]:
    """Yield a finding if the condition is a value of another type."""
    type_ = subject.type_of(subject.tree)
    if type_.kind in (Kind.BOOLEAN, Kind.NULL) or is_open(type_):
        return
    message = f"a condition is true or false, but {subject.described(subject.tree)}"
    hint = comparison_hint(subject.tree, type_, subject)
    yield Finding(code="condition_not_boolean", message=message, span=subject.tree.span, hint=hint)

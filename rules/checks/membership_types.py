"""What stands before `in` can be in what stands after it."""

from collections.abc import Iterator

from rules.checks.subject import Subject
from rules.diagnostics import Finding
from rules.kinds import TEXT, Kind, fits, is_open
from rules.tree import Collection, Literal, Membership


def check(subject: Subject) -> Iterator[Finding]:
    """Yield a finding for each `in` that can only be false, or has nothing to look into."""
    for node in subject.each(Membership):
        member, container = subject.type_of(node.left), subject.type_of(node.right)
        if is_open(container) or Kind.NULL in (member.kind, container.kind):
            continue
        if container.kind in (Kind.TEXT, Kind.MAPPING):
            wanted = TEXT
        elif container.kind in (Kind.LIST, Kind.SET):
            wanted = container.item or member
        else:
            message = f"`in` looks into a list, a text or a mapping, but {subject.described(node.right)}"
            yield Finding(code="membership_type", message=message, span=node.right.span)
            continue
        if not fits(member, wanted) and not _mixed(node, subject):
            message = f"{subject.described(node.left)}, but {subject.described(node.right)}"
            is_unquoted = isinstance(node.left, Literal) and wanted is TEXT and member.kind is Kind.NUMBER
            hint = "put it in quotes" if is_unquoted else None
            yield Finding(code="membership_type", message=message, span=node.left.span, hint=hint)


def _mixed(node: Membership, subject: Subject) -> bool:
    """Return whether the list itself is faulty, which its own check reports."""
    if not isinstance(node.right, Collection):
        return False
    kinds = {subject.type_of(item).kind for item in node.right.items}
    return len(kinds) > 1

"""A list, a set or a mapping written out holds values of one type; `?:` and `??` give values of one type."""

from collections.abc import Iterator

from rules.checks.subject import Subject
from rules.diagnostics import Finding
from rules.kinds import Kind, fits
from rules.tree import Choice, Coalesce, Collection, Node, Table


def check(subject: Subject) -> Iterator[Finding]:
    """Yield a finding for each value that differs in type from those before it."""
    for written in subject.each(Collection):
        yield from _alike(written.items, "mixed_list", "the values of a list are of one type", None, subject)
    for table in subject.each(Table):
        keys, values = [list(part) for part in zip(*table.entries, strict=True)] or [[], []]
        yield from _alike(keys, "mixed_list", "the keys of a mapping are of one type", None, subject)
        yield from _alike(values, "mixed_list", "the values of a mapping are of one type", None, subject)
        yield from _keys(keys, subject)
    for choice in subject.each(Choice):
        message = "both branches of `?:` are of one type"
        yield from _alike((choice.yes, choice.no), "mixed_branches", message, None, subject)
    for node in subject.each(Coalesce):
        message = "both sides of `??` are of one type"
        hint = "`??` binds looser than comparisons: write `(mrr ?? 0) > 5`"
        yield from _alike((node.left, node.right), "mixed_branches", message, hint, subject)


def _alike(
    nodes: tuple[Node, ...] | list[Node], code: str, law: str, hint: str | None, subject: Subject
) -> Iterator[Finding]:
    first: Node | None = None
    for node in nodes:
        type_ = subject.type_of(node)
        if type_.kind in (Kind.NULL, Kind.ANY, Kind.JSON):
            continue
        if first is None:
            first = node
        elif not fits(subject.type_of(first), type_):
            message = f"{law}: {subject.described(first)}, {subject.described(node)}"
            yield Finding(code=code, message=message, span=node.span, hint=hint)


def _keys(keys: list[Node], subject: Subject) -> Iterator[Finding]:
    for key in keys:
        type_ = subject.type_of(key)
        if type_.kind not in (Kind.TEXT, Kind.NUMBER, Kind.JSON, Kind.ANY, Kind.NULL):
            message = f"a key is text or a number, but {subject.described(key)}"
            yield Finding(code="item_type", message=message, span=key.span)

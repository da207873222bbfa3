"""`x[…]` reads lists and texts by position, mappings by key."""

from collections.abc import Iterator

from rules.checks.subject import Subject
from rules.diagnostics import Finding
from rules.kinds import Kind, is_open
from rules.tree import Item, Node, Slice

_BY_POSITION = (Kind.TEXT, Kind.LIST)


def check(subject: Subject) -> Iterator[Finding]:
    """Yield a finding for each item that can't be there."""
    for item in subject.each(Item):
        yield from _item(item, subject)
    for stretch in subject.each(Slice):
        yield from _slice(stretch, subject)


def _item(node: Item, subject: Subject) -> Iterator[Finding]:
    target, key = subject.type_of(node.target), subject.type_of(node.key)
    if is_open(target):
        return
    if target.kind is Kind.MAPPING:
        if not is_open(key) and key.kind not in (Kind.TEXT, Kind.NUMBER, Kind.NULL):
            message = f"a key is text, but {subject.described(node.key)}"
            yield Finding(code="item_type", message=message, span=node.key.span)
    elif target.kind in _BY_POSITION:
        yield from _position(node.key, subject)
    else:
        message = f"there is nothing to read in brackets: {subject.described(node.target)}"
        yield Finding(code="item_type", message=message, span=node.target.span)


def _slice(node: Slice, subject: Subject) -> Iterator[Finding]:
    target = subject.type_of(node.target)
    if not is_open(target) and target.kind not in _BY_POSITION:
        message = f"only lists and texts have stretches, but {subject.described(node.target)}"
        yield Finding(code="item_type", message=message, span=node.target.span)
    for bound in (node.start, node.stop):
        if bound is not None:
            yield from _position(bound, subject)


def _position(node: Node, subject: Subject) -> Iterator[Finding]:
    type_ = subject.type_of(node)
    if not is_open(type_) and type_.kind not in (Kind.NUMBER, Kind.NULL):
        message = f"a position is a number, but {subject.described(node)}"
        yield Finding(code="item_type", message=message, span=node.span)

"""What makes two parts of conditions the same, wherever they stand, and which facts a part can't do without."""

from collections.abc import Iterator

from rules.tree import Choice, Coalesce, Collection, Fact, Literal, Logic, Membership, Node, Not, is_null

Key = tuple[object, ...]


def key_of(node: Node) -> Key:
    """Return a value that is equal for parts that always have equal values."""
    match node:
        case Fact():
            return ("fact", node.name if node.spec is None else node.spec.name)
        case Literal():
            return ("literal", type(node.value).__name__, node.value)
        case _:
            own = tuple(getattr(node, name) for name in ("operator", "name", "is_set") if hasattr(node, name))
            gaps = tuple(getattr(node, name) is None for name in ("start", "stop", "arguments") if hasattr(node, name))
            return (type(node).__name__, own, gaps, *map(key_of, node.children))


def needed_facts(node: Node) -> Iterator[Fact]:
    """Yield the facts without which `node` has no value, some perhaps more than once."""
    if isinstance(node, Fact):
        yield node
    elif isinstance(node, Membership) and isinstance(node.right, Collection):
        yield from needed_facts(node.left)
    elif not isinstance(node, Coalesce | Choice | Logic | Not) and not any(map(is_null, node.children)):
        for child in node.children:
            yield from needed_facts(child)

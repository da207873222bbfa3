"""Which parts of a condition vary, and what the others come to; shared by the checks and the analysis."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, tzinfo

from engine.core.facts import Facts
from rules.interpret import Evaluation
from rules.tree import Builtin, Fact, Literal, Node
from rules.values import Unknown, Value, from_json

_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


def varying_parts(
    nodes: Iterable[Node], varies: Callable[[Node], bool] = lambda node: isinstance(node, Fact | Builtin)
) -> frozenset[int]:
    """Return the ids of the nodes for which `varies` holds, or that have such a node below them.

    `nodes` are all nodes of a tree, parents first. Left alone, facts and the time vary.
    """
    varying: set[int] = set()
    for node in reversed(tuple(nodes)):  # children stand behind their parents
        if varies(node) or any(id(child) in varying for child in node.children):
            varying.add(id(node))
    return frozenset(varying)


def constant_value(node: Node, zone: tzinfo = UTC) -> Value | Unknown:
    """Return the value of a part without facts and without the time."""
    if isinstance(node, Literal) and node.value is not None:
        return from_json(node.value)
    return Evaluation(Facts(as_of=_EPOCH), _EPOCH, zone).value(node)

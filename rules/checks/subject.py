"""What a check of one condition looks at, and the words checks share."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from engine.core.facts import FactCatalog
from rules.diagnostics import Finding
from rules.kinds import Type
from rules.tree import Node, Span

NodeT = TypeVar("NodeT", bound=Node)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A condition that could be read: its text, its nodes (parents first) and the type of each."""

    text: str
    tree: Node
    nodes: tuple[Node, ...]
    by_class: Mapping[type[Node], Sequence[Node]]
    types: dict[int, Type]
    catalog: FactCatalog

    def type_of(self, node: Node) -> Type:
        """Return the type of `node`."""
        return self.types[id(node)]

    def each(self, kind: type[NodeT]) -> Sequence[NodeT]:
        """Return the nodes of exactly one class, in order of appearance."""
        return self.by_class.get(kind, ())  # type: ignore[return-value]  # the key is the class of the nodes under it

    def written(self, node: Node, longest: int = 40) -> str:
        """Return `node` as the condition spells it, shortened, on one line."""
        return self.excerpt(node.span, longest)

    def excerpt(self, span: Span, longest: int = 40) -> str:
        """Return a stretch of the condition, shortened, on one line."""
        text = " ".join(self.text[span.start : span.end].split())
        return text if len(text) <= longest else text[: longest - 1] + "…"

    def described(self, node: Node) -> str:
        """Return the beginning of a message: the node as written, in backticks, and its type."""
        return f"`{self.written(node)}` is {self.type_of(node).with_article}"


Check = Callable[[Subject], Iterator[Finding]]

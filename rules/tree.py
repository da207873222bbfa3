"""The tree of a condition: our own, small and frozen, so that nothing behind the parser touches the library's nodes.

Every node knows its span in the text of the condition. Chains of one logical operator are flat: `a and b and c` is
one `And` of three operands. Literals carry exact values: numbers are `Decimal`, instants are aware and in UTC.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal as OneOf
from typing import NamedTuple

from typing_extensions import override

from engine.core.facts import FactSpec


class Span(NamedTuple):
    """A stretch of a condition's text, in code points; `end` is exclusive."""

    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """Anything in the tree."""

    span: Span = field(compare=False)

    @property
    def children(self) -> "tuple[Node, ...]":
        """Return the nodes right below this one, in order of appearance."""
        return ()


LiteralValue = bool | Decimal | str | datetime | timedelta | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Literal(Node):
    """A value written out; None is `null`."""

    value: LiteralValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact(Node):
    """A fact by one of its names; `spec` is None if no fact has that name."""

    name: str
    spec: FactSpec | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Builtin(Node):
    """A name that starts with `$`, used as a value: `$now`."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Node):
    """A function applied: `$abs(balance)`."""

    name: str
    name_span: Span = field(compare=False)
    arguments: tuple[Node, ...]

    @property
    @override
    def children(self) -> tuple[Node, ...]:
        return self.arguments


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute(Node):
    """An attribute of a value, `arguments` set when it is called: `plan.starts_with("Ent")`."""

    target: Node
    name: str
    name_span: Span = field(compare=False)
    arguments: tuple[Node, ...] | None = None

    @property
    @override
    def children(self) -> tuple[Node, ...]:
        return (self.target, *(self.arguments or ()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Item(Node):
    """One item of a list, a text or a mapping: `attributes["tier"]`."""

    target: Node
    key: Node

    @property
    @override
    def children(self) -> tuple[Node, ...]:
        return (self.target, self.key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice(Node):
    """A stretch of a list or a text: `subject[0:10]`."""

    target: Node
    start: Node | None
    stop: Node | None

    @property
    @override
    def children(self) -> tuple[Node, ...]:
        return tuple(node for node in (self.target, self.start, self.stop) if node is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection(Node):
    """A list `[a, b]` or a set `{a, b}` written out."""

    is_set: bool
    items: tuple[Node, ...]

    @property
    @override
    def children(self) -> tuple[Node, ...]:
        return self.items


@dataclass(frozen=True, slots=True, kw_only=True)
class Table(Node):
    """A mapping written out: `{"gold": 1, "silver": 2}`."""

    entries: tuple[tuple[Node, Node], ...]

    @property
    @override
    def children(self) -> tuple[Node, ...]:
        return tuple(node for entry in self.entries for node in entry)


@dataclass(frozen=True, slots=True, kw_only=True)
class Not(Node):
    """`not x`."""

    operand: Node

    @property
    @override
    def children(self) -> tuple[Node, ...]:
        return (self.operand,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Negative(Node):
    """`-x`."""

    operand: Node

    @property
    @override
    def children(self) -> tuple[Node, ...]:
        return (self.operand,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Logic(Node):
    """`a and b and …` or `a or b or …`, flat."""

    operator: OneOf["and", "or"]
    operands: tuple[Node, ...]

    @property
    @override
    def children(self) -> tuple[Node, ...]:
        return self.operands


@dataclass(frozen=True, slots=True, kw_only=True)
class Binary(Node):
    """Two operands and the operator between them; see the subclasses."""

    operator: str
    operator_span: Span = field(compare=False)
    left: Node
    right: Node

    @property
    @override
    def children(self) -> tuple[Node, ...]:
        return (self.left, self.right)


@dataclass(frozen=True, slots=True, kw_only=True)
class Equality(Binary):
    """`==` and `!=`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ordering(Binary):
    """`<`, `<=`, `>`, `>=`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arithmetic(Binary):
    """`+`, `-`, `*`, `/`, `//`, `%`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Match(Binary):
    """`=~`, `=~~`, `!~`, `!~~`: the right side is a regular expression."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership(Binary):
    """`x in y`; `x not in y` is a `Not` around it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coalesce(Binary):
    """`x ?? y`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice(Node):
    """`p ? a : b`."""

    condition: Node
    yes: Node
    no: Node

    @property
    @override
    def children(self) -> tuple[Node, ...]:
        return (self.condition, self.yes, self.no)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused(Node):
    """Something the language leaves out; it was reported where the tree was made, its parts are checked on."""

    parts: tuple[Node, ...] = ()

    @property
    @override
    def children(self) -> tuple[Node, ...]:
        return self.parts


def walk(node: Node) -> Iterator[Node]:
    """Yield `node` and everything below it, parents first, in order of appearance."""
    waiting = [node]
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(reversed(node.children))


def is_null(node: Node) -> bool:
    """Return whether `node` is the literal `null`."""
    return isinstance(node, Literal) and node.value is None

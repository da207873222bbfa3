"""Types of the rule language, what each function and attribute takes and gives, and the type of every node.

`ANY` stands where a fault was already reported (it fits everything, so that one fault is one diagnostic); `JSON` is
a value under `attributes[…]`, whose type shows only when it is there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Optional

from typing_extensions import override

from engine.core.facts import FactType
from rules.tree import (
    Arithmetic,
    Attribute,
    Builtin,
    Call,
    Choice,
    Coalesce,
    Collection,
    Equality,
    Fact,
    Item,
    Literal,
    Logic,
    Match,
    Membership,
    Negative,
    Node,
    Not,
    Ordering,
    Slice,
    Table,
)


class Kind(StrEnum):
    """The outermost part of a type, in words for people."""

    BOOLEAN = "boolean"
    TEXT = "text"
    NUMBER = "number"
    INSTANT = "date and time"
    DURATION = "duration"
    LIST = "list"
    SET = "set"
    MAPPING = "mapping"
    JSON = "attribute value"
    NULL = "null"
    ANY = "anything"


_PLURALS = {
    Kind.BOOLEAN: "booleans",
    Kind.TEXT: "texts",
    Kind.NUMBER: "numbers",
    Kind.INSTANT: "dates",
    Kind.DURATION: "durations",
    Kind.LIST: "lists",
}


@dataclass(frozen=True, slots=True)
class Type:
    """A type; `item` is that of a list's, set's or mapping's values."""

    kind: Kind
    item: Optional["Type"] = None

    @override
    def __str__(self) -> str:
        if self.item is None or self.item.kind in (Kind.ANY, Kind.JSON):
            return self.kind.value
        return f"{self.kind.value} of {_PLURALS.get(self.item.kind, self.item.kind.value)}"

    @property
    def with_article(self) -> str:
        """Return the type as a sentence names it: `a number`, `text`."""
        if self.kind is Kind.TEXT:
            return "text"
        return f"an {self}" if self.kind is Kind.JSON else f"a {self}"


BOOLEAN = Type(Kind.BOOLEAN)
TEXT = Type(Kind.TEXT)
NUMBER = Type(Kind.NUMBER)
INSTANT = Type(Kind.INSTANT)
DURATION = Type(Kind.DURATION)
JSON = Type(Kind.JSON)
NULL = Type(Kind.NULL)
ANY = Type(Kind.ANY)
TEXTS = Type(Kind.LIST, TEXT)
NUMBERS = Type(Kind.LIST, NUMBER)

_FACT_TYPES = {
    FactType.BOOLEAN: BOOLEAN,
    FactType.STRING: TEXT,
    FactType.NUMBER: NUMBER,
    FactType.MONEY: NUMBER,
    FactType.DATETIME: INSTANT,
    FactType.STRINGS: TEXTS,
    FactType.MAPPING: Type(Kind.MAPPING, JSON),
}

CONSTANTS: Mapping[str, Type] = {"now": INSTANT, "today": INSTANT}
"""What `$name` may stand for as a value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """What a function takes and gives."""

    takes: tuple[Type, ...]
    gives: Type
    required: int = 1


FUNCTIONS: Mapping[str, Signature] = {
    "abs": Signature(takes=(NUMBER,), gives=NUMBER),
    "min": Signature(takes=(NUMBERS,), gives=NUMBER),
    "max": Signature(takes=(NUMBERS,), gives=NUMBER),
    "sum": Signature(takes=(NUMBERS,), gives=NUMBER),
    "split": Signature(takes=(TEXT, TEXT, NUMBER), gives=TEXTS),
    "parse_datetime": Signature(takes=(TEXT,), gives=INSTANT),
    "parse_float": Signature(takes=(TEXT,), gives=NUMBER),
}

_SIZED = (Kind.TEXT, Kind.LIST, Kind.SET, Kind.MAPPING)

ATTRIBUTES: Mapping[str, tuple[tuple[Kind, ...], Type]] = {
    "length": (_SIZED, NUMBER),
    "is_empty": (_SIZED, BOOLEAN),
    "as_lower": ((Kind.TEXT,), TEXT),
    "as_upper": ((Kind.TEXT,), TEXT),
    "to_str": ((Kind.TEXT, Kind.NUMBER), TEXT),
    "to_flt": ((Kind.TEXT, Kind.NUMBER), NUMBER),
    "to_int": ((Kind.TEXT, Kind.NUMBER), NUMBER),
    "ceiling": ((Kind.NUMBER,), NUMBER),
    "floor": ((Kind.NUMBER,), NUMBER),
    **dict.fromkeys(("year", "month", "day", "hour", "minute", "second"), ((Kind.INSTANT,), NUMBER)),
    "days": ((Kind.DURATION,), NUMBER),
    "total_seconds": ((Kind.DURATION,), NUMBER),
}
"""Attributes that are values: the kinds that have them, and what they give."""

METHODS: Mapping[str, tuple[Kind, ...]] = {
    "starts_with": (Kind.TEXT, Kind.LIST),
    "ends_with": (Kind.TEXT, Kind.LIST),
}
"""Attributes that are called with one value like the one they belong to; all give a boolean."""

_SUMS: Mapping[tuple[str, Kind, Kind], Type] = {
    ("+", Kind.TEXT, Kind.TEXT): TEXT,
    ("+", Kind.INSTANT, Kind.DURATION): INSTANT,
    ("+", Kind.DURATION, Kind.INSTANT): INSTANT,
    ("+", Kind.DURATION, Kind.DURATION): DURATION,
    ("-", Kind.INSTANT, Kind.INSTANT): DURATION,
    ("-", Kind.INSTANT, Kind.DURATION): INSTANT,
    ("-", Kind.DURATION, Kind.DURATION): DURATION,
    **{(sign, Kind.NUMBER, Kind.NUMBER): NUMBER for sign in ("+", "-", "*", "/", "//", "%")},
}


def fits(one: Type, other: Type) -> bool:
    """Return whether values of both types can be equal."""
    if Kind.ANY in (one.kind, other.kind) or Kind.JSON in (one.kind, other.kind):
        return True
    if one.kind is not other.kind:
        return False
    return one.item is None or other.item is None or fits(one.item, other.item)


def is_open(type_: Type) -> bool:
    """Return whether nothing can be said about a value of the type before it is there."""
    return type_.kind in (Kind.ANY, Kind.JSON)


def sum_type(operator: str, left: Type, right: Type) -> Type | None:
    """Return what `left operator right` gives, or None if it can't be calculated."""
    if left.kind is Kind.ANY or right.kind is Kind.ANY:
        return ANY
    if Kind.JSON in (left.kind, right.kind):
        known = right if left.kind is Kind.JSON else left
        possible = {
            result
            for (sign, one, other), result in _SUMS.items()
            if sign == operator and (is_open(known) or known.kind in (one, other))
        }
        return possible.pop() if len(possible) == 1 else (JSON if possible else None)
    return _SUMS.get((operator, left.kind, right.kind))


def infer(tree: Node) -> dict[int, Type]:
    """Return the type of every node of `tree` by `id(node)`; the tree must outlive the result."""
    types: dict[int, Type] = {}
    _infer(tree, types)
    return types


def _infer(node: Node, types: dict[int, Type]) -> Type:
    parts = node.children
    type_ = types[id(node)] = _type_of(node, [_infer(part, types) for part in parts] if parts else [])
    return type_


def _type_of(node: Node, below: list[Type]) -> Type:  # noqa: C901, PLR0911, PLR0912  # one line for each kind of node
    match node:
        case Literal():
            return _literal_type(node)
        case Fact():
            return ANY if node.spec is None else _FACT_TYPES[node.spec.type]
        case Builtin():
            return CONSTANTS.get(node.name, ANY)
        case Call():
            return FUNCTIONS[node.name].gives if node.name in FUNCTIONS else ANY
        case Attribute():
            return BOOLEAN if node.name in METHODS else ATTRIBUTES.get(node.name, ((), ANY))[1]
        case Item():
            return _item_type(below[0])
        case Slice():
            return below[0] if below[0].kind in (Kind.TEXT, Kind.LIST, Kind.JSON) else ANY
        case Collection():
            return Type(Kind.SET if node.is_set else Kind.LIST, common(below))
        case Table():
            return Type(Kind.MAPPING, common(below[1::2]))
        case Not() | Logic() | Equality() | Ordering() | Match() | Membership():
            return BOOLEAN
        case Negative():
            return below[0] if below[0].kind in (Kind.NUMBER, Kind.DURATION, Kind.JSON) else ANY
        case Arithmetic():
            return sum_type(node.operator, *below) or ANY
        case Coalesce():
            return common(below)
        case Choice():
            return common(below[1:])
        case _:
            return ANY


def common(types: list[Type]) -> Type:
    """Return the one type that all of `types` fit, `JSON` if one of them is open, `ANY` if there is none."""
    known = [type_ for type_ in types if type_.kind not in (Kind.ANY, Kind.NULL)]
    if any(type_.kind is Kind.JSON for type_ in known):
        return JSON
    if not known or not all(fits(known[0], type_) for type_ in known):
        return ANY
    return known[0]


def _literal_type(node: Literal) -> Type:
    match node.value:
        case None:
            return NULL
        case bool():
            return BOOLEAN
        case Decimal():
            return NUMBER
        case str():
            return TEXT
        case datetime():
            return INSTANT
        case timedelta():
            return DURATION


def _item_type(target: Type) -> Type:
    if target.kind in (Kind.TEXT, Kind.JSON):
        return target
    if target.kind in (Kind.LIST, Kind.MAPPING):
        return target.item or ANY
    return ANY

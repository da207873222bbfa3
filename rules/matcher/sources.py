"""Where the columns of the matcher get their values: facts, keys of `attributes`, and whole sub-expressions."""

import json
from collections.abc import Iterator
from datetime import datetime, tzinfo
from decimal import Decimal
from typing import Any

from engine.core.facts import FactType
from engine.core.matcher.clauses import ODD, Missing, Read, Source, Values
from rules import limits
from rules.kinds import Kind, infer
from rules.matcher.closures import close
from rules.tree import (
    Attribute,
    Builtin,
    Choice,
    Coalesce,
    Collection,
    Equality,
    Fact,
    Item,
    Literal,
    Logic,
    Membership,
    Node,
    is_null,
    walk,
)
from rules.values import Unknown

_INFALLIBLE_ATTRIBUTES = frozenset(
    (
        *("length", "is_empty", "as_lower", "as_upper", "starts_with", "ends_with", "to_str"),
        *("year", "month", "day", "hour", "minute", "second", "days", "total_seconds"),
    )
)
_INFALLIBLE_NODES = (Fact, Literal, Builtin)


def source_of(node: Node, zone: tzinfo) -> Source:
    """Return where the value of `node` comes from."""
    if isinstance(node, Fact):
        return _fact_source(node)
    path = attribute_path(node)
    if path is not None:
        return _path_source(path)
    closure = close(node, zone)

    def read(values: Values, now: datetime) -> Any:
        try:
            value = closure(values, now)
        except Exception:  # noqa: BLE001  # the interpreter, asked for this rule alone, will name it
            return ODD
        return None if isinstance(value, Unknown) else value

    facts = tuple(dict.fromkeys(fact_names(node)))
    return Source(f"{zone} {spelled(node)}", facts, read, is_strict=is_strict(node))


def attribute_path(node: Node) -> tuple[str, str] | None:
    """Return the fact and the key of `attributes["tier"]`, or None for anything else."""
    if (
        isinstance(node, Item)
        and isinstance(node.target, Fact)
        and node.target.spec is not None
        and node.target.spec.type is FactType.MAPPING
        and isinstance(node.key, Literal)
        and isinstance(node.key.value, str)
    ):
        return node.target.spec.name, node.key.value
    return None


def fact_names(node: Node) -> Iterator[str]:
    """Yield the facts that `node` reads, in order of appearance."""
    for part in walk(node):
        if isinstance(part, Fact) and part.spec is not None:
            yield part.spec.name


def fact_types(node: Node) -> dict[str, FactType]:
    """Return the declared types of the facts that `node` reads."""
    return {part.spec.name: part.spec.type for part in walk(node) if isinstance(part, Fact) and part.spec is not None}


def is_strict(node: Node) -> bool:
    """Return whether `node` is unknown as soon as one of its facts is."""
    return all(_is_strict_itself(part) for part in walk(node))


def missing_of(node: Node, zone: tzinfo) -> tuple[Missing, ...] | None:
    """Return what a strict `node` lacks when it is unknown, in order of appearance; None if that can't be told so."""
    path = attribute_path(node)
    if path is not None:
        name, key = path
        return (Missing(f"{name}[{json.dumps(key, ensure_ascii=False)}]", _path_source(path)),)
    if isinstance(node, Fact):
        return (Missing(node.spec.name, source_of(node, zone)),) if node.spec is not None else ()
    if isinstance(node, Item) and type_of(node.target) is Kind.JSON:
        return None
    if isinstance(node, Item) and isinstance(node.target, Fact) and type_of(node.target) is Kind.MAPPING:
        return None
    found: list[Missing] = []
    for child in node.children:
        below = missing_of(child, zone)
        if below is None:
            return None
        found += below
    return tuple(found)


def type_of(node: Node) -> Kind:
    """Return the kind of value that `node` has."""
    return infer(node)[id(node)].kind


def fallible_parts(node: Node) -> Iterator[frozenset[str]]:
    """Yield, for each part of `node` that can go wrong, the facts it needs to get there."""
    for part in walk(node):
        if isinstance(part, _INFALLIBLE_NODES):
            continue
        if isinstance(part, Attribute) and part.name in _INFALLIBLE_ATTRIBUTES and not _is_open(part.target):
            continue
        if isinstance(part, Equality | Coalesce):
            continue
        if isinstance(part, Logic | Membership | Choice) and not any(_is_open(child) for child in part.children):
            continue
        yield frozenset(fact_names(part)) if is_strict(part) else frozenset()


def spelled(node: Node) -> str:
    """Return a text that two nodes share only if they mean the same."""
    parts: list[str] = []
    waiting: list[Node | str] = [node]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            parts.append(one)
            continue
        parts.append(f"{type(one).__name__}({_detail(one)}")
        waiting.append(")")
        waiting.extend(reversed(one.children))
    return " ".join(parts)


def _detail(node: Node) -> str:
    if isinstance(node, Literal):
        return f"{type(node.value).__name__} {node.value!r}"
    if isinstance(node, Fact):
        return "" if node.spec is None else node.spec.name
    details = (getattr(node, name, None) for name in ("name", "operator", "is_set"))
    bounds = tuple(getattr(node, name, "") is None for name in ("start", "stop"))
    return " ".join(str(detail) for detail in (*details, *bounds) if detail is not None)


def _is_open(node: Node) -> bool:
    return type_of(node) in (Kind.JSON, Kind.ANY)


def _is_strict_itself(node: Node) -> bool:
    if isinstance(node, Coalesce | Choice | Logic):
        return False
    if isinstance(node, Equality):
        return not (is_null(node.left) or is_null(node.right))
    if isinstance(node, Membership) and isinstance(node.right, Collection):
        return not any(True for item in node.right.items for _ in fact_names(item))
    return True


def _fact_source(node: Fact) -> Source:
    assert node.spec is not None
    name = node.spec.name
    read = _cut_reader(name) if node.spec.type is FactType.STRING else _reader(name)
    return Source(name, (name,), read, is_fact=True, is_cheap=True)


def _reader(name: str) -> Read:
    return lambda values, _now: values.get(name)


def _cut_reader(name: str) -> Read:
    def read(values: Values, _now: datetime) -> Any:
        value = values.get(name)
        return value[: limits.MAX_TEXT_FACT] if isinstance(value, str) else value

    return read


def _path_source(path: tuple[str, str]) -> Source:
    fact, key = path

    def read(values: Values, _now: datetime) -> Any:
        mapping = values.get(fact)
        if mapping is None:
            return None
        if type(mapping) is not dict:
            return ODD
        value: Any = mapping.get(key)
        if isinstance(value, str):
            return value[: limits.MAX_TEXT_FACT]
        if isinstance(value, float):  # an infinity is an error, not merely another value
            value = Decimal(repr(value))
        return ODD if isinstance(value, Decimal) and not value.is_finite() else value

    return Source(f"{fact}[{json.dumps(key)}]", (fact,), read, is_cheap=True)

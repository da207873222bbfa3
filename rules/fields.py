"""Reads the entries of a YAML mapping by key; what is wrong with a value is reported when it is read."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import TypeVar

from rules import yaml_nodes
from rules.report import Report
from rules.suggestions import did_you_mean
from rules.tree import Span
from rules.yaml_nodes import Broken, Scalar, Sequence, YamlNode

Choice = TypeVar("Choice", bound=StrEnum)


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A text and where it stands."""

    text: str
    span: Span


def listed(values: Iterable[str]) -> str:
    """Return `values` as a sentence lists them."""
    return ", ".join(f"`{value}`" for value in values)


def wrong_type(report: Report, node: YamlNode, what: str, wanted: str, *, hint: str | None = None) -> None:
    """Report that `node` is not what is wanted there; nothing if its fault was already reported."""
    if isinstance(node, Broken):
        return
    report.add("wrong_type", f"{what} is {wanted}, not {_kind(node)}", node.span, hint=hint)


def _kind(node: YamlNode) -> str:
    match node:
        case yaml_nodes.Mapping():
            return "a mapping"
        case Sequence():
            return "a list"
        case Scalar(value=None):
            return "nothing"
        case Scalar(value=bool()):
            return "true or false"
        case Scalar(value=int() | Decimal()):
            return "a number"
        case _:
            return "text"


@dataclass(frozen=True)
class Fields:
    """The entries of one mapping; `known` are the keys it may have, `owner` is what messages call it."""

    mapping: yaml_nodes.Mapping
    report: Report
    known: tuple[str, ...]
    owner: str
    _by_key: dict[str, tuple[Scalar, YamlNode]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        for key, value in self.mapping.entries:
            self._by_key[key.text] = (key, value)
            if key.text not in self.known:
                hint = did_you_mean(key.text, self.known) or f"there are {listed(self.known)}"
                self.report.add("unknown_key", f"{self.owner} has no key `{key.text}`", key.span, hint=hint)

    def require(self, *keys: str) -> None:
        """Report the keys that are missing."""
        for key in keys:
            if key not in self._by_key:
                first = self.mapping.entries[0][0].span if self.mapping.entries else self.mapping.span
                self.report.add("missing_key", f"{self.owner} needs `{key}`", first, hint=f"add `{key}:`")

    def has(self, key: str) -> bool:
        """Return whether `key` is there."""
        return key in self._by_key

    def node(self, key: str) -> YamlNode | None:
        """Return the value of `key`, or None if it is missing or its fault was reported."""
        entry = self._by_key.get(key)
        return None if entry is None or type(entry[1]) is Broken else entry[1]

    def span(self, key: str) -> Span:
        """Return where the value of `key` stands."""
        return self._by_key[key][1].span

    def key_span(self, key: str) -> Span:
        """Return where `key` itself stands."""
        return self._by_key[key][0].span

    def text(self, key: str, *, may_be_empty: bool = False) -> str | None:
        """Return the text of `key`."""
        node = self.node(key)
        if node is None:
            return None
        placed = _text(node, f"`{key}`", self.report, may_be_empty=may_be_empty, empty=self.key_span(key))
        return None if placed is None else placed.text

    def texts(self, key: str) -> tuple[Placed, ...]:
        """Return the list of texts of `key`."""
        node = self.node(key)
        if node is None:
            return ()
        if not isinstance(node, Sequence):
            hint = f"write `[{node.text}]`" if isinstance(node, Scalar) and node.text else None
            wrong_type(self.report, node, f"`{key}`", "a list of texts", hint=hint)
            return ()
        what = f"each of `{key}`"
        placed = (_text(item, what, self.report, may_be_empty=False, empty=item.span) for item in node.items)
        return tuple(one for one in placed if one is not None)

    def boolean(self, key: str) -> bool | None:
        """Return the truth value of `key`."""
        node = self.node(key)
        if node is None:
            return None
        if not isinstance(node, Scalar) or not isinstance(node.value, bool):
            wrong_type(self.report, node, f"`{key}`", "true or false", hint="write `true` or `false`")
            return None
        return node.value

    def choice(self, key: str, of: type[Choice]) -> Choice | None:
        """Return one of the values of an enumeration."""
        text = self.text(key)
        if text is None:
            return None
        try:
            return of(text)
        except ValueError:
            values = [choice.value for choice in of]
            hint = did_you_mean(text, values) or f"write {listed(values)}"
            self.report.add("unknown_value", f"`{text}` is no `{key}`", self.span(key), hint=hint)
            return None


def _text(node: YamlNode, what: str, report: Report, *, may_be_empty: bool, empty: Span) -> Placed | None:
    if not isinstance(node, Scalar) or not isinstance(node.value, str):
        quoted = isinstance(node, Scalar) and node.value is not None
        hint = f'put it in quotes: `"{node.text}"`' if quoted and isinstance(node, Scalar) else None
        wrong_type(report, node if node.span.end > node.span.start else _moved(node, empty), what, "text", hint=hint)
        return None
    if not node.text.strip() and not may_be_empty:
        report.add("empty_text", f"{what} is empty", node.span)
        return None
    return Placed(text=node.text, span=node.span)


def _moved(node: YamlNode, span: Span) -> YamlNode:
    return node._replace(span=span)

"""Which fact has to change for a variable to change, and values that make it so."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from engine.core.facts import FactType
from rules import limits
from rules.analysis.search import Box
from rules.analysis.spaces import UNKNOWN_CELL, Line, Variable
from rules.analysis.stretches import Stretch
from rules.tree import Attribute, Fact, Item, Literal, Membership, Node
from rules.values import Unknown

_LONGEST = 3000
_BY_TYPE = {FactType.STRING: ("length", "as_lower", "as_upper"), FactType.STRINGS: ("length",)}


def subject_of(variable: Variable) -> str | None:
    """Return the fact that is changed to change `variable`, or None if no single one is, or it can't be said."""
    read = variable if variable.text is None else variable.text
    if read.fact is not None or variable.text is not None or read_of(read.node) is not None:
        return read.fact or read_of(read.node)
    node = variable.node
    if isinstance(node, Item) and isinstance(node.target, Fact) and isinstance(node.key, Literal):
        if variable.line is Line.JSON and isinstance(node.key.value, str) and node.target.spec is not None:
            return f"{node.target.spec.name}[{json.dumps(node.key.value, ensure_ascii=False)}]"
        return None
    if isinstance(node, Membership) and isinstance(node.right, Fact) and node.right.spec is not None:
        is_plain = isinstance(node.left, Literal) and isinstance(node.left.value, str)
        return node.right.spec.name if is_plain else None
    return None


def derived_of(variable: Variable) -> Variable | None:
    """Return what `variable` is or asks about, if that is the length or another spelling of a fact; else None."""
    read = variable if variable.text is None else variable.text
    return None if read.fact is not None or read_of(read.node) is None else read


def read_of(node: Node) -> str | None:
    """Return the fact whose length or other spelling `node` is."""
    if not isinstance(node, Attribute) or not isinstance(node.target, Fact) or node.arguments is not None:
        return None
    spec = node.target.spec
    if spec is None or spec.closed_set is not None or node.name not in _BY_TYPE.get(spec.type, ()):
        return None
    return spec.name


def restored(node: Node, value: Any, now: Any) -> Any:
    """Return a value of the fact that `node` reads for which it comes to `value`, near to `now`; None if there is none.

    Whoever asks tries it: not every text is one in capital letters.
    """
    assert isinstance(node, Attribute)
    if node.name != "length":
        return value
    if value != int(value) or not 0 <= value <= limits.MAX_TEXT_FACT:
        return None
    length = int(value)
    if isinstance(now, tuple):
        more = (f"item {number}" for number in range(length + 1))
        return (*now, *(one for one in more if one not in now))[:length]
    return (now if isinstance(now, str) else "").ljust(length, "x")[:length]


def leans_on(variable: Variable, about: str, facts: Sequence[str | None]) -> bool:
    """Return whether `variable` may become another when `about` does; `facts` are the facts it needs."""
    name, bracket, _ = about.partition("[")
    if bracket and (subject_of(variable) or "").startswith(f"{name}["):
        return False  # another key
    return name in facts and variable.fact != name


def witnesses(stretch: Stretch | None, asked: Sequence[Variable], box: Box, base: Any) -> list[Any]:
    """Return values that lie in a stretch, if there is one, and answer as `box` asks; `base` is the value now."""
    if stretch is not None and not asked:
        return list(stretch.samples)
    if asked and all(one.predicate is not None for one in asked):
        bases = [base if isinstance(base, str) else ""] if stretch is None else [str(one) for one in stretch.samples]
        return [text for one in bases for text in _texts(one, asked, box)][:3]
    if stretch is not None:
        return []
    return [_members(asked, box, base)]


def _texts(base: str, asked: Sequence[Variable], box: Box) -> Iterator[str]:
    wanted = [one.predicate.needle for one in asked if one.predicate is not None and _is_wanted(one, box)]
    unwanted = [one.predicate.needle for one in asked if one.predicate is not None and not _is_wanted(one, box)]
    kept = base[:_LONGEST]
    for needle in filter(None, unwanted):
        kept = kept.replace(needle, "")
    for text in (kept, " ".join([kept, *wanted]).strip(), " ".join([*wanted, kept]), " ".join(wanted), ""):
        if all(one.asks(text) is _is_wanted(one, box) for one in asked):
            yield text
            return


def _members(asked: Sequence[Variable], box: Box, base: Any) -> Any:
    kept = [one for one in base if not isinstance(one, Unknown)] if isinstance(base, tuple) else []
    for one in asked:
        assert isinstance(one.node, Membership)
        assert isinstance(one.node.left, Literal)
        member = one.node.left.value
        if _is_wanted(one, box) and member not in kept:
            kept.append(member)
        elif not _is_wanted(one, box):
            kept = [other for other in kept if other != member]
    return tuple(kept)


def _is_wanted(variable: Variable, box: Box) -> bool:
    return box[variable.number] == variable.mask_of_truth(truth=True)


def cell_now(variable: Variable, value: Any, place: Any) -> int:
    """Return the cell of a variable whose part has `value`, which stands at `place` of its line."""
    if isinstance(value, Unknown):
        return UNKNOWN_CELL
    return 2 if variable.line is Line.OTHER else variable.cell_of(place)

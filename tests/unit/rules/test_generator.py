"""The generator writes all of the language: whatever it leaves out, no differential test ever sees."""

from collections import Counter
from collections.abc import Iterator

from engine.core.facts import FactCatalog
from rules import tree
from rules.kinds import ATTRIBUTES, CONSTANTS, FUNCTIONS, METHODS, Kind, infer
from rules.tree import (
    Arithmetic,
    Attribute,
    Builtin,
    Call,
    Collection,
    Equality,
    Fact,
    Item,
    Literal,
    Logic,
    Match,
    Membership,
    Node,
    Ordering,
    Refused,
    Slice,
    is_null,
    walk,
)
from tests.unit.rules.choices import SeededChoices
from tests.unit.rules.facts import check
from tests.unit.rules.generator import KINDS, Grammar, condition, expression
from web.facts import CATALOG

CONDITIONS = 4_000


def test_every_part_of_the_language_is_written_and_accepted() -> None:
    """Node kinds, operators with the types they take, functions, attributes, every fact, and deep nesting."""
    seen: Counter[object] = Counter()
    for seed in range(CONDITIONS):
        written = condition(SeededChoices(seed), Grammar(depth=seed % 5))
        found = check(written).tree
        if found is not None:
            seen.update(set(_features(found)))

    assert not [feature for feature in _wanted(CATALOG) if not seen[feature]]


def test_expressions_of_every_kind_are_written() -> None:
    """What a condition holds only inside of something else is also generated on its own."""
    for kind in KINDS:
        assert len({expression(SeededChoices(seed), kind) for seed in range(50)}) > 15


def _features(root: Node) -> Iterator[object]:  # noqa: C901, PLR0912  # one line for each kind of node
    types = infer(root)
    yield ("depth", _depth(root))
    for node in walk(root):
        yield type(node)
        match node:
            case Fact() if node.spec is not None:
                yield ("fact", node.spec.name)
                yield ("prefixed", node.name != node.spec.name)
            case Literal():
                yield ("literal", type(node.value).__name__)
            case Builtin() | Call():
                yield ("function", node.name)
                if isinstance(node, Call):
                    yield ("arguments", node.name, len(node.arguments))
            case Attribute():
                yield ("attribute", node.name, types[id(node.target)].kind)
            case Item():
                yield ("item", types[id(node.target)].kind)
            case Slice():
                yield ("slice", types[id(node.target)].kind, node.start is None, node.stop is None)
            case Collection():
                yield ("collection", node.is_set)
            case Logic() | Match() | Membership():
                yield (type(node), node.operator)
                if isinstance(node, Membership):
                    yield ("in", types[id(node.left)].kind, types[id(node.right)].kind)
            case Equality():
                is_asked = is_null(node.left) or is_null(node.right)
                yield (node.operator, "null" if is_asked else types[id(node.left)].kind)
            case Ordering() | Arithmetic():
                yield (node.operator, types[id(node.left)].kind, types[id(node.right)].kind)
            case _:
                pass


def _wanted(catalog: FactCatalog) -> Iterator[object]:
    nodes = {one for one in vars(tree).values() if isinstance(one, type) and issubclass(one, Node)}
    yield from nodes - {Node, tree.Binary, Refused}
    yield from (("fact", spec.name) for spec in catalog)
    yield from (("prefixed", is_prefixed) for is_prefixed in (False, True))
    yield from (("literal", name) for name in ("bool", "Decimal", "str", "datetime", "timedelta", "NoneType"))
    yield from (("function", name) for name in (*CONSTANTS, *FUNCTIONS))
    yield from (("arguments", "split", count) for count in (1, 2, 3))
    yield from (("attribute", name, kind) for name, (kinds, _) in ATTRIBUTES.items() for kind in kinds)
    yield from (("attribute", name, kind) for name, kinds in METHODS.items() for kind in kinds)
    yield from (("item", kind) for kind in (Kind.TEXT, Kind.LIST, Kind.MAPPING, Kind.JSON))
    yield from (("slice", kind, *ends) for kind in (Kind.TEXT, Kind.LIST) for ends in ((False, True), (True, False)))
    yield from (("collection", is_set) for is_set in (False, True))
    yield from ((Logic, operator) for operator in ("and", "or"))
    yield from ((Match, operator) for operator in ("=~", "=~~", "!~", "!~~"))
    yield from (("in", Kind.TEXT, kind) for kind in (Kind.TEXT, Kind.LIST, Kind.SET, Kind.MAPPING))
    yield from (("in", kind, Kind.LIST) for kind in (Kind.NUMBER, Kind.INSTANT, Kind.BOOLEAN))
    equal = (Kind.BOOLEAN, Kind.NUMBER, Kind.TEXT, Kind.INSTANT, Kind.DURATION, Kind.LIST, Kind.JSON, "null")
    yield from ((operator, kind) for operator in ("==", "!=") for kind in equal)
    ordered = (Kind.NUMBER, Kind.INSTANT, Kind.DURATION)
    yield from ((operator, kind, kind) for operator in ("<", "<=", ">", ">=") for kind in ordered)
    yield from ((operator, Kind.NUMBER, Kind.NUMBER) for operator in ("+", "-", "*", "/", "//", "%"))
    yield from (("+", Kind.TEXT, Kind.TEXT), ("+", Kind.INSTANT, Kind.DURATION), ("+", Kind.DURATION, Kind.INSTANT))
    yield from (("-", Kind.INSTANT, Kind.INSTANT), ("-", Kind.INSTANT, Kind.DURATION))
    yield from ((operator, Kind.DURATION, Kind.DURATION) for operator in ("+", "-"))
    yield from (("depth", depth) for depth in range(1, 9))


def _depth(node: Node) -> int:
    return 1 + max((_depth(child) for child in node.children), default=0)

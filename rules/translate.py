"""From the grammar's view of a condition to our tree.

What the language leaves out of the grammar (powers, shifts, bit operators, comprehensions, bytes) becomes a
`Refused` node with a finding that says what to write instead; the parts around it are translated all the same, so
that every fault of a condition is reported at once.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import tzinfo

from engine.core.facts import FactCatalog
from rules import limits
from rules.diagnostics import Finding
from rules.expression import Raw, parse, parse_datetime, parse_number, parse_timedelta
from rules.kinds import FUNCTIONS
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
    Refused,
    Slice,
    Span,
    Table,
)

_SIGNS = {
    "EQ": "==", "NE": "!=", "GT": ">", "GE": ">=", "LT": "<", "LE": "<=", "EQ_FZM": "=~", "EQ_FZS": "=~~",
    "NE_FZM": "!~", "NE_FZS": "!~~", "ADD": "+", "SUB": "-", "MUL": "*", "TDIV": "/", "FDIV": "//", "MOD": "%",
    "POW": "**", "BWAND": "&", "BWOR": "|", "BWXOR": "^", "BWLSH": "<<", "BWRSH": ">>",
}  # fmt: skip

_INSTEAD = {
    "**": "write the product out: `x * x`",
    "&": "write `and`",
    "|": "write `or`",
    "^": "write `a != b` for one or the other",
    "<<": "write a product",
    ">>": "write a quotient",
}

_HARMFUL_IN_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedCondition:
    """The tree of a condition, or None if its text can't be read, and what was found on the way."""

    tree: Node | None
    findings: tuple[Finding, ...]


def parse_condition(text: str, catalog: FactCatalog, zone: tzinfo) -> ParsedCondition:
    """Return the tree of the condition `text`; instants without an offset are meant in `zone`."""
    raw = parse(text)
    if raw.root is None:
        return ParsedCondition(tree=None, findings=raw.findings)
    translation = _Translation(catalog=catalog, zone=zone)
    tree = translation.node(raw.root)
    depth = _depth(tree)
    if depth > limits.MAX_DEPTH:
        message = f"the condition is nested {depth} deep, the limit is {limits.MAX_DEPTH}"
        finding = Finding(code="too_deep", message=message, span=tree.span, hint="split it into several rules")
        return ParsedCondition(tree=None, findings=(finding,))
    return ParsedCondition(tree=tree, findings=tuple(translation.findings))


def _depth(tree: Node) -> int:
    level, depth = [tree], 0
    while level:
        depth += 1
        level = [child for node in level for child in node.children]
    return depth


@dataclass(frozen=True, slots=True, kw_only=True)
class _Translation:
    catalog: FactCatalog
    zone: tzinfo
    findings: list[Finding] = field(default_factory=list)

    def node(self, raw: Raw) -> Node:
        return _TRANSLATORS[raw.kind](self, raw)

    def nodes(self, raws: tuple[Raw, ...]) -> tuple[Node, ...]:
        return tuple(self.node(raw) for raw in raws)

    def refuse(self, raw: Raw, span: Span, what: str, hint: str | None, parts: tuple[Raw, ...] = ()) -> Node:
        self.findings.append(
            Finding(code="not_allowed", message=f"{what} not part of the language", span=span, hint=hint)
        )
        return Refused(span=raw.span, parts=self.nodes(parts))

    def unreadable(self, raw: Raw, message: str, hint: str | None = None) -> Node:
        self.findings.append(Finding(code="syntax", message=message, span=raw.span, hint=hint))
        return Refused(span=raw.span)

    # literals

    def boolean(self, raw: Raw) -> Node:
        return Literal(span=raw.span, value=raw.parts[0])

    def null(self, raw: Raw) -> Node:
        return Literal(span=raw.span, value=None)

    def number(self, raw: Raw) -> Node:
        value = parse_number(raw.parts[0])
        if value is None:
            return self.unreadable(raw, "a number can't start with a zero", f"write `{raw.parts[0].lstrip('0')}`")
        return Literal(span=raw.span, value=value)

    def string(self, raw: Raw) -> Node:
        value: str = raw.parts[0]
        if len(value) > limits.MAX_TEXT_LITERAL:
            message = f"the text has {len(value)} characters, the limit is {limits.MAX_TEXT_LITERAL}"
            self.findings.append(Finding(code="text_too_long", message=message, span=raw.span))
        elif harmful := _HARMFUL_IN_TEXT.search(value):
            message = f"the character U+{ord(harmful[0]):04X} is not allowed in a text"
            self.findings.append(Finding(code="control_character", message=message, span=raw.span))
        return Literal(span=raw.span, value=value)

    def datetime(self, raw: Raw) -> Node:
        value = parse_datetime(raw.parts[0], self.zone)
        if value is None:
            hint = 'write ISO 8601: `d"2026-11-20"` or `d"2026-11-20T12:00:00Z"`'
            return self.unreadable(raw, f"`{raw.parts[0]}` is no date and time", hint)
        return Literal(span=raw.span, value=value)

    def timedelta(self, raw: Raw) -> Node:
        value = parse_timedelta(raw.parts[0])
        if value is None:
            hint = 'write an ISO 8601 duration of weeks to seconds: `t"P7D"` or `t"PT12H"`'
            return self.unreadable(raw, f"`{raw.parts[0]}` is no duration", hint)
        return Literal(span=raw.span, value=value)

    def bytes(self, raw: Raw) -> Node:
        return self.refuse(raw, raw.span, "bytes are", 'write a text: `"…"`')

    def collection(self, raw: Raw) -> Node:
        (items,) = raw.parts
        return Collection(span=raw.span, is_set=raw.kind == "SetExpression", items=self.nodes(items))

    def table(self, raw: Raw) -> Node:
        (entries,) = raw.parts
        return Table(span=raw.span, entries=tuple((self.node(key), self.node(value)) for key, value in entries))

    # names and what hangs on them

    def symbol(self, raw: Raw) -> Node:
        (name,) = raw.parts
        if raw.options.get("scope"):
            return Builtin(span=raw.span, name=name)
        return Fact(span=raw.span, name=name, spec=self.catalog.find(name))

    def attribute(self, raw: Raw) -> Node:
        target, name = raw.parts
        return Attribute(span=raw.span, target=self.node(target), name=name, name_span=raw.symbols[2])

    def call(self, raw: Raw) -> Node:
        function, arguments = raw.parts
        called = self.node(function)
        if isinstance(called, Builtin):
            values = self.nodes(arguments)
            return Call(span=raw.span, name=called.name, name_span=called.span, arguments=values)
        if isinstance(called, Attribute) and called.arguments is None:
            return Attribute(
                span=raw.span,
                target=called.target,
                name=called.name,
                name_span=called.name_span,
                arguments=self.nodes(arguments),
            )
        hint = "functions start with `$`: `$abs(balance)`"
        if isinstance(called, Fact) and called.name in FUNCTIONS:
            hint = f"did you mean `${called.name}(…)`?"
        return self.refuse(raw, called.span, "calling this is", hint, arguments)

    def item(self, raw: Raw) -> Node:
        target, key = raw.parts
        return Item(span=raw.span, target=self.node(target), key=self.node(key))

    def slice(self, raw: Raw) -> Node:
        target, start, stop = raw.parts
        return Slice(
            span=raw.span,
            target=self.node(target),
            start=None if start is None else self.node(start),
            stop=None if stop is None else self.node(stop),
        )

    def comprehension(self, raw: Raw) -> Node:
        span = raw.symbols[2]
        hint = 'ask for one item: `"vip" in tags`'
        return self.refuse(raw, span, "comprehensions are", hint, ())

    # operators

    def unary(self, raw: Raw) -> Node:
        operator, operand = raw.parts
        if operator == "NOT":
            return Not(span=raw.span, operand=self.node(operand))
        return Negative(span=raw.span, operand=self.node(operand))

    def logic(self, raw: Raw) -> Node:
        operator, left, right = raw.parts
        word = "and" if operator == "AND" else "or"
        operands: list[Node] = []
        for operand in (self.node(left), self.node(right)):
            is_chain = isinstance(operand, Logic) and operand.operator == word
            operands.extend(operand.children if is_chain else (operand,))
        return Logic(span=raw.span, operator=word, operands=tuple(operands))  # type: ignore[arg-type]  # and | or

    def binary(self, raw: Raw) -> Node:
        operator, left, right = raw.parts
        sign = _SIGNS[operator]
        if sign in _INSTEAD:
            return self.refuse(raw, raw.symbols[1], f"the operator `{sign}` is", _INSTEAD[sign], (left, right))
        return _BINARY_NODES[raw.kind](
            span=raw.span,
            operator=sign,
            operator_span=raw.symbols[1],
            left=self.node(left),
            right=self.node(right),
        )

    def coalesce(self, raw: Raw) -> Node:
        left, right = raw.parts
        return Coalesce(
            span=raw.span,
            operator="??",
            operator_span=raw.symbols[1],
            left=self.node(left),
            right=self.node(right),
        )

    def contains(self, raw: Raw) -> Node:
        container, member = raw.parts
        left, right = self.node(member), self.node(container)
        span = Span(left.span.start, max(right.span.end, raw.span.end))
        operator_span = raw.symbols[1] if len(raw.symbols) > 1 else Span(left.span.end, right.span.start)
        return Membership(span=span, operator="in", operator_span=operator_span, left=left, right=right)

    def choice(self, raw: Raw) -> Node:
        condition, yes, no = raw.parts
        return Choice(span=raw.span, condition=self.node(condition), yes=self.node(yes), no=self.node(no))


_BINARY_NODES: dict[str, Callable[..., Node]] = {
    "ComparisonExpression": Equality,
    "ArithmeticComparisonExpression": Ordering,
    "FuzzyComparisonExpression": Match,
    "AddExpression": Arithmetic,
    "SubtractExpression": Arithmetic,
    "ArithmeticExpression": Arithmetic,
}

_TRANSLATORS: dict[str, Callable[[_Translation, Raw], Node]] = {
    "BooleanExpression": _Translation.boolean,
    "NullExpression": _Translation.null,
    "FloatExpression": _Translation.number,
    "StringExpression": _Translation.string,
    "DatetimeExpression": _Translation.datetime,
    "TimedeltaExpression": _Translation.timedelta,
    "BytesExpression": _Translation.bytes,
    "ArrayExpression": _Translation.collection,
    "SetExpression": _Translation.collection,
    "MappingExpression": _Translation.table,
    "SymbolExpression": _Translation.symbol,
    "GetAttributeExpression": _Translation.attribute,
    "FunctionCallExpression": _Translation.call,
    "GetItemExpression": _Translation.item,
    "GetSliceExpression": _Translation.slice,
    "ComprehensionExpression": _Translation.comprehension,
    "UnaryExpression": _Translation.unary,
    "LogicExpression": _Translation.logic,
    "CoalesceExpression": _Translation.coalesce,
    "ContainsExpression": _Translation.contains,
    "TernaryExpression": _Translation.choice,
    "BitwiseExpression": _Translation.binary,
    "BitwiseShiftExpression": _Translation.binary,
    **dict.fromkeys(_BINARY_NODES, _Translation.binary),
}

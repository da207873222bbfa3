"""From the grammar's view of a condition to our tree.

What the language leaves out of the grammar (powers, shifts, bit operators, comprehensions, bytes) becomes a
`Refused` node with a finding that says what to write instead; the parts around it are translated all the same, so
that every fault of a condition is reported at once.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import Literal as OneOf

from engine.core.facts import FactCatalog
from rules import limits
from rules.diagnostics import Finding
from rules.expression import Raw, Stretch, parse, parse_datetime, parse_number, parse_text, parse_timedelta
from rules.kinds import FUNCTIONS
from rules.scan import Token
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
    translation = _Translation(tokens=raw.tokens, catalog=catalog, zone=zone)
    tree = translation.node(raw.root)
    depth = _depth(tree) if len(raw.tokens) > limits.MAX_DEPTH else 0
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
    tokens: Sequence[Token]
    catalog: FactCatalog
    zone: tzinfo
    findings: list[Finding] = field(default_factory=list)

    def node(self, raw: Raw) -> Node:
        return _TRANSLATORS[raw.kind](self, raw)

    def nodes(self, raws: tuple[Raw, ...]) -> tuple[Node, ...]:
        return tuple([self.node(raw) for raw in raws])

    def place(self, stretch: Stretch) -> Span:
        """Return where a stretch of tokens stands in the text."""
        return Span(self.tokens[stretch.start].start, self.tokens[stretch.end - 1].end)

    def word(self, raw: Raw) -> str:
        """Return the text of a node that is one word."""
        return self.tokens[raw.tokens.start].text

    def refuse(self, raw: Raw, span: Span, what: str, hint: str | None, parts: tuple[Raw, ...] = ()) -> Node:
        self.findings.append(
            Finding(code="not_allowed", message=f"{what} not part of the language", span=span, hint=hint)
        )
        return Refused(span=self.place(raw.tokens), parts=self.nodes(parts))

    def unreadable(self, raw: Raw, message: str, hint: str | None = None) -> Node:
        span = self.place(raw.tokens)
        self.findings.append(Finding(code="syntax", message=message, span=span, hint=hint))
        return Refused(span=span)

    # literals

    def boolean(self, raw: Raw) -> Node:
        return Literal(span=self.place(raw.tokens), value=self.word(raw) == "true")

    def null(self, raw: Raw) -> Node:
        return Literal(span=self.place(raw.tokens), value=None)

    def number(self, raw: Raw) -> Node:
        word = self.word(raw)
        value = parse_number(word)
        if value is None:
            return self.unreadable(raw, "a number can't start with a zero", f"write `{word.lstrip('0') or '0'}`")
        return Literal(span=self.place(raw.tokens), value=value)

    def string(self, raw: Raw) -> Node:
        value = parse_text(self.word(raw))
        if value is None:
            return self.unreadable(raw, "an escape in this text is malformed", "write a backslash as `\\\\`")
        if not value.isprintable() or len(value) > limits.MAX_TEXT_LITERAL:
            self.limit_text(raw, value)
        return Literal(span=self.place(raw.tokens), value=value)

    def limit_text(self, raw: Raw, value: str) -> None:
        if len(value) > limits.MAX_TEXT_LITERAL:
            message = f"the text has {len(value)} characters, the limit is {limits.MAX_TEXT_LITERAL}"
            self.findings.append(Finding(code="text_too_long", message=message, span=self.place(raw.tokens)))
        elif harmful := _HARMFUL_IN_TEXT.search(value):
            message = f"the character U+{ord(harmful[0]):04X} is not allowed in a text"
            self.findings.append(Finding(code="control_character", message=message, span=self.place(raw.tokens)))

    def datetime(self, raw: Raw) -> Node:
        word = self.word(raw)
        value = parse_datetime(word, self.zone)
        if value is None:
            hint = 'write ISO 8601: `d"2026-11-20"` or `d"2026-11-20T12:00:00Z"`'
            return self.unreadable(raw, f"`{word}` is no date and time", hint)
        return Literal(span=self.place(raw.tokens), value=value)

    def timedelta(self, raw: Raw) -> Node:
        word = self.word(raw)
        value = parse_timedelta(word)
        if value is None:
            hint = 'write an ISO 8601 duration of weeks to seconds: `t"P7D"` or `t"PT12H"`'
            return self.unreadable(raw, f"`{word}` is no duration", hint)
        return Literal(span=self.place(raw.tokens), value=value)

    def bytes(self, raw: Raw) -> Node:
        return self.refuse(raw, self.place(raw.tokens), "bytes are", 'write a text: `"…"`')

    def collection(self, raw: Raw) -> Node:
        (items,) = raw.parts
        return Collection(span=self.place(raw.tokens), is_set=raw.kind == "SetExpression", items=self.nodes(items))

    def table(self, raw: Raw) -> Node:
        (entries,) = raw.parts
        pairs = tuple((self.node(key), self.node(value)) for key, value in entries)
        return Table(span=self.place(raw.tokens), entries=pairs)

    # names and what hangs on them

    def symbol(self, raw: Raw) -> Node:
        name = self.word(raw)
        if name[0] == "$":
            return Builtin(span=self.place(raw.tokens), name=name[1:])
        return Fact(span=self.place(raw.tokens), name=name, spec=self.catalog.find(name))

    def attribute(self, raw: Raw) -> Node:
        target = self.node(raw.parts[0])
        name = self.tokens[raw.symbols[2].start]
        return Attribute(span=self.place(raw.tokens), target=target, name=name.text, name_span=name.span)

    def call(self, raw: Raw) -> Node:
        function, arguments = raw.parts
        called = self.node(function)
        if isinstance(called, Builtin):
            values = self.nodes(arguments)
            return Call(span=self.place(raw.tokens), name=called.name, name_span=called.span, arguments=values)
        if isinstance(called, Attribute) and called.arguments is None:
            return Attribute(
                span=self.place(raw.tokens),
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
        target, key = self.nodes(raw.parts)
        return Item(span=self.place(raw.tokens), target=target, key=key)

    def slice(self, raw: Raw) -> Node:
        target, start, stop = (None if part is None else self.node(part) for part in raw.parts)
        assert target is not None
        return Slice(span=self.place(raw.tokens), target=target, start=start, stop=stop)

    def comprehension(self, raw: Raw) -> Node:
        hint = 'ask for one item: `"vip" in tags`'
        return self.refuse(raw, self.place(raw.symbols[2]), "comprehensions are", hint)

    # operators

    def unary(self, raw: Raw) -> Node:
        operator, part = raw.parts
        operand = self.node(part)
        if operator == "NOT":
            return Not(span=self.place(raw.tokens), operand=operand)
        return Negative(span=self.place(raw.tokens), operand=operand)

    def logic(self, raw: Raw) -> Node:
        operator, left, right = raw.parts
        word: OneOf["and", "or"] = "and" if operator == "AND" else "or"
        operands: list[Node] = []
        for operand in (self.node(left), self.node(right)):
            is_chain = isinstance(operand, Logic) and operand.operator == word
            operands.extend(operand.children if is_chain else (operand,))
        return Logic(span=self.place(raw.tokens), operator=word, operands=tuple(operands))

    def binary(self, raw: Raw) -> Node:
        _, left, right = raw.parts
        sign = self.tokens[raw.symbols[1].start]
        if sign.text in _INSTEAD:
            what = f"the operator `{sign.text}` is"
            return self.refuse(raw, sign.span, what, _INSTEAD[sign.text], (left, right))
        return _BINARY_NODES[raw.kind](
            span=self.place(raw.tokens),
            operator=sign.text,
            operator_span=sign.span,
            left=self.node(left),
            right=self.node(right),
        )

    def coalesce(self, raw: Raw) -> Node:
        left, right = self.nodes(raw.parts)
        sign = self.place(raw.symbols[1])
        return Coalesce(span=self.place(raw.tokens), operator="??", operator_span=sign, left=left, right=right)

    def contains(self, raw: Raw) -> Node:
        right, left = self.nodes(raw.parts)
        # Within `not in` the library makes two nodes at once; the inner one has no symbols of its own.
        has_sign = len(raw.symbols) > 1
        sign = self.place(raw.symbols[1]) if has_sign else Span(left.span.end, right.span.start)
        return Membership(span=self.place(raw.tokens), operator="in", operator_span=sign, left=left, right=right)

    def choice(self, raw: Raw) -> Node:
        condition, yes, no = self.nodes(raw.parts)
        return Choice(span=self.place(raw.tokens), condition=condition, yes=yes, no=no)


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

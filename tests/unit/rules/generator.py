"""Conditions from the grammar: every operator, type, function, attribute, nesting and literal of the language.

    condition(SeededChoices(seed))        a text
    CONDITIONS                            a hypothesis strategy over the same grammar

What is written is sound by the types of the language; a few texts are refused all the same (too long, too many
operands, a closed set compared with a text that is not in it), so ask `check` first. Literals come from small
pools that generated facts share, so that comparisons come out both ways.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from hypothesis import strategies as st

from engine.core.facts import FactSpec, FactType
from tests.unit.rules import pools
from tests.unit.rules.choices import Choices, drawn, is_rare, pick
from web.facts import CATALOG


class Written(NamedTuple):
    """A stretch of a condition, and how tightly it binds."""

    text: str
    level: int


CHOICE, OR, AND, NOT, COALESCE, EQUALITY, ORDER, SUM, PRODUCT, MINUS, VALUE, OBJECT = range(12)
"""Levels from loose to tight; an attribute or an item is taken of an OBJECT only."""

_BY_TYPE: Mapping[FactType, str] = {
    FactType.BOOLEAN: "truth",
    FactType.STRING: "text",
    FactType.NUMBER: "number",
    FactType.MONEY: "number",
    FactType.DATETIME: "instant",
    FactType.STRINGS: "texts",
    FactType.MAPPING: "mapping",
}
KINDS = ("truth", "number", "text", "instant", "duration", "texts", "numbers", "mapping")


@dataclass(frozen=True, slots=True, kw_only=True)
class Grammar:
    """What may be written."""

    facts: Sequence[FactSpec] = tuple(CATALOG)
    depth: int = 3
    """How deep operators nest."""
    with_attributes: bool = True
    """Whether values under `attributes[…]` are used."""
    with_null: bool = True
    """Whether `x == null` and `x ?? y` are used."""


def condition(choices: Choices, grammar: Grammar | None = None) -> str:
    """Return the text of a condition."""
    chosen = grammar or Grammar()
    return _Writer(choices, chosen).truth(chosen.depth).text


def expression(choices: Choices, kind: str, grammar: Grammar | None = None) -> str:
    """Return the text of an expression of one of the `KINDS`; a condition is one of kind `truth`."""
    chosen = grammar or Grammar()
    return _Writer(choices, chosen).of(kind, chosen.depth).text


def conditions(grammar: Grammar | None = None) -> st.SearchStrategy[str]:
    """Return the strategy of conditions of a grammar."""
    return drawn(lambda choices: condition(choices, grammar))


class _Writer:
    """Writes one condition. Each method returns a stretch of one type; `depth` is how many operators may nest."""

    def __init__(self, choices: Choices, grammar: Grammar) -> None:
        self._choices = choices
        self._grammar = grammar
        self._facts: dict[str, list[FactSpec]] = {kind: [] for kind in KINDS}
        for spec in grammar.facts:
            self._facts[_BY_TYPE[spec.type]].append(spec)

    # what every type shares

    def of(self, kind: str, depth: int) -> Written:
        """Return a stretch of a type by its name."""
        written: Written = getattr(self, kind)(depth)
        return written

    def _pick(self, *options: Callable[[], Written]) -> Written:
        return pick(self._choices, options)()

    def _word(self, *options: str) -> str:
        return pick(self._choices, options)

    def _at(self, written: Written, level: int) -> str:
        """Return a stretch so that it binds at least as tightly as `level`; now and then in needless parentheses."""
        if written.level < level or is_rare(self._choices, 12):
            return f"({written.text})"
        return written.text

    def _fact(self, kind: str) -> Written | None:
        specs = self._facts[kind]
        if not specs or (kind == "mapping" and not self._grammar.with_attributes):
            return None
        return Written(self._word(*pick(self._choices, specs).names), OBJECT)

    def _read(self, kind: str, depth: int, *literals: Callable[[], Written]) -> Written:
        """Return something without an operator of the type: a fact, a literal, a value under `attributes`."""
        fact = self._fact(kind)
        options = [*literals]
        if fact is not None:
            options = [lambda: fact, *options, lambda: fact]
        if self._grammar.with_attributes and kind != "duration" and is_rare(self._choices, 8):
            return self._attribute(depth)
        return self._pick(*options)

    def _attribute(self, depth: int) -> Written:
        key = pools.quoted(pick(self._choices, pools.KEYS))
        fact = self._word("attributes", "attributes", "attributes&")
        written = f"{fact}[{key}]"
        if is_rare(self._choices, 6):
            return Written(f"{written}[{pools.quoted(pick(self._choices, pools.KEYS))}]", OBJECT)
        if is_rare(self._choices, 8) and depth > 0:
            return Written(f"{written}[{self._at(self.number(0), CHOICE + 1)}]", OBJECT)
        return Written(written, OBJECT)

    def _anywhere(self, kind: str, depth: int) -> Written:
        """Return one of the operators that give any type."""
        return self._pick(
            lambda: self._chosen(kind, depth),
            lambda: self._coalesced(kind, depth) if self._grammar.with_null else self._chosen(kind, depth),
            lambda: self._from_table(kind, depth),
        )

    def _chosen(self, kind: str, depth: int) -> Written:
        question = self._at(self.truth(depth - 1), OR)
        yes, no = self.of(kind, depth - 1), self.of(kind, depth - 1)
        return Written(f"{question} ? {self._at(yes, OR)} : {self._at(no, CHOICE)}", CHOICE)

    def _coalesced(self, kind: str, depth: int) -> Written:
        left, right = self.of(kind, depth - 1), self.of(kind, depth - 1)
        return Written(f"{self._at(left, EQUALITY)} ?? {self._at(right, COALESCE)}", COALESCE)

    def _from_table(self, kind: str, depth: int) -> Written:
        if kind == "mapping":
            return Written('{"a": 1, "b": 2}', OBJECT)
        keys = [pick(self._choices, pools.KEYS) for _ in range(self._choices.number(1, 2))]
        entries = [f"{pools.quoted(key)}: {self._at(self.of(kind, depth - 1), OR)}" for key in keys]
        asked = pools.quoted(pick(self._choices, (*keys, "none")))
        return Written("{" + ", ".join(entries) + "}[" + asked + "]", OBJECT)

    def _dot(self, written: Written, name: str) -> Written:
        dot = "&." if is_rare(self._choices, 15) else "."
        return Written(f"{self._at(written, OBJECT)}{dot}{name}", OBJECT)

    def _sum(self, kind: str, depth: int, *signs: str) -> Written:
        left, right = self.of(kind, depth - 1), self.of(kind, depth - 1)
        return self._binary(left, self._word(*signs), right, SUM)

    def _binary(self, left: Written, sign: str, right: Written, level: int, *, loose: bool = True) -> Written:
        """Return `left sign right`; a chain leans to the left, so the right side binds more tightly."""
        first = self._at(left, level if loose else level + 1)
        return Written(f"{first} {sign} {self._at(right, level + 1)}", level)

    def _items(self, kind: str, depth: int, least: int = 0) -> str:
        count = self._choices.number(least, 3)
        trailing = "," if count and is_rare(self._choices, 15) else ""
        return ", ".join(self._at(self.of(kind, depth), OR) for _ in range(count)) + trailing

    def _index(self, depth: int) -> str:
        if depth > 0 and is_rare(self._choices, 6):
            return self._at(self.number(depth - 1), OR)
        return pick(self._choices, pools.INDEXES)

    def _stretch(self, kind: str, depth: int) -> Written:
        start, stop = (self._word("", self._index(depth)) for _ in range(2))
        return Written(f"{self._at(self.of(kind, depth - 1), OBJECT)}[{start}:{stop}]", OBJECT)

    def _item_of(self, kind: str, depth: int) -> Written:
        bracket = "&[" if is_rare(self._choices, 15) else "["
        return Written(f"{self._at(self.of(kind, depth - 1), OBJECT)}{bracket}{self._index(depth)}]", OBJECT)

    # numbers

    def number(self, depth: int) -> Written:
        """Return a number."""
        if depth <= 0:
            return self._read("number", depth, self._number_literal)
        return self._pick(
            lambda: self.number(0),
            lambda: self._binary(self.number(depth - 1), self._word("+", "-"), self.number(depth - 1), SUM),
            lambda: self._binary(
                self.number(depth - 1), self._word("*", "/", "//", "%"), self.number(depth - 1), PRODUCT
            ),
            lambda: Written(f"-{self._at(self.number(depth - 1), VALUE)}", MINUS),
            lambda: self._called("abs", self.number(depth - 1)),
            lambda: self._called(self._word("min", "max", "sum"), self.numbers(depth - 1)),
            lambda: self._dot(self.number(depth - 1), self._word("floor", "ceiling", "to_int", "to_flt")),
            lambda: self._dot(self.text(depth - 1), self._word("to_int", "to_flt", "length")),
            lambda: self._dot(self._pick(lambda: self.texts(depth - 1), lambda: self.numbers(depth - 1)), "length"),
            lambda: self._dot(self._pick(self._set, lambda: self.mapping(depth - 1)), "length"),
            lambda: self._dot(self.instant(depth - 1), pick(self._choices, pools.INSTANT_PARTS)),
            lambda: self._dot(self.duration(depth - 1), self._word("days", "total_seconds")),
            lambda: self._called("parse_float", self.text(depth - 1)),
            lambda: self._item_of("numbers", depth),
            lambda: self._anywhere("number", depth),
        )

    def _number_literal(self) -> Written:
        text = pick(self._choices, pools.NUMBERS)
        return Written(text, MINUS if text.startswith("-") else VALUE)

    def _called(self, name: str, *arguments: Written) -> Written:
        return Written(f"${name}({', '.join(self._at(one, OR) for one in arguments)})", OBJECT)

    # texts

    def text(self, depth: int) -> Written:
        """Return a text."""
        if depth <= 0:
            return self._read("text", depth, self._text_literal)
        return self._pick(
            lambda: self.text(0),
            lambda: self._sum("text", depth, "+"),
            lambda: self._dot(self.text(depth - 1), self._word("as_lower", "as_upper", "to_str")),
            lambda: self._dot(self.number(depth - 1), "to_str"),
            lambda: self._item_of("text", depth),
            lambda: self._item_of("texts", depth),
            lambda: self._stretch("text", depth),
            lambda: self._anywhere("text", depth),
        )

    def _text_literal(self) -> Written:
        word = pick(self._choices, pools.WORDS)
        style = self._word("plain", "plain", "single", "escaped", "raw")
        return Written(pools.quoted(word, style), OBJECT)

    # instants and durations

    def instant(self, depth: int) -> Written:
        """Return a date and time."""
        if depth <= 0:
            return self._read(
                "instant", depth, self._instant_literal, lambda: Written(self._word("$now", "$today"), OBJECT)
            )
        return self._pick(
            lambda: self.instant(0),
            lambda: self._binary(self.instant(depth - 1), self._word("+", "-"), self.duration(depth - 1), SUM),
            lambda: self._binary(self.duration(depth - 1), "+", self.instant(depth - 1), SUM),
            lambda: self._called("parse_datetime", self.text(depth - 1)),
            lambda: self._called("parse_datetime", Written(pools.quoted(pick(self._choices, pools.INSTANTS)), OBJECT)),
            lambda: self._anywhere("instant", depth),
        )

    def _instant_literal(self) -> Written:
        return Written(f'd"{pick(self._choices, pools.INSTANTS)}"', OBJECT)

    def duration(self, depth: int) -> Written:
        """Return a span of time."""
        if depth <= 0:
            return Written(f't"{pick(self._choices, pools.DURATIONS)}"', OBJECT)
        return self._pick(
            lambda: self.duration(0),
            lambda: self._sum("duration", depth, "+", "-"),
            lambda: self._binary(self.instant(depth - 1), "-", self.instant(depth - 1), SUM),
            lambda: Written(f"-{self._at(self.duration(depth - 1), VALUE)}", MINUS),
            lambda: self._anywhere("duration", depth),
        )

    # collections

    def texts(self, depth: int) -> Written:
        """Return a list of texts."""
        if depth <= 0:
            return self._read("texts", depth, lambda: Written(f"[{self._items('text', 0)}]", OBJECT))
        return self._pick(
            lambda: self.texts(0),
            lambda: Written(f"[{self._items('text', depth - 1)}]", OBJECT),
            lambda: self._split(depth),
            lambda: self._stretch("texts", depth),
            lambda: self._anywhere("texts", depth),
        )

    def _split(self, depth: int) -> Written:
        arguments = [self.text(depth - 1)]
        if not is_rare(self._choices, 3):
            arguments.append(Written(pools.quoted(pick(self._choices, pools.SEPARATORS)), OBJECT))
            if is_rare(self._choices, 3):
                arguments.append(Written(self._word("0", "1", "2", "1000000"), VALUE))
        return self._called("split", *arguments)

    def numbers(self, depth: int) -> Written:
        """Return a list of numbers."""
        if depth <= 0:
            return Written(f"[{self._items('number', 0)}]", OBJECT)
        return self._pick(
            lambda: self.numbers(0),
            lambda: Written(f"[{self._items('number', depth - 1)}]", OBJECT),
            lambda: self._stretch("numbers", depth),
            lambda: self._anywhere("numbers", depth),
        )

    def mapping(self, depth: int) -> Written:
        """Return a mapping."""
        kind = self._word("number", "text")
        fact = self._fact("mapping")
        table = Written(
            "{" + f"{pools.quoted(pick(self._choices, pools.KEYS))}: {self._at(self.of(kind, 0), OR)}" + "}", OBJECT
        )
        if depth > 0 and is_rare(self._choices, 6):
            return self._anywhere("mapping", depth)
        return table if fact is None or is_rare(self._choices, 3) else fact

    def _set(self) -> Written:
        kind = self._word("text", "number", "instant")
        return Written("{" + self._items(kind, 0, least=1) + "}", OBJECT)

    # conditions

    def truth(self, depth: int) -> Written:
        """Return something true or false."""
        if depth <= 0:
            return self._pick(self._comparison, self._text_predicate, self._plain_truth, self._membership)
        return self._pick(
            lambda: self.truth(0),
            lambda: self._logic(depth),
            lambda: self._logic(depth),
            lambda: Written(f"not {self._at(self.truth(depth - 1), NOT)}", NOT),
            lambda: self._comparison(depth),
            lambda: self._comparison(depth),
            lambda: self._equal_truths(depth),
            lambda: self._text_predicate(depth),
            lambda: self._membership(depth),
            lambda: self._null_test(depth) if self._grammar.with_null else self.truth(0),
            lambda: self._dot(self._sized(depth - 1), "is_empty"),
            lambda: self._anywhere("truth", depth),
        )

    def _plain_truth(self) -> Written:
        return self._read("truth", 0, lambda: Written(self._word("true", "false"), VALUE))

    def _logic(self, depth: int) -> Written:
        operator, level = pick(self._choices, (("and", AND), ("or", OR)))
        parts = [self._at(self.truth(depth - 1), level) for _ in range(self._choices.number(2, 3))]
        return Written(f" {operator} ".join(parts), level)

    def _comparison(self, depth: int = 1) -> Written:
        kind = self._word("number", "number", "instant", "duration", "text", "texts", "numbers")
        left, right = self.of(kind, depth - 1), self.of(kind, depth - 1)
        if kind in ("number", "instant", "duration") and not is_rare(self._choices, 3):
            return self._binary(left, self._word("<", "<=", ">", ">="), right, ORDER, loose=False)
        if kind == "text" and is_rare(self._choices, 2) and (closed := self._closed_set()) is not None:
            return closed
        return self._binary(left, self._word("==", "!="), right, EQUALITY, loose=False)

    def _closed_set(self) -> Written | None:
        """Return a fact of a closed set compared with one of its values, or sought in a few."""
        closed = [spec for spec in self._facts["text"] if spec.closed_set is not None]
        if not closed:
            return None
        spec = pick(self._choices, closed)
        assert spec.closed_set is not None
        values = [pools.quoted(pick(self._choices, spec.closed_set)) for _ in range(2)]
        name = self._word(*spec.names)
        if is_rare(self._choices, 2):
            return self._sought(name, f"[{', '.join(values)}]")
        return Written(f"{name} {self._word('==', '!=')} {values[0]}", EQUALITY)

    def _equal_truths(self, depth: int) -> Written:
        left, right = self.truth(depth - 1), self.truth(depth - 1)
        return self._binary(left, self._word("==", "!="), right, EQUALITY, loose=False)

    def _text_predicate(self, depth: int = 1) -> Written:
        if is_rare(self._choices, 3):
            kind = self._word("text", "text", "texts")
            target, part = self.of(kind, depth - 1), self.of(kind, depth - 1)
            method = self._word("starts_with", "ends_with")
            return self._dot(target, f"{method}({self._at(part, OR)})")
        pattern = pools.pattern(self._choices)
        sign = self._word("=~", "=~~", "!~", "!~~")
        return Written(f"{self._at(self.text(depth - 1), SUM)} {sign} {pools.quoted(pattern, 'raw')}", ORDER)

    def _membership(self, depth: int = 1) -> Written:
        kind = self._word("text", "number", "instant", "truth")
        member = self._at(self.of(kind, depth - 1), SUM)
        options = [f"[{self._items(kind, depth - 1, least=1)}]", "{" + self._items(kind, 0, least=1) + "}"]
        if kind == "number":
            options.append(self._at(self.numbers(depth - 1), SUM))
        if kind == "text":
            options += [
                self._at(self.texts(depth - 1), SUM),
                self._at(self.text(depth - 1), SUM),
                self._at(self.mapping(depth - 1), SUM),
            ]
        return self._sought(member, self._word(*options))

    def _sought(self, member: str, container: str) -> Written:
        # After `a == b` the parser takes `not` for looser than `==`, so `not in` stands in parentheses there.
        operator, level = pick(self._choices, (("in", ORDER), ("not in", NOT)))
        return Written(f"{member} {operator} {container}", level)

    def _null_test(self, depth: int) -> Written:
        kind = pick(self._choices, KINDS)
        operand = self._at(self.of(kind, depth - 1), ORDER)
        sign = self._word("==", "!=")
        return Written(f"null {sign} {operand}" if is_rare(self._choices, 4) else f"{operand} {sign} null", EQUALITY)

    def _sized(self, depth: int) -> Written:
        return (
            self._set()
            if is_rare(self._choices, 8)
            else self.of(self._word("text", "texts", "numbers", "mapping"), depth)
        )


CONDITIONS = conditions()

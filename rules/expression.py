"""The one door to the library `rule_engine`: a condition's text in, our own tree or findings out.

Laws of this module
- Limits come first: the length, the characters and the tokens are checked before anything is parsed.
- Only the first phase of the library's parser runs, which makes deferred nodes and computes nothing. Their `build`,
  which folds constants, is never called: `2 ** 99999999` or `1 << 10000000` stays a few words.
- Words are told apart by the library's own lexer tables, so its grammar and our positions can't disagree. The
  library's nodes carry no positions; they are noted while its grammar reduces, one stretch of tokens for each symbol
  of each production.
- How words hang together depends on their kinds alone, so the library parses each sequence of kinds once; what it
  makes of it, a `Raw` that speaks of tokens by number, is remembered. `mrr > 1` and `ltv > 2` are one parse.
- A parser holds its state on itself, hence the lock; no text that passes the limits holds it for long.
"""

import copy
import functools
import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, NamedTuple

import rule_engine
from rule_engine.parser.utilities import parse_datetime as library_parse_datetime
from rule_engine.parser.utilities import parse_timedelta as library_parse_timedelta

from rules.diagnostics import Finding
from rules.scan import Token, character_findings, syntax_finding, token_findings
from rules.tree import Span

MAX_INSTANT_TEXT = 64
_UNKNOWN_ESCAPE = re.compile(r"\\(\\|(?![\\'\"abfnrtvxuUN0-7\n]))")
_LONGEST_SHAPE = 64
"""Tokens of a sequence that is remembered; longer ones are rare and large."""
_REMEMBERED_SHAPES = 2048


class Stretch(NamedTuple):
    """Tokens by number; `end` is exclusive."""

    start: int
    end: int


class Raw(NamedTuple):
    """A node of the library's grammar, not yet given a meaning: its kind, its parts, and which tokens make it up."""

    kind: str
    parts: tuple[Any, ...]
    tokens: Stretch
    symbols: tuple[Stretch, ...]
    """Those of each symbol of the production that made it, first symbol first."""


@dataclass(frozen=True, slots=True)
class RawCondition:
    """What the door returns: the root and the tokens it speaks of, or None with the findings that stand in the way."""

    root: Raw | None
    tokens: Sequence[Token] = ()
    findings: tuple[Finding, ...] = ()


def parse(text: str) -> RawCondition:
    """Return the grammar's view of the condition `text`, or the findings that forbid it."""
    findings = character_findings(text)
    if findings:
        return RawCondition(root=None, findings=findings)
    try:
        tokens = _tokenize(text)
    except rule_engine.errors.RuleSyntaxError as fault:
        return RawCondition(root=None, findings=(_explain_word(fault, text),))
    findings = token_findings(tokens)
    if findings:
        return RawCondition(root=None, findings=findings)
    kinds = tuple([_ALIKE.get(token.kind, token.kind) for token in tokens])
    try:
        return RawCondition(root=_shape(kinds) if len(kinds) <= _LONGEST_SHAPE else _reduce(kinds), tokens=tokens)
    except rule_engine.errors.RuleSyntaxError as fault:
        return RawCondition(root=None, findings=(_explain(fault, tokens, text),))


def parse_datetime(text: str, zone: tzinfo) -> datetime | None:
    """Return the instant that ISO 8601 `text` names, in UTC, or None; without an offset it is meant in `zone`."""
    if len(text) > MAX_INSTANT_TEXT:
        return None
    try:
        return library_parse_datetime(text, zone).astimezone(UTC)
    except (rule_engine.errors.EngineError, ValueError, OverflowError):
        return None


def parse_timedelta(text: str) -> timedelta | None:
    """Return the duration that ISO 8601 `text` names (weeks to seconds), or None."""
    if len(text) > MAX_INSTANT_TEXT:
        return None
    try:
        return library_parse_timedelta(text)
    except (rule_engine.errors.EngineError, ValueError, OverflowError):
        return None


def parse_number(text: str) -> Decimal | None:
    """Return the number a numeric token means, exactly, or None if it has leading zeros."""
    if text[0] != "0" or text == "0":  # `inf` and `nan` among them
        return Decimal(text)
    if re.match(r"0[box]", text):
        return Decimal(int(text, 0))
    return None if re.match(r"0[0-9]", text) else Decimal(text)


def parse_text(literal: str) -> str | None:
    """Return the text that a literal with its quotes means, or None if an escape in it is malformed."""
    if "\\" not in literal:
        return literal[2:-1] if literal[0] in "rs" else literal[1:-1]
    if not literal.startswith("r"):
        # Python keeps an unknown escape such as \d but warns of it; doubling the backslash means the same.
        literal = _UNKNOWN_ESCAPE.sub(lambda found: found[0] if found[1] else r"\\", literal)
    production: list[Any] = [None, literal]
    try:
        _TEXT_RULE(_NO_CONTEXT, production)
    except rule_engine.errors.SyntaxError:
        return None
    text: str = production[0].args[1]
    return text


_TEXT_RULE: Any = rule_engine.parser.Parser.p_expression_string
_NO_CONTEXT = SimpleNamespace(context=None)


# words


class _Word:
    """A token in the library's shape."""

    __slots__ = ("endlexpos", "lexer", "lexpos", "lineno", "type", "value")

    def __init__(self, kind: str, value: str, start: int, end: int) -> None:
        self.type = kind
        self.value = value
        self.lexpos = start
        self.endlexpos = end
        self.lineno = 1
        self.lexer = _LINES


_LINES = SimpleNamespace(lineno=1)
"""What the library's rule for line feeds counts up."""


def _tokenize(text: str) -> list[Token]:
    """Return the words of `text` by the library's tables; raise its error where there is none."""
    words, rules, behind = _lexer()
    tokens: list[Token] = []
    end = at = 0
    while (found := words.match(text, at)) is not None and found.end() > at:
        at, number = found.end(), found.lastindex or 0
        rule, kind = rules[number]
        start, end = found.span(number)
        value = text[start:end]
        if rule is not None:
            kind, value = _ruled(rule, kind, value) if end - start <= _LONGEST_WORD else _apply(rule, kind, value)
            if kind == _RESERVED:
                raise rule_engine.errors.RuleSyntaxError(value, _Word(kind, text[start:end], start, end))
        if kind:
            tokens.append(Token("BUILTIN" if value[:1] == "$" and kind == "SYMBOL" else kind, value, start, end))
    rest = behind.match(text, end)
    if rest is None or rest.end() < len(text):
        position = end if rest is None else rest.end()
        raise rule_engine.errors.RuleSyntaxError("illegal character", _Word("error", "", position, position + 1))
    return tokens


_GROUP_NAME = re.compile(r"\(\?P[<=]")
_LONGEST_WORD = 40
_RESERVED = "a word kept for later"


def _apply(rule: Callable[[_Word], _Word | None], kind: str, value: str) -> tuple[str, str]:
    """Return the kind and text that a rule of the library's lexer gives a word; no kind for what is no word."""
    try:
        word = rule(_Word(kind, value, 0, len(value)))
    except rule_engine.errors.RuleSyntaxError as fault:  # it does not say where
        return _RESERVED, fault.message
    return ("", "") if word is None else (word.type, word.value)


_ruled = functools.lru_cache(maxsize=4096)(_apply)


@functools.cache
def _lexer() -> tuple[re.Pattern[str], dict[int, tuple[Any, str]], re.Pattern[str]]:
    """Return one pattern that takes the next word, what its groups mean, and a pattern for what stands between words.

    The library keeps several patterns, with groups of the same names, and tries one after the other; their
    alternatives in the same order, with other names, do the same.
    """
    lexer = rule_engine.Rule.parser._lexer  # noqa: SLF001  # pinned; see the header
    rules: dict[int, tuple[Any, str]] = {}
    groups = 0
    alternatives = []
    for place, (pattern, numbered) in enumerate(lexer.lexre):
        rules.update({groups + number: one for number, one in enumerate(numbered) if one is not None})
        groups += pattern.groups
        alternatives.append(_GROUP_NAME.sub(rf"\g<0>_{place}_", pattern.pattern))
    between = f"[{lexer.lexignore}]*+"
    return re.compile(f"{between}(?:{'|'.join(alternatives)})", lexer.lexreflags), rules, re.compile(between)


# grammar

_ALIKE = {"GE": "GT", "LT": "GT", "LE": "GT", "NE": "EQ", "NE_FZM": "EQ_FZM", "EQ_FZS": "EQ_FZM", "NE_FZS": "EQ_FZM"}
"""Operators that the grammar treats alike: they stand in the same productions and bind equally tightly."""

_SAMPLES = {
    **{kind: sign for sign, kind in rule_engine.parser.Parser.op_names.items()},
    **{kind: word for word, kind in rule_engine.parser.Parser.reserved_words.items()},
    "SYMBOL": "x", "BUILTIN": "$x", "STRING": '""', "BYTES": '""', "FLOAT": "0", "COMMENT": "#", "COLON": ":",
    "LPAREN": "(", "RPAREN": ")", "LBRACKET": "[", "RBRACKET": "]", "LBRACE": "{", "RBRACE": "}", "COMMA": ",",
}  # fmt: skip
"""A word of each kind whose text its production looks at."""


class _Replay:
    """Hands words of the given kinds to the parser, in the shape of a lexer; their positions are their numbers."""

    def __init__(self, kinds: Sequence[str]) -> None:
        self._kinds = iter(enumerate(kinds))
        self.lineno = 1
        self.lexpos = 0

    def token(self) -> Any:
        number, kind = next(self._kinds, (0, ""))
        if not kind:
            return None
        return _Word("SYMBOL" if kind == "BUILTIN" else kind, _SAMPLES.get(kind, kind), number, number + 1)


class _Grammar:
    """The library's grammar tables with productions that note where every symbol stands."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._marks: dict[int, tuple[Any, tuple[Stretch, ...]]] = {}
        library = rule_engine.Rule.parser._parser  # noqa: SLF001  # pinned; see the header
        self._parser = copy.copy(library)
        self._parser.productions = [self._noting(production) for production in library.productions]

    def reduce(self, kinds: Sequence[str]) -> Raw:
        with self._lock:
            self._marks.clear()
            statement = self._parser.parse(None, lexer=_Replay(kinds), tracking=True)
            marks = dict(self._marks)
            self._marks.clear()
        raw = _to_raw(statement.args[1], marks, Stretch(0, 0))
        assert isinstance(raw, Raw)
        return raw

    def _noting(self, production: Any) -> Any:
        action: Callable[[Any], None] | None = getattr(production, "callable", None)
        if action is None:
            return production

        def act(slice_: Any) -> None:
            action(slice_)
            node = slice_[0]
            if hasattr(node, "cls") and id(node) not in self._marks:
                stretches = tuple(Stretch(symbol.lexpos, symbol.endlexpos) for symbol in slice_.slice[1:])
                self._marks[id(node)] = (node, stretches)  # holding the node keeps its id from being reused

        noting = copy.copy(production)
        noting.callable = act
        return noting


@functools.cache
def _grammar() -> _Grammar:
    return _Grammar()


def _reduce(kinds: Sequence[str]) -> Raw:
    return _grammar().reduce(kinds)


@functools.lru_cache(maxsize=_REMEMBERED_SHAPES)
def _shape(kinds: tuple[str, ...]) -> Raw:
    return _reduce(kinds)


def _to_raw(part: Any, marks: dict[int, tuple[Any, tuple[Stretch, ...]]], around: Stretch) -> Any:
    """Return a deferred node, or a collection of them, as plain data; other parts stay as they are."""
    if hasattr(part, "cls"):
        _, symbols = marks.get(id(part), (None, (around,)))
        tokens = Stretch(symbols[0].start, symbols[-1].end)
        parts = tuple(_to_raw(one, marks, tokens) for one in part.args[1:])
        return Raw(part.cls.__name__, parts, tokens, symbols)
    if isinstance(part, str) or not hasattr(part, "__iter__"):
        return part
    return tuple(_to_raw(one, marks, around) for one in part)


def _explain_word(fault: Any, text: str) -> Finding:
    word = Token("", "", fault.token.lexpos, fault.token.endlexpos)
    return syntax_finding(word, word.span, text, reserved=fault.token.type != "error")


def _explain(fault: Any, tokens: Sequence[Token], text: str) -> Finding:
    if fault.token is None:
        return syntax_finding(None, Span(len(text), len(text)), text)
    word = tokens[fault.token.lexpos]
    return syntax_finding(word, word.span, text)

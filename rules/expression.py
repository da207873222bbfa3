"""The one door to the library `rule_engine`: a condition's text in, our own tree or findings out.

Laws of this module
- Limits come first: the length, the characters and the tokens are checked before anything is parsed.
- Only the first phase of the library's parser runs, which makes deferred nodes and computes nothing. Their `build`,
  which folds constants, is never called: `2 ** 99999999` or `1 << 10000000` stays a few words.
- Tokens are numbered by the library's own lexer, so its grammar and our positions can't disagree. The library's
  nodes carry no positions; they are noted while its grammar reduces, one span for each symbol of each production.
- A parser holds its state on itself, hence the lock; no text that passes the limits holds it for long.
"""

import copy
import functools
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Any

import rule_engine
from rule_engine.parser.utilities import parse_datetime as library_parse_datetime
from rule_engine.parser.utilities import parse_timedelta as library_parse_timedelta

from rules.diagnostics import Finding
from rules.scan import Token, character_findings, syntax_finding, token_findings
from rules.tree import Span

MAX_INSTANT_TEXT = 64
_UNKNOWN_ESCAPE = re.compile(r"\\(\\|(?![\\'\"abfnrtvxuUN0-7\n]))")


@dataclass(frozen=True, slots=True, kw_only=True)
class Raw:
    """A node of the library's grammar, not yet given a meaning: its kind, its parts, and where its symbols stand."""

    kind: str
    parts: tuple[Any, ...]
    options: Mapping[str, Any]
    span: Span
    symbols: tuple[Span, ...]
    """Spans of the symbols of the production that made it, first symbol first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RawCondition:
    """What the door returns: the root, or None with the findings that stand in the way."""

    root: Raw | None
    findings: tuple[Finding, ...] = ()


def parse(text: str) -> RawCondition:
    """Return the grammar's view of the condition `text`, or the findings that forbid it."""
    findings = character_findings(text)
    if findings:
        return RawCondition(root=None, findings=findings)
    try:
        tokens = _tokenize(text)
        findings = token_findings(tokens)
        if findings:
            return RawCondition(root=None, findings=findings)
        return RawCondition(root=_reduce(tokens))
    except rule_engine.errors.RuleSyntaxError as fault:
        return RawCondition(root=None, findings=(_explain(fault, text),))
    except rule_engine.errors.SyntaxError as fault:  # a malformed literal; the error holds its text
        value = getattr(fault, "value", "")
        start = max(0, text.find(value) - 1)
        span = Span(start, min(len(text), start + len(value) + 2))
        return RawCondition(root=None, findings=(Finding(code="syntax", message=fault.message, span=span),))


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
    if text in ("inf", "nan"):
        return Decimal(text)
    if re.match(r"0[box]", text):
        return Decimal(int(text, 0))
    return None if re.match(r"0[0-9]", text) else Decimal(text)


def _tokenize(text: str) -> list[Any]:
    """Return the library's tokens, each with its end noted where the parser looks for it."""
    lexer = rule_engine.Rule.parser._lexer.clone()  # noqa: SLF001  # pinned; see the header
    lexer.lineno = 1
    lexer.input(text)
    tokens = []
    while (token := lexer.token()) is not None:
        token.endlexpos = lexer.lexpos
        if token.type == "STRING" and "\\" in token.value and not token.value.startswith("r"):
            # Python keeps an unknown escape such as \d but warns of it; doubling the backslash means the same.
            token.value = _UNKNOWN_ESCAPE.sub(lambda found: found[0] if found[1] else r"\\", token.value)
        tokens.append(token)
    return tokens


class _Replay:
    """Hands tokens that were already read to the parser, in the shape of a lexer."""

    def __init__(self, tokens: list[Any]) -> None:
        self._tokens = iter(tokens)
        self.lineno = 1
        self.lexpos = 0

    def token(self) -> Any:
        return next(self._tokens, None)


class _Grammar:
    """The library's grammar tables with productions that note where every symbol stands."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._marks: dict[int, tuple[Any, tuple[Span, ...]]] = {}
        library = rule_engine.Rule.parser._parser  # noqa: SLF001  # pinned; see the header
        self._parser = copy.copy(library)
        self._parser.productions = [self._noting(production) for production in library.productions]

    def reduce(self, tokens: list[Any]) -> Raw:
        with self._lock:
            self._marks.clear()
            statement = self._parser.parse(None, lexer=_Replay(tokens), tracking=True)
            marks = dict(self._marks)
            self._marks.clear()
        raw = _to_raw(statement.args[1], marks, Span(0, 0))
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
                spans = tuple(Span(symbol.lexpos, symbol.endlexpos) for symbol in slice_.slice[1:])
                self._marks[id(node)] = (node, spans)  # holding the node keeps its id from being reused

        noting = copy.copy(production)
        noting.callable = act
        return noting


@functools.cache
def _grammar() -> _Grammar:
    return _Grammar()


def _reduce(tokens: list[Any]) -> Raw:
    return _grammar().reduce(tokens)


def _to_raw(part: Any, marks: dict[int, tuple[Any, tuple[Span, ...]]], around: Span) -> Any:
    """Return a deferred node, or a collection of them, as plain data; other parts stay as they are."""
    if hasattr(part, "cls"):
        _, symbols = marks.get(id(part), (None, (around,)))
        span = Span(symbols[0].start, symbols[-1].end)
        parts = tuple(_to_raw(one, marks, span) for one in part.args[1:])
        return Raw(kind=part.cls.__name__, parts=parts, options=part.kwargs, span=span, symbols=symbols)
    if isinstance(part, str) or not hasattr(part, "__iter__"):
        return part
    return tuple(_to_raw(one, marks, around) for one in part)


def _explain(fault: Any, text: str) -> Finding:
    token = fault.token
    if token is None:
        # The lexer refuses words it keeps for later without saying where.
        found = re.search(r"(?<![\w$.])(?:elif|else|while)(?!\w)", text) if "reserved" in fault.message else None
        span = Span(*found.span()) if found else Span(len(text), len(text))
        return syntax_finding(None, span, text, reserved=found is not None)
    is_known = hasattr(token, "endlexpos")
    end = token.endlexpos if is_known else token.lexpos + 1
    return syntax_finding(Token(kind=token.type, span=Span(token.lexpos, end)), Span(token.lexpos, end), text)

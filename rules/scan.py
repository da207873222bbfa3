"""Limits on a condition's characters and tokens, and plain words for syntax errors. Pure; knows no library."""

import re
from collections.abc import Sequence
from itertools import islice
from typing import NamedTuple

from rules import limits
from rules.diagnostics import Finding
from rules.tree import Span

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_BIDIRECTIONAL = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]+")
MOST_STRETCHES = 10
"""Stretches of forbidden characters that are told of one condition; a file can hold millions."""
_NUMBER = re.compile(r"(?P<digits>[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE](?P<exponent>[+-]?[0-9]+))?")

_OPERANDS = frozenset(
    {"STRING", "FLOAT", "FLOAT_INF", "FLOAT_NAN", "SYMBOL", "BUILTIN", "TRUE", "FALSE", "NULL", "DATETIME"}
) | {
    "TIMEDELTA",
    "BYTES",
}
_OPERATORS = frozenset(
    {"ADD", "SUB", "MUL", "TDIV", "FDIV", "MOD", "POW", "BWAND", "BWOR", "BWXOR", "BWLSH", "BWRSH", "EQ", "NE"}
    | {"EQ_FZM", "EQ_FZS", "NE_FZM", "NE_FZS", "GT", "GE", "LT", "LE", "AND", "OR", "NOT", "IN", "FOR"}
    | {"COALESCE", "QMARK", "ATTR", "ATTR_SAFE", "LBRACKET", "LBRACE"}
)
_OPENING = frozenset({"LPAREN", "LBRACKET", "LBRACE"})
_CLOSING = frozenset({"RPAREN", "RBRACKET", "RBRACE"})
_COMPARISONS = frozenset({"EQ", "NE", "GT", "GE", "LT", "LE", "EQ_FZM", "EQ_FZS", "NE_FZM", "NE_FZS", "IN"})

_INSTEAD = {
    "=": "write `==` to compare",
    "!": "write `not`",
    "&&": "write `and`",
    "||": "write `or`",
    "<>": "write `!=`",
    "===": "write `==`",
    "AND": "write `and` in lower case",
    "OR": "write `or` in lower case",
    "NOT": "write `not` in lower case",
    "IN": "write `in` in lower case",
    "is": "write `==`",
    "contains": 'write `"word" in subject`',
    "like": 'write `subject =~~ "word"`',
    "matches": 'write `subject =~ "word"`',
    "between": "write `x >= 1 and x <= 5`",
}


class Token(NamedTuple):
    """A word of a condition: its kind in the library's grammar, its text, and where it stands."""

    kind: str
    text: str
    start: int
    end: int

    @property
    def span(self) -> Span:
        """Return where it stands."""
        return Span(self.start, self.end)


def character_findings(text: str) -> tuple[Finding, ...]:
    """Return what is wrong with the length and the characters of `text`."""
    if len(text) <= limits.MAX_CONDITION_BYTES and text.isascii() and text.isprintable():
        return ()
    findings = [
        Finding(
            code="control_character",
            message=f"the character U+{ord(found[0][0]):04X} is not allowed in a condition",
            span=Span(*found.span()),
            hint="remove it; in a text literal write it as an escape",
        )
        for found in islice(_CONTROL.finditer(text), MOST_STRETCHES)
    ]
    findings += [
        Finding(
            code="bidirectional_character",
            message=f"the bidirectional character U+{ord(found[0][0]):04X} can make a condition read differently",
            span=Span(*found.span()),
            hint="remove it; in a text literal write it as an escape",
        )
        for found in islice(_BIDIRECTIONAL.finditer(text), MOST_STRETCHES)
    ]
    size = len(text.encode("utf-8", "surrogatepass"))
    if size > limits.MAX_CONDITION_BYTES:
        message = f"the condition is {size} bytes long, the limit is {limits.MAX_CONDITION_BYTES}"
        hint = "split it into several rules, or use a list: `plan in [...]`"
        findings.append(Finding(code="too_long", message=message, span=Span(0, len(text)), hint=hint))
    return tuple(findings)


def token_findings(tokens: Sequence[Token]) -> tuple[Finding, ...]:
    """Return the limits that the tokens of a condition break: nodes, nesting and the size of numbers."""
    findings = [finding for token in tokens if token.kind == "FLOAT" for finding in _number_findings(token)]
    if len(tokens) <= limits.MAX_DEPTH:  # too few to nest deeper, or to be too many
        return tuple(findings)
    over = _first_beyond(tokens, limits.MAX_NODES)
    if over is not None:
        message = f"the condition has more than {limits.MAX_NODES} operands and operators"
        hint = "split it into several rules, or use a list: `plan in [...]`"
        findings.append(Finding(code="too_many_nodes", message=message, span=over.span, hint=hint))
    deep = _first_nested_beyond(tokens, limits.MAX_DEPTH)
    if deep is not None:
        message = f"the condition is nested more than {limits.MAX_DEPTH} deep"
        findings.append(Finding(code="too_deep", message=message, span=deep.span, hint="split it into several rules"))
    return tuple(findings)


def syntax_finding(token: Token | None, span: Span, text: str, *, reserved: bool = False) -> Finding:
    """Return the finding for a syntax error at `token`, or at the end of the text if there is none."""
    if reserved:
        return Finding(code="syntax", message=f"`{text[span.start : span.end]}` is a reserved word", span=span)
    if token is None:
        return Finding(code="syntax", message="the condition ends too early", span=span, hint=_ending_hint(text))
    word, span = _word_at(text, span)
    return Finding(code="syntax", message=f"`{word}` is not expected here", span=span, hint=_hint(token, word, text))


def _first_beyond(tokens: Sequence[Token], most: int) -> Token | None:
    count = 0
    before = ""
    for token in tokens:
        is_attribute_name = token.kind == "SYMBOL" and before in ("ATTR", "ATTR_SAFE")
        is_call = token.kind == "LPAREN" and before in ("SYMBOL", "BUILTIN", "RPAREN", "RBRACKET")
        is_node = (token.kind in _OPERANDS and not is_attribute_name) or token.kind in _OPERATORS
        count += is_node or is_call
        before = token.kind
        if count > most:
            return token
    return None


def _first_nested_beyond(tokens: Sequence[Token], most: int) -> Token | None:
    depth = 0
    for token in tokens:
        depth += (token.kind in _OPENING) - (token.kind in _CLOSING)
        if depth > most:
            return token
    return None


def _number_findings(token: Token) -> list[Finding]:
    text = token.text
    if len(text) <= limits.MAX_HEX_DIGITS and text.replace(".", "", 1).isdecimal():
        return []
    code, span = "number_too_large", token.span
    if text[:2] in ("0x", "0b", "0o"):
        most = limits.MAX_HEX_DIGITS if text[1] == "x" else limits.MAX_DIGITS
        if len(text) - 2 <= most:
            return []
        return [Finding(code=code, message=f"the number has more than {most} digits", span=span)]
    found = _NUMBER.fullmatch(text)
    assert found is not None
    findings = []
    if len(found["digits"].replace(".", "")) > limits.MAX_DIGITS:
        message = f"the number has more than {limits.MAX_DIGITS} digits"
        findings.append(Finding(code=code, message=message, span=span))
    exponent = (found["exponent"] or "0").lstrip("+-").lstrip("0") or "0"
    if len(exponent) > len(str(limits.MAX_EXPONENT)) or int(exponent) > limits.MAX_EXPONENT:
        message = f"the exponent is beyond {limits.MAX_EXPONENT}"
        findings.append(Finding(code=code, message=message, span=span))
    return findings


def _word_at(text: str, span: Span) -> tuple[str, Span]:
    """Return what to point at: a run of the same kind of characters when the lexer stopped in the middle of one."""
    for found in re.finditer(r"[=!&|<>]+|\w+", text):
        if found.start() <= span.start < found.end():
            span = Span(*found.span())
    return text[span.start : span.end], span


def _hint(token: Token, word: str, text: str) -> str | None:
    if word in _INSTEAD:
        return _INSTEAD[word]
    if word[:1] in ("'", '"'):
        return "close the quotes on the same line"
    if token.kind in _COMPARISONS:
        return "comparisons don't chain: write `1 < x and x < 5`"
    if word == "#":
        return "a comment stands at the end of the condition"
    before = re.search(r"(\w+)\s*$", text[: token.span.start])
    return _INSTEAD.get(before[1]) if before else None


def _ending_hint(text: str) -> str:
    if not text.strip():
        return "write a condition such as `mrr > 1000`"
    if text.count("(") > text.count(")"):
        return "close the parenthesis"
    return "something is missing after the last word"

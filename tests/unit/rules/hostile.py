"""Texts that nobody would write: sound conditions bent out of shape, and words in any order at any depth.

    hostile(SeededChoices(seed))        a text

`assert_endured` says what every text must come to: findings inside it, or a tree within the limits that evaluates to a
verdict, over whatever facts; and never anything of Python.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC
from itertools import pairwise

from engine.core.facts import Facts, FactValue
from rules import limits
from rules.interpret import InterpretedCondition
from rules.tree import Node, walk
from tests.unit.rules import fact_generator
from tests.unit.rules.choices import Choices, is_rare, pick
from tests.unit.rules.facts import CUSTOMER, NOW, check
from tests.unit.rules.generator import Grammar, condition

ODD: Sequence[str] = (
    " ", "\xa0", "\u2028", "\u200b", "\u200d", "\ufeff", "\u202e", "\u2066", "\x00", "\x1b", "\x7f", "\x85", "\r",
    "\t", "\n", "\ud800", "\udfff", "\U0001f600", "\U0010ffff", "\xe9", "e\u0301", "\xdf", "\u0130", "\u0131",
    "\u017f", "K", "\uff11\uff12", "\u0663", "\xb2", "\xbd", "\u2167", "\u201c", "\u2019", "\uff1d", "\uff02", "mrr",
    "\uff4d\uff52\uff52", "\u043crr", "\u65e5\u672c", "\ufdfa", "\u0345", "\\", "\\x", "\\u", "\\N{DEGREE SIGN}",
    "\\ud800", '"', "'", "`", "#", "$", "&.", 'r"', 'b"', 'd"', 't"', 'f"', "@", ";", "=", ":=", "->", "**", "<<",
    "~", "!", "?", "??", "0x", "1e", "1_0", ".", "..", "__class__", "__import__", "lambda", "for x in", "if",
    "$re_groups", "inf", "nan", "null", "None", "True",
)  # fmt: skip
NUMBERS: Sequence[Callable[[int], str]] = (
    lambda size: "9" * size,
    lambda size: "-" * size + "1",
    lambda size: f"1e{size}",
    lambda size: f"1e-{size}",
    lambda size: f"0.{'0' * size}1",
    lambda size: "0x" + "f" * size,
    lambda size: "0b" + "1" * size,
    lambda size: "0o" + "7" * size,
    lambda size: f"{'1' * size}.{'2' * size}e{size}",
)
WRAPPED: Sequence[tuple[str, str]] = (
    ("(", ")"), ("[", "]"), ("{", "}"), ("not ", ""), ("-", ""), ("", ".to_str"), ("", ".as_lower"), ("", "[0]"),
    ("", "[1:]"), ("$abs(", ")"), ("true ? ", " : false"), ("null ?? ", ""), ('{"a": ', '}["a"]'), ("", " == true"),
    ("", ' in ["a"]'), ("$sum([", "])"),
)  # fmt: skip
WORDS: Sequence[str] = (
    "mrr", "plan", "tags", "status", "delinquent", "customer_since", 'attributes["a"]', "attributes", "nobody",
    "$now", "$today", "1", "1.5", '"a"', '"past_due"', 'd"2024-01-01"', 't"P1D"', "null", "true", "[]", "{}",
    '{"a": 1}', '["a", 1]', "{1, 2}", "inf",
)  # fmt: skip
OPERATORS: Sequence[str] = (
    "==", "!=", "<", "<=", ">", ">=", "=~", "=~~", "!~", "!~~", "in", "not in", "and", "or", "??", "+", "-", "*", "/",
    "//", "%", "**", "<<", ">>", "&", "|", "^", "?", ":",
)  # fmt: skip
PATTERNS: Sequence[str] = (
    ".", "*", "+", "?", "{0,99}", "{1000}", "(", ")", "|", "[a-", "]", "[^", "\\w", "\\b", "\\1", "(?i)", "(?=",
    "(?P<n>", "^", "$", "a", "\xe9", "\\Z", "\\p{L}", "[[:alpha:]]", "\\x{110000}", "(?#", "*+", "*?", "\\",
)  # fmt: skip
_TOKEN = re.compile(r'"[^"]*"|\w+|\s+|[^\w\s]+')
_PYTHON = re.compile(r"Traceback|<class|<function| object at 0x|\bNoneType\b|builtins?\.|\.py\b")


def hostile(choices: Choices) -> str:
    """Return a text."""
    text = pick(choices, (_sound, _untyped, _words))(choices)
    for _ in range(choices.number(0, 4)):
        text = pick(choices, (_cut, _moved, _odd, _giant, _nested, _doubled, _joined, _patterned))(choices, text)
        if len(text) > 3 * limits.MAX_CONDITION_BYTES:
            break
    return text


def assert_endured(text: str, choices: Choices) -> str:
    """Assert that a text is refused in order or evaluates to a verdict; return which."""
    checked = check(text)
    for finding in checked.findings:
        assert 0 <= finding.span.start <= finding.span.end <= len(text), (text, finding)
        assert not _PYTHON.search(finding.message + (finding.hint or "")), (text, finding)
        (finding.message + (finding.hint or "")).encode()
    if checked.tree is None:
        assert checked.findings, text
        return "refused"
    assert len(text.encode()) <= limits.MAX_CONDITION_BYTES
    assert sum(1 for _ in walk(checked.tree)) <= limits.MAX_NODES
    assert _depth(checked.tree) <= limits.MAX_DEPTH
    values: Sequence[Mapping[str, FactValue]] = (CUSTOMER, {}, fact_generator.facts(choices).values)
    rule = InterpretedCondition(tree=checked.tree, zone=UTC)
    for known in values:
        assert rule.evaluate(Facts(as_of=NOW, values=known), NOW).result in (True, False, None), text
    return "accepted"


def _depth(node: Node) -> int:
    return 1 + max((_depth(child) for child in node.children), default=0)


# where texts come from


def _sound(choices: Choices) -> str:
    return condition(choices, Grammar(depth=choices.number(0, 4)))


def _untyped(choices: Choices) -> str:
    """Return operators and operands without regard to types: it parses, and the checks have something to refuse."""
    return _expression(choices, choices.number(1, 5))


def _expression(choices: Choices, depth: int) -> str:
    if depth == 0 or is_rare(choices, 4):
        return pick(choices, WORDS)
    before, after = pick(choices, WRAPPED)
    if is_rare(choices, 3):
        return f"{before}{_expression(choices, depth - 1)}{after}"
    left, right = _expression(choices, depth - 1), _expression(choices, depth - 1)
    return f"({left} {pick(choices, OPERATORS)} {right})"


def _words(choices: Choices) -> str:
    return " ".join(pick(choices, (*WORDS, *OPERATORS, *ODD)) for _ in range(choices.number(0, 25)))


# what is done to them


def _places(choices: Choices, text: str, count: int) -> list[int]:
    """Return the beginning, some ends of words, and the end, in order."""
    ends = [found.end() for found in _TOKEN.finditer(text)] or [0]
    return sorted([0, *(pick(choices, ends) for _ in range(count)), len(text)])


def _cut(choices: Choices, text: str) -> str:
    start, stop = sorted((choices.number(0, len(text)), choices.number(0, len(text))))
    return text[start:stop] if is_rare(choices, 2) else text[:start] + text[stop:]


def _moved(choices: Choices, text: str) -> str:
    parts = [text[start:stop] for start, stop in pairwise(_places(choices, text, 3))]
    parts.insert(choices.number(0, len(parts)), parts.pop(choices.number(0, len(parts) - 1)))
    return "".join(parts)


def _odd(choices: Choices, text: str) -> str:
    at = choices.number(0, len(text))
    return text[:at] + pick(choices, ODD) * pick(choices, (1, 1, 2, 300)) + text[at:]


def _giant(choices: Choices, text: str) -> str:
    number = pick(choices, NUMBERS)(pick(choices, (1, 15, 16, 17, 29, 30, 31, 100, 1000, 3900)))
    found = list(re.finditer(r"\d+", text))
    if not found:
        return f"{text} {number}"
    place = pick(choices, found)
    return text[: place.start()] + number + text[place.end() :]


def _nested(choices: Choices, text: str) -> str:
    before, after = pick(choices, WRAPPED)
    count = pick(choices, (1, 2, 20, 48, 49, 50, 51, 100, 400))
    _, start, stop, _ = _places(choices, text, 2)
    return text[:start] + before * count + text[start:stop] + after * count + text[stop:]


def _doubled(choices: Choices, text: str) -> str:
    _, start, stop, _ = _places(choices, text, 2)
    return text[:stop] + text[start:stop] * pick(choices, (1, 2, 10, 60, 200)) + text[stop:]


def _joined(choices: Choices, text: str) -> str:
    return f"{text} {pick(choices, OPERATORS)} {_sound(choices)}"


def _patterned(choices: Choices, text: str) -> str:
    pattern = "".join(pick(choices, PATTERNS) for _ in range(choices.number(1, 12)))
    asked = f'body {pick(choices, ("=~", "=~~", "!~", "!~~"))} r"{pattern}"'
    return f"{text} and {asked}" if text else asked

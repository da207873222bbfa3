r"""Regular expressions that mean what Python's do and are run by RE2, in time linear in the text.

Laws of this module
- A pattern is read by Python's own pattern parser and written out again for RE2 piece by piece, so what is accepted
  keeps its meaning: `$` also matches before a final newline, `\d \w \s` are Unicode, `.` stops at a newline only.
- What RE2 can't do in linear time, or where its meaning would differ in a way that can't be written out, is refused
  with a reason. Python's `re` never runs a pattern.
- Only whether there is a match is asked, never where or what; so groups are not kept and laziness means nothing.

Known differences, also documented for admins: `\b` sees only ASCII letters, digits and `_` as word characters, and
under `(?i)` a handful of letters (the dotless i, the long s) fold otherwise.
"""

import functools
import importlib
import re
from dataclasses import dataclass
from typing import Any

import re2

from rules import limits
from rules.pattern_states import TooManyPositionsError, count_states, most_places

# Python's own parser of patterns and its vocabulary have no public names; their trees are alike from 3.11 on.
_parser: Any = importlib.import_module("re._parser")
op: Any = importlib.import_module("re._constants")

_WHITESPACE = (
    (0x09, 0x0D), (0x1C, 0x20), (0x85, 0x85), (0xA0, 0xA0), (0x1680, 0x1680), (0x2000, 0x200A), (0x2028, 0x2029),
    (0x202F, 0x202F), (0x205F, 0x205F), (0x3000, 0x3000),
)  # fmt: skip
_LAST = 0x10FFFF
_SURROGATES = range(0xD800, 0xE000)
_MAX_REPEAT = 1000
_MAX_GROUPS_DEEP = 40
_WORD_PARTS = {"L": r"\p{L}", "Nd": r"\p{Nd}", "Nl": r"\p{Nl}", "No": r"\p{No}", "_": "_"}

_REFUSED = {
    op.ASSERT: "look-ahead and look-behind are",
    op.ASSERT_NOT: "look-ahead and look-behind are",
    op.GROUPREF: "back-references are",
    op.GROUPREF_EXISTS: "conditional groups are",
    op.POSSESSIVE_REPEAT: "possessive repeats are",
    op.ATOMIC_GROUP: "atomic groups are",
}


class PatternError(ValueError):
    """Raised for a pattern that is no regular expression or that is refused; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """A compiled pattern; `found_in` says whether a text matches."""

    source: str
    compiled: Any
    program_size: int

    def found_in(self, text: str) -> bool:
        """Return whether the pattern matches in `text` (at its start only, if it was compiled so)."""
        # Half a surrogate pair has no UTF-8; a question mark in its place keeps this total.
        return self.compiled.search(text.encode("utf-8", "replace")) is not None


@functools.lru_cache(maxsize=2 * limits.MAX_PATTERNS)
def compile_pattern(pattern: str, *, anchored: bool) -> Pattern:
    """Return `pattern` compiled; `anchored` for `=~`, which matches at the start. Raise PatternError if refused."""
    tree = _parse(pattern)
    has_few_states = _limit(tree, anchored=anchored)
    source = _sequence(tree, tree.state.flags, is_last=True, depth=0)
    expression = (r"\A(?:" if anchored else "(?:") + source + ")"
    try:
        # With little memory one that is too large is refused at once.
        compiled = _compiled(expression, limits.MAX_PATTERN_MEMORY if has_few_states else limits.MAX_SIMULATION_MEMORY)
        size: int = compiled.programsize
    except re2.error as fault:
        raise PatternError("the regular expression is too large") from fault
    if size > limits.MAX_PATTERN_PROGRAM:
        raise PatternError("the regular expression is too large")
    if has_few_states and size > limits.LARGE_PROGRAM:
        compiled = _compiled(expression, limits.LARGE_PROGRAM_MEMORY)
    return Pattern(source=source, compiled=compiled, program_size=size)


def _compiled(expression: str, memory: int) -> Any:
    options = re2.Options()
    options.never_capture = True
    options.log_errors = False
    options.max_mem = memory
    return re2.compile(expression, options)


def translate(pattern: str) -> str:
    """Return `pattern` in RE2's spelling; raise PatternError if it is malformed or refused."""
    tree = _parse(pattern)
    return _sequence(tree, tree.state.flags, is_last=True, depth=0)


def _parse(pattern: str) -> Any:
    """Return Python's tree of `pattern`; raise PatternError if it can't be read."""
    _refuse_ambiguous(pattern)
    try:
        tree = _parser.parse(pattern)
    except (re.error, OverflowError, RecursionError, ValueError) as fault:
        message = fault.msg if isinstance(fault, re.error) else "it is too large"
        raise PatternError(f"the regular expression can't be read: {message}") from None
    if tree.state.flags & re.LOCALE:
        raise PatternError("the flag `(?L)` is not part of the language")
    return tree


def _limit(tree: Any, *, anchored: bool) -> bool:
    """Refuse a pattern that could be slow on some text; return whether it has few states.

    One that is refused for other reasons is told those first.
    """
    _sequence(tree, tree.state.flags, is_last=True, depth=0)
    most, most_positions = limits.MAX_PATTERN_STATES, limits.MAX_PATTERN_POSITIONS
    try:
        states = count_states(tree, tree.state.flags, anchored=anchored, most=most, most_positions=most_positions)
    except TooManyPositionsError:
        raise PatternError(
            f"the regular expression is too large: with its repeats written out it has more than {most_positions} "
            "characters; write `*` or `+` for a large repeat"
        ) from None
    if states <= most:
        return True
    if most_places(tree, tree.state.flags) > limits.MAX_PATTERN_PLACES:
        raise PatternError(
            "the regular expression could be slow: there are too many ways to match; "
            "write `.*` for `.{0,50}`, or smaller repeats"
        )
    return False


def _refuse_ambiguous(pattern: str) -> None:
    """Refuse what Python reads with a warning that its meaning may change: nested sets, POSIX classes."""
    inside = False
    start = i = 0
    while i < len(pattern):
        c = pattern[i]
        if c == "\\":
            i += 2
            continue
        if not inside and c == "[":
            inside, start = True, i
            i += 1 + (pattern[i + 1 : i + 2] == "^")
            if pattern[i : i + 1] == "]":
                i += 1
            if pattern[i : i + 1] != "[":
                continue
            c = "["
        if inside:
            _refuse_in_set(pattern, i, start)
            inside = c != "]"
        i += 1


def _refuse_in_set(pattern: str, i: int, start: int) -> None:
    two = pattern[i : i + 2]
    if two in ("[:", "[.", "[="):
        raise PatternError(
            r"POSIX classes such as `[[:digit:]]` are not part of the language; write `\d`, `\w` or `\s`"
        )
    if pattern[i] == "[" or (two in ("--", "&&", "~~", "||") and i > start + 1):
        raise PatternError(f"`{two}` in a set of characters is ambiguous; write a backslash before it")


def _sequence(items: Any, flags: int, *, is_last: bool, depth: int) -> str:
    if depth > _MAX_GROUPS_DEEP:
        raise PatternError("the regular expression is nested too deep")
    items = list(items)
    return "".join(
        _one(code, argument, flags, is_last=is_last and index == len(items) - 1, depth=depth)
        for index, (code, argument) in enumerate(items)
    )


def _one(code: Any, argument: Any, flags: int, *, is_last: bool, depth: int) -> str:  # noqa: PLR0911  # a table
    if code in _REFUSED:
        raise PatternError(f"{_REFUSED[code]} not part of the language: they can take forever on some texts")
    if code is op.LITERAL:
        return _folding(_character(argument), flags)
    if code is op.NOT_LITERAL:
        return _folding(f"[^{_character(argument)}]", flags)
    if code is op.ANY:
        return "(?s:.)" if flags & re.DOTALL else r"[^\n]"
    if code is op.IN:
        return _folding(_set(argument, flags), flags)
    if code is op.AT:
        return _place(argument, flags, is_last=is_last)
    if code is op.BRANCH:
        branches = [_sequence(branch, flags, is_last=is_last, depth=depth + 1) for branch in argument[1]]
        return f"(?:{'|'.join(branches)})"
    if code is op.SUBPATTERN:
        _, added, removed, inner = argument
        return f"(?:{_sequence(inner, (flags | added) & ~removed, is_last=is_last, depth=depth + 1)})"
    if code in (op.MAX_REPEAT, op.MIN_REPEAT):
        least, most, inner = argument
        is_one = most == 1
        return f"(?:{_sequence(inner, flags, is_last=is_last and is_one, depth=depth + 1)}){_times(least, most)}"
    raise PatternError(f"`{code}` is not part of the language")


def _times(least: int, most: Any) -> str:
    if least > _MAX_REPEAT or (most is not op.MAXREPEAT and most > _MAX_REPEAT):
        raise PatternError(f"repeats go up to {_MAX_REPEAT}")
    if most is op.MAXREPEAT:
        return {0: "*", 1: "+"}.get(least, f"{{{least},}}")
    return f"{{{least},{most}}}"


def _folding(piece: str, flags: int) -> str:
    return f"(?i:{piece})" if flags & re.IGNORECASE else piece


def _character(code_point: int) -> str:
    c = chr(code_point)
    if code_point in _SURROGATES:
        raise PatternError("half of a surrogate pair can't be matched")
    return c if c.isascii() and c.isalnum() else f"\\x{{{code_point:x}}}"


def _place(where: Any, flags: int, *, is_last: bool) -> str:
    if where is op.AT_BEGINNING:
        return "(?m:^)" if flags & re.MULTILINE else r"\A"
    if where is op.AT_BEGINNING_STRING:
        return r"\A"
    if where is op.AT_END_STRING:
        return r"\z"
    if where is op.AT_END:
        if flags & re.MULTILINE:
            return "(?m:$)"
        if not is_last:
            raise PatternError(r"`$` stands at the end of a regular expression; write `\Z` or `\n`")
        return r"(?:\n?\z)"
    if where in (op.AT_BOUNDARY, op.AT_NON_BOUNDARY):
        return r"\b" if where is op.AT_BOUNDARY else r"\B"
    raise PatternError(f"`{where}` is not part of the language")


def _set(items: Any, flags: int) -> str:  # noqa: PLR0911  # one line for each odd pair
    """Return a set of characters; negated classes inside it are written out where RE2 has no word for them."""
    items = list(items)
    negated = bool(items) and items[0][0] is op.NEGATE
    items = items[1:] if negated else items
    categories = {argument for code, argument in items if code is op.CATEGORY}
    if {op.CATEGORY_WORD, op.CATEGORY_NOT_WORD} <= categories or {
        op.CATEGORY_DIGIT,
        op.CATEGORY_NOT_DIGIT,
    } <= categories:
        return _everything(negated=negated)
    if {op.CATEGORY_SPACE, op.CATEGORY_NOT_SPACE} <= categories:
        return _everything(negated=negated)
    if op.CATEGORY_NOT_WORD in categories:
        rest = [(code, argument) for code, argument in items if argument is not op.CATEGORY_NOT_WORD]
        if flags & re.ASCII:
            return _ranges_set(items, flags, negated=negated)
        return _not_word(rest, flags, negated=negated)
    if flags & re.ASCII and categories:
        return _ranges_set(items, flags, negated=negated)
    if not items:
        return _everything(negated=negated)
    return f"[{'^' if negated else ''}{''.join(_member(code, argument) for code, argument in items)}]"


def _everything(*, negated: bool) -> str:
    return r"[^\x{0}-\x{10ffff}]" if negated else "(?s:.)"


def _not_word(rest: list[Any], flags: int, *, negated: bool) -> str:
    word = "".join(_WORD_PARTS.values())
    if not negated:
        return f"(?:[^{word}]|{_set(rest, flags)})" if rest else f"[^{word}]"
    kept = dict(_WORD_PARTS)
    for code, argument in rest:
        if code is op.CATEGORY and argument is op.CATEGORY_DIGIT:
            kept.pop("Nd", None)
        elif code is op.LITERAL and argument == ord("_"):
            kept.pop("_", None)
        else:
            raise PatternError(r"`[^\W…]` goes with `\d` and `_` only; write the characters you mean")
    return f"[{''.join(kept.values())}]" if kept else _everything(negated=True)


def _member(code: Any, argument: Any) -> str:
    if code is op.LITERAL:
        return _character(argument)
    if code is op.RANGE:
        return _span(*argument)
    return _CATEGORIES[argument]


def _span(low: int, high: int) -> str:
    return f"\\x{{{low:x}}}-\\x{{{high:x}}}"


def _complement(ranges: tuple[tuple[int, int], ...]) -> tuple[tuple[int, int], ...]:
    gaps, following = [], 0
    for low, high in sorted(ranges):
        if low > following:
            gaps.append((following, low - 1))
        following = max(following, high + 1)
    if following <= _LAST:
        gaps.append((following, _LAST))
    return tuple(gaps)


def _written(ranges: tuple[tuple[int, int], ...]) -> str:
    return "".join(_span(low, high) for low, high in ranges)


_CATEGORIES = {
    op.CATEGORY_DIGIT: r"\p{Nd}",
    op.CATEGORY_NOT_DIGIT: r"\P{Nd}",
    op.CATEGORY_SPACE: _written(_WHITESPACE),
    op.CATEGORY_NOT_SPACE: _written(_complement(_WHITESPACE)),
    op.CATEGORY_WORD: "".join(_WORD_PARTS.values()),
}

_ASCII_DIGIT = ((0x30, 0x39),)
_ASCII_SPACE = ((0x09, 0x0D), (0x20, 0x20))
_ASCII_WORD = ((0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A))
_ASCII_RANGES = {
    op.CATEGORY_DIGIT: _ASCII_DIGIT,
    op.CATEGORY_NOT_DIGIT: _complement(_ASCII_DIGIT),
    op.CATEGORY_SPACE: _ASCII_SPACE,
    op.CATEGORY_NOT_SPACE: _complement(_ASCII_SPACE),
    op.CATEGORY_WORD: _ASCII_WORD,
    op.CATEGORY_NOT_WORD: _complement(_ASCII_WORD),
}


def _ranges_set(items: list[Any], _flags: int, *, negated: bool) -> str:
    """Return a set under `(?a)`, where every class is a few ranges."""
    ranges: list[tuple[int, int]] = []
    for code, argument in items:
        if code is op.CATEGORY:
            ranges.extend(_ASCII_RANGES[argument])
        else:
            ranges.append((argument, argument) if code is op.LITERAL else argument)
    return f"[{'^' if negated else ''}{_written(tuple(ranges))}]"

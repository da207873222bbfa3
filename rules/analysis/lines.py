"""Where values stand on their lines, and which stretch of a line a comparison names."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from rules import limits
from rules.analysis.formulas import Range
from rules.analysis.spaces import Line, TextPredicate
from rules.kinds import Kind
from rules.patterns import compile_pattern
from rules.values import Value, kind_of

ORDERED = (Kind.NUMBER, Kind.INSTANT, Kind.DURATION)

RANKS = {
    Kind.BOOLEAN: 0,
    Kind.NUMBER: 1,
    Kind.TEXT: 2,
    Kind.INSTANT: 3,
    Kind.DURATION: 4,
    Kind.LIST: 5,
    Kind.SET: 6,
    Kind.MAPPING: 7,
}
"""The order of types on the line of values whose type shows only when they are there."""

FURTHEST = 366 * 1000
"""Days an instant may be moved by before the analysis calls it a value of its own."""

LINES = {
    Kind.BOOLEAN: Line.BOOLEAN,
    Kind.NUMBER: Line.NUMBER,
    Kind.TEXT: Line.TEXT,
    Kind.INSTANT: Line.INSTANT,
    Kind.DURATION: Line.DURATION,
    Kind.JSON: Line.JSON,
}

_PLAIN = re.compile(r"[\w @,;:!'\"/=<>%-]*")


def on_line(line: Line, value: Value) -> Any:
    """Return where `value` stands on `line`, or None if it is of another type."""
    kind = kind_of(value)
    if line is Line.JSON:
        return (RANKS[kind], value)
    return value if LINES.get(kind) is line else None


def ranges_of(line: Line, operator: str, bound: Value, *, plain: bool = False) -> tuple[Range, ...]:
    """Return the stretches of `line` that are `operator` `bound`; `plain` takes `bound` as a place already."""
    if line is not Line.JSON or plain:
        low, high = None, None
        place = bound
    else:
        rank = RANKS[kind_of(bound)]
        low, high, place = (rank,), (rank + 1,), (rank, bound)
    match operator:
        case "<":
            return (Range(low, False, place, False),)
        case "<=":
            return (Range(low, False, place, True),)
        case ">":
            return (Range(place, False, high, False),)
        case _:
            return (Range(place, True, high, False),)


def opposite(operator: str) -> str:
    """Return the operator with its sides swapped."""
    return {"<": ">", "<=": ">=", ">": "<", ">=": "<="}.get(operator, operator)


def text_predicate(form: str, needle: str) -> TextPredicate:
    """Return the question to a text: `contains`, `starts` or `ends` with `needle`, or `~` and `~~` match it.

    A regular expression that is a plain text is what it stands for.
    """
    if form in ("~", "~~"):
        plain = needle.removeprefix("^")
        if not _PLAIN.fullmatch(plain):
            pattern = compile_pattern(needle, anchored=form == "~")
            return TextPredicate(form=form, needle=needle, holds=pattern.found_in)
        form, needle = "contains" if form == "~~" and plain == needle else "starts", plain
    match form:
        case "contains":
            return TextPredicate(form=form, needle=needle, holds=lambda text: needle in text)
        case "starts":
            return TextPredicate(form=form, needle=needle, holds=lambda text: text.startswith(needle))
        case _:
            return TextPredicate(form=form, needle=needle, holds=lambda text: text.endswith(needle))


def middle(line: Line, low: Any, high: Any) -> Any:
    """Return a value strictly between two places (None: no bound), the plainest there is, or None if none is found."""
    match line:
        case Line.NUMBER | Line.DIFFERENCE:
            return _number_between(low, high)
        case Line.TEXT:
            return _text_between(low, high)
        case Line.INSTANT | Line.DURATION:
            return _time_between(line, low, high)
        case Line.JSON:
            return _json_between(low, high)
        case _:
            return None


def _number_between(low: Any, high: Any) -> Decimal:
    if low is None and high is None:
        return Decimal(0)
    if low is None:
        return Decimal(high - 1).to_integral_value(rounding="ROUND_FLOOR")
    if high is None:
        return Decimal(low + 1).to_integral_value(rounding="ROUND_CEILING")
    whole = Decimal(low + 1).to_integral_value(rounding="ROUND_FLOOR")
    return whole if low < whole < high else Decimal((low + high) / 2)


def _text_between(low: str | None, high: str | None) -> str | None:
    base = "" if low is None else low
    candidates = ([""] if low is None else []) + [base + more for more in ("x", " ", "\t", "\U0010ffff")]
    candidates += [base[:-1] + chr(ord(base[-1]) + 1)] if base and ord(base[-1]) + 1 < limits.MAX_TEXT_FACT else []
    for text in candidates:
        if (low is None or low < text) and (high is None or text < high):
            return text
    return None


def _time_between(line: Line, low: Any, high: Any) -> Any:
    day = timedelta(days=1)
    try:
        if low is None and high is None:
            return datetime(2026, 1, 1, tzinfo=UTC) if line is Line.INSTANT else timedelta(0)
        if low is None:
            return high - day
        if high is None:
            return low + day
        between = low + (high - low) / 2
    except OverflowError:
        return None
    return between if low < between < high else None


def _json_between(low: Any, high: Any) -> Any:
    rank = low[0] if low is not None else (high[0] if high is not None and len(high) > 1 else 0)
    inner_low = low[1] if low is not None and len(low) > 1 else None
    inner_high = high[1] if high is not None and len(high) > 1 and high[0] == rank else None
    if rank == RANKS[Kind.NUMBER]:
        return (rank, _number_between(inner_low, inner_high))
    if rank == RANKS[Kind.TEXT] or (low is None and high is None):
        text = _text_between(inner_low, inner_high)
        return None if text is None else (RANKS[Kind.TEXT], text)
    candidates: list[Any] = [(0, False), (0, True), (1, Decimal(0)), (2, "x")]
    return next((one for one in candidates if (low is None or one > low) and (high is None or one < high)), None)

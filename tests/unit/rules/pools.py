"""Words, numbers, dates and patterns that generated conditions and facts share, with every edge we know of."""

from tests.unit.rules.choices import Choices, is_rare, pick

WORDS = (
    "a", "", "vip", "Ent", "Enterprise", "enterprise plus", "gold", "b", "ab", "aa", " a b ", "12", "-3", "1.5", "1e3",
    "0x1F", "007", "1e999", "nan", "é", "e\u0301", "ß", "SS", "\u017f", "İ", "\u0131", "Σ", "ς", "\u2028", "\u00a0a",
    "\n", "a\n", "line one\nline two", "\t", "'", '"', "\\", "\\d", "日本", "\U0001f600", "\ufeff", "2024-02-29", "%",
    "_", "a%b_c", "[", "null", "٣", "refund", "invoice payment failed", "active", "past_due",
)  # fmt: skip
"""Texts of literals and facts: cases that fold oddly, white space of all kinds, digits, wild cards of SQL."""

KEYS = ("tier", "seats", "score", "vip", "none", "list", "nested", "since", "a", "ключ", "missing", "big", "empty")
"""Keys under `attributes`."""

NUMBERS = (
    "1", "0", "2", "3", "12", "1000", "999.99", "1000.00", "0.1", "0.2", "0.3", "-1", "-0.5", ".5", "1e3", "1e-3",
    "0.000001", "0.0000001", "1200.50", "0x1F", "0b101", "0o17", "1.", "1e30", "1e-30", "9007199254740993",
    "9223372036854775807", "9223372036854775808", "123456789012345678901234567.89", "100", "30", "7", "2024", "29",
    "2.5", "-2.5", "33333333333333333333333333333",
)  # fmt: skip

INDEXES = ("0", "1", "-1", "2", "-4", "5", "1.0", "0.5", "1e29")

INSTANTS = (
    "2026-11-20", "2024-02-29", "2024-02-29T23:30:00Z", "2024-03-01T00:30:00+01:00", "2026-11-20T12:00:00Z",
    "2026-11-20T12:00:00", "2026-03-29T01:30:00", "2026-10-25T02:30:00", "2000-01-01T00:00:00.123456Z",
    "1970-01-01", "9999-12-31T23:59:59Z", "0001-01-02", "2026-11-20T12:00:00.000001+05:45",
)  # fmt: skip
"""Dates with and without an offset; among them leap days, changes of the clock, and both ends of the calendar."""

DURATIONS = ("P1D", "PT36H", "P2W", "PT0S", "PT1M1S", "PT0.5S", "P30D", "P99999D", "P1DT2H")
INSTANT_PARTS = ("year", "month", "day", "hour", "minute", "second")
SEPARATORS = (" ", ",", "a", "\n", "ab", "é")

_ATOMS = (
    "a",
    "b",
    "vip",
    ".",
    r"\d",
    r"\w",
    r"\s",
    r"\D",
    r"\W",
    r"\S",
    "[a-z]",
    "[^a]",
    r"[\w.]",
    "é",
    "ß",
    r"\.",
    " ",
    "1",
)
_REPEATS = ("*", "+", "?", "{2}", "{0,3}", "{1,}", "*?", "+?")


def pattern(choices: Choices, depth: int = 2) -> str:
    """Return a regular expression of the language."""
    body = _alternatives(choices, depth)
    start = pick(choices, ("", "", "^", r"\A", "(?i)", "(?s)", "(?i)^"))
    end = pick(choices, ("", "", "", "$", r"\Z", r"\b"))
    # The end is the whole pattern's, not of its last alternative.
    return f"{start}(?:{body}){end}" if end and "|" in body else f"{start}{body}{end}"


def _alternatives(choices: Choices, depth: int) -> str:
    count = 2 if depth > 0 and is_rare(choices, 4) else 1
    return "|".join(_sequence(choices, depth) for _ in range(count))


def _sequence(choices: Choices, depth: int) -> str:
    parts = []
    for _ in range(choices.number(1, 3)):
        is_group = depth > 0 and is_rare(choices, 5)
        atom = f"({_alternatives(choices, depth - 1)})" if is_group else pick(choices, _ATOMS)
        if not is_group and is_rare(choices, 3):
            atom = f"(?:{atom})" if len(atom) > 1 and atom.isalnum() else atom
            atom += pick(choices, _REPEATS)
        parts.append(atom)
    return "".join(parts)


def quoted(word: str, style: str = "plain") -> str:
    """Return `word` as a literal of the language."""
    if style == "raw" and not any(c in word for c in '"\n\u2028') and not word.endswith("\\"):
        return f'r"{word}"'
    quote = "'" if style == "single" else '"'
    escaped = word.replace("\\", "\\\\").replace(quote, "\\" + quote).replace("\n", "\\n")
    unwelcome = {"\u2028": "\\u2028", "\u200e": "\\u200e"}
    escaped = "".join(unwelcome.get(c, c) for c in escaped)
    if style == "escaped":
        escaped = "".join(c if c.isascii() else _escape(c) for c in escaped)
    return f"{quote}{escaped}{quote}"


def _escape(character: str) -> str:
    code = ord(character)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"

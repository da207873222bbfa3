"""Facts for generated conditions: known and unknown, each value of a small pool or an edge of its type.

facts(SeededChoices(seed), known=90)        nine of ten have a value
FACTS                                       a hypothesis strategy
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

from hypothesis import strategies as st

from engine.core.facts import Facts, FactSpec, FactType, FactValue, JsonValue, Reason
from tests.unit.rules import pools
from tests.unit.rules.choices import Choices, drawn, is_rare, pick
from web.facts import CATALOG

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)

MONEY = tuple(
    Decimal(text)
    for text in (
        "1000", "0", "1", "1000.01", "999.99", "1200.50", "-1", "-0.5", "0.1", "0.3", "2.5", "12", "0.000001", "100.00",
        "9223372036854.775807", "1E+3", "-0",
    )
)  # fmt: skip
"""Amounts that a scaled 64-bit integer can hold."""
COUNTS: tuple[int | Decimal, ...] = (0, 1, 2, 3, 12, 7, 30, 1000, -1, 2024, 9007199254740993, 9223372036854775807)
HUGE = tuple(Decimal(text) for text in ("1E+30", "1E-30", "0.1234567890123456789012345678", "9223372036854775808"))
NUMBERS: tuple[int | Decimal, ...] = (*COUNTS, *MONEY, *HUGE)
FLOATS = (0.1, 0.30000000000000004, 1e22, -0.0, 2.5, 1e-7, 1000.0, 5e-324, 1.7976931348623157e308)

_JSON: tuple[JsonValue, ...] = (
    "gold", "", "12", 1, 0, -3, 1.5, 0.1, 1e22, True, False, None, [], ["a", "vip"], [1, "a", None], [1, 2, 3],
    [[1], []], {}, {"a": 1, "tier": "gold"}, {"a": {"a": None}, "list": [1]}, "2024-02-29", "é",
    9007199254740993, [None],
)  # fmt: skip
_ZONES = (UTC, timezone(timedelta(hours=2)), timezone(timedelta(hours=-11)), timezone(timedelta(hours=5, minutes=45)))


def facts(
    choices: Choices, *, known: int = 80, storable: bool = False, specs: Sequence[FactSpec] = tuple(CATALOG)
) -> Facts:
    """Return facts; of 100, `known` have a value. `storable` keeps to what both databases hold exactly."""
    values: dict[str, FactValue] = {}
    reasons: dict[str, Reason] = {}
    for spec in specs:
        if choices.number(1, 100) <= known:
            values[spec.name] = value(choices, spec, storable=storable)
        elif not is_rare(choices, 4):
            reasons[spec.name] = pick(choices, tuple(Reason))
    return Facts(as_of=NOW, values=values, reasons=reasons)


def fact_sets(*, known: int = 80, storable: bool = False) -> st.SearchStrategy[Facts]:
    """Return the strategy of facts."""
    return drawn(lambda choices: facts(choices, known=known, storable=storable))


def value(choices: Choices, spec: FactSpec, *, storable: bool = False) -> FactValue:  # noqa: PLR0911  # a table
    """Return a value of one fact."""
    match spec.type:
        case FactType.BOOLEAN:
            return choices.number(0, 1) == 1
        case FactType.STRING:
            return pick(choices, spec.closed_set or pools.WORDS)
        case FactType.MONEY:
            return pick(choices, MONEY if storable else (*MONEY, *HUGE))
        case FactType.NUMBER:
            return pick(choices, COUNTS if storable else NUMBERS)
        case FactType.DATETIME:
            return _instant(choices, storable=storable)
        case FactType.STRINGS:
            return tuple(pick(choices, pools.WORDS) for _ in range(choices.number(0, 3)))
        case FactType.MAPPING:
            return attributes(choices)


def attributes(choices: Choices) -> Mapping[str, JsonValue]:
    """Return an object of JSON values of every type."""
    keys = [pick(choices, pools.KEYS) for _ in range(choices.number(0, 8))]
    return {key: pick(choices, _JSON) for key in keys}


def _instant(choices: Choices, *, storable: bool) -> datetime:
    text = pick(choices, pools.INSTANTS)
    instant = datetime.fromisoformat(text)
    instant = instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
    if is_rare(choices, 4):
        instant = NOW - timedelta(seconds=choices.number(-5_000_000, 5_000_000))
    if storable or not 1 < instant.year < 9999 or not is_rare(choices, 4):
        return instant
    return instant.astimezone(pick(choices, _ZONES))


FACTS = fact_sets()

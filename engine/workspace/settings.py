"""The settings of a workspace as JSON: checked when written, all faults at once, and read back."""

import re
from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from engine.core.business_hours import MINUTES_A_DAY, WEEKDAYS, Block, BusinessHours
from engine.core.facts import JsonValue
from engine.faults import Fault, Invalid
from engine.workspace.currencies import CURRENCIES
from engine.workspace.models import ChurnAt, OnAmbiguous, RateOverride, WorkspaceSettings

_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)|24:00")
MAX_BLOCKS_A_DAY = 10
MAX_OVERRIDES = 400
MAX_RETENTION_DAYS = 3650
_RATE = re.compile(r"\d{1,12}(?:\.\d{1,12})?", re.ASCII)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
OF_FACTS = frozenset(
    {"reporting_currency", "on_ambiguous", "subtract_repeating", "subtract_once", "churn_at", "rate_overrides"}
)
"""The settings on which facts depend: when one changes, facts are worked out again."""

Choice = TypeVar("Choice", bound=StrEnum)


class _BadValueError(ValueError):
    """Says what a setting must be; turned into a fault by `parse`."""


def parse(raw: Mapping[str, Any]) -> WorkspaceSettings | Invalid:
    """Return the settings written in `raw`; what it leaves out has its default."""
    faults = [
        Fault(pointer=f"/{key}", message=f"There is no setting called {key!r}.") for key in raw if key not in _READERS
    ]
    values: dict[str, Any] = {}
    for key, read in _READERS.items():
        if key in raw:
            try:
                values[key] = read(raw[key])
            except _BadValueError as wrong:
                faults.append(Fault(pointer=f"/{key}", message=str(wrong)))
    return Invalid(tuple(faults)) if faults else WorkspaceSettings(**values)


def to_json(settings: WorkspaceSettings) -> dict[str, JsonValue]:
    """Return the settings as `parse` reads them."""
    plain: dict[str, JsonValue] = {field.name: getattr(settings, field.name) for field in fields(settings)}
    plain["business_hours"] = {
        day: [[_clock(block.start), _clock(block.end)] for block in blocks]
        for day, blocks in settings.business_hours.items()
    }
    plain["rate_overrides"] = [override_to_json(override) for override in settings.rate_overrides]
    return plain


def override_to_json(override: RateOverride) -> dict[str, JsonValue]:
    """Return a rate override as `parse` reads it."""
    return {
        "currency": override.currency,
        "into": override.into,
        "rate": f"{override.rate:f}",
        "date": override.since.isoformat(),
    }


def parse_currency(value: object) -> str | Fault:
    """Return a currency in lower case, or what is wrong with it."""
    if isinstance(value, str) and value.strip().lower() in CURRENCIES:
        return value.strip().lower()
    return Fault(pointer="/currency", message=_NO_CURRENCY)


def parse_rate(value: object) -> Decimal | Fault:
    """Return a rate written as a decimal, exactly, or what is wrong with it."""
    text = value.strip() if isinstance(value, str) else ""
    if not _RATE.fullmatch(text) or not Decimal(text):
        return Fault(pointer="/rate", message=_NO_RATE)
    return Decimal(text)


def parse_day(value: object) -> date | Fault:
    """Return a day written as ISO 8601 has it, or what is wrong with it."""
    try:
        if isinstance(value, str) and _DAY.fullmatch(value):
            return date.fromisoformat(value)
    except ValueError:
        pass
    return Fault(pointer="/date", message="Give a day as 2026-11-20.")


_NO_CURRENCY = "Give a currency by its three letters in ISO 4217, such as usd."
_NO_RATE = (
    "Give what one unit is worth as a positive decimal, such as 1.10: at most 12 digits before the point and 12 after."
)


def _currency(value: object) -> str:
    found = parse_currency(value)
    if isinstance(found, Fault):
        raise _BadValueError(found.message)
    return found


def _rate_overrides(value: object) -> tuple[RateOverride, ...]:
    if not isinstance(value, list) or len(value) > MAX_OVERRIDES:
        raise _BadValueError(f"Give a list of at most {MAX_OVERRIDES} rates.")
    found = tuple(_rate_override(each) for each in value)
    if len({(each.currency, each.into) for each in found}) < len(found):
        raise _BadValueError("Give one rate for each pair of currencies.")
    return found


def _rate_override(value: object) -> RateOverride:
    if not isinstance(value, dict) or set(value) != {"currency", "into", "rate", "date"}:
        raise _BadValueError(
            'Give rates such as {"currency": "eur", "into": "usd", "rate": "1.10", "date": "2026-11-20"}.'
        )
    rate, since = parse_rate(value["rate"]), parse_day(value["date"])
    for part in (rate, since):
        if isinstance(part, Fault):
            raise _BadValueError(part.message)
    currency, into = _currency(value["currency"]), _currency(value["into"])
    if currency == into:
        raise _BadValueError("A currency needs no rate into itself.")
    assert isinstance(rate, Decimal)
    assert isinstance(since, date)
    return RateOverride(currency=currency, into=into, rate=rate, since=since)


def _timezone(value: object) -> str:
    try:
        return ZoneInfo(str(value)).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise _BadValueError("Give a time zone by its name, such as Europe/Vienna.") from None


def _boolean(value: object) -> bool:
    if not isinstance(value, bool):
        raise _BadValueError("Give true or false.")
    return value


def _one_of(choices: type[Choice]) -> Callable[[object], Choice]:
    def read(value: object) -> Choice:
        for choice in choices:
            if choice.value == value:
                return choice
        raise _BadValueError(f"Give one of: {', '.join(choice.value for choice in choices)}.")

    return read


def _business_hours(value: object) -> BusinessHours:
    if not isinstance(value, dict) or not set(value) <= set(WEEKDAYS):
        raise _BadValueError('Give blocks by weekday, such as {"monday": [["09:00", "17:00"]]}.')
    return {day: _blocks(day, value[day]) for day in WEEKDAYS if day in value}


def _blocks(day: str, value: object) -> tuple[Block, ...]:
    if not isinstance(value, list) or len(value) > MAX_BLOCKS_A_DAY:
        raise _BadValueError(f"Give {day} a list of at most {MAX_BLOCKS_A_DAY} blocks.")
    return tuple(_block(day, pair) for pair in value)


def _block(day: str, pair: object) -> Block:
    match pair:
        case [str(start), str(end)] if _TIME.fullmatch(start) and _TIME.fullmatch(end) and start < end:
            return Block(_minute(start), _minute(end))
    raise _BadValueError(f'Give {day} blocks of two times, the earlier first, such as ["09:00", "17:00"].')


def _minute(clock: str) -> int:
    hour, minute = clock.split(":")
    return min(int(hour) * 60 + int(minute), MINUTES_A_DAY)


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


def _days(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_RETENTION_DAYS:
        raise _BadValueError(f"Give a whole number of days from 1 to {MAX_RETENTION_DAYS}.")
    return value


_READERS: Mapping[str, Callable[[object], object]] = {
    "reporting_currency": _currency,
    "timezone": _timezone,
    "on_ambiguous": _one_of(OnAmbiguous),
    "subtract_repeating": _boolean,
    "subtract_once": _boolean,
    "churn_at": _one_of(ChurnAt),
    "business_hours": _business_hours,
    "rate_overrides": _rate_overrides,
    "retention_payload_days": _days,
    "retention_message_days": _days,
}

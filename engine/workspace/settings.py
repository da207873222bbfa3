"""The settings of a workspace as JSON: checked when written, all faults at once, and read back."""

import re
from collections.abc import Callable, Mapping
from dataclasses import fields
from enum import StrEnum
from typing import Any, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from engine.core.business_hours import MINUTES_A_DAY, WEEKDAYS, Block, BusinessHours
from engine.core.facts import JsonValue
from engine.faults import Fault, Invalid
from engine.workspace.models import ChurnAt, OnAmbiguous, WorkspaceSettings

_CURRENCY = re.compile(r"[a-z]{3}")
_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)|24:00")
MAX_BLOCKS_A_DAY = 10

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
    return plain


def _currency(value: object) -> str:
    if not isinstance(value, str) or not _CURRENCY.fullmatch(value.lower()):
        raise _BadValueError("Give a currency by its three letters, such as usd.")
    return value.lower()


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


_READERS: Mapping[str, Callable[[object], object]] = {
    "reporting_currency": _currency,
    "timezone": _timezone,
    "on_ambiguous": _one_of(OnAmbiguous),
    "subtract_repeating": _boolean,
    "subtract_once": _boolean,
    "churn_at": _one_of(ChurnAt),
    "business_hours": _business_hours,
}

"""Business hours: the blocks of each weekday in which somebody is there."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MINUTES_A_DAY = 24 * 60


@dataclass(frozen=True, slots=True)
class Block:
    """From one minute of the day to another, the end not included; 1440 is midnight at the end of the day."""

    start: int
    end: int


BusinessHours = Mapping[str, tuple[Block, ...]]
"""The blocks by weekday; a weekday that is missing or has no block is closed."""

NINE_TO_FIVE: BusinessHours = {day: (Block(9 * 60, 17 * 60),) for day in WEEKDAYS[:5]}


def weekday_of(local: datetime) -> str:
    """Return the English name of the day, in lower case."""
    return WEEKDAYS[local.weekday()]


def is_open(hours: BusinessHours, local: datetime) -> bool:
    """Return whether `local`, an instant in the workspace's zone, lies within a block of its day."""
    minute = local.hour * 60 + local.minute
    return any(block.start <= minute < block.end for block in hours.get(weekday_of(local), ()))

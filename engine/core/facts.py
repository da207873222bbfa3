"""Facts: typed values about a conversation and the customer behind it, and the catalog that declares them.

Laws of this module
- A fact without value carries a reason; unknown is never zero.
- Every fact is declared once, in a `FactSpec`; the type checker, the SQL compiler, the panel, the API schema,
  the documentation and the exported attributes are generated from the catalog.
- Facts that move with the clock are declared over stored instants (`ClockForm`) and never stored themselves;
  the closed vocabulary of forms is what lets Python and SQL evaluate the same declaration.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import assert_never

JsonValue = bool | int | float | str | None | list["JsonValue"] | dict[str, "JsonValue"]

FactValue = bool | int | Decimal | str | datetime | tuple[str, ...] | Mapping[str, JsonValue]
"""A known value. Counts are `int`, money and other numbers `Decimal`, datetimes aware and in UTC."""


class FactType(StrEnum):
    """The type of a fact as conditions see it; money is a number with a currency attached for people."""

    BOOLEAN = "boolean"
    STRING = "string"
    NUMBER = "number"
    MONEY = "money"
    DATETIME = "datetime"
    STRINGS = "array of string"
    MAPPING = "mapping"


class Reason(StrEnum):
    """Why a fact has no value."""

    NOT_CONNECTED = "not_connected"
    NO_CUSTOMER = "no_customer"
    AMBIGUOUS = "ambiguous"
    NOT_SYNCED = "not_synced"
    NO_RATE = "no_rate"
    NOT_APPLICABLE = "not_applicable"
    UNSUPPORTED = "unsupported"
    STALE = "stale"


class Source(StrEnum):
    """Where a fact comes from."""

    STRIPE = "stripe"
    CONVERSATION = "conversation"


class Combine(StrEnum):
    """How the facts of several customers of one end user become one."""

    NONE = "none"
    ANY = "any"
    SUM = "sum"
    BEST = "best"
    WORST = "worst"
    EARLIEST = "earliest"
    LATEST = "latest"
    GREATEST = "greatest"
    LEAST = "least"
    OLDEST = "oldest"
    UNION = "union"


@dataclass(frozen=True, slots=True)
class ElapsedDays:
    """Whole days of 24 hours since the stored instant, floored; never below 0."""

    since: str


@dataclass(frozen=True, slots=True)
class RemainingDays:
    """Whole days of 24 hours until the stored instant, ceiled; 0 when it has passed."""

    until: str


@dataclass(frozen=True, slots=True)
class ElapsedSeconds:
    """Whole seconds since the stored instant, floored; never below 0."""

    since: str


@dataclass(frozen=True, slots=True)
class HasPassed:
    """True when the stored instant is not after now."""

    instant: str


@dataclass(frozen=True, slots=True)
class IsAhead:
    """True while the stored instant is after now; false also when there is none but the customer is known."""

    instant: str


@dataclass(frozen=True, slots=True)
class CountPassed:
    """How many of the stored instants, one array written as contracts write instants, lie before now."""

    instants: str


@dataclass(frozen=True, slots=True)
class RecentNames:
    """The names whose stored instant is at most `days` days of 24 hours old, in order of declaration."""

    days: int
    instants: tuple[tuple[str, str], ...]
    """Pairs of a name and the stored instant that speaks for it."""


InstantForm = ElapsedDays | RemainingDays | ElapsedSeconds | HasPassed | IsAhead
"""The forms over one instant."""

ClockForm = InstantForm | CountPassed | RecentNames


@dataclass(frozen=True, slots=True, kw_only=True)
class FactSpec:
    """The declaration of one fact."""

    name: str
    type: FactType
    source: Source
    definition: str
    """One sentence for the screens."""
    example: FactValue
    combine: Combine = Combine.NONE
    unit: str | None = None
    """What a number counts: `days`, `seconds`, `currency`, …"""
    closed_set: tuple[str, ...] | None = None
    """Every value the fact can take; a literal outside it is an error at check."""
    minimum: int | None = None
    """The least a number can be, if there is a least; a threshold below it is never reached."""
    maximum: int | None = None
    """The most a number can be, if there is a most."""
    reasons: tuple[Reason, ...] = ()
    """Reasons it can be missing for, beyond those every Stripe fact shares."""
    clock: ClockForm | None = None
    """Set for a fact that moves with the clock: it is computed when read, over a stored instant."""
    exported_as: str | None = None
    """A further name (`stripe_id` for `customer_id`)."""

    @property
    def names(self) -> tuple[str, ...]:
        """Return every name the fact answers to, its own first."""
        if self.source is not Source.STRIPE:
            return (self.name,)
        more = (self.exported_as,) if self.exported_as else ()
        return (self.name, f"stripe_{self.name}", *more)


class FactCatalog:
    """Every declared fact, by each of its names, in order of declaration."""

    def __init__(self, specs: Iterable[FactSpec]) -> None:
        self._specs = tuple(specs)
        by_name: dict[str, FactSpec] = {}
        for spec in self._specs:
            for name in spec.names:
                if name in by_name:
                    raise ValueError(f"two facts are called {name!r}")
                by_name[name] = spec
        self._by_name: Mapping[str, FactSpec] = MappingProxyType(by_name)

    def __iter__(self) -> Iterator[FactSpec]:
        return iter(self._specs)

    def __len__(self) -> int:
        return len(self._specs)

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    def find(self, name: str) -> FactSpec | None:
        """Return the fact that answers to `name`, or None."""
        return self._by_name.get(name)

    def get(self, name: str) -> FactSpec:
        """Return the fact that answers to `name`; raise KeyError if there is none."""
        return self._by_name[name]

    @property
    def names(self) -> tuple[str, ...]:
        """Return all names, the prefixed ones too."""
        return tuple(self._by_name)

    def of_source(self, source: Source) -> tuple[FactSpec, ...]:
        """Return the facts that come from `source`."""
        return tuple(spec for spec in self._specs if spec.source is source)


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Something a reader of a fact should know: an unknown status, a rate that was missing."""

    fact: str
    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Values at one instant, by the facts' own names, with a reason for each that is missing.

    A name in neither mapping is unknown without a stated reason (a fact nobody supplied).
    """

    as_of: datetime
    values: Mapping[str, FactValue] = field(default_factory=dict)
    reasons: Mapping[str, Reason] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()

    def get(self, name: str) -> FactValue | None:
        """Return the value of the fact called `name` (its own name), or None when it has none."""
        return self.values.get(name)

    def merged(self, other: "Facts") -> "Facts":
        """Return these facts and those of `other`, which wins where both speak of one fact."""
        reasons = {name: why for name, why in self.reasons.items() if name not in other.values}
        values = {name: value for name, value in self.values.items() if name not in other.reasons}
        return Facts(
            as_of=other.as_of,
            values={**values, **other.values},
            reasons={**reasons, **other.reasons},
            notes=self.notes + other.notes,
        )


def evaluate_clock(form: InstantForm, instant: datetime | None, now: datetime) -> bool | int | None:
    """Return the value of a clock fact over its stored `instant`; None when it has no value."""
    if instant is None:
        return False if isinstance(form, IsAhead) else None
    elapsed = now - instant
    match form:
        case ElapsedDays():
            return max(0, elapsed // timedelta(days=1))
        case RemainingDays():
            return max(0, -(elapsed // timedelta(days=1)))
        case ElapsedSeconds():
            return max(0, elapsed // timedelta(seconds=1))
        case HasPassed():
            return elapsed >= timedelta(0)
        case IsAhead():
            return elapsed < timedelta(0)
    assert_never(form)


def to_json(value: FactValue | None) -> JsonValue:
    """Return `value` as contracts write it: integers as numbers, other numbers and money as strings."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime):
        return format_instant(value)
    if isinstance(value, tuple):
        return list(value)
    return dict(value)


def format_instant(value: datetime) -> str:
    """Return an aware UTC datetime as `YYYY-MM-DDTHH:MM:SSZ`, with a fraction only if it is not zero."""
    return value.isoformat().replace("+00:00", "Z")

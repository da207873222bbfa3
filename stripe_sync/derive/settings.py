"""What a workspace decided that facts depend on, and the rates money is converted with."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from fractions import Fraction
from typing import Protocol

from engine.workspace.models import ChurnAt
from stripe_sync.objects import KINDS


class RateSource(StrEnum):
    """Where a rate comes from."""

    PUBLISHED = "published"
    """A reference rate."""
    OVERRIDE = "override"
    """An admin's own, in the settings of the workspace."""
    GIVEN = "given"
    """Handed in with the question."""


@dataclass(frozen=True, slots=True)
class Rate:
    """What one major unit of a currency is worth in another, the day it is of, and who says so."""

    value: Fraction
    published: date | None = None
    source: RateSource = RateSource.PUBLISHED


class RateTable(Protocol):
    """Gives dated reference rates."""

    def rate(self, currency: str, into: str, now: datetime) -> Rate | None:
        """Return the latest rate published not after `now`, or None if there is none. Codes are lower case."""
        ...


@dataclass(frozen=True, slots=True)
class GivenRates:
    """Rates that were handed in, by currency, all into one reporting currency."""

    into: str
    rates: Mapping[str, Fraction] = field(default_factory=dict)

    def rate(self, currency: str, into: str, now: datetime) -> Rate | None:  # noqa: ARG002 - given rates hold always
        """Return the rate that was given, or None."""
        value = self.rates.get(currency) if into == self.into else None
        return None if value is None else Rate(value, source=RateSource.GIVEN)


@dataclass(frozen=True, slots=True)
class NotedRates:
    """Asks another table and notes which rates it gave."""

    table: RateTable
    noted: dict[str, Rate] = field(default_factory=dict)

    def rate(self, currency: str, into: str, now: datetime) -> Rate | None:
        """Return the other table's rate."""
        found = self.table.rate(currency, into, now)
        if found is not None:
            self.noted[currency] = found
        return found


@dataclass(frozen=True, slots=True)
class FirstRate:
    """Asks one table after the other: an admin's own rates, then the published ones."""

    tables: tuple[RateTable, ...]

    def rate(self, currency: str, into: str, now: datetime) -> Rate | None:
        """Return the rate of the first table that has one, or None."""
        rates = (table.rate(currency, into, now) for table in self.tables)
        return next((rate for rate in rates if rate is not None), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeriveSettings:
    """Everything besides Stripe's objects and the time that facts depend on."""

    reporting_currency: str = "usd"
    """Lower case."""
    timezone: str = "UTC"
    subtract_repeating: bool = False
    """Whether discounts that run for some months lower MRR while they do."""
    subtract_once: bool = False
    """Whether discounts on a single invoice lower MRR while they stand."""
    churn_at: ChurnAt = ChurnAt.PERIOD_END
    rates: RateTable = field(default_factory=lambda: GivenRates(into=""))
    complete: frozenset[str] = KINDS
    """The kinds of objects that are all there; facts that need another kind are `not_synced`."""

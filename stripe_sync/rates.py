"""Exchange rates: a workspace's own, and the published ones, to which this module is the one door.

Published rates are the European Central Bank's, as the currencyconverter package ships them. A workspace's own rates
win over them.

The bank publishes on working days, about 16:00 in Frankfurt; a rate of a day counts from then. Rates are quoted for
one euro, so a rate between two others is their quotient on the same day, kept exact.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from functools import cache, lru_cache

from currency_converter import CurrencyConverter, RateNotFoundError

from engine.workspace.models import WorkspaceSettings
from stripe_sync.derive.settings import FirstRate, Rate, RateSource, RateTable

PUBLISHED_AT = time(15, 0, tzinfo=UTC)
LONGEST_GAP = timedelta(days=14)
"""Longer than any run of holidays; a currency silent for longer is no longer quoted at all."""
EURO = "EUR"


@dataclass(frozen=True, slots=True)
class KeptRates:
    """Rates as they are kept: in the settings of a workspace, or beside facts that were made with them."""

    into: str
    rates: Mapping[str, Rate]

    def rate(self, currency: str, into: str, now: datetime) -> Rate | None:  # noqa: ARG002 - kept rates hold always
        """Return the rate that is kept, or None."""
        return self.rates.get(currency) if into == self.into else None


def rates_of(settings: WorkspaceSettings, published: RateTable) -> RateTable:
    """Return the rates a workspace's money is converted with: its own into the reporting currency, then `published`."""
    into = settings.reporting_currency
    own = {
        override.currency: Rate(Fraction(override.rate), override.since, RateSource.OVERRIDE)
        for override in settings.rate_overrides
        if override.into == into
    }
    return FirstRate((KeptRates(into, own), published)) if own else published


@cache
def _published() -> CurrencyConverter:
    """Read the package's rates, once in a process: it takes about a second."""
    return CurrencyConverter(decimal=True)


class PublishedRates:
    """Reference rates of the European Central Bank; read from the package at first use."""

    def __init__(self) -> None:
        self._find = lru_cache(maxsize=4096)(self._search)

    def rate(self, currency: str, into: str, now: datetime) -> Rate | None:
        """Return the latest rate published not after `now`, or None for a currency the bank does not quote."""
        day = now.astimezone(UTC).date()
        if now < datetime.combine(day, PUBLISHED_AT):
            day -= timedelta(days=1)
        return self._find(currency.upper(), into.upper(), day)

    def _search(self, currency: str, into: str, latest: date) -> Rate | None:
        bounds = [_published().bounds.get(code) for code in (currency, into)]
        if None in bounds:
            return None
        day = min(latest, *(bound.last_date for bound in bounds))
        oldest = day - LONGEST_GAP
        while day > oldest:
            value = self._on(currency, into, day)
            if value is not None:
                return Rate(value, day)
            day -= timedelta(days=1)
        return None

    def _on(self, currency: str, into: str, day: date) -> Fraction | None:
        try:
            theirs, ours = (
                Fraction(_published().convert(1, EURO, code, date=day)) if code != EURO else Fraction(1)
                for code in (currency, into)
            )
        except RateNotFoundError:
            return None
        return ours / theirs

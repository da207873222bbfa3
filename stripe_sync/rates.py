"""The one door to published exchange rates: the European Central Bank's, as the currencyconverter package ships them.

The bank publishes on working days, about 16:00 in Frankfurt; a rate of a day counts from then. Rates are quoted for
one euro, so a rate between two others is their quotient on the same day, kept exact.
"""

from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from functools import cached_property, lru_cache

from currency_converter import CurrencyConverter, RateNotFoundError

from stripe_sync.derive.settings import Rate

PUBLISHED_AT = time(15, 0, tzinfo=UTC)
LONGEST_GAP = timedelta(days=14)
"""Longer than any run of holidays; a currency silent for longer is no longer quoted at all."""
EURO = "EUR"


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

    @cached_property
    def _converter(self) -> CurrencyConverter:
        return CurrencyConverter(decimal=True)

    def _search(self, currency: str, into: str, latest: date) -> Rate | None:
        bounds = [self._converter.bounds.get(code) for code in (currency, into)]
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
                Fraction(self._converter.convert(1, EURO, code, date=day)) if code != EURO else Fraction(1)
                for code in (currency, into)
            )
        except RateNotFoundError:
            return None
        return ours / theirs

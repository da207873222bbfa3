"""Exact money: sums per currency, converted and rounded once.

Laws of this module
- Amounts are exact (`int` or `Fraction`, Stripe's minor units) until the one rounding at the end.
- Amounts of different currencies are never added; each currency's sum is converted, then those are added.
- Rounding is half-up (away from zero) to the reporting currency's decimals.
- A sum of nothing needs no rate: zero is zero in every currency.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

from engine.core.facts import Reason
from stripe_sync.currencies import shown_decimals, to_major
from stripe_sync.derive.settings import DeriveSettings, Rate

LARGEST = 10**12
"""Amounts of a million million and more in major units are no customer's; they would not fit the store."""

SAME = Rate(Fraction(1))
"""Of a currency into itself."""

Exact = Fraction | int


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """Why something could not be worked out; `message` completes the sentence "no value because …"."""

    reason: Reason
    code: str
    message: str


class Amount(NamedTuple):
    """An exact amount of one currency, in Stripe's minor units."""

    minor: Exact
    currency: str


def total(amounts: Iterable[Amount]) -> dict[str, Exact]:
    """Return the exact sum for each currency."""
    sums: dict[str, Exact] = {}
    for amount in amounts:
        sums[amount.currency] = sums.get(amount.currency, 0) + amount.minor
    return sums


def find_rate(currency: str, settings: DeriveSettings, now: datetime) -> Rate | Missing:
    """Return the rate into the reporting currency; 1 for that currency itself."""
    into = settings.reporting_currency
    if currency == into:
        return SAME
    return settings.rates.rate(currency, into, now) or Missing(
        reason=Reason.NO_RATE, code="no_rate", message=f"there is no rate from {currency} to {into}"
    )


def convert(sums: Mapping[str, Exact], settings: DeriveSettings, now: datetime) -> Fraction | Missing:
    """Return the sums, converted and added, in major units of the reporting currency, not rounded."""
    own = sums.get(settings.reporting_currency, 0)
    whole, _ = without_conversion(own, settings.reporting_currency)
    for currency in sorted(sums):
        if sums[currency] == 0 or currency == settings.reporting_currency:
            continue
        rate = find_rate(currency, settings, now)
        if isinstance(rate, Missing):
            return rate
        whole += to_major(sums[currency], currency) * rate.value
    return whole


@lru_cache(maxsize=4096)  # most amounts are nothing, or what one of a few plans costs
def without_conversion(minor: Exact, currency: str) -> tuple[Fraction, Decimal | Missing]:
    """Return an amount of the reporting currency in major units, exact and rounded."""
    exact = to_major(minor, currency)
    return exact, rounded(exact, currency)


def rounded(amount: Fraction, currency: str) -> Decimal | Missing:
    """Return `amount` rounded half-up to the decimals `currency` shows."""
    decimals = shown_decimals(currency)
    part, whole = abs(amount.numerator), amount.denominator
    if part >= LARGEST * whole:
        return Missing(reason=Reason.UNSUPPORTED, code="too_large", message="the amount is too large to keep")
    units = (2 * part * 10**decimals + whole) // (2 * whole)
    return Decimal(-units if amount.numerator < 0 else units).scaleb(-decimals)

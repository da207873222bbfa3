"""Which rate each currency of a workspace is converted with, and which have none. Pure."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime

from engine.workspace.models import WorkspaceSettings
from stripe_sync.derive import Rate, RateTable
from stripe_sync.rates import rates_of


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrencyRate:
    """The rate of one currency into another, as it would be used now."""

    currency: str
    into: str
    rate: Rate | None
    """None if there is none: amounts in this currency are unknown."""
    published: Rate | None
    """The published rate, also where the workspace has its own."""
    is_in_use: bool
    """Whether anything in the mirror is in this currency, and is converted into `into`."""


def rate_overview(
    settings: WorkspaceSettings, in_use: Collection[str], published: RateTable, now: datetime
) -> list[CurrencyRate]:
    """Return the rate of every currency that is in use or has a rate of the workspace's own, by its letters.

    Own rates into a currency that is not the reporting currency wait until it is, and come last.
    """
    into = settings.reporting_currency
    own = {(each.into, each.currency) for each in settings.rate_overrides}
    listed = {*own, *((into, currency) for currency in in_use)} - {(into, into)}
    return [
        _row(
            replace(settings, reporting_currency=target),
            currency,
            published,
            now,
            is_in_use=target == into and currency in in_use,
        )
        for target, currency in sorted(listed, key=lambda pair: (pair[0] != into, pair))
    ]


def _row(
    settings: WorkspaceSettings, currency: str, published: RateTable, now: datetime, *, is_in_use: bool
) -> CurrencyRate:
    into = settings.reporting_currency
    return CurrencyRate(
        currency=currency,
        into=into,
        rate=rates_of(settings, published).rate(currency, into, now),
        published=published.rate(currency, into, now),
        is_in_use=is_in_use,
    )

"""Which subscription is the primary one, and which of its items.

The primary subscription is the live one with the best status, then the highest MRR, then the newest, then by id. Its
primary item has the highest amount brought to a month, before discounts; among equals it comes first. Where amounts
that would decide are not known, neither is the answer: a guess could name the wrong plan.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from stripe_sync.derive.lookup import Lookup
from stripe_sync.derive.money import Missing, convert
from stripe_sync.derive.prices import amount_for, is_licensed, period_of, price_of, quantity_of, unreadable
from stripe_sync.derive.read import living, newest_first, reference, text
from stripe_sync.derive.revenue import Revenue, are_items_known, currency_of, revenue_of
from stripe_sync.derive.settings import DeriveSettings
from stripe_sync.objects import StripeObject

ENDED = frozenset({"canceled", "incomplete_expired"})
RANKED = ("active", "past_due", "trialing", "unpaid", "paused", "incomplete")
"""Statuses of live subscriptions, best first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """A live subscription and its revenue."""

    subscription: StripeObject
    revenue: Revenue | Missing

    @property
    def rank(self) -> int:
        """Return how good the status is, 0 the best; a status nobody knows comes last."""
        return status_rank(text(self.subscription, "status"))


def status_rank(status: object) -> int:
    """Return the position of a status among those of live subscriptions; unknown ones come last."""
    return RANKED.index(status) if isinstance(status, str) and status in RANKED else len(RANKED)


def is_live(subscription: StripeObject) -> bool:
    """Return whether a subscription has not ended."""
    return text(subscription, "status") not in ENDED


def live_of(lookup: Lookup, customer: StripeObject, settings: DeriveSettings, now: datetime) -> list[Live]:
    """Return the live subscriptions, each with its revenue."""
    return [
        Live(subscription=each, revenue=revenue_of(each, customer, lookup, settings, now))
        for each in living(lookup.bundle.subscriptions)
        if is_live(each)
    ]


def primary_of(live: Sequence[Live], settings: DeriveSettings, now: datetime) -> Live | Missing | None:
    """Return the primary subscription, None if none is live, or why it can't be told."""
    if not live:
        return None
    if len(live) == 1:
        return live[0]
    best = min(each.rank for each in live)
    candidates = [each for each in live if each.rank == best]
    if len(candidates) == 1:
        return candidates[0]
    revenues = [comparable(each.revenue, settings, now) for each in candidates]
    keyed = []
    for each, revenue in zip(candidates, revenues, strict=True):
        if isinstance(revenue, Missing):
            return revenue
        keyed.append(((revenue, newest_first(each.subscription)), each))
    return max(keyed, key=lambda pair: pair[0])[1]


def comparable(revenue: Revenue | Missing, settings: DeriveSettings, now: datetime) -> Fraction | Missing:
    """Return what a subscription brings in, in the reporting currency, or why that can't be known."""
    if isinstance(revenue, Missing):
        return revenue
    return convert({revenue.currency: revenue.monthly}, settings, now)


def primary_item_of(subscription: StripeObject, lookup: Lookup) -> StripeObject | Missing | None:
    """Return the primary item, None if there are no items, or why it can't be told."""
    items = lookup.items_of(subscription)
    if not are_items_known(subscription, items):
        return unreadable("items_missing", f"not all items of subscription {reference(subscription)} are known")
    if len(items) <= 1:
        return items[0] if items else None
    currency = currency_of(subscription, lookup)
    best: tuple[Fraction, StripeObject] | None = None
    for item in items:
        amount = _normalised(item, currency, lookup)
        if isinstance(amount, Missing):
            return amount
        if best is None or amount > best[0]:
            best = (amount, item)
    return best[1] if best else None


def _normalised(item: StripeObject, currency: str | None, lookup: Lookup) -> Fraction | Missing:
    """Return a licensed item's amount for a month, before discounts; any other item stands below all licensed ones."""
    price = price_of(item, lookup)
    if price is None or currency is None:
        return unreadable("price_missing", f"the price of item {reference(item)} is not known")
    licensed = is_licensed(price)
    if isinstance(licensed, Missing):
        return licensed
    if not licensed:
        return Fraction(-1)
    period = period_of(price)
    amount = amount_for(price, quantity_of(item), currency)
    if isinstance(amount, Missing):
        return amount
    return period if isinstance(period, Missing) else Fraction(amount) * period.factor

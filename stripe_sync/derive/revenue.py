"""Monthly recurring revenue of one subscription, as lines that add up.

Steps, for a subscription that counts (active or past due, and not given up when the workspace says that a
cancellation counts at once):
1. each licensed item that is not on an item trial costs its amount for one of its own billing periods;
2. discounts come off, first the item's own, then the subscription's or else the customer's, per group of items that
   are invoiced together;
3. tax that is contained in the price comes off, where the rate is known;
4. the period's factor brings what is left to a month.
Metered items, one-time prices, pending updates and future phases of a schedule are not looked at.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from fractions import Fraction
from functools import cached_property

from engine.workspace.models import ChurnAt
from stripe_sync.derive.discounts import PERCENT, Discount, Found, Reduced, apply, discounts_in_force, lowering
from stripe_sync.derive.lookup import Lookup
from stripe_sync.derive.money import Exact, Missing
from stripe_sync.derive.prices import Period, amount_for, is_licensed, period_of, price_of, quantity_of, unreadable
from stripe_sync.derive.read import flag, instant, lower, mapping, number, objects, reference, text
from stripe_sync.derive.settings import DeriveSettings
from stripe_sync.objects import StripeObject

COUNTING = frozenset({"active", "past_due"})
UNTAXED: Exact = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemLine:
    """One item's part of the revenue, in minor units of the subscription's currency."""

    item_id: str | None
    price_id: str | None
    product_id: str | None
    quantity: int
    period: Period
    gross: Exact
    """For one billing period, before discounts."""
    discounts: tuple[Discount, ...] | Missing = ()
    """The item's own."""
    left: Reduced
    """For one billing period, after discounts."""
    tax_factor: Exact = UNTAXED
    """What part of the amount is not tax."""

    @property
    def monthly(self) -> Exact:
        """Return what the line adds to the revenue."""
        amount = self.left.amount
        for factor in (self.tax_factor, self.period.factor):
            if factor != 1:
                amount *= factor
        return amount


@dataclass(frozen=True, kw_only=True)
class Revenue:
    """What one subscription adds to MRR; the lines add up to it."""

    currency: str
    lines: tuple[ItemLine, ...] = ()
    gross_of_tax: tuple[str, ...] = ()
    """Prices that contain tax at a rate that is not known; it was left in."""

    @cached_property
    def monthly(self) -> Exact:
        """Return the sum of the lines, in minor units."""
        nothing: Exact = 0
        return sum((line.monthly for line in self.lines), nothing)


def currency_of(subscription: StripeObject, lookup: Lookup) -> str | None:
    """Return the currency of a subscription; old objects leave it to the first price."""
    own = lower(subscription, "currency")
    if own:
        return own
    prices = (price_of(item, lookup) for item in lookup.items_of(subscription))
    return next((currency for price in prices if (currency := lower(price, "currency"))), None)


def is_set_to_end(subscription: StripeObject) -> bool:
    """Return whether a subscription will end by itself at a known time."""
    return flag(subscription, "cancel_at_period_end") or instant(subscription, "cancel_at") is not None


def counts(subscription: StripeObject, settings: DeriveSettings) -> bool:
    """Return whether a subscription is revenue now."""
    given_up = settings.churn_at is ChurnAt.CANCELLATION and is_set_to_end(subscription)
    return text(subscription, "status") in COUNTING and not given_up


def revenue_of(
    subscription: StripeObject,
    customer: StripeObject | None,
    lookup: Lookup,
    settings: DeriveSettings,
    now: datetime,
) -> Revenue | Missing:
    """Return what a subscription adds to MRR, or why that can't be known."""
    currency = currency_of(subscription, lookup)
    if not counts(subscription, settings):
        return Revenue(currency=currency or settings.reporting_currency)
    items = lookup.items_of(subscription)
    if not are_items_known(subscription, items):
        return unreadable("items_missing", f"not all items of subscription {reference(subscription)} are known")
    if not items:
        return Revenue(currency=currency or settings.reporting_currency)
    if currency is None:
        return unreadable("no_currency", f"subscription {reference(subscription)} has no currency")
    return _revenue_of_items(subscription, items, currency, _Context(customer, lookup, settings, now))


@dataclass(frozen=True, slots=True)
class _Context:
    customer: StripeObject | None
    lookup: Lookup
    settings: DeriveSettings
    now: datetime


def are_items_known(subscription: StripeObject, items: Sequence[StripeObject]) -> bool:
    """Return whether all items of a subscription are at hand, and not only its first page."""
    embedded = mapping(subscription, "items")
    if embedded is None and not isinstance(subscription.get("items"), list):
        return bool(items)
    return not flag(embedded, "has_more") or len(items) > len(objects(subscription, "items"))


def _revenue_of_items(
    subscription: StripeObject, items: Sequence[StripeObject], currency: str, context: _Context
) -> Revenue | Missing:
    lines: list[ItemLine] = []
    taxed: list[str] = []
    for item in items:
        trial_end = instant(item, "current_trial", "end_date")
        if trial_end is not None and trial_end > context.now:
            continue
        line = _line_of(subscription, item, currency, context)
        if isinstance(line, Missing):
            return line
        if line is not None:
            lines.append(line[0])
            taxed.extend(line[1])
    shared = shared_discounts(subscription, context.customer, context.lookup, context.now)
    reduced = _reduce(lines, shared, currency, context.settings)
    if isinstance(reduced, Missing):
        return reduced
    return Revenue(currency=currency, lines=reduced, gross_of_tax=tuple(taxed))


def _line_of(
    subscription: StripeObject, item: StripeObject, currency: str, context: _Context
) -> tuple[ItemLine, tuple[str, ...]] | Missing | None:
    """Return an item's line before discounts, with the price's id if tax was left in; None if it never counts."""
    price = price_of(item, context.lookup)
    if price is None:
        return unreadable("price_missing", f"the price of item {reference(item)} is not known")
    licensed = is_licensed(price)
    if licensed is False:
        return None
    if isinstance(licensed, Missing):
        return licensed
    period = period_of(price)
    if isinstance(period, Missing):
        return period
    gross = amount_for(price, quantity_of(item), currency)
    if isinstance(gross, Missing):
        return gross
    tax_factor = _tax_factor(subscription, item, price, currency)
    line = ItemLine(
        item_id=reference(item),
        price_id=reference(price),
        product_id=reference(price, "product"),
        quantity=quantity_of(item),
        period=period,
        gross=gross,
        discounts=lowering(discounts_in_force(item, context.lookup, context.now), context.settings),
        left=Reduced(amount=gross),
        tax_factor=tax_factor or UNTAXED,
    )
    return line, (() if tax_factor is not None else (reference(price) or "",))


def shared_discounts(
    subscription: StripeObject, customer: StripeObject | None, lookup: Lookup, now: datetime
) -> tuple[Found, ...]:
    """Return the discounts that lie over all items: the subscription's, or the customer's where it has none."""
    return discounts_in_force(subscription, lookup, now) or discounts_in_force(customer, lookup, now)


def changes_of(
    subscription: StripeObject,
    customer: StripeObject | None,
    lookup: Lookup,
    settings: DeriveSettings,
    now: datetime,
) -> Iterator[datetime]:
    """Yield when the revenue of a subscription, known or not, may become another without an event."""
    if not counts(subscription, settings):
        return
    found = list(shared_discounts(subscription, customer, lookup, now))
    for item in lookup.items_of(subscription):
        found.extend(discounts_in_force(item, lookup, now))
        trial_end = instant(item, "current_trial", "end_date")
        if trial_end is not None:
            yield trial_end
    yield from (each.ends_at for each in found if each.ends_at is not None)


def _reduce(
    lines: Sequence[ItemLine], shared: Sequence[Found], currency: str, settings: DeriveSettings
) -> tuple[ItemLine, ...] | Missing:
    """Return the lines after all discounts, in their order."""
    if not any(line.gross > 0 for line in lines):
        return tuple(lines)
    over_all = lowering(shared, settings)
    if isinstance(over_all, Missing):
        return over_all
    if not over_all and not any(line.discounts for line in lines):
        return tuple(lines)
    left: list[Reduced] = []
    for line in lines:
        if line.gross <= 0:
            left.append(line.left)
            continue
        if isinstance(line.discounts, Missing):
            return line.discounts
        left.extend(apply(line.discounts, [line.left], [line.product_id], currency))
    groups = defaultdict(list)
    for position, line in enumerate(lines):
        groups[line.period].append(position)
    for positions in groups.values():
        products = [lines[position].product_id for position in positions]
        reduced = apply(over_all, [left[position] for position in positions], products, currency)
        for position, result in zip(positions, reduced, strict=True):
            left[position] = result
    return tuple(replace(line, left=result) for line, result in zip(lines, left, strict=True))


def _tax_factor(subscription: StripeObject, item: StripeObject, price: StripeObject, currency: str) -> Exact | None:
    """Return the part of an amount that is not tax; None when it contains tax at a rate that is not known."""
    option = mapping(price, "currency_options", currency) if lower(price, "currency") != currency else None
    behavior = text(option, "tax_behavior") or text(price, "tax_behavior")
    if behavior != "inclusive":
        return UNTAXED
    rates = objects(item, "tax_rates") or objects(subscription, "default_tax_rates")
    percents = [_percentage(rate) for rate in rates if flag(rate, "inclusive")]
    known = [percent for percent in percents if percent is not None and percent >= 0]
    if not known or len(known) < len(percents):
        return None
    return 1 / (1 + sum(known, Fraction(0)) / PERCENT)


def _percentage(rate: StripeObject) -> Fraction | None:
    """Return the percentage of a tax rate; one that is a fixed amount is no percentage."""
    return None if text(rate, "rate_type") == "flat_amount" else number(rate, "percentage")

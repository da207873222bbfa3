"""What an item costs for one of its own billing periods, before discounts.

Theory. A price says per unit, or by tiers, how a quantity becomes an amount of the price's currency. A subscription in
another currency takes the amounts of `currency_options`. `unit_amount` is null for amounts finer than a minor unit, so
`unit_amount_decimal` is always preferred. Only licensed items have an amount that is known beforehand.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from engine.core.facts import Reason
from stripe_sync.derive.lookup import Lookup
from stripe_sync.derive.money import Exact, Missing
from stripe_sync.derive.read import integer, lower, mapping, number, objects, reference, text
from stripe_sync.objects import StripeObject

PERIODS_A_MONTH = {
    "day": Fraction(365, 12),
    "week": Fraction(52, 12),
    "month": Fraction(1),
    "year": Fraction(1, 12),
}
"""How many of an interval make a month. Stripe publishes no factor for days and weeks; these are ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """A billing period: `count` times `interval`."""

    interval: str
    count: int

    @property
    def factor(self) -> Exact:
        """Return how many of the period make a month."""
        return _factor(self.interval, self.count)


@lru_cache
def _factor(interval: str, count: int) -> Exact:
    factor = PERIODS_A_MONTH[interval] / count
    return 1 if factor == 1 else factor


def unreadable(code: str, message: str) -> Missing:
    """Return the absence of something that Stripe's objects do not tell in a way we understand."""
    return Missing(reason=Reason.UNSUPPORTED, code=code, message=message)


def price_of(item: StripeObject, lookup: Lookup) -> StripeObject | None:
    """Return the price of an item, with tiers and currency options where they are known."""
    return lookup.price_of(item)


def is_licensed(price: StripeObject) -> bool | Missing:
    """Return whether a price recurs for a quantity fixed beforehand; metered and one-time prices do not."""
    recurring = mapping(price, "recurring")
    kind = text(price, "type") or ("recurring" if recurring else None)
    if kind == "one_time":
        return False
    if kind != "recurring" or recurring is None:
        return unreadable("unknown_price_type", f"price {reference(price)} is neither recurring nor one-time")
    usage = text(recurring, "usage_type") or "licensed"
    if usage not in {"licensed", "metered"}:
        return unreadable("unknown_usage_type", f"price {reference(price)} has the usage type {usage!r}")
    return usage == "licensed"


def period_of(price: StripeObject) -> Period | Missing:
    """Return the billing period of a recurring price."""
    interval = text(price, "recurring", "interval")
    count = integer(price, "recurring", "interval_count")
    if interval not in PERIODS_A_MONTH or (count is not None and count < 1):
        return unreadable("unknown_interval", f"price {reference(price)} recurs every {count} {interval!r}")
    return Period(interval=interval, count=count or 1)


def quantity_of(item: StripeObject) -> int:
    """Return the quantity of a licensed item; Stripe's default is 1."""
    quantity = integer(item, "quantity")
    return 1 if quantity is None else quantity


def amount_for(price: StripeObject, quantity: int, currency: str) -> Exact | Missing:
    """Return what `quantity` costs for one billing period, in minor units of `currency`."""
    source = price if lower(price, "currency") == currency else mapping(price, "currency_options", currency)
    if source is None:
        return unreadable("no_currency_option", f"price {reference(price)} has no amount in {currency}")
    scheme = text(price, "billing_scheme") or "per_unit"
    if scheme == "tiered":
        return _tiered(price, source, quantity)
    if scheme != "per_unit":
        return unreadable("unknown_billing_scheme", f"price {reference(price)} is billed by {scheme!r}")
    unit = _amount(source, "unit_amount")
    if unit is None:
        return unreadable("no_unit_amount", f"price {reference(price)} has no unit amount")
    packages = _packages(price, quantity)
    if isinstance(packages, Missing):
        return packages
    amount = unit if packages == 1 else unit * packages
    return amount.numerator if amount.denominator == 1 else amount  # whole numbers are reckoned with faster


def has_fixed_unit_price(price: StripeObject) -> bool | Missing:
    """Return whether one unit has one price: not tiered, not metered, not chosen by the customer."""
    if text(price, "billing_scheme") == "tiered" or _is_chosen_by_the_customer(price):
        return False
    licensed = is_licensed(price)
    return text(price, "type") == "one_time" if licensed is False else licensed


def _is_chosen_by_the_customer(price: StripeObject) -> bool:
    limits = mapping(price, "custom_unit_amount")
    if limits is None:
        return False
    # Without limits all of them are null; then the missing amount tells.
    return any(value is not None for value in limits.values()) or _amount(price, "unit_amount") is None


def _amount(source: StripeObject, name: str) -> Fraction | None:
    exact = number(source, f"{name}_decimal")
    return number(source, name) if exact is None else exact


def _packages(price: StripeObject, quantity: int) -> int | Missing:
    """Return the quantity that is billed: units, or packages of `divide_by` units."""
    transform = mapping(price, "transform_quantity")
    if transform is None:
        return quantity
    size, direction = integer(transform, "divide_by"), text(transform, "round")
    if size is None or size < 1 or direction not in {"up", "down"}:
        return unreadable("unknown_package", f"price {reference(price)} transforms quantities in an unknown way")
    return -(-quantity // size) if direction == "up" else quantity // size


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tier:
    up_to: int | None
    """Inclusive; None is without end."""
    unit: Fraction
    flat: Fraction


def _tiered(price: StripeObject, source: StripeObject, quantity: int) -> Exact | Missing:
    tiers = _tiers(source)
    mode = text(price, "tiers_mode")
    if not tiers:
        return unreadable("tiers_missing", f"the tiers of price {reference(price)} are not known")
    if tiers[-1].up_to is not None and quantity > tiers[-1].up_to:
        return unreadable("beyond_tiers", f"price {reference(price)} has no tier for {quantity}")
    if mode == "graduated":
        return _graduated(tiers, quantity)
    if mode == "volume":
        tier = next(tier for tier in tiers if tier.up_to is None or quantity <= tier.up_to)
        return quantity * tier.unit + tier.flat
    return unreadable("unknown_tiers_mode", f"price {reference(price)} has tiers of the mode {mode!r}")


def _graduated(tiers: Sequence[_Tier], quantity: int) -> Exact:
    """Add up the tiers reached; the first is reached even by a quantity of 0, as it is with volume tiers."""
    amount = tiers[0].flat
    below = 0
    for position, tier in enumerate(tiers):
        units = (quantity if tier.up_to is None else min(quantity, tier.up_to)) - below
        if units <= 0:
            continue
        amount += units * tier.unit + (tier.flat if position else 0)
        below += units
    return amount


def _tiers(source: StripeObject) -> tuple[_Tier, ...]:
    """Return the tiers in ascending order, the endless one last; none if one of them can't be read."""
    tiers = []
    for tier in objects(source, "tiers"):
        up_to = integer(tier, "up_to")
        endless = tier.get("up_to") is None or tier.get("up_to") == "inf"
        if up_to is None and not endless:
            return ()
        unit, flat = _amount(tier, "unit_amount"), _amount(tier, "flat_amount")
        if unit is None and flat is None:
            return ()
        tiers.append(_Tier(up_to=up_to, unit=unit or Fraction(0), flat=flat or Fraction(0)))
    return tuple(sorted(tiers, key=lambda tier: (tier.up_to is None, tier.up_to or 0)))

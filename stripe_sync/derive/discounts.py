"""Which discounts are in force, and what they take off.

Theory. A subscription's items are invoiced together when their billing periods are equal, so a fixed amount comes off
once per such group. An item's own discounts come first, then the subscription's; a subscription without any takes the
customer's instead. Within one list the order counts. A discount takes nothing below zero, and a fixed amount is shared
by the eligible items in proportion to what is left of them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from stripe_sync.derive.lookup import Lookup
from stripe_sync.derive.money import Exact, Missing
from stripe_sync.derive.prices import unreadable
from stripe_sync.derive.read import at_path, elements, flag, instant, lower, mapping, number, reference, text
from stripe_sync.derive.settings import DeriveSettings
from stripe_sync.objects import StripeObject

PERCENT = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Discount:
    """One discount in force, as it stands on an item, a subscription or a customer."""

    label: str
    """For people: the coupon's name or id."""
    duration: str | None
    percent_off: Fraction | None
    amounts_off: dict[str, Fraction]
    """By currency, minor units."""
    products: frozenset[str] | None
    """The products it applies to; None for all."""
    ends_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """A discount of which only the id is known: it is there, but not what it takes off."""

    discount_id: str
    ends_at: datetime | None = None


Found = Discount | Unreadable


def discounts_of(owner: StripeObject | None, lookup: Lookup) -> tuple[Found, ...]:
    """Return the discounts that stand on an item, subscription or customer, in order, ended ones too.

    A discount that names no coupon takes nothing off and is left out.
    """
    if not isinstance(owner, dict) or not (owner.get("discounts") or owner.get("discount")):
        return ()  # as most are
    # A customer has one `discount`, items and subscriptions have `discounts`; old API versions sent both for one.
    listed = elements(owner, "discounts") or (at_path(owner, "discount"),)
    found = (_read(element, lookup) for element in listed)
    return tuple(each for each in found if each is not None)


def discounts_in_force(owner: StripeObject | None, lookup: Lookup, now: datetime) -> tuple[Found, ...]:
    """Return those of `discounts_of` that have not ended."""
    found = discounts_of(owner, lookup)
    return tuple(each for each in found if each.ends_at is None or each.ends_at > now) if found else ()


def _read(element: object, lookup: Lookup) -> Found | None:
    known = mapping(element)
    if known is None:
        discount_id = reference(element)
        return Unreadable(discount_id=discount_id) if discount_id else None
    if flag(known, "deleted"):
        return None
    source = mapping(known, "source") or known
    ends_at = instant(known, "end")
    coupon = lookup.find("coupons", source, "coupon")
    if coupon is None:
        coupon_id = reference(source, "coupon")
        return Unreadable(discount_id=reference(known) or coupon_id, ends_at=ends_at) if coupon_id else None
    return Discount(
        label=text(coupon, "name") or text(coupon, "id") or "discount",
        duration=text(coupon, "duration"),
        percent_off=number(coupon, "percent_off"),
        amounts_off=_amounts_off(coupon),
        products=_products(coupon),
        ends_at=ends_at,
    )


def _amounts_off(coupon: StripeObject) -> dict[str, Fraction]:
    options = mapping(coupon, "currency_options") or {}
    amounts = {str(key).lower(): number(option, "amount_off") for key, option in options.items()}
    own = lower(coupon, "currency")
    if own:
        amounts[own] = number(coupon, "amount_off")
    return {currency: amount for currency, amount in amounts.items() if amount is not None}


def _products(coupon: StripeObject) -> frozenset[str] | None:
    if mapping(coupon, "applies_to") is None:
        return None
    named = frozenset(product for each in elements(coupon, "applies_to", "products") if (product := reference(each)))
    return named or None


def lowering(found: Iterable[Found], settings: DeriveSettings) -> tuple[Discount, ...] | Missing:
    """Return those discounts that lower MRR by the workspace's settings."""
    kept = []
    for discount in found:
        if isinstance(discount, Unreadable):
            return unreadable("discount_unknown", f"what discount {discount.discount_id} takes off is not known")
        match discount.duration:
            case "forever":
                kept.append(discount)
            case "repeating":
                if settings.subtract_repeating:
                    kept.append(discount)
            case "once":
                if settings.subtract_once:
                    kept.append(discount)
            case other:
                return unreadable("unknown_duration", f"discount {discount.label} has the duration {other!r}")
    return tuple(kept)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reduced:
    """What is left of one item's amount, and what each discount took."""

    amount: Exact
    taken: tuple[tuple[str, Exact], ...] = ()


def apply(
    discounts: Sequence[Discount], amounts: Sequence[Reduced], products: Sequence[str | None], currency: str
) -> list[Reduced]:
    """Return what is left of the amounts of items that are invoiced together; `products` runs beside `amounts`."""
    left = list(amounts)
    for discount in discounts:
        eligible = [
            position
            for position, product in enumerate(products)
            if discount.products is None or product in discount.products
        ]
        share = _share_taken(discount, sum(left[position].amount for position in eligible), currency)
        if not share:
            continue
        for position in eligible:
            item = left[position]
            taken = item.amount * share
            left[position] = Reduced(amount=item.amount - taken, taken=(*item.taken, (discount.label, taken)))
    return left


def _share_taken(discount: Discount, eligible: Exact, currency: str) -> Fraction:
    """Return which part of the eligible amount a discount takes, from 0 to 1."""
    if eligible <= 0:
        return Fraction(0)
    if discount.percent_off is not None:
        part = discount.percent_off / PERCENT
    else:
        part = discount.amounts_off.get(currency, Fraction(0)) / eligible
    return min(max(part, Fraction(0)), Fraction(1))

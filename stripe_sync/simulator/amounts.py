"""What a subscription costs: prices times quantities, tiers, packages, discounts; exact, in minor units."""

from collections.abc import Callable, Sequence
from fractions import Fraction

from stripe_sync.simulator.records import Record

DAY = 86_400
MONTH = 2_629_800
"""An average month in seconds. The simulator bills in equal periods, so that a merchant's history has the same
shape whenever it is generated."""

_PERIOD = {"day": DAY, "week": 7 * DAY, "month": MONTH, "year": 12 * MONTH}


def period_seconds(price: Record) -> int:
    """Return the length of one billing period of a recurring price."""
    return _PERIOD[price["recurring"]["interval"]] * int(price["recurring"]["interval_count"])


def round_half_up(amount: Fraction) -> int:
    """Return the nearest whole minor unit, halves away from zero upwards."""
    return int((amount + Fraction(1, 2)).__floor__())


def item_amount(price: Record, quantity: int, currency: str) -> int:
    """Return what `quantity` of a price costs for one period, in the subscription's currency."""
    if price["unit_amount"] is not None and price["currency"] == currency and price["transform_quantity"] is None:
        return int(price["unit_amount"] * quantity)
    terms = price
    if price["currency"] != currency and price["currency_options"]:
        terms = {**price, **price["currency_options"][currency]}
    if price["billing_scheme"] == "tiered":
        amount = tiered_amount(terms["tiers"], quantity, graduated=price["tiers_mode"] == "graduated")
    else:
        amount = Fraction(terms["unit_amount_decimal"]) * _packages(price["transform_quantity"], quantity)
    return round_half_up(amount)


def _packages(transform: Record | None, quantity: int) -> int:
    if transform is None:
        return quantity
    whole, rest = divmod(quantity, int(transform["divide_by"]))
    return whole + (1 if rest and transform["round"] == "up" else 0)


def tiered_amount(tiers: Sequence[Record], quantity: int, *, graduated: bool) -> Fraction:
    """Return the price of a quantity under tiers whose upper bounds are inclusive."""
    total, floor = Fraction(0), 0
    for tier in tiers:
        bound = tier["up_to"]
        units = quantity if bound is None else min(quantity, bound)
        within = bound is None or quantity <= bound
        if graduated and units > floor:
            total += _tier_cost(tier, units - floor)
        elif not graduated and within:
            return _tier_cost(tier, quantity) if quantity else Fraction(0)
        if within:
            break
        floor = units
    return total


def _tier_cost(tier: Record, units: int) -> Fraction:
    return Fraction(tier["unit_amount_decimal"] or 0) * units + Fraction(tier["flat_amount_decimal"] or 0)


def discount_amounts(
    lines: Sequence[Record],
    discounts: Sequence[Record],
    coupon_of: Callable[[str], Record | None],
    currency: str,
) -> list[Record]:
    """Return what each discount takes off an invoice with these lines, in order, never below zero."""
    left = [max(0, line["amount"]) for line in lines]
    taken: list[Record] = []
    for discount in discounts:
        coupon = coupon_of(discount["coupon"])
        if coupon is None:
            continue
        chosen = [place for place, line in enumerate(lines) if _applies(coupon, discount, line)]
        amount = _taken_off(coupon, sum(left[place] for place in chosen), currency)
        _spread(left, chosen, amount)
        taken.append({"amount": amount, "discount": discount["id"]})
    return taken


def _applies(coupon: Record, discount: Record, line: Record) -> bool:
    products = coupon["applies_to"]
    on_item = discount["subscription_item"]
    return (products is None or line["product"] in products["products"]) and (
        on_item is None or line["subscription_item"] == on_item
    )


def _taken_off(coupon: Record, base: int, currency: str) -> int:
    if coupon["percent_off"] is not None:
        return min(base, round_half_up(Fraction(str(coupon["percent_off"])) * base / 100))
    amount = coupon["amount_off"]
    if coupon["currency"] != currency:
        amount = ((coupon["currency_options"] or {}).get(currency) or {}).get("amount_off", 0)
    return min(base, int(amount))


def _spread(left: list[int], chosen: list[int], amount: int) -> None:
    for place in chosen:
        part = min(left[place], amount)
        left[place] -= part
        amount -= part

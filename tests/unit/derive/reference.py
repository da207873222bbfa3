"""MRR and LTV once more, slowly and straight from their definitions; shares no code with what it checks.

It knows only what `customers` below generates, and counts in cents of one currency.
"""

from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from math import ceil, floor
from typing import Any

from hypothesis import strategies as st

from tests.unit.derive.build import (
    Json,
    amount_off,
    charge,
    customer,
    item,
    percent,
    price,
    seconds,
    subscription,
    tiered,
)

MONTHLY = {"day": Fraction(365, 12), "week": Fraction(52, 12), "month": Fraction(1), "year": Fraction(1, 12)}


def mrr(bundle: Json, *, repeating: bool = False, once: bool = False, now: int) -> Decimal:
    """Return the MRR of a generated customer."""
    cents = sum(
        (_subscription(each, bundle["customer"], repeating, once, now) for each in bundle["subscriptions"]), Fraction(0)
    )
    return _round(cents)


def ltv(bundle: Json) -> Decimal:
    """Return the revenue collected from a generated customer."""
    cents = Fraction(0)
    for each in bundle["charges"]:
        if each["status"] == "succeeded" and each["captured"]:
            left = each["amount_captured"] - each["amount_refunded"]
            lost = sum(d["amount"] for d in bundle["disputes"] if d["charge"] == each["id"] and d["status"] == "lost")
            cents += left - min(left, lost)
    return _round(cents)


def _round(cents: Fraction) -> Decimal:
    exact = Decimal(cents.numerator) / Decimal(cents.denominator)
    # The quotient has 28 digits; a half that is not one would need a denominator our generator never makes.
    return (exact / 100).quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)


def _subscription(sub: Json, owner: Json, repeating: bool, once: bool, now: int) -> Fraction:  # noqa: FBT001 - a test's helper
    if sub["status"] not in ("active", "past_due"):
        return Fraction(0)

    def standing(discounts: list[Json]) -> list[Json]:
        return [d for d in discounts if d["end"] is None or d["end"] > now]

    def subtracted(discounts: list[Json]) -> list[Json]:
        wanted = {"forever", *(["repeating"] if repeating else []), *(["once"] if once else [])}
        return [d["source"]["coupon"] for d in discounts if d["source"]["coupon"]["duration"] in wanted]

    invoices: dict[tuple[str, int], list[tuple[str, Fraction]]] = {}
    for each in sub["items"]["data"]:
        of = each["price"]
        trial = each.get("current_trial")
        if of["recurring"]["usage_type"] == "metered" or (trial and trial["end_date"] > now):
            continue
        amount = _amount(of, each["quantity"])
        for coupon in subtracted(standing(each["discounts"])):
            amount = _less(coupon, [(of["product"], amount)])[0][1]
        key = (of["recurring"]["interval"], of["recurring"]["interval_count"])
        invoices.setdefault(key, []).append((of["product"], amount))
    own = standing(sub["discounts"])
    over_all = own or standing([owner["discount"]] if owner["discount"] else [])
    cents = Fraction(0)
    for (interval, count), lines in invoices.items():
        left = lines
        for coupon in subtracted(over_all):
            left = _less(coupon, left)
        cents += sum((amount for _, amount in left), Fraction(0)) * MONTHLY[interval] / count
    return cents


def _less(coupon: Json, lines: list[tuple[str, Fraction]]) -> list[tuple[str, Fraction]]:
    products = (coupon.get("applies_to") or {}).get("products")
    meant = [products is None or product in products for product, _ in lines]
    whole = sum((amount for (_, amount), takes in zip(lines, meant, strict=True) if takes), Fraction(0))
    if coupon.get("percent_off") is not None:
        off = whole * Fraction(str(coupon["percent_off"])) / 100
    else:
        off = Fraction(coupon["amount_off"]) if coupon["currency"] == "usd" else Fraction(0)
    off = min(off, whole)
    return [
        (product, amount - (off * amount / whole if takes and whole else 0))
        for (product, amount), takes in zip(lines, meant, strict=True)
    ]


def _amount(of: Json, quantity: int) -> Fraction:
    if of["billing_scheme"] == "per_unit":
        package = of.get("transform_quantity")
        if package:
            rounding = ceil if package["round"] == "up" else floor
            quantity = rounding(Fraction(quantity, package["divide_by"]))
        return Fraction(of["unit_amount_decimal"]) * quantity
    tiers: list[Any] = of["tiers"]
    if of["tiers_mode"] == "volume":
        tier = next(t for t in tiers if t["up_to"] is None or quantity <= t["up_to"])
        return Fraction(tier["unit_amount"]) * quantity + (tier["flat_amount"] or 0)
    total = Fraction(tiers[0]["flat_amount"] or 0)
    for unit in range(1, quantity + 1):  # one unit after the other
        position = next(i for i, t in enumerate(tiers) if t["up_to"] is None or unit <= t["up_to"])
        total += tiers[position]["unit_amount"]
        is_first_of_tier = position > 0 and unit == tiers[position - 1]["up_to"] + 1
        total += (tiers[position]["flat_amount"] or 0) if is_first_of_tier else 0
    return total


# Generators of customers that both can read.

cents_ = st.integers(0, 50_000)
durations = st.sampled_from(["forever", "forever", "repeating", "once"])
ends = st.sampled_from([None, None, seconds(-1), seconds(1)])
products = st.sampled_from([None, {"products": ["prod_a"]}, {"products": ["prod_b", "prod_c"]}])
discounts = st.one_of(
    st.builds(
        lambda value, duration, end, to: percent(value, duration, end, applies_to=to),
        st.sampled_from([5, 12.5, 33.3, 50, 100]),
        durations,
        ends,
        products,
    ),
    st.builds(
        lambda value, duration, currency, to: amount_off(value, duration, currency, applies_to=to),
        st.integers(1, 20_000),
        durations,
        st.sampled_from(["usd", "usd", "eur"]),
        products,
    ),
)
recurring = {
    "interval": st.sampled_from(["day", "week", "month", "year"]),
    "count": st.integers(1, 3),
    "product": st.sampled_from(["prod_a", "prod_b", "prod_c"]),
}
packages = st.builds(
    lambda size, way: {"divide_by": size, "round": way}, st.integers(1, 7), st.sampled_from(["up", "down"])
)
tiers = st.builds(
    lambda mode, a, b, units, flats, **more: tiered(
        mode, [(a, units[0], flats[0]), (a + b, units[1], flats[1]), (None, units[2], flats[2])], **more
    ),
    st.sampled_from(["graduated", "volume"]),
    st.integers(1, 5),
    st.integers(1, 5),
    st.tuples(cents_, cents_, cents_),
    st.tuples(cents_, cents_, cents_),
    **recurring,
)
prices = st.one_of(
    st.builds(price, cents_, **recurring),
    st.builds(price, st.sampled_from(["0.5", "12.345", "99.999999"]), **recurring),
    st.builds(price, cents_, transform_quantity=packages, **recurring),
    st.builds(price, cents_, usage_type=st.just("metered"), **recurring),
    tiers,
)
trials = st.sampled_from([None, None, None, {"end_date": seconds(1)}, {"end_date": seconds(-1)}])
items = st.builds(item, prices, st.integers(0, 20), discounts=st.lists(discounts, max_size=2), current_trial=trials)
statuses = st.sampled_from(["active", "active", "past_due", "trialing", "unpaid", "canceled", "paused", "incomplete"])
subscriptions = st.lists(
    st.builds(
        lambda of, **more: subscription(*of, **more),
        st.lists(items, min_size=1, max_size=4),
        status=statuses,
        discounts=st.lists(discounts, max_size=3),
    ),
    max_size=4,
).map(lambda made: [{**each, "id": f"sub_{position}"} for position, each in enumerate(made)])


@st.composite
def _charges(draw: st.DrawFn) -> Json:
    captured = draw(st.integers(0, 9000))
    status = draw(st.sampled_from(["succeeded", "succeeded", "failed", "pending"]))
    refunded = draw(st.integers(0, captured)) if status == "succeeded" else 0
    return charge(captured, status, amount_refunded=refunded)


charges = st.lists(_charges(), max_size=5).map(
    lambda made: [{**each, "id": f"ch_{position}"} for position, each in enumerate(made)]
)
disputes = st.lists(
    st.builds(
        lambda position, status, amount: {
            "charge": f"ch_{position}",
            "status": status,
            "amount": amount,
            "currency": "usd",
        },
        st.integers(0, 5),
        st.sampled_from(["lost", "won", "under_review", "prevented"]),
        st.integers(0, 9000),
    ),
    max_size=3,
)
customers = st.fixed_dictionaries(
    {
        "customer": st.builds(customer, discount=st.one_of(st.none(), discounts)),
        "subscriptions": subscriptions,
        "charges": charges,
        "disputes": disputes,
    }
)
"""Bundles as JSON documents."""

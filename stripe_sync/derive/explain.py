"""How the money facts, the status and the plan were made, line by line, as data.

The lines are the ones the facts are computed from, so they add up: the amounts of a money fact's lines, in the
reporting currency, sum to its exact value; that and the rounding, which happens once, make the value. Every amount is
written exactly, as a decimal where it is one, else as a fraction (`9999/1200`).
"""

from collections.abc import Sequence
from datetime import datetime
from fractions import Fraction
from typing import Any

from engine.core.facts import JsonValue, to_json
from stripe_sync.currencies import to_major
from stripe_sync.derive.charges import charges_of
from stripe_sync.derive.collected import ChargeLine, collected_lines
from stripe_sync.derive.lookup import Lookup
from stripe_sync.derive.money import Exact, Missing, find_rate, rounded
from stripe_sync.derive.primary import Live, live_of, primary_item_of, primary_of
from stripe_sync.derive.read import reference, text
from stripe_sync.derive.revenue import ItemLine, Revenue
from stripe_sync.derive.settings import DeriveSettings
from stripe_sync.objects import Bundle, StripeObject

Explanation = dict[str, JsonValue]


def explain(bundle: Bundle, now: datetime, settings: DeriveSettings) -> dict[str, Explanation]:
    """Return how `mrr`, `ltv`, `status` and `plan` of a customer were made; nothing without a customer."""
    if bundle.customer is None:
        return {}
    lookup = Lookup(bundle)
    live = live_of(lookup, bundle.customer, settings, now)
    charges = collected_lines(charges_of(lookup), lookup, settings, now)
    return {
        "mrr": _money([line for each in live for line in _revenue_lines(each, settings, now)], settings),
        "ltv": _money(
            [charges] if isinstance(charges, Missing) else [_charge_line(line, settings, now) for line in charges],
            settings,
        ),
        "status": {"lines": [_standing(each) for each in live]},
        "plan": _plan(live, lookup, settings, now),
    }


def _money(lines: Sequence[dict[str, Any] | Missing], settings: DeriveSettings) -> Explanation:
    known: list[JsonValue] = []
    exact = Fraction(0)
    for line in lines:
        if isinstance(line, Missing):
            return {"lines": known, "exact": None, "value": None, "missing": line.message}
        exact += line["amount"]
        known.append({**line, "amount": written(line["amount"])})
    value = rounded(exact, settings.reporting_currency)
    return {
        "lines": known,
        "exact": written(exact),
        "rounding": None if isinstance(value, Missing) else written(Fraction(value) - exact),
        "value": None if isinstance(value, Missing) else to_json(value),
        "currency": settings.reporting_currency,
    }


def _revenue_lines(live: Live, settings: DeriveSettings, now: datetime) -> list[dict[str, Any] | Missing]:
    revenue = live.revenue
    if isinstance(revenue, Missing):
        return [revenue]
    return [_item_line(live.subscription, revenue, line, settings, now) for line in revenue.lines]


def _item_line(
    subscription: StripeObject, revenue: Revenue, line: ItemLine, settings: DeriveSettings, now: datetime
) -> dict[str, Any] | Missing:
    currency = revenue.currency
    made = {
        "subscription": reference(subscription),
        "item": line.item_id,
        "price": line.price_id,
        "product": line.product_id,
        "quantity": line.quantity,
        "interval": line.period.interval,
        "interval_count": line.period.count,
        "gross": _major(line.gross, currency),
        "discounts": [{"name": name, "taken": _major(taken, currency)} for name, taken in line.left.taken],
        "without_tax": written(line.tax_factor),
        "a_month": written(line.period.factor),
    }
    return _converted(made, line.monthly, currency, settings, now)


def _charge_line(line: ChargeLine, settings: DeriveSettings, now: datetime) -> dict[str, Any] | Missing:
    made = {
        "charge": line.charge_id,
        "charges": line.count,
        "captured": _major(line.captured, line.currency),
        "refunded": _major(line.refunded, line.currency),
        "lost_in_disputes": _major(line.lost, line.currency),
    }
    return _converted(made, line.collected, line.currency, settings, now)


def _converted(
    made: dict[str, Any], minor: Exact, currency: str, settings: DeriveSettings, now: datetime
) -> dict[str, Any] | Missing:
    if minor == 0:
        return {**made, "currency": currency, "rate": None, "rate_of": None, "rate_source": None, "amount": Fraction(0)}
    rate = find_rate(currency, settings, now)
    if isinstance(rate, Missing):
        return rate
    return {
        **made,
        "currency": currency,
        "rate": written(rate.value),
        "rate_of": None if rate.published is None else rate.published.isoformat(),
        "rate_source": None if currency == settings.reporting_currency else rate.source.value,
        "amount": to_major(minor, currency) * rate.value,
    }


def _standing(live: Live) -> dict[str, JsonValue]:
    return {"subscription": reference(live.subscription), "status": text(live.subscription, "status")}


def _plan(live: Sequence[Live], lookup: Lookup, settings: DeriveSettings, now: datetime) -> Explanation:
    chosen = primary_of(live, settings, now)
    if chosen is None or isinstance(chosen, Missing):
        return {"lines": [], "missing": None if chosen is None else chosen.message}
    primary = chosen.subscription
    item = primary_item_of(primary, lookup)
    if item is None or isinstance(item, Missing):
        return {"lines": [], "missing": None if item is None else item.message}
    return {
        "lines": [
            {
                "subscription": reference(primary),
                "status": text(primary, "status"),
                "item": reference(item),
                "price": reference(item, "price"),
                "chosen_among": len(live),
            }
        ]
    }


def _major(minor: Exact, currency: str) -> str:
    return written(to_major(minor, currency))


def written(exact: Exact) -> str:
    """Return a number exactly: as a decimal where it is one, else as a fraction."""
    denominator = exact.denominator
    places = 0
    for prime in (2, 5):
        count = 0
        while denominator % prime == 0:
            denominator //= prime
            count += 1
        places = max(places, count)
    if denominator != 1:
        return str(exact)
    digits = str(abs(exact.numerator) * 10**places // exact.denominator).rjust(places + 1, "0")
    sign = "-" if exact < 0 else ""
    return sign + (f"{digits[:-places]}.{digits[-places:]}" if places else digits)

"""Small builders of Stripe's objects, with the defaults of an everyday customer."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from engine.core.facts import Facts, FactValue, Reason
from stripe_sync.derive import CustomerFacts, DeriveSettings, GivenRates, at, derive
from stripe_sync.objects import bundle_from_json

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
DAY = 86_400

Json = dict[str, Any]


def seconds(days: float = 0, *, now: datetime = NOW) -> int:
    """Return the Unix time `days` days after `now`."""
    return int((now + timedelta(days=days)).timestamp())


def price(amount: float | str | None = 1000, *, interval: str = "month", count: int = 1, **more: Any) -> Json:
    """Return a recurring, licensed price of `amount` minor units."""
    usage = more.pop("usage_type", "licensed")
    whole = isinstance(amount, int)
    made: Json = {
        "id": "price_a",
        "object": "price",
        "type": "recurring",
        "billing_scheme": "per_unit",
        "currency": "usd",
        "nickname": None,
        "product": "prod_a",
        "unit_amount": amount if whole else None,
        "unit_amount_decimal": None if amount is None else str(amount),
        "tax_behavior": "unspecified",
        "recurring": {"interval": interval, "interval_count": count, "usage_type": usage},
    }
    return {**made, **more}


def tiered(mode: str, tiers: list[tuple[int | None, int, int]], **more: Any) -> Json:
    """Return a price with tiers of (up to, unit amount, flat amount)."""
    made = [
        {"up_to": up_to, "unit_amount": unit, "unit_amount_decimal": str(unit), "flat_amount": flat or None}
        for up_to, unit, flat in tiers
    ]
    return price(None, billing_scheme="tiered", tiers_mode=mode, tiers=made, **more)


def item(of: Json | str | None = None, quantity: int | None = 1, **more: Any) -> Json:
    """Return a subscription item."""
    made: Json = {
        "id": "si_a",
        "object": "subscription_item",
        "price": price() if of is None else of,
        "quantity": quantity,
        "discounts": [],
        "current_period_start": seconds(-10),
        "current_period_end": seconds(20),
    }
    return {**made, **more}


def subscription(*items: Json, status: str = "active", **more: Any) -> Json:
    """Return a subscription; without items it has one of 10.00 a month."""
    made = {
        "id": "sub_a",
        "object": "subscription",
        "status": status,
        "currency": "usd",
        "created": seconds(-100),
        "discounts": [],
        "cancel_at_period_end": False,
        "cancel_at": None,
        "trial_end": None,
        "pause_collection": None,
        "items": {"object": "list", "has_more": False, "data": list(items) or [item()]},
    }
    return {**made, **more}


def coupon(duration: str = "forever", **more: Any) -> Json:
    """Return a coupon."""
    return {"id": "coupon_a", "object": "coupon", "duration": duration, "name": None, **more}


def discount(of: Json | str, end: int | None = None, **more: Any) -> Json:
    """Return a discount made from a coupon."""
    return {"id": "di_a", "object": "discount", "source": {"type": "coupon", "coupon": of}, "end": end, **more}


def percent(value: float, duration: str = "forever", end: int | None = None, **more: Any) -> Json:
    """Return a discount of some percent."""
    return discount(coupon(duration, percent_off=value, **more), end)


def amount_off(value: int, duration: str = "forever", currency: str = "usd", **more: Any) -> Json:
    """Return a discount of a fixed amount."""
    return discount(coupon(duration, amount_off=value, currency=currency, **more))


def invoice(status: str = "paid", **more: Any) -> Json:
    """Return an invoice of 10.00, created and finalized a day ago."""
    made = {
        "id": "in_a",
        "object": "invoice",
        "status": status,
        "currency": "usd",
        "created": seconds(-1),
        "total": 1000,
        "amount_due": 1000,
        "amount_paid": 1000 if status == "paid" else 0,
        "amount_paid_off_stripe": 0,
        "amount_remaining": 0 if status == "paid" else 1000,
        "attempt_count": 0,
        "due_date": None,
        "status_transitions": {"finalized_at": None if status == "draft" else seconds(-1)},
    }
    return {**made, **more}


def charge(amount: int = 5000, status: str = "succeeded", **more: Any) -> Json:
    """Return a charge made a day ago."""
    captured = more.pop("captured", status == "succeeded")
    made = {
        "id": "ch_a",
        "object": "charge",
        "status": status,
        "captured": captured,
        "paid": status == "succeeded",
        "currency": "usd",
        "created": seconds(-1),
        "amount": amount,
        "amount_captured": amount if captured else 0,
        "amount_refunded": 0,
        "failure_code": "card_declined" if status == "failed" else None,
        "payment_method_details": None,
    }
    return {**made, **more}


def customer(**more: Any) -> Json:
    """Return a customer."""
    made = {
        "id": "cus_a",
        "object": "customer",
        "email": "ada@example.com",
        "created": seconds(-200),
        "currency": "usd",
        "balance": 0,
        "delinquent": False,
        "livemode": True,
        "discount": None,
        "address": {"country": "de"},
        "invoice_settings": {"default_payment_method": None},
        "default_source": None,
    }
    return {**made, **more}


def settings(currency: str = "usd", rates: dict[str, str] | None = None, **more: Any) -> DeriveSettings:
    """Return settings with given rates into the reporting currency."""
    given = {code: Fraction(rate) for code, rate in (rates or {}).items()}
    return DeriveSettings(reporting_currency=currency, rates=GivenRates(into=currency, rates=given), **more)


def stored(chosen: DeriveSettings | None = None, now: datetime = NOW, **bundle: Any) -> CustomerFacts:
    """Return the stored facts of a customer and the lists given."""
    document = {"customer": customer(), **bundle}
    return derive(bundle_from_json(document), now, chosen or settings())


def facts(chosen: DeriveSettings | None = None, now: datetime = NOW, **bundle: Any) -> Facts:
    """Return the facts of a customer as they are read at `now`."""
    return at(stored(chosen, now, **bundle), now)


def of_subscriptions(*subscriptions: Json, chosen: DeriveSettings | None = None, **bundle: Any) -> Facts:
    """Return the facts of a customer with these subscriptions."""
    return facts(chosen, subscriptions=list(subscriptions), **bundle)


def mrr(*subscriptions: Json, chosen: DeriveSettings | None = None, **bundle: Any) -> FactValue | Reason | None:
    """Return the MRR of a customer with these subscriptions, or why there is none."""
    found = of_subscriptions(*subscriptions, chosen=chosen, **bundle)
    return found.values.get("mrr", found.reasons.get("mrr"))


def codes(found: Facts, fact: str) -> set[str]:
    """Return the codes of the notes on a fact."""
    return {note.code for note in found.notes if note.fact == fact}


def dollars(value: str) -> Decimal:
    """Return an amount."""
    return Decimal(value)

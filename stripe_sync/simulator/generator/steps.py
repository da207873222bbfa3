"""Steps that the histories of many classes of customer share: choosing prices, billing periods, paying, mishaps."""

# ruff: noqa: PLR2004 - shares of a population say most where they are used

from collections.abc import Sequence
from dataclasses import dataclass

from stripe_sync.simulator import invoicing
from stripe_sync.simulator.amounts import DAY, MONTH, period_seconds
from stripe_sync.simulator.generator.catalog import Catalog
from stripe_sync.simulator.generator.past import Past
from stripe_sync.simulator.records import Record

_MOST_INVOICES = 24
HOUR = 3600


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What a class writes with: the merchant's catalog and its prices and coupons by id."""

    catalog: Catalog
    price_by_id: dict[str, Record]
    coupon_by_id: dict[str, Record]


def choose_price(past: Past, setting: Setting, use: str) -> Record:
    """Return a price of a use in the customer's currency; where there is none, the customer turns to dollars."""
    fitting = setting.catalog.prices_for(use, past.customer["currency"])
    paid = [price for price in fitting if price["unit_amount"] != 0 and price["active"]]
    price = past.rng.choice(paid or setting.catalog.by_use[use])
    past.customer["currency"] = price["currency"]
    return price


def start_of(past: Past, price: Record, least_periods: float = 0.2) -> int:
    """Return when a subscription began: at or after the customer, so that its invoices stay few."""
    period = period_seconds(price)
    oldest = max(past.customer["created"], past.now - _MOST_INVOICES * period)
    latest = past.now - int(least_periods * period)
    start: int = min(oldest + past.rng.randrange(0, 7 * DAY), max(oldest, latest))
    return start


def bill_periods(
    past: Past, setting: Setting, subscription: Record, until: int, discounts: Sequence[Record] = ()
) -> list[Record]:
    """Write the invoices of every period that began before `until`, all open, and move the items to the last."""
    items = past.rows["subscription_item"][-len(subscription["items"]) :]
    period = min(period_seconds(setting.price_by_id[item["price"]]) for item in items)
    invoices: list[Record] = []
    start = items[0]["current_period_start"]
    left = list(discounts)
    while start < until:
        due = [item for item in items if item["current_period_start"] == start]
        lines = invoicing.subscription_lines(due, setting.price_by_id.__getitem__, subscription["currency"], past.rng)
        in_force = [row for row in left if row["end"] is None or row["end"] > start]
        invoices.append(past.bill(subscription, lines, start, setting.coupon_by_id.get, in_force))
        left = [row for row in left if setting.coupon_by_id[row["coupon"]]["duration"] != "once"]
        start += period
        if start < until:
            for item in items:
                if item["current_period_end"] <= start:
                    item["current_period_start"] = start
                    item["current_period_end"] = start + period_seconds(setting.price_by_id[item["price"]])
    still = [row for row in left if row["subscription"] and (row["end"] is None or row["end"] > past.now)]
    subscription["discounts"] = [row["id"] for row in still if row["subscription_item"] is None]
    for item in items:
        item["discounts"] = [row["id"] for row in still if row["subscription_item"] == item["id"]]
    return invoices


def pay_all(past: Past, invoices: Sequence[Record]) -> None:
    """Settle invoices by card, with the mishaps of real life: retries, refunds, disputes, credit notes."""
    rng = past.rng
    for invoice in invoices:
        at = min(invoice["created"] + rng.randrange(HOUR, 2 * HOUR), past.now - 30)
        old = past.now - invoice["created"] > 30 * DAY
        charge = past.pay(invoice, at + (6 * DAY if old else 0), failures=2 if old and rng.random() < 0.03 else 0)
        if charge is not None and old:
            _mishap(past, invoice, charge)


def _mishap(past: Past, invoice: Record, charge: Record) -> None:
    chance, amount = past.rng.random(), charge["amount_captured"]
    at = charge["created"] + past.rng.randrange(DAY, 10 * DAY)
    if chance < 0.015:
        past.refund(charge, amount, at, "succeeded")
    elif chance < 0.03 and amount > 1:
        past.refund(charge, amount // 2, at, "succeeded")
    elif chance < 0.034:
        past.refund(charge, amount, at, "failed")
    elif chance < 0.042:
        past.dispute(charge, at, past.rng.choice(_DISPUTES))
    elif chance < 0.05 and amount > 1:
        past.credit(invoice, amount // 4 or 1, at)


_DISPUTES = (
    "needs_response", "under_review", "won", "lost", "warning_needs_response", "warning_under_review",
    "warning_closed", "prevented", "appeal_needs_response", "appeal_under_review",
)  # fmt: skip


def maybe_discount(past: Past, setting: Setting, subscription: Record, share: float = 0.18) -> list[Record]:
    """Give a share of subscriptions discounts, now and then through customer or item; returns those given."""
    rng = past.rng
    if rng.random() >= share:
        return []
    where = rng.random()
    coupon = rng.choice(setting.catalog.coupons)
    if where < 0.15 and coupon["duration"] == "forever":
        discount = past.discount(coupon, subscription["start_date"], None)
        past.customer["discount"] = discount["id"]
        return [discount]
    item = past.rows["subscription_item"][-1] if where < 0.3 else None
    coupons = [coupon, rng.choice(setting.catalog.coupons)] if where > 0.85 else [coupon]
    return [_discount_of(past, chosen, subscription, item) for chosen in coupons]


def _discount_of(past: Past, coupon: Record, subscription: Record, item: Record | None) -> Record:
    start = subscription["start_date"]
    months = coupon["duration_in_months"]
    return past.discount(coupon, start, start + months * MONTH if months else None, subscription, item)

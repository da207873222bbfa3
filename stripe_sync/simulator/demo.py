"""Which generated customers a demonstration can speak of without a doubt."""

from collections.abc import Callable

from stripe_sync.simulator.amounts import DAY
from stripe_sync.simulator.records import Record
from stripe_sync.simulator.world import World

NOBODY = "stranger@nowhere.example"
"""An address that no generated customer has."""

_HIGH_MRR = 100_000
"""Minor units a month of dollars: 1,000.00."""


def demo_customers(world: World, now: float) -> dict[str, Record]:
    """Return one customer each for `past_due`, `active`, `trialing` and `high_mrr`, where there is one.

    Each has an address that nobody else has in any spelling, exactly one subscription, to one price in dollars,
    undiscounted and not about to change by itself; all but the last are worth less than 1,000.00 a month, and
    the one past due has exactly one open invoice.
    """
    spellings: dict[str, int] = {}
    for customer in world.collections["customer"]:
        address = (customer["email"] or "").lower()
        spellings[address] = spellings.get(address, 0) + 1
    found: dict[str, Record] = {}
    for customer in world.collections["customer"]:
        if customer["email"] and spellings[customer["email"].lower()] == 1:
            for name, suits in _CLASSES.items():
                if name not in found and suits(world, customer, now):
                    found[name] = customer
                    break
        if len(found) == len(_CLASSES):
            break
    return found


def _monthly(world: World, customer: Record) -> tuple[Record, int] | None:
    """Return a plain customer's only subscription and its worth a month, or None."""
    subscriptions = world.find("subscription", "customer", customer["id"])
    if len(subscriptions) != 1 or customer["discount"] or customer["balance"]:
        return None
    (subscription,) = subscriptions
    if len(subscription["items"]) != 1 or subscription["discounts"] or subscription["pause_collection"]:
        return None
    item = world.get("subscription_item", subscription["items"][0])
    price = world.get("price", item["price"]) if item else None
    if item is None or price is None or subscription["cancel_at_period_end"]:
        return None
    every = price["recurring"]
    if price["currency"] != "usd" or not price["unit_amount"] or every != {**every, **_EVERY_MONTH}:
        return None
    return subscription, price["unit_amount"] * item["quantity"]


_EVERY_MONTH = {"interval": "month", "interval_count": 1, "usage_type": "licensed"}


def _in_status(status: str, least: int, most: int) -> Callable[[World, Record, float], bool]:
    def suits(world: World, customer: Record, now: float) -> bool:
        del now
        found = _monthly(world, customer)
        return found is not None and found[0]["status"] == status and least < found[1] <= most

    return suits


def _is_past_due(world: World, customer: Record, now: float) -> bool:
    invoices = world.find("invoice", "customer", customer["id"])
    unpaid = [row for row in invoices if row["status"] == "open"]
    return (
        _in_status("past_due", 0, _HIGH_MRR)(world, customer, now)
        and len(unpaid) == 1
        and unpaid[0]["attempt_count"] > 0
    )


def _is_trialing(world: World, customer: Record, now: float) -> bool:
    if not _in_status("trialing", 0, _HIGH_MRR)(world, customer, now):
        return False
    (subscription,) = world.find("subscription", "customer", customer["id"])
    return bool(subscription["trial_end"] > now + 7 * DAY)


_CLASSES: dict[str, Callable[[World, Record, float], bool]] = {
    "past_due": _is_past_due,
    "active": _in_status("active", 0, _HIGH_MRR),
    "trialing": _is_trialing,
    "high_mrr": _in_status("active", _HIGH_MRR, 10**12),
}

"""What a merchant's customers do by themselves: random, realistic operations."""

# ruff: noqa: PLR2004 - shares of a population say most where they are used

import random

from stripe_sync.simulator.records import Record
from stripe_sync.simulator.world import World

_TRIES = 50
_ENDED = frozenset({"canceled", "incomplete_expired"})


def random_operation(world: World, rng: random.Random, reserved: frozenset[str]) -> tuple[str, Record]:
    """Return an operation and its arguments that suit some customer whose id is not reserved."""
    keys = world.collections["customer"].keys()
    for _ in range(_TRIES if keys else 0):
        customer_id = rng.choice(keys)[2]
        if customer_id in reserved:
            continue
        found = _fitting(world, customer_id, rng)
        if found is not None:
            return found
    number = rng.randrange(10**9)
    return "create_customer", {"name": f"New Customer {number}", "email": f"new{number}@northwind.example"}


def _fitting(world: World, customer_id: str, rng: random.Random) -> tuple[str, Record] | None:
    subscriptions = [row for row in world.find("subscription", "customer", customer_id) if row["status"] not in _ENDED]
    if not subscriptions:
        return ("create_subscription", {"id": customer_id}) if rng.random() < 0.2 else None
    subscription = subscriptions[0]
    if subscription["status"] == "past_due":
        return "pay_invoice", {"id": subscription["id"]}
    if subscription["status"] == "trialing":
        return ("end_trial", {"id": subscription["id"]}) if rng.random() < 0.3 else None
    if subscription["status"] != "active":
        return None
    return _of_active(subscription, customer_id, rng)


def _of_active(subscription: Record, customer_id: str, rng: random.Random) -> tuple[str, Record]:
    chance = rng.random()
    if chance < 0.55:
        return "renew", {"id": subscription["id"]}
    if chance < 0.7:
        return "fail_payment", {"id": subscription["id"]}
    if chance < 0.8 and len(subscription["items"]) == 1 and subscription["currency"] == "usd":
        return "change_plan", {"id": subscription["id"]}
    if chance < 0.86:
        return "cancel", {"id": subscription["id"], "at_period_end": True}
    if chance < 0.93:
        return "attach_card", {"id": customer_id}
    return "update_customer", {"id": customer_id, "phone": f"+1555{rng.randrange(10**7):07d}"}

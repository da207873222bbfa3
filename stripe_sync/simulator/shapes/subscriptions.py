"""Shapes of subscriptions and their items."""

from stripe_sync.simulator.records import Record
from stripe_sync.simulator.shapes import catalog
from stripe_sync.simulator.world import World

EMBEDDED_ITEMS = 10
"""How many items a list inside another object shows before `has_more`."""


def subscription(world: World, record: Record) -> Record:
    """Return a subscription; billing periods stand on its items."""
    items = [world.get("subscription_item", item_id) for item_id in record["items"][:EMBEDDED_ITEMS]]
    shape = {
        "id": record["id"],
        "object": "subscription",
        **_NEVER_SET,
        **{name: record[name] for name in _AS_STORED},
        "billing_mode": _billing_mode(record["billing_mode"]),
        "cancellation_details": {"comment": None, "feedback": None, "reason": record["cancellation_reason"]},
        "items": {
            "object": "list",
            "data": [subscription_item(world, item) for item in items if item],
            "has_more": len(record["items"]) > EMBEDDED_ITEMS,
            "url": f"/v1/subscription_items?subscription={record['id']}",
        },
        "livemode": world.livemode,
    }
    if record["paused_at"] is not None:
        shape["status_details"] = {"paused": _paused(record)}
    return shape


_AS_STORED = (
    "billing_cycle_anchor", "cancel_at", "cancel_at_period_end", "canceled_at", "collection_method", "created",
    "currency", "customer", "days_until_due", "default_payment_method", "discounts", "ended_at",
    "latest_invoice", "metadata", "pause_collection", "start_date", "status", "trial_end", "trial_start",
)  # fmt: skip

_NEVER_SET: Record = {
    # Parts of a subscription that this simulator has no use for, with the value Stripe gives them then.
    "application": None,
    "application_fee_percent": None,
    "automatic_tax": {"disabled_reason": None, "enabled": False, "liability": None},
    "billing_cycle_anchor_config": None,
    "billing_schedules": [],
    "billing_thresholds": None,
    "customer_account": None,
    "default_source": None,
    "default_tax_rates": [],
    "description": None,
    "invoice_settings": {
        "account_tax_ids": None,
        "custom_fields": None,
        "description": None,
        "footer": None,
        "issuer": {"type": "self"},
    },
    "managed_payments": {"enabled": False},
    "next_pending_invoice_item_invoice": None,
    "on_behalf_of": None,
    "payment_settings": {
        "payment_method_options": None,
        "payment_method_types": None,
        "save_default_payment_method": "off",
    },
    "pending_invoice_item_interval": None,
    "pending_setup_intent": None,
    "pending_update": None,
    "schedule": None,
    "test_clock": None,
    "transfer_data": None,
    "trial_settings": {"end_behavior": {"missing_payment_method": "create_invoice"}},
}


def _billing_mode(mode: str) -> Record:
    return {"flexible": {"proration_discounts": "included"} if mode == "flexible" else None, "type": mode}


def _paused(record: Record) -> Record:
    return {
        "subscription": {"type": record["pause_reason"]},
        "transitioned_at": record["paused_at"],
        "type": "subscription",
    }


def subscription_item(world: World, record: Record) -> Record:
    """Return an item with its price as the price is now."""
    price = world.get("price", record["price"]) or world.buried("price", record["price"])
    assert price is not None, "an item always has a price"
    shape = {
        "id": record["id"],
        "object": "subscription_item",
        "billing_thresholds": None,
        "created": record["created"],
        "current_period_end": record["current_period_end"],
        "current_period_start": record["current_period_start"],
        "discounts": record["discounts"],
        "metadata": record["metadata"],
        "plan": catalog.plan(world, price),
        "price": catalog.price(world, price),
        "subscription": record["subscription"],
        "tax_rates": [],
    }
    if record["quantity"] is not None:  # metered items have none
        shape["quantity"] = record["quantity"]
    if record["current_trial"] is not None:
        shape["current_trial"] = record["current_trial"]
    return shape

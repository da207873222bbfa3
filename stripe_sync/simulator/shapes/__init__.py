"""Stripe's shapes: a stored record becomes the object the API shows.

The shapes are those of version 2026-10-28.endive, without what Stripe leaves out unless it is asked for by
`expand` (`EXPAND_ONLY`). A shape may share parts with records and other shapes, so whoever changes one copies
it first.
"""

from collections.abc import Callable

from stripe_sync.simulator.records import Record
from stripe_sync.simulator.shapes import catalog, customers, invoices, payments, subscriptions
from stripe_sync.simulator.world import World

API_VERSION = "2026-10-28.endive"

_RENDERERS: dict[str, Callable[[World, Record], Record]] = {
    "customer": customers.customer,
    "payment_method": customers.payment_method,
    "product": catalog.product,
    "price": catalog.price,
    "coupon": catalog.coupon,
    "discount": catalog.discount,
    "subscription": subscriptions.subscription,
    "subscription_item": subscriptions.subscription_item,
    "invoice": invoices.invoice,
    "invoice_payment": invoices.invoice_payment,
    "credit_note": invoices.credit_note,
    "charge": payments.charge,
    "payment_intent": payments.payment_intent,
    "refund": payments.refund,
    "dispute": payments.dispute,
}


def render(world: World, kind: str, record: Record) -> Record:
    """Return the object as the API shows it, nothing expanded."""
    if kind == "event":
        return event(world, record)
    return _RENDERERS[kind](world, record)


def event(world: World, record: Record) -> Record:
    """Return an event as `/v1/events` shows it; its payload is as it was when it happened."""
    return {
        "id": record["id"],
        "object": "event",
        "api_version": API_VERSION,
        "created": record["created"],
        "data": record["data"],
        "livemode": world.livemode,
        "pending_webhooks": world.undelivered.get(record["id"], 0),
        "request": {"id": None, "idempotency_key": None},
        "type": record["type"],
    }


def list_object(url: str, data: list[Record], *, has_more: bool) -> Record:
    """Return Stripe's list object."""
    return {"object": "list", "data": data, "has_more": has_more, "url": url}

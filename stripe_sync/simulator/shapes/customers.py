"""Shapes of customers and of how they pay."""

from stripe_sync.simulator.records import Record
from stripe_sync.simulator.shapes import catalog
from stripe_sync.simulator.world import World

NO_ADDRESS: Record = {
    "city": None,
    "country": None,
    "line1": None,
    "line2": None,
    "postal_code": None,
    "state": None,
}


def customer(world: World, record: Record) -> Record:
    """Return a customer; its discount stands inline, everything else by id."""
    discount = world.get("discount", record["discount"])
    return {
        "id": record["id"],
        "object": "customer",
        "address": record["address"],
        "balance": record["balance"],
        "created": record["created"],
        "currency": record["currency"],
        "customer_account": None,
        "default_source": None,
        "delinquent": record["delinquent"],
        "description": record["description"],
        "discount": catalog.discount(world, discount) if discount else None,
        "email": record["email"],
        "invoice_prefix": record["invoice_prefix"],
        "invoice_settings": {
            "custom_fields": None,
            "default_payment_method": record["default_payment_method"],
            "footer": None,
            "rendering_options": None,
        },
        "livemode": world.livemode,
        "metadata": record["metadata"],
        "name": record["name"],
        "next_invoice_sequence": record["next_invoice_sequence"],
        "phone": record["phone"],
        "preferred_locales": record["preferred_locales"],
        "shipping": None,
        "tax_exempt": "none",
        "test_clock": None,
    }


def deleted_customer(customer_id: str) -> Record:
    """Return what is left of a deleted customer."""
    return {"id": customer_id, "object": "customer", "deleted": True}


def payment_method(world: World, record: Record) -> Record:
    """Return a payment method: a card, or another type with a part of its own name."""
    kind = record["type"]
    return {
        "id": record["id"],
        "object": "payment_method",
        "allow_redisplay": "unspecified",
        "billing_details": {
            "address": NO_ADDRESS,
            "email": record["email"],
            "name": record["name"],
            "phone": None,
            "tax_id": None,
        },
        kind: _stored_card(record["card"]) if kind == "card" else record["details"],
        "created": record["created"],
        "customer": record["customer"],
        "customer_account": None,
        "livemode": world.livemode,
        "metadata": record["metadata"],
        "type": kind,
    }


def _stored_card(card: Record) -> Record:
    return {
        "brand": card["brand"],
        "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"},
        "country": card["country"],
        "display_brand": card["brand"],
        "exp_month": card["exp_month"],
        "exp_year": card["exp_year"],
        "fingerprint": card["fingerprint"],
        "funding": card["funding"],
        "generated_from": None,
        "last4": card["last4"],
        "networks": {"available": [card["brand"]], "preferred": None},
        "regulated_status": "unregulated",
        "three_d_secure_usage": {"supported": True},
        "wallet": None,
    }


def charged_card(card: Record, amount: int) -> Record:
    """Return how a charge describes the card it was made with."""
    return {
        "amount_authorized": amount,
        "authorization_code": None,
        "brand": card["brand"],
        "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": None},
        "country": card["country"],
        "exp_month": card["exp_month"],
        "exp_year": card["exp_year"],
        "extended_authorization": {"status": "disabled"},
        "fingerprint": card["fingerprint"],
        "funding": card["funding"],
        "incremental_authorization": {"status": "unavailable"},
        "installments": None,
        "last4": card["last4"],
        "mandate": None,
        "multicapture": {"status": "unavailable"},
        "network": card["brand"],
        "network_token": {"used": False},
        "network_transaction_id": None,
        "overcapture": {"maximum_amount_capturable": amount, "status": "unavailable"},
        "regulated_status": "unregulated",
        "three_d_secure": None,
        "transaction_link_id": None,
        "wallet": None,
    }

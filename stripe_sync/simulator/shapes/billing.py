"""Shapes of billing: subscriptions, their items, invoices, the payments of invoices, credit notes."""

from stripe_sync.simulator.records import Record
from stripe_sync.simulator.shapes import catalog
from stripe_sync.simulator.shapes.payments import associated_payment
from stripe_sync.simulator.world import World

EMBEDDED_ITEMS = 10
"""How many items or lines a list inside another object shows before `has_more`."""

_TO_ACCOUNT: Record = {"type": "account"}


def subscription(world: World, record: Record) -> Record:
    """Return a subscription; billing periods stand on its items."""
    items = [world.get("subscription_item", item_id) for item_id in record["items"][:EMBEDDED_ITEMS]]
    shape = {
        "id": record["id"],
        "object": "subscription",
        "application": None,
        "application_fee_percent": None,
        "automatic_tax": {"disabled_reason": None, "enabled": False, "liability": None},
        "billing_cycle_anchor": record["billing_cycle_anchor"],
        "billing_cycle_anchor_config": None,
        "billing_mode": _billing_mode(record["billing_mode"]),
        "billing_schedules": [],
        "billing_thresholds": None,
        "cancel_at": record["cancel_at"],
        "cancel_at_period_end": record["cancel_at_period_end"],
        "canceled_at": record["canceled_at"],
        "cancellation_details": {
            "comment": None,
            "feedback": None,
            "reason": record["cancellation_reason"],
        },
        "collection_method": record["collection_method"],
        "created": record["created"],
        "currency": record["currency"],
        "customer": record["customer"],
        "customer_account": None,
        "days_until_due": record["days_until_due"],
        "default_payment_method": record["default_payment_method"],
        "default_source": None,
        "default_tax_rates": [],
        "description": None,
        "discounts": record["discounts"],
        "ended_at": record["ended_at"],
        "invoice_settings": {"account_tax_ids": None, "issuer": {"type": "self"}},
        "items": {
            "object": "list",
            "data": [subscription_item(world, item) for item in items if item],
            "has_more": len(record["items"]) > EMBEDDED_ITEMS,
            "url": f"/v1/subscription_items?subscription={record['id']}",
        },
        "latest_invoice": record["latest_invoice"],
        "livemode": world.livemode,
        "managed_payments": {"enabled": False},
        "metadata": record["metadata"],
        "next_pending_invoice_item_invoice": None,
        "on_behalf_of": None,
        "pause_collection": record["pause_collection"],
        "payment_settings": {
            "payment_method_options": None,
            "payment_method_types": None,
            "save_default_payment_method": "off",
        },
        "pending_invoice_item_interval": None,
        "pending_setup_intent": None,
        "pending_update": None,
        "schedule": None,
        "start_date": record["start_date"],
        "status": record["status"],
        "test_clock": None,
        "transfer_data": None,
        "trial_end": record["trial_end"],
        "trial_settings": {"end_behavior": {"missing_payment_method": "create_invoice"}},
        "trial_start": record["trial_start"],
    }
    if record["paused_at"] is not None:
        shape["status_details"] = {"paused": _paused(record)}
    return shape


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


def invoice(world: World, record: Record) -> Record:
    """Return an invoice; its payments and what was paid off Stripe only come by expand."""
    finalized = record["finalized_at"] is not None
    shape = {
        "id": record["id"],
        "object": "invoice",
        "account_country": "US",
        "account_name": world.account_name,
        "account_tax_ids": None,
        "amount_due": record["amount_due"],
        "amount_overpaid": 0,
        "amount_paid": record["amount_paid"],
        "amount_remaining": record["amount_remaining"],
        "amount_shipping": 0,
        "application": None,
        "attempt_count": record["attempt_count"],
        "attempted": record["attempt_count"] > 0,
        "auto_advance": record["status"] in {"draft", "open"},
        "automatic_tax": {
            "disabled_reason": None,
            "enabled": False,
            "liability": None,
            "provider": None,
            "status": None,
        },
        "automatically_finalizes_at": None if finalized else record["created"] + 3600,
        "billing_reason": record["billing_reason"],
        "collection_method": record["collection_method"],
        "created": record["created"],
        "currency": record["currency"],
        "custom_fields": None,
        "customer": record["customer"],
        "customer_account": None,
        "customer_address": None,
        "customer_email": record["customer_email"],
        "customer_name": record["customer_name"],
        "customer_phone": None,
        "customer_shipping": None,
        "customer_tax_exempt": "none",
        "customer_tax_ids": [],
        "default_payment_method": None,
        "default_source": None,
        "default_tax_rates": [],
        "description": None,
        "discounts": record["discounts"],
        "due_date": record["due_date"],
        "effective_at": record["finalized_at"],
        "ending_balance": record["ending_balance"],
        "footer": None,
        "from_invoice": None,
        "hosted_invoice_url": None,
        "invoice_pdf": None,
        "issuer": {"type": "self"},
        "last_finalization_error": None,
        "latest_revision": None,
        "lines": {
            "object": "list",
            "data": [line_item(world, record, line) for line in record["lines"][:EMBEDDED_ITEMS]],
            "has_more": len(record["lines"]) > EMBEDDED_ITEMS,
            "url": f"/v1/invoices/{record['id']}/lines",
        },
        "livemode": world.livemode,
        "metadata": record["metadata"],
        "next_payment_attempt": record["next_payment_attempt"],
        "number": record["number"],
        "on_behalf_of": None,
        "parent": _parent(record),
        "payment_settings": {
            "default_mandate": None,
            "payment_method_options": None,
            "payment_method_types": None,
        },
        "period_end": record["period_end"],
        "period_start": record["period_start"],
        "post_payment_credit_notes_amount": record["post_payment_credit"],
        "pre_payment_credit_notes_amount": record["pre_payment_credit"],
        "receipt_number": None,
        "rendering": None,
        "shipping_cost": None,
        "shipping_details": None,
        "starting_balance": record["starting_balance"],
        "statement_descriptor": None,
        "status": record["status"],
        "status_details": _status_details(record),
        "status_transitions": {
            "finalized_at": record["finalized_at"],
            "marked_uncollectible_at": record["uncollectible_at"],
            "paid_at": record["paid_at"],
            "voided_at": record["voided_at"],
        },
        "subtotal": record["subtotal"],
        "subtotal_excluding_tax": record["subtotal"],
        "test_clock": None,
        "total": record["total"],
        "total_discount_amounts": record["discount_amounts"],
        "total_excluding_tax": record["total"],
        "total_pretax_credit_amounts": [],
        "total_taxes": [],
        "webhooks_delivered_at": record["created"] if finalized else None,
    }
    return shape


def _parent(record: Record) -> Record | None:
    if record["subscription"] is None:
        return None
    return {
        "quote_details": None,
        "subscription_details": {"metadata": {}, "subscription": record["subscription"]},
        "type": "subscription_details",
    }


def _status_details(record: Record) -> Record | None:
    if record["status"] != "uncollectible":
        return None
    return {"uncollectible": {"reason": record["uncollectible_reason"]}}


def line_item(world: World, record: Record, line: Record) -> Record:
    """Return one line of an invoice."""
    return {
        "id": line["id"],
        "object": "line_item",
        "amount": line["amount"],
        "currency": record["currency"],
        "description": line["description"],
        "discount_amounts": [],
        "discountable": True,
        "discounts": [],
        "invoice": record["id"],
        "livemode": world.livemode,
        "metadata": {},
        "parent": _line_parent(record, line),
        "period": {"end": line["end"], "start": line["start"]},
        "pretax_credit_amounts": [],
        "pricing": {
            "price_details": {"price": line["price"], "product": line["product"]},
            "type": "price_details",
            "unit_amount_decimal": line["unit_amount_decimal"],
        }
        if line["price"]
        else None,
        "quantity": line["quantity"],
        "quantity_decimal": str(line["quantity"]) if line["quantity"] is not None else None,
        "subscription": record["subscription"],
        "subtotal": line["amount"],
        "taxes": [],
    }


def _line_parent(record: Record, line: Record) -> Record:
    if line["subscription_item"]:
        return {
            "invoice_item_details": None,
            "subscription_item_details": {
                "invoice_item": None,
                "proration": False,
                "proration_details": None,
                "subscription": record["subscription"],
                "subscription_item": line["subscription_item"],
            },
            "type": "subscription_item_details",
        }
    return {
        "invoice_item_details": {
            "invoice_item": "ii_" + line["id"][3:],
            "proration": False,
            "proration_details": None,
            "subscription": record["subscription"],
        },
        "subscription_item_details": None,
        "type": "invoice_item_details",
    }


def invoice_payment(world: World, record: Record) -> Record:
    """Return the payment, or the attempt at one, that an invoice is settled with."""
    return {
        "id": record["id"],
        "object": "invoice_payment",
        "amount_paid": record["amount_paid"],
        "amount_requested": record["amount_requested"],
        "created": record["created"],
        "currency": record["currency"],
        "invoice": record["invoice"],
        "is_default": record["is_default"],
        "livemode": world.livemode,
        "payment": associated_payment(record),
        "status": record["status"],
        "status_transitions": {"canceled_at": record["canceled_at"], "paid_at": record["paid_at"]},
    }


def credit_note(world: World, record: Record) -> Record:
    """Return a credit note: before payment it lowers what is due, after it is refunded or credited."""
    amount = record["amount"]
    return {
        "id": record["id"],
        "object": "credit_note",
        "amount": amount,
        "amount_shipping": 0,
        "created": record["created"],
        "currency": record["currency"],
        "customer": record["customer"],
        "customer_account": None,
        "customer_balance_transaction": None,
        "discount_amount": 0,
        "discount_amounts": [],
        "effective_at": record["created"],
        "invoice": record["invoice"],
        "lines": {
            "object": "list",
            "data": [_credit_note_line(world, record)],
            "has_more": False,
            "url": f"/v1/credit_notes/{record['id']}/lines",
        },
        "livemode": world.livemode,
        "memo": None,
        "metadata": record["metadata"],
        "number": record["number"],
        "out_of_band_amount": record["out_of_band_amount"],
        "pdf": f"https://pay.stripe.com/credit_notes/{record['id']}/pdf",
        "post_payment_amount": amount if record["type"] == "post_payment" else 0,
        "pre_payment_amount": amount if record["type"] == "pre_payment" else 0,
        "pretax_credit_amounts": [],
        "reason": record["reason"],
        "refunds": record["refunds"],
        "shipping_cost": None,
        "status": record["status"],
        "subtotal": amount,
        "subtotal_excluding_tax": amount,
        "total": amount,
        "total_excluding_tax": amount,
        "total_taxes": [],
        "type": record["type"],
        "voided_at": record["voided_at"],
    }


def _credit_note_line(world: World, record: Record) -> Record:
    return {
        "id": "cnli_" + record["id"][3:],
        "object": "credit_note_line_item",
        "amount": record["amount"],
        "description": "Credit",
        "discount_amount": 0,
        "discount_amounts": [],
        "livemode": world.livemode,
        "metadata": {},
        "pretax_credit_amounts": [],
        "quantity": 1,
        "tax_rates": [],
        "taxes": [],
        "type": "custom_line_item",
        "unit_amount": record["amount"],
        "unit_amount_decimal": str(record["amount"]),
    }

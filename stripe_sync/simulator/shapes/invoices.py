"""Shapes of invoices and their lines, the payments of invoices, credit notes."""

from stripe_sync.simulator.records import Record
from stripe_sync.simulator.shapes.payments import associated_payment
from stripe_sync.simulator.world import World

EMBEDDED_LINES = 10
"""How many lines an invoice shows before `has_more`."""


def invoice(world: World, record: Record) -> Record:
    """Return an invoice; its payments and what was paid off Stripe only come by expand."""
    return {
        "id": record["id"],
        "object": "invoice",
        **_NEVER_SET,
        **{name: record[name] for name in _AS_STORED},
        "account_name": world.account_name,
        "attempted": record["attempt_count"] > 0,
        "auto_advance": record["status"] in {"draft", "open"},
        "automatically_finalizes_at": None if record["finalized_at"] else record["created"] + 3600,
        "effective_at": record["finalized_at"],
        "lines": {
            "object": "list",
            "data": [line_item(world, record, line) for line in record["lines"][:EMBEDDED_LINES]],
            "has_more": len(record["lines"]) > EMBEDDED_LINES,
            "url": f"/v1/invoices/{record['id']}/lines",
        },
        "livemode": world.livemode,
        "parent": _parent(record),
        "post_payment_credit_notes_amount": record["post_payment_credit"],
        "pre_payment_credit_notes_amount": record["pre_payment_credit"],
        "status_details": _status_details(record),
        "status_transitions": {
            "finalized_at": record["finalized_at"],
            "marked_uncollectible_at": record["uncollectible_at"],
            "paid_at": record["paid_at"],
            "voided_at": record["voided_at"],
        },
        "subtotal_excluding_tax": record["subtotal"],
        "total_discount_amounts": record["discount_amounts"],
        "total_excluding_tax": record["total"],
        "webhooks_delivered_at": record["created"] if record["finalized_at"] else None,
    }


_AS_STORED = (
    "amount_due", "amount_paid", "amount_remaining", "attempt_count", "billing_reason", "collection_method",
    "created", "currency", "customer", "customer_email", "customer_name", "discounts", "due_date",
    "ending_balance", "metadata", "next_payment_attempt", "number", "period_end", "period_start",
    "starting_balance", "status", "subtotal", "total",
)  # fmt: skip

_NEVER_SET: Record = {
    # Parts of an invoice that this simulator has no use for, with the value Stripe gives them then.
    "account_country": "US",
    "account_tax_ids": None,
    "amount_overpaid": 0,
    "amount_shipping": 0,
    "application": None,
    "automatic_tax": {
        "disabled_reason": None,
        "enabled": False,
        "liability": None,
        "provider": None,
        "status": None,
    },
    "custom_fields": None,
    "customer_account": None,
    "customer_address": None,
    "customer_phone": None,
    "customer_shipping": None,
    "customer_tax_exempt": "none",
    "customer_tax_ids": [],
    "default_payment_method": None,
    "default_source": None,
    "default_tax_rates": [],
    "description": None,
    "footer": None,
    "from_invoice": None,
    "hosted_invoice_url": None,
    "invoice_pdf": None,
    "issuer": {"type": "self"},
    "last_finalization_error": None,
    "latest_revision": None,
    "on_behalf_of": None,
    "payment_settings": {"default_mandate": None, "payment_method_options": None, "payment_method_types": None},
    "receipt_number": None,
    "rendering": None,
    "shipping_cost": None,
    "shipping_details": None,
    "statement_descriptor": None,
    "test_clock": None,
    "total_pretax_credit_amounts": [],
    "total_taxes": [],
}


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

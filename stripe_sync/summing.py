"""Which charges and invoices can be added up by the database, and by what numbers. Pure.

The mirror keeps these numbers in columns beside the object, so that a customer's history is summed without being
read. What could mean more than its numbers (a payment still pending, a partial capture whose refunds must be looked
at, an open invoice, a field that is missing or strange) has no standing and is read whole. So has everything written
before these columns were there.

The readers are derivation's own: the sums are exactly what it would have added up.
"""

from collections.abc import Sequence
from typing import Any

from stripe_sync.catalog import FIRST
from stripe_sync.derive.collected import captured_of, is_payment
from stripe_sync.derive.invoices import finalized_at, is_open
from stripe_sync.derive.read import elements, instant, integer, lower, mapping, reference, text
from stripe_sync.objects import StripeObject

STANDINGS = ("paid", "held", "failed")
"""Of charges: what took money, what may still take it, and what took none."""
LARGEST = 10**12
"""Of the amounts that are added up, in minor units: nine million of these fit 64 bits."""
LONGEST = 40
"""Of ids and currencies that are compared in the database."""


def charge_standing(charge: StripeObject) -> str | None:
    """Return `paid`, `held` (succeeded, not captured) or `failed`, or None for a charge that must be read whole."""
    if not _is_plain(charge) or not mapping(charge, "payment_method_details") or elements(charge, "refunds"):
        return None
    refunded = _amount(charge, "amount_refunded")
    if refunded is None or (refunded and charge_currency(charge) is None):
        return None
    status = text(charge, "status")
    if not is_payment(charge):
        return {"succeeded": "held", "failed": "failed"}.get(status or "")
    captured, authorised = captured_of(charge), integer(charge, "amount")
    if charge_currency(charge) is None or captured is None or not 0 <= captured < LARGEST:
        return None
    return None if authorised is not None and captured < authorised else "paid"


def charge_currency(charge: StripeObject) -> str | None:
    """Return the currency."""
    currency = lower(charge, "currency")
    return currency if currency is not None and len(currency) <= LONGEST else None


def charge_captured(charge: StripeObject) -> int | None:
    """Return what a payment with a standing took, in minor units."""
    return captured_of(charge) if charge_standing(charge) == "paid" else None


def charge_refunded(charge: StripeObject) -> int | None:
    """Return what a charge with a standing says was refunded, in minor units."""
    return _amount(charge, "amount_refunded") if charge_standing(charge) else None


def charge_method(charge: StripeObject) -> str | None:
    """Return the id of the payment method."""
    return reference(charge, "payment_method")


def invoice_standing(invoice: StripeObject) -> str | None:
    """Return `closed`, or None for an invoice that must be read whole."""
    if is_open(invoice) or not _is_plain(invoice) or text(invoice, "status") != invoice.get("status"):
        return None
    if invoice_currency(invoice) != lower(invoice, "currency"):
        return None
    off_stripe = integer(invoice, "amount_paid_off_stripe")
    if off_stripe is not None and (not 0 <= off_stripe < LARGEST or invoice_currency(invoice) is None):
        return None
    return "closed"


invoice_currency = charge_currency


def invoice_off_stripe(invoice: StripeObject) -> int | None:
    """Return what was paid outside Stripe for an invoice with a standing, in minor units; None if it does not say."""
    return integer(invoice, "amount_paid_off_stripe") if invoice_standing(invoice) else None


def invoice_untold(invoice: StripeObject) -> int:
    """Return 1 for an invoice that was paid and does not say what was paid outside Stripe, else 0."""
    return int(integer(invoice, "amount_paid_off_stripe") is None and bool(integer(invoice, "amount_paid")))


def invoice_ranked_at(invoice: StripeObject) -> object:
    """Return when an invoice was finalized; the first instant there is for one that was not."""
    return finalized_at(invoice) or FIRST


def plain_charge(standing: str, told: Sequence[Any]) -> StripeObject:
    """Return what facts read of a charge that stands in the sums, from when it was made, id, currency and amounts.

    How it was paid is not there, nor why it failed.
    """
    created, charge_id, currency, captured, refunded = told
    return {
        "id": charge_id,
        "object": "charge",
        "created": created,
        "status": "failed" if standing == "failed" else "succeeded",
        "captured": standing == "paid",
        "currency": currency,
        "amount_captured": captured,
        "amount_refunded": refunded,
    }


def plain_invoice(told: Sequence[Any]) -> StripeObject:
    """Return what facts read of a closed invoice that is the latest, from when it was made, id, standing, and the rest.

    The rest is when it was finalized, currency, status and total; without it the invoice is only the one made last.
    What was paid outside Stripe stays in the sums.
    """
    created, invoice_id, _, *sent = told
    made = {"id": invoice_id, "object": "invoice", "created": created}
    if not sent:
        return made
    finalized, currency, status, amount = sent
    transitions = {"finalized_at": finalized if finalized >= 0 else None}
    return {**made, "status_transitions": transitions, "currency": currency, "status": status, "total": amount}


def _is_plain(held: StripeObject) -> bool:
    """Return whether an object stands where the database's order puts it."""
    held_id = text(held, "id")
    is_named = held_id is not None and held_id == held["id"] and held_id.isascii() and len(held_id) <= 4 * LONGEST
    made = instant(held, "created") if type(held.get("created")) is int else None  # as the mirror's column reads it
    return is_named and held.get("deleted") is not True and made is not None


def _amount(held: StripeObject, field: str) -> int | None:
    """Return an amount, 0 where there is none; None where it is too large to be added up."""
    amount = integer(held, field) or 0
    return amount if 0 <= amount < LARGEST else None

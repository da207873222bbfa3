"""Operations on money that comes in: paying invoices, failing to, single charges."""

from stripe_sync.simulator import invoicing
from stripe_sync.simulator.amounts import DAY
from stripe_sync.simulator.answers import invalid
from stripe_sync.simulator.change import Change
from stripe_sync.simulator.operations import resolve
from stripe_sync.simulator.records import Record, new_id

_OWING = frozenset({"past_due", "unpaid", "incomplete"})
_FAILURES = {
    "card_declined": "Your card was declined.",
    "insufficient_funds": "Your card has insufficient funds.",
    "expired_card": "Your card has expired.",
    "processing_error": "An error occurred while processing your card. Try again in a little bit.",
}


def pay_invoice(change: Change, args: Record) -> None:
    """Pay an open invoice by card, or off Stripe with `off_stripe: true`."""
    invoice = resolve.open_invoice(change, resolve.argument(args))
    if args.get("off_stripe"):
        pay_off_stripe(change, invoice)
    else:
        collect(change, invoice)


def collect(change: Change, invoice: Record) -> Record:
    """Charge an invoice's card successfully and let everything follow that follows in Stripe."""
    if invoice["amount_remaining"] == 0:
        return settle(change, invoice, off_stripe=False)
    customer = change.get("customer", invoice["customer"])
    payment = _invoice_payment(change, invoice, customer)
    charge = charge_customer(
        change, customer, invoice["amount_remaining"], invoice["currency"], payment["payment_intent"]
    )
    change.update(
        "payment_intent",
        payment["payment_intent"],
        "payment_intent.succeeded",
        silent=True,
        status="succeeded",
        amount_received=charge["amount"],
        latest_charge=charge["id"],
        failure_code=None,
    )
    change.emit("charge", charge["id"], "charge.succeeded")
    return settle(change, invoice, off_stripe=False, payment=payment)


def pay_off_stripe(change: Change, invoice: Record) -> Record:
    """Mark an invoice as paid outside Stripe (a bank transfer, a cheque)."""
    payment = change.create(
        "invoice_payment",
        "invoice_payment.created",
        invoice=invoice["id"],
        payment_record=new_id("pr_", change.rng),
        amount_requested=invoice["amount_remaining"],
        currency=invoice["currency"],
    )
    return settle(change, invoice, off_stripe=True, payment=payment)


def settle(change: Change, invoice: Record, *, off_stripe: bool, payment: Record | None = None) -> Record:
    """Turn an invoice paid, then its subscription and its customer."""
    paid = invoicing.settled(invoice, change.now, off_stripe=off_stripe)
    change.update("invoice", invoice["id"], "invoice.paid", **_but(paid, "id", "created"))
    if not off_stripe:
        change.emit("invoice", invoice["id"], "invoice.payment_succeeded")
    if payment is not None:
        change.update(
            "invoice_payment",
            payment["id"],
            "invoice_payment.paid",
            silent=True,
            status="paid",
            amount_paid=invoice["amount_remaining"],
            paid_at=change.now,
        )
    subscription = change.world.get("subscription", invoice["subscription"])
    if subscription and subscription["latest_invoice"] == invoice["id"] and subscription["status"] in _OWING:
        change.update("subscription", subscription["id"], status="active")
    _set_delinquent(change, invoice["customer"], delinquent=False)
    return paid


def _but(record: Record, *names: str) -> Record:
    return {name: value for name, value in record.items() if name not in names}


def _set_delinquent(change: Change, customer_id: str, *, delinquent: bool) -> None:
    if change.world.get("customer", customer_id):
        change.update("customer", customer_id, delinquent=delinquent)


def _invoice_payment(change: Change, invoice: Record, customer: Record) -> Record:
    """Return the open attempt at this invoice, or begin one."""
    for payment in change.world.find("invoice_payment", "invoice", invoice["id"]):
        if payment["status"] == "open" and payment["payment_intent"]:
            return payment
    intent = change.create(
        "payment_intent",
        "payment_intent.created",
        customer=customer["id"],
        amount=invoice["amount_remaining"],
        currency=invoice["currency"],
        description=f"Invoice {invoice['number']}",
        payment_method=customer["default_payment_method"],
    )
    return change.create(
        "invoice_payment",
        "invoice_payment.created",
        invoice=invoice["id"],
        payment_intent=intent["id"],
        amount_requested=invoice["amount_remaining"],
        currency=invoice["currency"],
    )


def charge_customer(
    change: Change,
    customer: Record,
    amount: int,
    currency: str,
    intent: str | None,
    failure: str | None = None,
) -> Record:
    """Store a charge on a customer's default card, succeeded or failed, without emitting its event."""
    method = change.world.get("payment_method", customer["default_payment_method"])
    charge = invoicing.charge_record(
        change.new_id("charge"), change.now, customer, method, amount=amount, currency=currency, failure=failure
    )
    charge["payment_intent"] = intent
    charge["failure_message"] = _FAILURES.get(failure, "The payment failed.") if failure else None
    change.world.put("charge", charge)
    change.touch("charge", charge["id"])
    return charge


def decline(change: Change, invoice: Record, code: str) -> Record:
    """Attempt an invoice and fail, with what follows for invoice, subscription and customer."""
    customer = change.get("customer", invoice["customer"])
    payment = _invoice_payment(change, invoice, customer)
    charge = charge_customer(
        change, customer, invoice["amount_remaining"], invoice["currency"], payment["payment_intent"], code
    )
    change.emit("charge", charge["id"], "charge.failed")
    change.update(
        "payment_intent",
        payment["payment_intent"],
        "payment_intent.payment_failed",
        silent=True,
        status="requires_payment_method",
        latest_charge=charge["id"],
        failure_code=code,
    )
    declined = change.update(
        "invoice",
        invoice["id"],
        "invoice.payment_failed",
        attempt_count=invoice["attempt_count"] + 1,
        next_payment_attempt=change.now + 3 * DAY,
    )
    subscription = change.world.get("subscription", invoice["subscription"])
    if subscription and subscription["status"] in {"active", "trialing"}:
        change.update("subscription", subscription["id"], status="past_due")
    _set_delinquent(change, customer["id"], delinquent=True)
    return declined


def create_charge(change: Change, args: Record) -> None:
    """Charge a customer once, without an invoice; `status` may be succeeded, failed or pending."""
    customer = resolve.customer(change, resolve.argument(args))
    amount = resolve.whole(args, "amount", 2500) or 0
    currency = str(args.get("currency") or customer["currency"] or "usd")
    status = str(args.get("status", "succeeded"))
    if status not in {"succeeded", "failed", "pending"}:
        raise invalid("status", "Invalid status: must be one of succeeded, failed, pending")
    failure = "card_declined" if status == "failed" else None
    charge = charge_customer(change, customer, amount, currency, None, failure)
    if status == "pending":
        charge = {**charge, "status": "pending", "paid": False, "captured": False, "amount_captured": 0}
        change.world.put("charge", charge)
    change.emit("charge", charge["id"], f"charge.{status}")


def settle_charge(change: Change, args: Record) -> None:
    """Turn a pending charge succeeded, or failed with `status: failed`."""
    charge = resolve.record(change, "charge", resolve.argument(args))
    if charge["status"] != "pending":
        raise invalid("id", f"Charge {charge['id']} is not pending.")
    if args.get("status") == "failed":
        change.update("charge", charge["id"], "charge.failed", status="failed", failure_code="insufficient_funds")
    else:
        amount = charge["amount"]
        change.update(
            "charge",
            charge["id"],
            "charge.succeeded",
            status="succeeded",
            paid=True,
            captured=True,
            amount_captured=amount,
        )

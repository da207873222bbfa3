"""How an invoice comes to be and how it is settled: pure functions from records to records.

Both the generator of a merchant's past and the operations of its present write invoices with these, so that
amounts always add up: `total = subtotal - discounts`, `amount_due = total + balance brought in` (never below
zero), `amount_due = amount_paid + amount_remaining`, less what was credited before payment.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from stripe_sync.simulator import amounts, factory
from stripe_sync.simulator.records import Record, new_id


@dataclass(frozen=True, kw_only=True, slots=True)
class Bill:
    """What goes on an invoice."""

    customer: Record
    currency: str
    lines: Sequence[Record]
    discounts: Sequence[Record] = ()
    subscription: Record | None = None
    reason: str = "manual"


def draft(bill: Bill, invoice_id: str, created: int, coupon_of: Callable[[str], Record | None]) -> Record:
    """Return a finalized, open invoice for this bill, numbered by the customer's sequence."""
    customer, subscription = bill.customer, bill.subscription
    subtotal = sum(line["amount"] for line in bill.lines)
    taken = amounts.discount_amounts(bill.lines, bill.discounts, coupon_of, bill.currency)
    total = subtotal - sum(part["amount"] for part in taken)
    due, ending_balance = _apply_balance(total, customer["balance"])
    sends = subscription is not None and subscription["collection_method"] == "send_invoice"
    days = (subscription["days_until_due"] or 30) if subscription and sends else None
    return factory.make(
        "invoice",
        invoice_id,
        created,
        customer=customer["id"],
        customer_email=customer["email"],
        customer_name=customer["name"],
        subscription=subscription["id"] if subscription else None,
        status="open",
        currency=bill.currency,
        number=f"{customer['invoice_prefix']}-{customer['next_invoice_sequence']:04d}",
        lines=list(bill.lines),
        subtotal=subtotal,
        total=total,
        discounts=[discount["id"] for discount in bill.discounts],
        discount_amounts=taken,
        starting_balance=customer["balance"],
        ending_balance=ending_balance,
        amount_due=due,
        amount_remaining=due,
        billing_reason=bill.reason,
        collection_method="send_invoice" if sends else "charge_automatically",
        due_date=created + days * amounts.DAY if days else None,
        finalized_at=created,
        period_start=bill.lines[0]["start"] if bill.lines else created,
        period_end=bill.lines[0]["end"] if bill.lines else created,
    )


def _apply_balance(total: int, balance: int) -> tuple[int, int]:
    """Return what is due and what balance is left; a negative balance is the customer's credit."""
    owed = total + balance
    if total <= 0:  # a negative total becomes credit
        return 0, owed
    return (owed, 0) if owed >= 0 else (0, owed)


def settled(invoice: Record, now: int, *, off_stripe: bool = False) -> Record:
    """Return the invoice as it is once it is paid in full."""
    paid = invoice["amount_paid"] + invoice["amount_remaining"]
    return {
        **invoice,
        "status": "paid",
        "amount_paid": paid,
        "amount_paid_off_stripe": invoice["amount_remaining"] if off_stripe else invoice["amount_paid_off_stripe"],
        "amount_remaining": 0,
        "attempt_count": invoice["attempt_count"] + (not off_stripe and invoice["amount_remaining"] > 0),
        "next_payment_attempt": None,
        "paid_at": now,
    }


def subscription_lines(
    items: Sequence[Record],
    price_of: Callable[[str], Record],
    currency: str,
    rng: random.Random,
    *,
    free: bool = False,
) -> list[Record]:
    """Return the lines that bill one period of these items; a trial is billed at nothing."""
    lines = []
    for item in items:
        price = price_of(item["price"])
        quantity = item["quantity"] if item["quantity"] is not None else rng.randrange(0, 400)
        amount = 0 if free else amounts.item_amount(price, quantity, currency)
        lines.append(
            {
                "id": new_id("il_", rng),
                "amount": amount,
                "description": f"{quantity} x {price['nickname'] or price['id']}",
                "price": price["id"],
                "product": price["product"],
                "quantity": quantity,
                "subscription_item": item["id"],
                "start": item["current_period_start"],
                "end": item["current_period_end"],
                "unit_amount_decimal": price["unit_amount_decimal"],
            }
        )
    return lines


def single_line(amount: int, description: str, now: int, rng: random.Random) -> Record:
    """Return a line that bills one amount outside any subscription."""
    return {
        "id": new_id("il_", rng),
        "amount": amount,
        "description": description,
        "price": None,
        "product": None,
        "quantity": 1,
        "subscription_item": None,
        "start": now,
        "end": now,
        "unit_amount_decimal": str(amount),
    }


def charge_record(
    charge_id: str,
    created: int,
    customer: Record,
    method: Record | None,
    *,
    amount: int,
    currency: str,
    failure: str | None = None,
) -> Record:
    """Return a charge on a customer's card, succeeded and captured unless a failure code is given."""
    failed = failure is not None
    return factory.make(
        "charge",
        charge_id,
        created,
        customer=customer["id"],
        payment_method=method["id"] if method else None,
        method_type=method["type"] if method else "customer_balance",
        card=method["card"] if method else None,
        email=customer["email"],
        name=customer["name"],
        amount=amount,
        amount_captured=0 if failed else amount,
        captured=not failed,
        currency=currency,
        failure_code=failure,
        failure_message="Your card was declined." if failed else None,
        paid=not failed,
        status="failed" if failed else "succeeded",
    )

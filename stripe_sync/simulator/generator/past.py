"""The past of one generated customer: subscriptions, invoices, charges, and how each of them went.

Everything is placed by ages relative to `now`, so that a seed gives the same history at any time.
"""

import random
from collections.abc import Callable

from stripe_sync.simulator import factory, invoicing
from stripe_sync.simulator.amounts import DAY, period_seconds
from stripe_sync.simulator.records import KINDS, Record, new_id

Rows = dict[str, list[Record]]


class Past:
    """One customer being written down, record by record."""

    def __init__(self, rows: Rows, customer: Record, method: Record | None, now: int, rng: random.Random) -> None:
        self.rows = rows
        self.customer = customer
        self.method = method
        self.now = now
        self.rng = rng

    def add(self, kind: str, created: int, **fields: object) -> Record:
        """Write down a new record."""
        record = factory.make(kind, new_id(KINDS[kind].prefix, self.rng), created, **fields)
        self.rows[kind].append(record)
        return record

    def subscribe(
        self, prices: list[Record], start: int, *, quantities: list[int] | None = None, **fields: object
    ) -> Record:
        """Write down a subscription to these prices that began at `start`; its items stand in their first period."""
        subscription = self.add(
            "subscription",
            start,
            customer=self.customer["id"],
            currency=self.customer["currency"],
            billing_cycle_anchor=start,
            start_date=start,
            **fields,
        )
        for place, price in enumerate(prices):
            metered = price["recurring"]["usage_type"] == "metered"
            item = self.add(
                "subscription_item",
                start,
                subscription=subscription["id"],
                price=price["id"],
                quantity=None if metered else (quantities or [1] * len(prices))[place],
                current_period_start=start,
                current_period_end=start + period_seconds(price),
            )
            subscription["items"] = [*subscription["items"], item["id"]]
        return subscription

    def discount(
        self,
        coupon: Record,
        start: int,
        end: int | None,
        subscription: Record | None = None,
        item: Record | None = None,
    ) -> Record:
        """Write down a discount for the item or subscription, or for the customer if there is none."""
        made = self.add(
            "discount",
            start,
            coupon=coupon["id"],
            customer=self.customer["id"],
            subscription=subscription["id"] if subscription else None,
            subscription_item=item["id"] if item else None,
            start=start,
            end=end,
        )
        coupon["times_redeemed"] += 1
        return made

    def bill(
        self,
        subscription: Record,
        lines: list[Record],
        created: int,
        coupon_of: Callable[[str], Record | None],
        discounts: list[Record],
    ) -> Record:
        """Write down an open invoice for these lines and make it the subscription's latest."""
        first = subscription["latest_invoice"] is None
        invoice = invoicing.draft(
            invoicing.Bill(
                customer=self.customer,
                currency=subscription["currency"],
                lines=lines,
                discounts=discounts,
                subscription=subscription,
                reason="subscription_create" if first else "subscription_cycle",
            ),
            new_id("in_", self.rng),
            created,
            coupon_of,
        )
        return self._issued(invoice, subscription)

    def bill_once(self, amount: int, created: int) -> Record:
        """Write down an open invoice outside any subscription."""
        line = invoicing.single_line(amount, "Consulting", created, self.rng)
        bill = invoicing.Bill(customer=self.customer, currency=self.customer["currency"], lines=[line])
        invoice = invoicing.draft(bill, new_id("in_", self.rng), created, lambda _: None)
        return self._issued(invoice, None)

    def _issued(self, invoice: Record, subscription: Record | None) -> Record:
        self.rows["invoice"].append(invoice)
        self.customer["next_invoice_sequence"] += 1
        self.customer["balance"] = invoice["ending_balance"]
        if subscription is not None:
            subscription["latest_invoice"] = invoice["id"]
        return invoice

    def pay(self, invoice: Record, at: int, *, failures: int = 0) -> Record | None:
        """Settle an invoice by card at `at`, after so many failed attempts; returns the charge, if one was needed."""
        if invoice["amount_remaining"] == 0:
            invoice.update(invoicing.settled(invoice, at))
            return None
        intent = self._intent(invoice)
        for attempt in range(failures):
            self._attempt(invoice, intent, at - (failures - attempt) * 3 * DAY, fails=True)
        charge = self._attempt(invoice, intent, at, fails=False)
        payment = self._invoice_payment(invoice, intent["id"])
        payment.update(status="paid", amount_paid=invoice["amount_remaining"], paid_at=at)
        invoice.update(invoicing.settled(invoice, at))
        return charge

    def fail(self, invoice: Record, first_attempt: int, attempts: int, *, retried: bool = True) -> None:
        """Leave an invoice open after so many failed attempts."""
        intent = self._intent(invoice)
        for attempt in range(attempts):
            self._attempt(invoice, intent, min(first_attempt + attempt * 3 * DAY, self.now - 60), fails=True)
        self._invoice_payment(invoice, intent["id"])
        invoice["next_payment_attempt"] = self.now + 3 * DAY if retried else None

    def pay_off_stripe(self, invoice: Record, at: int) -> None:
        """Settle an invoice outside Stripe."""
        payment = self._invoice_payment(invoice, None)
        payment.update(
            status="paid",
            amount_paid=invoice["amount_remaining"],
            paid_at=at,
            payment_record=new_id("pr_", self.rng),
        )
        invoice.update(invoicing.settled(invoice, at, off_stripe=True))

    def charge(self, amount: int, at: int, *, failure: str | None = None) -> Record:
        """Write down a charge outside any invoice."""
        charge = invoicing.charge_record(
            new_id("ch_", self.rng), at, self.customer, self.method,
            amount=amount, currency=self.customer["currency"], failure=failure,
        )  # fmt: skip
        self.rows["charge"].append(charge)
        return charge

    def refund(self, charge: Record, amount: int, at: int, status: str) -> Record:
        """Write down a refund; one that failed leaves the charge as it was."""
        made = self.add(
            "refund",
            at,
            charge=charge["id"],
            payment_intent=charge["payment_intent"],
            payment_method=charge["payment_method"],
            customer=charge["customer"],
            amount=amount,
            currency=charge["currency"],
            reason="requested_by_customer",
            status=status,
            failure_reason="expired_or_canceled_card" if status == "failed" else None,
        )
        if status != "failed":
            charge["amount_refunded"] += amount
            charge["refunded"] = charge["amount_refunded"] == charge["amount_captured"]
        return made

    def dispute(self, charge: Record, at: int, status: str) -> Record:
        """Write down a dispute over the whole charge."""
        charge["disputed"] = True
        return self.add(
            "dispute",
            at,
            charge=charge["id"],
            payment_intent=charge["payment_intent"],
            amount=charge["amount_captured"],
            currency=charge["currency"],
            card_brand=(charge["card"] or {}).get("brand", "visa"),
            reason=self.rng.choice(("fraudulent", "product_not_received", "subscription_canceled")),
            status=status,
        )

    def credit(self, invoice: Record, amount: int, at: int) -> Record:
        """Write down a credit note over a paid invoice; the amount goes to the customer's balance."""
        invoice["post_payment_credit"] += amount
        self.customer["balance"] -= amount
        return self.add(
            "credit_note",
            at,
            customer=self.customer["id"],
            invoice=invoice["id"],
            number=f"{invoice['number']}-CN-01",
            amount=amount,
            currency=invoice["currency"],
            reason="order_change",
        )

    def _intent(self, invoice: Record) -> Record:
        return self.add(
            "payment_intent",
            invoice["created"],
            customer=self.customer["id"],
            amount=invoice["amount_remaining"],
            currency=invoice["currency"],
            description=f"Invoice {invoice['number']}",
            payment_method=self.method["id"] if self.method else None,
        )

    def _attempt(self, invoice: Record, intent: Record, at: int, *, fails: bool) -> Record:
        code = self.rng.choice(("card_declined", "insufficient_funds", "expired_card")) if fails else None
        charge = self.charge(invoice["amount_remaining"], at, failure=code)
        charge["payment_intent"] = intent["id"]
        charge["description"] = intent["description"]
        intent["latest_charge"] = charge["id"]
        intent["failure_code"] = code
        if fails:
            invoice["attempt_count"] += 1
        else:
            intent["status"] = "succeeded"
            intent["amount_received"] = charge["amount"]
        return charge

    def _invoice_payment(self, invoice: Record, intent_id: str | None) -> Record:
        return self.add(
            "invoice_payment",
            invoice["created"],
            invoice=invoice["id"],
            payment_intent=intent_id,
            amount_requested=invoice["amount_remaining"],
            currency=invoice["currency"],
        )

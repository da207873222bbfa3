"""The reference: invoices, charges, refunds, disputes."""

from fractions import Fraction

from tests.unit.derive.reference.base import UNKNOWN, Base, Json, Money, Unknowable, when


class Payments(Base):
    """What was billed and paid."""

    # Invoices.

    def _invoices(self) -> Json:
        invoices = self.all("invoices")
        opened = [each for each in invoices if each["status"] == "open"]
        overdue = []
        for each in opened:
            if each["due_date"] is not None and each["due_date"] < self.q.at:
                overdue.append(each["due_date"])
            elif each["due_date"] is None and each["attempt_count"] > 0:
                overdue.append(each["status_transitions"]["finalized_at"])
        last = max(invoices, key=lambda each: (self.finalized(each) or -1, each["created"], each["id"]), default=None)
        notes = [each for each in self.all("credit_notes") if each["status"] != "void"]
        outside = [(each["currency"], Fraction(each.get("amount_paid_off_stripe") or 0)) for each in invoices]
        outside += [(each["currency"], -Fraction(each["out_of_band_amount"] or 0)) for each in notes]
        return {
            "open_invoices": len(opened),
            "overdue_invoices": len(overdue),
            "days_overdue": self.days_since(min(overdue)) if overdue else 0,
            "amount_due": self.money([(each["currency"], Fraction(each["amount_remaining"])) for each in opened]),
            "last_invoice_status": None if last is None else self.known_status(last["status"]),
            "last_invoice_at": None if last is None else when(self.finalized(last) or last["created"]),
            "last_invoice_amount": None if last is None else self.money([(last["currency"], Fraction(last["total"]))]),
            "ltv_off_stripe": self.money(outside),
        }

    def known_status(self, status: str | None) -> str | None:
        return status if status in (None, "draft", "open", "paid", "uncollectible", "void") else UNKNOWN

    def finalized(self, invoice: Json) -> int | None:
        seconds: int | None = invoice["status_transitions"]["finalized_at"]
        return seconds

    # Charges, refunds, disputes.

    def payments(self) -> list[Json]:
        return [each for each in self.all("charges") if each["status"] == "succeeded" and each["captured"] is True]

    def of_charge(self, kind: str, charge: Json) -> list[Json]:
        return [
            each
            for each in self.all(kind)
            if each["charge"] == charge["id"]
            or (
                each["charge"] is None
                and each["payment_intent"] is not None
                and each["payment_intent"] == charge["payment_intent"]
            )
        ]

    def _paid(self) -> Json:
        payments = self.payments()
        last = max(payments, key=lambda each: (each["created"], each["id"]), default=None)
        refunds = [
            each["created"]
            for charge in self.all("charges")
            for each in self.of_charge("refunds", charge)
            if each["status"] not in ("failed", "canceled")
        ]
        real = [each["status"] for each in self.all("disputes")]
        real = [status for status in real if not status.startswith("warning_") and status != "prevented"]
        waiting = [each for each in real if each in ("needs_response", "under_review") or each.startswith("appeal_")]
        try:
            ltv = self.money([line for charge in payments for line in self.collected(charge)])
        except Unknowable:
            ltv = UNKNOWN
        return {
            "ltv": ltv,
            "payments": len(payments),
            "last_payment_at": None if last is None else when(last["created"]),
            "last_payment_amount": None
            if last is None
            else self.money([(last["currency"], Fraction(last["amount_captured"]))]),
            "refunded": self.money(
                [(each["currency"], Fraction(each["amount_refunded"])) for each in self.all("charges")]
            ),
            "last_refund_at": when(max(refunds, default=None)),
            "disputes": len(real),
            "open_disputes": len(waiting),
        }

    def collected(self, charge: Json) -> Money:
        back = Fraction(charge["amount_refunded"])
        if charge["amount_captured"] < charge["amount"]:
            back = Fraction(
                sum(
                    each["amount"]
                    for each in self.of_charge("refunds", charge)
                    if each["status"] in ("succeeded", "pending") and each["reason"] != "expired_uncaptured_charge"
                )
            )
        remains = charge["amount_captured"] - back
        lost = Fraction(0)
        for each in self.of_charge("disputes", charge):
            if each["status"] == "lost" and each["amount"]:
                lost += self.exchanged(Fraction(each["amount"]), each["currency"], charge["currency"])
        return [(charge["currency"], remains - min(lost, max(remains, Fraction(0))))]

    def exchanged(self, minor: Fraction, currency: str, into: str) -> Fraction:
        if currency == into:
            return minor
        one = self.major(Fraction(1), into)
        return self.major(minor, currency) / one

    def _failure(self) -> Json:
        settled = [each for each in self.all("charges") if each["status"] in ("succeeded", "failed")]
        last = max(settled, key=lambda each: (each["created"], each["id"]), default=None)
        since = -1 if last is None else last["created"]
        tried = []
        for each in self.all("invoices"):
            at = self.finalized(each) or each["created"]
            if each["status"] == "open" and each["attempt_count"] > 0 and at > since and not self.is_pending(each):
                tried.append(at)
        failed = last is not None and last["status"] == "failed"
        at = max(tried) if tried else last["created"] if failed and last else None
        return {
            "charge_failed": failed or bool(tried),
            "charge_failed_at": when(at),
            "failure_code": last["failure_code"] if failed and last else None,
        }

    def is_pending(self, invoice: Json) -> bool:
        """Whether the one attempt to pay is still on its way through a bank."""
        pending = [each for each in self.all("charges") if each["status"] == "pending"]
        ways = [each["payment"] for each in self.all("invoice_payments") if each["invoice"] == invoice["id"]]
        return invoice["attempt_count"] == 1 and any(
            way.get("charge") == each["id"]
            or (way.get("payment_intent") is not None and way["payment_intent"] == each["payment_intent"])
            for way in ways
            for each in pending
        )

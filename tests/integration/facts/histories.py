"""Histories of customers, made from a seed: everyday ones, odd ones, and ones that only just hold together."""

import random
from typing import Any

from tests.unit.derive.build import Json, amount_off, item, percent, price, seconds, subscription

CURRENCIES = ("usd", "usd", "usd", "eur", "jpy", "xts", "USD")
CHARGE_STATUSES = ("succeeded",) * 8 + ("failed", "failed", "pending", "strange", None)
REFUND_STATUSES = ("succeeded",) * 5 + ("pending", "failed", "canceled", None)
DISPUTE_STATUSES = ("lost", "lost", "won", "needs_response", "warning_closed", "prevented", "appeal_under_review", None)
INVOICE_STATUSES = ("paid",) * 8 + ("open", "open", "draft", "void", "uncollectible", "strange", None)


class History:
    """One customer's objects by kind, as Stripe would list them."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(f"history {seed}")
        self.customer_id = f"cus_{seed}"
        self._count = 0
        self.objects: dict[str, list[Json]] = {}
        self._customer()
        self._subscriptions()
        length = self.chance.choice((0, 1, 2, 5, 30))
        for _ in range(length):
            self._invoice(self._charge())
        for _ in range(self.chance.choice((0, 0, 1, 3))):
            self._add("credit_notes", customer=self.customer_id, status=self._one("issued", "void"), **self._note())

    def _one(self, *choices: Any) -> Any:
        return self.chance.choice(choices)

    def _rarely(self, odd: Any, usual: Any, share: float = 0.04) -> Any:
        return odd if self.chance.random() < share else usual

    def _add(self, kind: str, **fields: Any) -> Json:
        self._count += 1
        made = {"id": f"{kind}_{self.customer_id}_{self._count}", "object": kind.removesuffix("s"), **fields}
        self.objects.setdefault(kind, []).append(made)
        return made

    def _note(self) -> Json:
        return {"out_of_band_amount": self._one(None, 0, 300), "currency": self._one("usd", "eur")}

    def _customer(self) -> None:
        method = self._one(None, "pm_known", "pm_unknown", "pm_never")
        if method == "pm_known":
            card = {"brand": "visa", "last4": "4242", "exp_month": 4, "exp_year": 2027}
            known = self._add("payment_methods", customer=self.customer_id, type="card", card=card)
            method = known["id"]
        self.objects["customers"] = [
            {
                "id": self.customer_id,
                "object": "customer",
                "email": f"{self.customer_id}@example.com",
                "created": seconds(-300),
                "currency": self._one(None, "usd", "eur"),
                "livemode": True,
                "delinquent": self._one(True, False, None),
                "balance": self._one(0, -250, 100),
                "discount": self._rarely(percent(10), None, 0.2),
                "invoice_settings": {
                    "default_payment_method": method and method.replace("pm_unknown", self._method(1))
                },
                "default_source": None,
            }
        ]

    def _method(self, number: int) -> str:
        return f"pm_{self.customer_id}_{number}"

    def _subscriptions(self) -> None:
        for number in range(self._one(0, 1, 1, 1, 2, 4)):
            status = self._one("active", "active", "past_due", "trialing", "canceled", "unpaid")
            of = price(self._one(900, 1000, 99_900), interval=self._one("month", "year"), product="prod_all")
            discounts = self._one([], [], [percent(20)], [amount_off(100)])
            made = subscription(item(of, self._one(1, 3), id=f"si_{self.customer_id}_{number}"), status=status)
            more = {"customer": self.customer_id, "discounts": discounts, "created": self._when()}
            self._add("subscriptions", **{**made, **more, "id": f"sub_{self.customer_id}_{number}"})

    def _odd(self, when: int) -> object:
        """Return an instant, now and then not as a whole number."""
        return self._rarely(self._one(float(when), str(when)), when)

    def _when(self) -> int:
        return seconds(self.chance.randrange(-40, 0))

    def _charge(self) -> Json:
        status, amount = self._one(*CHARGE_STATUSES), self._one(0, 1000, 5000)
        captured = status == "succeeded" and self._rarely(False, True, 0.1)
        taken = self._rarely(amount // 2, amount, 0.1) if captured else 0
        made = self._add(
            "charges",
            customer=self.customer_id,
            status=status,
            captured=captured,
            currency=self._rarely(None, self._one(*CURRENCIES)),
            created=self._rarely(None, self._odd(self._when())),
            amount=self._rarely(None, amount),
            amount_captured=self._rarely(None, taken, 0.1),
            amount_refunded=self._one(0, 0, 0, 0, taken // 5, self._rarely(10**13, None)),
            failure_code=self._one(None, "card_declined"),
            payment_intent=self._rarely(None, f"pi_{self.customer_id}_{self.chance.randrange(30)}", 0.2),
            payment_method=self._method(self.chance.randrange(3)),
            payment_method_details=self._rarely(None, self._card(), 0.1),
        )
        if self.chance.random() < 0.03:
            made["refunds"] = {"object": "list", "data": [{"id": "re_inside", "created": self._when(), "amount": 7}]}
        for kind, statuses, share in (("refunds", REFUND_STATUSES, 0.25), ("disputes", DISPUTE_STATUSES, 0.15)):
            if self.chance.random() < share:
                self._back(kind, made, self._one(*statuses))
        return made

    def _card(self) -> Json:
        if self.chance.random() < 0.2:
            return {"type": "sepa_debit", "sepa_debit": {"last4": "1111"}}
        return {"type": "card", "card": {"brand": self._one("visa", "amex"), "last4": str(self.chance.randrange(9999))}}

    def _back(self, kind: str, charge: Json, status: str | None) -> None:
        by_intent = self.chance.random() < 0.2 and charge["payment_intent"]
        self._add(
            kind,
            charge=None if by_intent else charge["id"],
            payment_intent=charge["payment_intent"],
            status=status,
            amount=self._one(100, 900, 5000),
            currency=self._rarely("gbp", charge["currency"] or "usd"),
            created=self._rarely(None, self._when()),
            reason=self._one(None, "expired_uncaptured_charge"),
        )

    def _invoice(self, charge: Json) -> None:
        status, made_at = self._one(*INVOICE_STATUSES), self._when()
        made = self._add(
            "invoices",
            customer=self.customer_id,
            status=self._rarely({"id": "paid"}, status, 0.02),
            currency=self._rarely(self._one(None, "x" * 50), self._one(*CURRENCIES)),
            created=self._rarely(None, self._odd(made_at)),
            total=self._rarely(self._one(None, "1000", 1000.0, 10.5), 1000),
            amount_paid=1000 if status == "paid" else 0,
            amount_remaining=1000 if status == "open" else 0,
            amount_paid_off_stripe=self._one(0, 0, 0, 250, None),
            attempt_count=self._one(0, 1, 1, 2),
            due_date=self._one(None, seconds(-3), seconds(5)),
            status_transitions={"finalized_at": None if status == "draft" else self._rarely(None, made_at + 60)},
        )
        if self.chance.random() < 0.5:
            paid_by = self._one({"charge": charge["id"]}, {"payment_intent": charge["payment_intent"]})
            self._add("invoice_payments", invoice=made["id"], payment=paid_by, status="open")

"""Customers made from a seed, with every feature that facts depend on, each now and then; the same seed, the same one.

Instants lie within a few months of `NOW` and often coincide, amounts are often equal, so that ties are common.
One customer in some has something that can't be read: a status nobody knows, a price that is not there.
"""

import random
from typing import Any

from tests.unit.derive.build import DAY, Json, seconds

CURRENCIES = ("usd", "usd", "usd", "eur", "jpy", "isk", "kwd", "ugx")
PRODUCTS = ("prod_a", "prod_b", "prod_c")
STATUSES = ("active",) * 6 + (
    "past_due",
    "past_due",
    "trialing",
    "unpaid",
    "paused",
    "incomplete",
    "incomplete_expired",
    "canceled",
    "canceled",
)


class Maker:
    """Makes one customer; `odd` is how often something can't be read."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.odd = self.chance.choice((0, 0, 0, 0.05))
        self.currency = self.chance.choice(CURRENCIES)
        self.count = 0
        self.prices: list[Json] = []
        self.coupons: list[Json] = []
        self.methods: list[Json] = []
        self.extra_items: list[Json] = []

    def customer(self) -> Json:
        """Return the bundle."""
        pick = self.chance
        subscriptions = [self.subscription() for _ in range(pick.choice((0, 1, 1, 1, 2, 3)))]
        charges = [self.charge() for _ in range(pick.choice((0, 1, 2, 4)))]
        invoices = [self.invoice() for _ in range(pick.choice((0, 1, 2, 4)))]
        return {
            "customer": self._person(),
            "subscriptions": subscriptions,
            "charges": charges,
            "invoices": invoices,
            "refunds": [self._refund(each) for each in charges for _ in range(pick.choice((0, 0, 1, 2)))],
            "disputes": [self._dispute(each) for each in charges for _ in range(pick.choice((0, 0, 0, 1, 2)))],
            "invoice_payments": [self._paid_by(each, charges) for each in invoices if charges and self.now_and_then()],
            "credit_notes": [self._credit_note(each) for each in invoices if self.now_and_then()],
            "products": [self._product(each) for each in PRODUCTS if not self.now_and_then()],
            "prices": self.prices,
            "coupons": self.coupons,
            "payment_methods": self.methods,
            "subscription_items": self.extra_items,
        }

    # Chance.

    def id(self, kind: str) -> str:
        """Return a new id; they do not sort by age."""
        self.count += 1
        return f"{kind}_{self.chance.randrange(10)}{self.count}"

    def now_and_then(self, share: float = 0.25) -> bool:
        return self.chance.random() < share

    def is_odd(self) -> bool:
        return self.chance.random() < self.odd

    def maybe(self, value: Any, share: float = 0.25) -> Any:
        return value if self.now_and_then(share) else None

    def past(self) -> int:
        """Return an instant that often is that of something else."""
        return seconds(-self.chance.choice((1, 1, 2, 5, 29, 30, 31, 60, 100))) + self.chance.choice((0, 0, 0, 1, 4321))

    def ahead_or_past(self) -> int:
        return seconds(self.chance.choice((-40, -2, -1, 0, 0, 1, 2, 40))) + self.chance.choice((0, 0, 1, -1))

    def minor(self) -> int:
        return self.chance.choice((0, 1, 99, 500, 1000, 1000, 9999, self.chance.randrange(100_000)))

    # The person.

    def _person(self) -> Json:
        pick = self.chance
        return {
            "id": self.id("cus"),
            "object": "customer",
            "email": self.maybe("Ada@Example.com", 0.8),
            "address": pick.choice((None, {"country": None}, {"country": "de"}, {"country": "US"})),
            "created": self.past(),
            "currency": pick.choice((None, self.currency, self.currency.upper())),
            "balance": pick.choice((0, 0, None, -2500, self.minor())),
            "delinquent": pick.choice((None, False, True)),
            "livemode": pick.choice((False, True)),
            "discount": self.maybe(self.discount(), 0.15),
            "invoice_settings": {"default_payment_method": self.maybe(self.method(), 0.4)},
            "default_source": self.maybe(self.old_card(), 0.2),
        }

    def _card(self) -> Json:
        pick = self.chance
        return {
            "brand": pick.choice(("visa", "Visa", "MasterCard", "American Express", "eftpos_au", "Newcard")),
            "last4": f"{pick.randrange(10_000):04}",
            "exp_month": pick.choice((1, 10, 11, 12)),
            "exp_year": pick.choice((2025, 2026, 2027)),
        }

    def method(self) -> Json | str:
        """Return a payment method: expanded, listed, or only named."""
        made: Json = {"id": self.id("pm"), "object": "payment_method", "type": "card", "card": self._card()}
        if self.now_and_then(0.2):
            made = {"id": made["id"], "object": "payment_method", "type": "sepa_debit", "sepa_debit": {}}
        how = self.chance.choice(("inline", "listed", "both"))
        if how != "inline":
            self.methods.append(made)
        return made["id"] if how == "listed" or self.is_odd() else made

    def old_card(self) -> Json:
        return {"id": self.id("card"), "object": "card", **self._card()}

    def _product(self, product_id: str) -> Json:
        return {"id": product_id, "object": "product", "name": self.chance.choice((None, "", f"Name of {product_id}"))}

    # Subscriptions.

    def subscription(self) -> Json:
        pick = self.chance
        status = "hibernating" if self.is_odd() else pick.choice(STATUSES)
        currency = pick.choice((self.currency, self.currency, pick.choice(CURRENCIES)))
        has_ended = status in ("canceled", "incomplete_expired")
        made: Json = {
            "id": self.id("sub"),
            "object": "subscription",
            "status": status,
            "currency": currency,
            "created": self.past(),
            "cancel_at_period_end": pick.choice((False, False, False, True)),
            "cancel_at": self.maybe(self.ahead_or_past(), 0.15),
            "canceled_at": self.maybe(self.past(), 0.9 if has_ended else 0.1),
            "ended_at": self.maybe(self.past(), 0.8) if has_ended else None,
            "trial_end": self.maybe(self.ahead_or_past(), 0.3),
            "pause_collection": self.maybe(
                {"behavior": "void", "resumes_at": pick.choice((None, self.ahead_or_past()))}, 0.2
            ),
            "pending_update": self.maybe({"subscription_items": [{"price": {"unit_amount": 99_999}}]}, 0.1),
            "schedule": self.maybe("sub_sched_1", 0.1),
            "default_payment_method": self.maybe(self.method(), 0.2),
            "default_source": self.maybe(self.old_card(), 0.1),
            "default_tax_rates": [{"percentage": 19, "inclusive": pick.choice((True, False))}] * pick.choice((0, 1)),
            "discounts": [self.discount() for _ in range(pick.choice((0, 0, 0, 1, 2)))],
        }
        items = [self.item(currency, made["id"]) for _ in range(pick.choice((1, 1, 1, 2, 3, 4)))]
        made["items"] = {"object": "list", "has_more": False, "data": items}
        self._page(made)
        return made

    def _page(self, made: Json) -> None:
        """Now and then put some items on a second page, and now and then lose it."""
        page = made["items"]
        if self.now_and_then(0.1) or self.is_odd():
            is_lost = self.is_odd()
            self.extra_items.extend([] if is_lost else [*page["data"][1:], page["data"][0]])
            made["items"] = {**page, "has_more": is_lost or len(page["data"]) > 1, "data": page["data"][:1]}

    def item(self, currency: str, subscription_id: str) -> Json:
        pick = self.chance
        return {
            "id": self.id("si"),
            "object": "subscription_item",
            "subscription": subscription_id,
            "price": self.price(currency),
            "quantity": pick.choice((None, 0, 1, 1, 2, 3, 7, 12)),
            "discounts": [self.discount() for _ in range(pick.choice((0, 0, 0, 0, 1, 2)))],
            "current_trial": self.maybe({"start_date": self.past(), "end_date": self.ahead_or_past()}, 0.15),
            "tax_rates": pick.choice(
                ([], [], [{"percentage": 20.5, "inclusive": True}, {"percentage": 5, "inclusive": False}])
            ),
            "current_period_start": self.past(),
            "current_period_end": self.ahead_or_past(),
        }

    def price(self, currency: str) -> Json | str:
        """Return a price: whole inside the item, completed from the list, or only named."""
        pick = self.chance
        of = pick.choice((currency, currency, currency, "usd"))
        made: Json = {
            "id": self.id("price"),
            "object": "price",
            "currency": of,
            "type": "recurring",
            "nickname": pick.choice((None, "", "Gold")),
            "product": pick.choice(PRODUCTS),
            "tax_behavior": pick.choice(("unspecified", "exclusive", "inclusive")),
            "custom_unit_amount": self.maybe({"minimum": 100, "maximum": None, "preset": None}, 0.05),
            "recurring": {
                "interval": "fortnight" if self.is_odd() else pick.choice(("day", "week", "month", "month", "year")),
                "interval_count": pick.choice((1, 1, 1, 2, 3, 6)),
                "usage_type": "guessed" if self.is_odd() else pick.choice(("licensed",) * 5 + ("metered",)),
            },
            **self._amounts(),
        }
        if of != currency and not self.is_odd():
            apart = {
                key: value for key, value in self._amounts(made).items() if key not in ("billing_scheme", "tiers_mode")
            }
            made["currency_options"] = {currency: {**apart, "tax_behavior": pick.choice((None, "inclusive"))}}
        if self.now_and_then(0.05):
            made |= {"type": "one_time", "recurring": None}
        how = pick.choice(("inline", "inline", "completed", "listed"))
        if how == "inline":
            return made["id"] if self.is_odd() else made
        self.prices.append(made)
        if how == "listed":
            return str(made["id"])
        return {key: value for key, value in made.items() if key not in ("tiers", "currency_options")}

    def _amounts(self, like: Json | None = None) -> Json:
        pick = self.chance
        is_tiered = like["billing_scheme"] == "tiered" if like else self.now_and_then(0.3)
        if is_tiered:
            tiers = [self._tier(up_to) for up_to in (pick.randint(0, 4), pick.randint(5, 9), None)]
            if self.is_odd():
                tiers = pick.choice((tiers[:1], []))
            mode = pick.choice(("graduated", "volume"))
            return {
                "billing_scheme": "tiered",
                "tiers_mode": mode,
                "tiers": tiers,
                "unit_amount": None,
                "unit_amount_decimal": None,
            }
        exact = pick.choice((None, None, "0.5", "12.345", "99.999999999999"))
        whole = self.minor()
        package = {"divide_by": pick.randint(1, 7), "round": pick.choice(("up", "down"))}
        made: Json = {
            "billing_scheme": "per_unit",
            "unit_amount": None if exact else whole,
            "unit_amount_decimal": exact or pick.choice((str(whole), None)),
        }
        return made if like else {**made, "transform_quantity": self.maybe(package, 0.2)}

    def _tier(self, up_to: int | None) -> Json:
        unit, flat = self.minor(), self.minor()
        fine = self.now_and_then()
        return {
            "up_to": up_to,
            "unit_amount": None if fine else unit,
            "unit_amount_decimal": "0.125" if fine else str(unit),
            "flat_amount": self.maybe(flat, 0.4),
            "flat_amount_decimal": None,
        }

    def discount(self) -> Json | str:
        """Return a discount whose coupon stands in it, in the list, or both."""
        pick = self.chance
        if self.is_odd():
            return self.id("di")
        made: Json = {
            "id": pick.choice((self.id("coupon"), "25 OFF")),
            "object": "coupon",
            "created": self.past(),
            "name": self.maybe("Spring", 0.5),
            "duration": "lunar" if self.is_odd() else pick.choice(("forever", "forever", "repeating", "once")),
            "percent_off": None,
            "amount_off": None,
            "currency": None,
        }
        if self.now_and_then(0.5):
            made["percent_off"] = pick.choice((5, 12.5, 33.3, 50, 100))
        else:
            made |= {"amount_off": pick.choice((1, 500, 20_000)), "currency": pick.choice((self.currency, "usd"))}
        terms = {
            "applies_to": self.maybe({"products": pick.sample(PRODUCTS, pick.randint(1, 2))}, 0.3),
            "currency_options": self.maybe({self.currency: {"amount_off": 300}}, 0.3) if made["amount_off"] else None,
        }
        source: Json = {"type": "coupon", "coupon": {**made, **terms}}
        if made["id"] != "25 OFF" and self.now_and_then(0.6):
            self.coupons.append({**made, **terms})
            source["coupon"] = pick.choice((made["id"], made))
        elif self.is_odd():
            source["coupon"] = "coupon_gone"
        return {
            "id": self.id("di"),
            "object": "discount",
            "source": source,
            "end": self.maybe(self.ahead_or_past(), 0.4),
        }

    # Invoices and payments.

    def invoice(self) -> Json:
        pick = self.chance
        status = (
            "lunar"
            if self.is_odd()
            else pick.choice(("draft", "open", "open", "paid", "paid", "uncollectible", "void"))
        )
        total, created = self.minor(), self.past()
        made: Json = {
            "id": self.id("in"),
            "object": "invoice",
            "status": status,
            "currency": pick.choice((self.currency, self.currency, "usd", "eur")),
            "created": created,
            "total": total,
            "amount_due": total,
            "amount_paid": total if status == "paid" else 0,
            "amount_remaining": 0 if status == "paid" else pick.choice((total, total // 2)),
            "attempt_count": pick.choice((0, 0, 1, 1, 3)),
            "due_date": self.maybe(self.ahead_or_past(), 0.4),
            "status_transitions": {
                "finalized_at": None if status == "draft" else created + pick.choice((0, 3600, DAY))
            },
        }
        if status == "paid":
            made["amount_paid_off_stripe"] = pick.choice((0, 0, total))
        return made

    def _credit_note(self, invoice: Json) -> Json:
        return {
            "id": self.id("cn"),
            "object": "credit_note",
            "invoice": invoice["id"],
            "status": self.chance.choice(("issued", "issued", "void")),
            "currency": invoice["currency"],
            "amount": self.minor(),
            "out_of_band_amount": self.chance.choice((None, 0, 300, self.minor())),
        }

    def _paid_by(self, invoice: Json, charges: list[Json]) -> Json:
        charge = self.chance.choice(charges)
        by_intent = {"type": "payment_intent", "payment_intent": charge["payment_intent"]}
        by_charge = {"type": "charge", "charge": charge["id"]}
        return {
            "id": self.id("inpay"),
            "invoice": invoice["id"],
            "payment": by_intent if charge["payment_intent"] and self.now_and_then(0.5) else by_charge,
        }

    def charge(self) -> Json:
        pick = self.chance
        amount = self.minor()
        status = (
            "unheard" if self.is_odd() else pick.choice(("succeeded", "succeeded", "succeeded", "failed", "pending"))
        )
        is_captured = status == "succeeded" and not self.now_and_then(0.1)
        captured = pick.choice((amount, amount, amount, amount // 2)) if is_captured else 0
        refunded = pick.choice((0, 0, captured, captured // 3)) if status == "succeeded" else 0
        return {
            "id": self.id("ch"),
            "object": "charge",
            "status": status,
            "captured": is_captured,
            "paid": status == "succeeded",
            "currency": pick.choice((self.currency, self.currency, "usd", "eur")),
            "created": self.past(),
            "amount": amount,
            "amount_captured": captured,
            "amount_refunded": refunded,
            "payment_intent": self.maybe(self.id("pi"), 0.5),
            "payment_method": self.maybe("pm_gone", 0.1),
            "failure_code": pick.choice((None, "card_declined")) if status == "failed" else None,
            "payment_method_details": pick.choice(
                (None, {"type": "card", "card": self._card()}, {"type": "sepa_debit"})
            ),
        }

    def _refund(self, charge: Json) -> Json:
        pick = self.chance
        by_intent = charge["payment_intent"] is not None and self.now_and_then()
        return {
            "id": self.id("re"),
            "object": "refund",
            "charge": None if by_intent else charge["id"],
            "payment_intent": charge["payment_intent"],
            "amount": pick.choice((1, charge["amount"] // 3)),
            "currency": charge["currency"],
            "status": pick.choice(("succeeded", "succeeded", "pending", "failed", "canceled", "requires_action")),
            "reason": pick.choice((None, None, "expired_uncaptured_charge")),
            "created": self.past(),
        }

    def _dispute(self, charge: Json) -> Json:
        pick = self.chance
        by_intent = charge["payment_intent"] is not None and self.now_and_then()
        statuses = ("lost", "lost", "won", "needs_response", "under_review", "warning_closed", "prevented")
        return {
            "id": self.id("du"),
            "object": "dispute",
            "charge": None if by_intent else charge["id"],
            "payment_intent": charge["payment_intent"],
            "amount": pick.choice((charge["amount"], charge["amount"] // 2)),
            "currency": pick.choice((charge["currency"], charge["currency"], "usd")),
            "status": pick.choice((*statuses, "appeal_under_review", "appeal_needs_response", "lunar")),
        }

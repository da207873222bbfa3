"""Every fact once more, slowly and straight from its definition; shares no code with what it checks.

It takes a bundle as JSON, an instant in Unix seconds and the settings, and gives each fact as `ochre facts derive`
prints it: None where there is nothing, `UNKNOWN` where there may be something that can't be known. Amounts are pairs of
a currency and a Fraction of its minor unit.
"""

from fractions import Fraction
from typing import Any

from tests.unit.derive.reference.base import DAY, UNKNOWN, Json, Question, when
from tests.unit.derive.reference.payments import Payments
from tests.unit.derive.reference.standing import Standing

__all__ = ["UNKNOWN", "Question", "facts", "when"]


def facts(bundle: Json, question: Question) -> Json:
    """Return every fact of a customer."""
    return _Customer(bundle, question).facts()


class _Customer(Standing, Payments):
    def facts(self) -> Json:
        found = self._person() | self._money_of_subscriptions() | self._standing()
        found |= self._invoices() | self._paid() | self._failure()
        primary = self._primary()
        found |= self._primary_facts(primary) | self._card(primary)
        return found | self._timeline()

    # The customer object.

    def _person(self) -> Json:
        who = self.customer
        country = (who.get("address") or {}).get("country")
        balance = who.get("balance") or 0
        currency = (who.get("currency") or "").lower()
        return {
            "customer_id": who["id"],
            "email": who.get("email") or None,
            "country": country.upper() if country else None,
            "currency": currency or None,
            "customer_since": when(who.get("created")),
            "livemode": who.get("livemode") is True,
            "delinquent": who.get("delinquent") is True,
            "balance": UNKNOWN if balance and not currency else self.money([(currency, Fraction(balance))]),
        }

    # The card.

    def _card(self, primary: Any) -> Json:
        names = ["card_brand", "card_last4", "card_expires_at", "card_expired", "card_days_left"]
        if primary == UNKNOWN:
            return dict.fromkeys(names, UNKNOWN)
        sub = primary or {}
        named = [
            sub.get("default_payment_method"),
            sub.get("default_source"),
            (self.customer.get("invoice_settings") or {}).get("default_payment_method"),
            self.customer.get("default_source"),
        ]
        chosen = next((each for each in named if each), None)
        newest = sorted(self.all("charges"), key=lambda each: (each["created"], each["id"]))
        method = None
        if chosen is not None:
            method = self.lookup("payment_methods", chosen) or next(
                (each["payment_method_details"] for each in reversed(newest) if each.get("payment_method") == chosen),
                None,
            )
            if method is None:
                return dict.fromkeys(names, UNKNOWN)
        else:
            method = next(
                (each["payment_method_details"] for each in reversed(newest) if each["payment_method_details"]), None
            )
        card = (method or {}) if (method or {}).get("object") == "card" else (method or {}).get("card")
        if not card:
            return dict.fromkeys(names, None) | {"card_expired": False}
        year, month = (
            (card["exp_year"] + 1, 1) if card["exp_month"] == 12 else (card["exp_year"], card["exp_month"] + 1)
        )
        end = f"{year:04}-{month:02}-01T00:00:00Z"
        seconds = _midnight(year, month)
        spelled = {"American Express": "amex", "Diners Club": "diners", "Eftpos Australia": "eftpos_au"}
        return {
            "card_brand": spelled.get(card["brand"], card["brand"].lower()),
            "card_last4": card["last4"],
            "card_expires_at": end,
            "card_expired": seconds <= self.q.at,
            "card_days_left": self.days_until(seconds),
        }

    # What happened lately.

    def _timeline(self) -> Json:
        instants = {
            "invoice_created": [each["created"] for each in self.all("invoices")],
            "subscription_created": [each["created"] for each in self.all("subscriptions")],
            "charged": [each["created"] for each in self.payments()],
            "charge_refunded": [
                each["created"]
                for charge in self.all("charges")
                for each in self.of_charge("refunds", charge)
                if each["status"] not in ("failed", "canceled")
            ],
            "subscription_deleted": [
                at for each in self.ended() if each["status"] == "canceled" and (at := self.ended_at(each)) is not None
            ],
        }
        days = {f"days_since_{name}": self.days_since(max(each)) if each else None for name, each in instants.items()}
        recent = [name for name, each in instants.items() if any(at >= self.q.at - 30 * DAY for at in each)]
        return days | {"recent_events": recent}


def _midnight(year: int, month: int) -> int:
    """Unix seconds of the first of a month, counted day by day."""
    days = 0
    for each in range(1970, year):
        days += 366 if each % 4 == 0 and (each % 100 != 0 or each % 400 == 0) else 365
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    lengths = [31, 29 if leap else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    return (days + sum(lengths[: month - 1])) * DAY

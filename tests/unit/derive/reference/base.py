"""What the parts of the reference stand on."""

import time
from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil, floor
from typing import Any

Json = dict[str, Any]
Money = list[tuple[str, Fraction]]

UNKNOWN = "<unknown>"
DAY = 86_400
MONTHLY = {"day": Fraction(365, 12), "week": Fraction(52, 12), "month": Fraction(1), "year": Fraction(1, 12)}
MINOR_UNITS = {"jpy": 1, "krw": 1, "kwd": 1000, "bhd": 1000}
SHOWN = {"jpy": 0, "krw": 0, "isk": 0, "ugx": 0, "kwd": 3, "bhd": 3}
RANK = ["active", "past_due", "trialing", "unpaid", "paused", "incomplete"]
WORST = ["unpaid", "past_due", "incomplete", "paused", "trialing", "active"]


class Unknowable(Exception):  # noqa: N818 - it is no error, it is an answer
    """Something on the way to a fact can't be known."""


@dataclass(frozen=True)
class Question:
    """What is asked besides the bundle."""

    at: int
    currency: str = "usd"
    rates: dict[str, Fraction] = field(default_factory=dict)
    repeating: bool = False
    once: bool = False
    at_cancellation: bool = False


def when(seconds: int | None) -> str | None:
    """Return Unix seconds as an instant is written."""
    return None if seconds is None else time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


class Base:
    """Reading a bundle: lists, references, money, days."""

    def __init__(self, bundle: Json, question: Question) -> None:
        self.q = question
        self.customer: Json = bundle["customer"]
        self.of = {
            kind: [each for each in bundle.get(kind, []) if not each.get("deleted")]
            for kind in bundle
            if kind != "customer"
        }
        self.raw = bundle

    def all(self, kind: str) -> list[Json]:
        return self.of.get(kind, [])

    def money(self, amounts: Money) -> str:
        """Add up, convert, round once; UNKNOWN without a rate."""
        try:
            return self.written(self.converted(amounts))
        except Unknowable:
            return UNKNOWN

    def converted(self, amounts: Money) -> Fraction:
        by_currency: dict[str, Fraction] = {}
        for currency, minor in amounts:
            by_currency[currency] = by_currency.get(currency, Fraction(0)) + minor
        return sum((self.major(minor, currency) for currency, minor in by_currency.items() if minor), Fraction(0))

    def major(self, minor: Fraction, currency: str) -> Fraction:
        if currency != self.q.currency and currency not in self.q.rates:
            raise Unknowable
        rate = Fraction(1) if currency == self.q.currency else self.q.rates[currency]
        return Fraction(minor, MINOR_UNITS.get(currency, 100)) * rate

    def written(self, amount: Fraction) -> str:
        places = SHOWN.get(self.q.currency, 2)
        units = floor(abs(amount) * 10**places + Fraction(1, 2))
        digits = str(units).zfill(places + 1)
        sign = "-" if amount < 0 and units else ""
        return sign + (f"{digits[:-places]}.{digits[-places:]}" if places else digits)

    def lookup(self, kind: str, reference: Any) -> Json | None:
        """Find what is referred to: an id in its list, or the object itself completed from there."""
        inline = reference if isinstance(reference, dict) else None
        key = inline.get("id") if inline else reference
        listed = next((each for each in self.raw.get(kind, []) if each.get("id") == key), None) if key else None
        if inline is None or listed is None:
            return inline or listed
        first, second = (inline, listed) if kind == "coupons" else (listed, inline)
        return {
            name: first.get(name) if first.get(name) is not None else second.get(name) for name in {**first, **second}
        }

    def items(self, sub: Json) -> list[Json]:
        embedded = [each for each in sub["items"]["data"] if not each.get("deleted")]
        known = {each["id"] for each in embedded}
        more = [each for each in self.all("subscription_items") if each["subscription"] == sub["id"]]
        return embedded + [each for each in more if each["id"] not in known]

    def all_items(self, sub: Json) -> bool:
        return not sub["items"]["has_more"] or len(self.items(sub)) > len(sub["items"]["data"])

    def price(self, item: Json) -> Json | None:
        return self.lookup("prices", item["price"])

    def licensed(self, item: Json) -> bool | None:
        price = self.price(item)
        if price is None:
            return None
        if price["type"] == "one_time":
            return False
        usage = price["recurring"]["usage_type"]
        return {"licensed": True, "metered": False}.get(usage)

    def live(self) -> list[Json]:
        return [each for each in self.all("subscriptions") if each["status"] not in ("canceled", "incomplete_expired")]

    def ended(self) -> list[Json]:
        return [each for each in self.all("subscriptions") if each["status"] in ("canceled", "incomplete_expired")]

    def ended_at(self, sub: Json) -> int | None:
        return sub.get("ended_at") if sub.get("ended_at") is not None else sub.get("canceled_at")

    def days_until(self, seconds: int) -> int:
        return max(0, ceil(Fraction(seconds - self.q.at, DAY)))

    def days_since(self, seconds: int) -> int:
        return max(0, floor(Fraction(self.q.at - seconds, DAY)))

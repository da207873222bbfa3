"""How a number beside a conversation was made, over all customers it is made of. Pure.

Laws of this module
- The lines are those the fact was computed from; the amounts of a money fact's lines add up to `exact`, which is
  rounded once to `value`.
- Where there are too many payments to read, those of one currency become one line; the sum stays the same.
- Nothing is explained that is not known: a fact without value says why, and names no sum.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from engine.core.facts import Facts, Reason, format_instant, to_json
from stripe_sync.dashboard import Dashboard
from stripe_sync.derive import CustomerFacts, DeriveSettings
from stripe_sync.derive.explain import Explanation, written
from stripe_sync.derive.lookup import Lookup
from stripe_sync.derive.money import Missing, rounded
from stripe_sync.derive.read import living, reference, text
from stripe_sync.derive.revenue import COUNTING, counts
from stripe_sync.objects import Bundle

EXPLAINED = ("mrr", "ltv", "status", "plan")
"""The facts that can be explained line by line."""
MONEY = frozenset({"mrr", "ltv"})
MAX_PAYMENTS = 50
"""Up to so many payments have a line each."""
_SUMMED = ("captured", "refunded", "lost_in_disputes", "amount")

ExplanationJson = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainedCustomer:
    """One of the customers an end user's facts are made of."""

    customer_id: str
    dashboard: Dashboard
    bundle: Bundle
    facts: CustomerFacts
    explanations: Mapping[str, Explanation]
    """By fact, as derivation gives them."""
    settings: DeriveSettings


def explanation(
    fact: str,
    facts: Facts,
    counted: Sequence[ExplainedCustomer],
    left_out: Sequence[ExplainedCustomer] = (),
) -> ExplanationJson:
    """Return how `fact` was made of the customers that count, with those left out because live money is there.

    `facts` are the end user's, of which the number is told.
    """
    value, reason = facts.get(fact), facts.reasons.get(fact)
    lines = [] if reason is Reason.NOT_SYNCED else [line for each in counted for line in _lines(fact, each)]
    told: ExplanationJson = {
        "fact": fact,
        "value": to_json(value),
        "reason": None if value is not None or reason is None else reason.value,
        "missing": None if value is not None else _missing(fact, counted, facts),
        "as_of": format_instant(facts.as_of.replace(microsecond=0)),
        "lines": lines,
        "left_out": [_customer(each) for each in left_out],
        "current": True,
    }
    if fact in MONEY and counted:
        told |= _sum(lines, counted[0].settings.reporting_currency, is_known=value is not None)
        told["current"] = told["exact"] is None or told["sum"] == told["value"]
    if fact == "mrr" and counted:
        # Where a line is missing for want of a rate, what counts is not told apart from what does not.
        told["uncounted"] = [] if value is None else [line for each in counted for line in _uncounted(each)]
        told["settings"] = _settings(counted[0].settings)
    if fact == "status":
        for line in lines:
            line["decides"] = line["status"] == value
    return told


def _settings(chosen: DeriveSettings) -> ExplanationJson:
    return {
        "subtract_repeating": chosen.subtract_repeating,
        "subtract_once": chosen.subtract_once,
        "churn_at": chosen.churn_at.value,
    }


def _sum(lines: Sequence[Mapping[str, Any]], currency: str, *, is_known: bool) -> ExplanationJson:
    exact = sum((Fraction(line["amount"]) for line in lines), Fraction(0))
    value = rounded(exact, currency)
    if not is_known or isinstance(value, Missing):
        return {"currency": currency, "exact": None, "rounding": None, "sum": None}
    rounding = written(Fraction(value) - exact)
    return {"currency": currency, "exact": written(exact), "rounding": rounding, "sum": to_json(value)}


def _missing(fact: str, counted: Iterable[ExplainedCustomer], facts: Facts) -> str | None:
    """Return why there is no value, as the end of the sentence "no value because …"."""
    told = (each.explanations.get(fact, {}).get("missing") for each in counted)
    noted = (note.message for note in facts.notes if note.fact == fact)
    return next((str(message) for message in (*told, *noted) if message), None)


def _lines(fact: str, customer: ExplainedCustomer) -> list[ExplanationJson]:
    found = customer.explanations.get(fact, {}).get("lines")
    lines = [line for line in found if isinstance(line, dict)] if isinstance(found, list) else []
    if fact == "ltv":
        return _payments(lines, customer)
    names = _Names(customer.bundle)
    return [
        {
            **line,
            "name": names.name(line.get("price"), line.get("product")),
            "customer": customer.customer_id,
            "url": customer.dashboard.url("subscriptions", str(line.get("subscription"))),
            "price_url": customer.dashboard.url("prices", str(line["price"])) if line.get("price") else None,
        }
        for line in lines
    ]


class _Names:
    """What items are called: by their product, else by their price."""

    def __init__(self, bundle: Bundle) -> None:
        self._lookup = Lookup(bundle)
        self._inline = {
            reference(item, "price"): item.get("price") or item.get("plan")
            for subscription in living(bundle.subscriptions)
            for item in self._lookup.items_of(subscription)
        }

    def name(self, price_id: object, product_id: object) -> str | None:
        price = self._lookup.find("prices", price_id) or self._inline.get(str(price_id))
        product = self._lookup.find("products", product_id or {}) or self._lookup.find("products", price, "product")
        return text(product, "name") or text(price, "nickname")


def _payments(lines: Sequence[Mapping[str, Any]], customer: ExplainedCustomer) -> list[ExplanationJson]:
    if len(lines) > MAX_PAYMENTS or any(line["charge"] is None for line in lines):
        return [_summary(each, customer) for each in _by_currency(lines)]
    charges = {reference(charge): charge for charge in living(customer.bundle.charges)}
    found = []
    for line in lines:
        charge = charges.get(line["charge"], {})
        opens = reference(charge, "payment_intent") or line["charge"]
        created = charge.get("created")
        made = {
            "created": created if isinstance(created, int) else None,
            "customer": customer.customer_id,
            "url": customer.dashboard.url("charges", opens),
        }
        found.append({**line, **made})
    return sorted(found, key=lambda line: line["created"] or 0, reverse=True)


def _by_currency(lines: Sequence[Mapping[str, Any]]) -> Iterable[Sequence[Mapping[str, Any]]]:
    grouped = defaultdict(list)
    for line in lines:
        grouped[line["currency"]].append(line)
    return [grouped[currency] for currency in sorted(grouped)]


def _summary(lines: Sequence[Mapping[str, Any]], customer: ExplainedCustomer) -> ExplanationJson:
    """Return one line for all payments in one currency."""
    rated = next((line for line in lines if line["rate"] is not None), lines[0])
    sums = {name: written(sum((Fraction(line[name]) for line in lines), Fraction(0))) for name in _SUMMED}
    return {
        **{name: rated[name] for name in ("currency", "rate", "rate_of", "rate_source")},
        **sums,
        "charge": None,
        "charges": sum(line["charges"] for line in lines),
        "created": None,
        "customer": customer.customer_id,
        "url": customer.dashboard.url("customers", customer.customer_id),
    }


def _uncounted(customer: ExplainedCustomer) -> list[ExplanationJson]:
    """Return the live subscriptions that add nothing to MRR, each with the reason."""
    counted = {line["subscription"] for line in _lines("mrr", customer)}
    subscriptions = {reference(each): each for each in living(customer.bundle.subscriptions)}
    found = []
    for line in _lines("status", customer):
        subscription = subscriptions.get(line["subscription"], {})
        if line["subscription"] in counted:
            continue
        if line["status"] not in COUNTING:
            why = "status"
        else:
            why = "nothing_recurs" if counts(subscription, customer.settings) else "cancels"
        shown = {key: line[key] for key in ("subscription", "status", "customer", "url")}
        found.append({**shown, "why": why})
    return found


def _customer(customer: ExplainedCustomer) -> ExplanationJson:
    return {
        "customer": customer.customer_id,
        "livemode": customer.dashboard.livemode,
        "url": customer.dashboard.url("customers", customer.customer_id),
    }

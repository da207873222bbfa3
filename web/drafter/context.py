"""A customer's billing as a drafter may see it: typed facts, and a text for its prompt. Pure.

Laws of this module
- Only the facts named here leave, and none of them is text that a customer can write: no names, addresses,
  subjects or messages. A plan's name is the merchant's; even so it is cut to one short line.
- Unknown is said to be unknown, with the reason in words; it is never left out and never zero.
- While several customers fit the sender, nothing is known about any of them. To a member barred from billing data
  nothing is told at all.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from engine.core.explain import REASONS, label
from engine.core.facts import FactCatalog, Facts, FactSpec, FactType, FactValue, Reason, format_instant, to_json

STATE_WORDS = {
    "linked": "The sender is a known Stripe customer.",
    "ambiguous": "Several Stripe customers fit the sender; which one it is, is not known.",
    "not_found": "No Stripe customer has the sender's e-mail address.",
    "not_connected": "Stripe is not connected, so nothing is known about the customer.",
    "forbidden": "Billing data is closed to whoever asks, so nothing is told about the customer.",
    "stale": "The sender is a known Stripe customer, but Stripe was not reached lately; the facts may be old.",
}
FACTS = (
    "customer",
    "livemode",
    "customer_since",
    "status",
    "plan",
    "plan_interval",
    "plan_interval_count",
    "plan_price",
    "quantity",
    "subscriptions",
    "last_plan",
    "ended_at",
    "on_trial",
    "trial_ends_at",
    "trial_days_left",
    "period_end",
    "cancels",
    "cancels_at",
    "collection_paused",
    "discounted",
    "mrr",
    "ltv",
    "balance",
    "delinquent",
    "open_invoices",
    "overdue_invoices",
    "amount_due",
    "days_overdue",
    "last_invoice_status",
    "last_invoice_at",
    "last_invoice_amount",
    "charge_failed",
    "charge_failed_at",
    "failure_code",
    "payments",
    "last_payment_at",
    "last_payment_amount",
    "refunded",
    "last_refund_at",
    "disputes",
    "open_disputes",
    "card_expired",
    "card_days_left",
)
MAX_TEXT = 100
FORBIDDEN = "forbidden"


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a drafter gets."""

    state: str
    facts: Mapping[str, FactValue | None]
    unknown: Mapping[str, str]
    """Why a fact has no value, in words."""
    text: str
    as_of: datetime
    definitions: Mapping[str, str]

    def to_json(self) -> dict[str, Any]:
        """Return the shape of the contracts."""
        return {
            "state": self.state,
            "facts": {name: to_json(value) for name, value in self.facts.items()},
            "unknown": dict(self.unknown),
            "text": self.text,
            "as_of": format_instant(self.as_of),
            "definitions": dict(self.definitions),
        }


def build_context(state: str, facts: Facts, catalog: FactCatalog, currency: str) -> Context:
    """Return what a drafter may know of a customer; `currency` is the one all money is in."""
    specs = [catalog.get(name) for name in FACTS if name in catalog]
    is_closed = state in {"ambiguous", FORBIDDEN}
    values = {spec.name: None if is_closed else _clean(facts.get(spec.name)) for spec in specs}
    unknown = {spec.name: _why(state, facts, spec.name) for spec in specs if values[spec.name] is None}
    return Context(
        state=state,
        facts=values,
        unknown=unknown,
        text=_text(state, specs, values, unknown, facts.as_of, currency),
        as_of=facts.as_of,
        definitions={spec.name: spec.definition for spec in specs},
    )


def _why(state: str, facts: Facts, name: str) -> str:
    if state == FORBIDDEN:
        return "billing data is closed to whoever asks"
    reason = Reason.AMBIGUOUS if state == "ambiguous" else facts.reasons.get(name)
    return "nothing is known about it" if reason is None else REASONS[reason]


def _clean(value: FactValue | None) -> FactValue | None:
    if not isinstance(value, str):
        return value
    return " ".join("".join(c if c.isprintable() else " " for c in value).split())[:MAX_TEXT]


def _text(
    state: str,
    specs: list[FactSpec],
    values: Mapping[str, FactValue | None],
    unknown: Mapping[str, str],
    as_of: datetime,
    currency: str,
) -> str:
    lines = [
        f"Billing facts about the sender, from Stripe, as of {format_instant(as_of)}.",
        STATE_WORDS.get(state, "What is known about the sender's billing:"),
    ]
    for spec in specs:
        value = values[spec.name]
        if value is not None:
            lines.append(f"- {label(spec.name)}: {_words(spec, value, currency)}")
    by_reason: dict[str, list[str]] = {}
    for name, reason in unknown.items():
        by_reason.setdefault(reason, []).append(label(name))
    lines.extend(f"- unknown, because {reason}: {', '.join(names)}" for reason, names in by_reason.items())
    lines.append("Say nothing about billing that does not stand above; what is unknown is not zero.")
    return "\n".join(lines)


def _words(spec: FactSpec, value: FactValue, currency: str) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Decimal):
        return f"{value:,f} {currency.upper()}" if spec.type is FactType.MONEY else format(value, "f")
    return str(to_json(value))

"""The panel beside a conversation: what is known of the customer, every value with the record it opens. Pure.

A value that is missing is `None` and says why in `reason`; amounts are strings in major units, those of facts in the
workspace's reporting currency, those of invoices and payments in their own.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from engine.core.facts import Facts, format_instant, to_json
from stripe_sync.connect.models import Connection
from stripe_sync.currencies import scale, shown_decimals
from stripe_sync.dashboard import Dashboard
from stripe_sync.history_repository import PastChange
from stripe_sync.kinds import StripeJson, instant, reference
from stripe_sync.links import LinkedCustomer, Subject

FRESH = timedelta(minutes=15)
"""A connection that heard nothing from Stripe for longer shows as stale."""
MAX_INVOICES = 8
MAX_TIMELINE = 20

PanelJson = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One mirrored object, and the Dashboard it opens in."""

    payload: StripeJson
    dashboard: Dashboard


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateCard:
    """A customer to choose from."""

    customer: LinkedCustomer
    email: str | None
    name: str | None
    created: datetime | None
    dashboard: Dashboard
    is_best: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelData:
    """Everything a panel is made of."""

    subject: Subject
    facts: Facts
    """Of the linked customers, or of the best candidate when it is a preview."""
    currency: str
    dashboard: Dashboard | None
    """Of the customer the facts name."""
    customer_id: str | None
    name: str | None = None
    """What Stripe calls that customer."""
    invoices: Sequence[Record] = ()
    charges: Sequence[Record] = ()
    refunds: Sequence[Record] = ()
    subscriptions: Sequence[Record] = ()
    candidates: Sequence[CandidateCard] = ()
    history: Sequence[PastChange] = ()
    connections: Sequence[Connection] = ()
    """The workspace's; they tell why nobody was found."""


def state_of(subject: Subject, now: datetime) -> str:
    """Return the panel's state: `not_connected`, `linked`, `stale`, `ambiguous` or `not_found`."""
    if not subject.is_connected:
        return "not_connected"
    active = [customer.connection for customer in subject.customers if customer.connection.is_active]
    if active:
        contacts = [connection.last_contact_at for connection in active]
        is_fresh = all(contact is not None and now - contact <= FRESH for contact in contacts)
        return "linked" if is_fresh else "stale"
    return "ambiguous" if subject.match == "ambiguous" else "not_found"


def pending_of(connections: Iterable[Connection], now: datetime) -> str | None:
    """Return why a customer who was not found may yet be: `reading` the account, Stripe `unreachable`, or None."""
    active = [connection for connection in connections if connection.is_active]
    if any("customers" not in connection.synced_kinds for connection in active):
        return "reading"
    contacts = [connection.last_contact_at for connection in active]
    return "unreachable" if any(at is None or now - at > FRESH for at in contacts) else None


def build(data: PanelData, now: datetime) -> PanelJson:
    """Return the panel as the contracts have it, without `why`."""
    state = state_of(data.subject, now)
    shown = data.dashboard is not None and data.customer_id is not None and state in {"linked", "stale", "ambiguous"}
    return {
        "state": state,
        "pending": pending_of(data.connections, now) if state == "not_found" else None,
        "preview": state == "ambiguous" and shown,
        **(_values(data) if shown else _NOTHING),
        "invoices": [_invoice(record, now) for record in data.invoices[:MAX_INVOICES]] if shown else [],
        "last_payment": _last_payment(data.charges) if shown else None,
        "candidates": [_candidate(card) for card in data.candidates],
        "timeline": _timeline(data) if shown else [],
        "synced_at": _synced_at(data.subject),
    }


_NOTHING: Mapping[str, None] = {"customer": None, "plan": None, "mrr": None, "ltv": None, "status": None}


def _values(data: PanelData) -> PanelJson:
    facts, dashboard = data.facts, data.dashboard
    assert dashboard is not None
    assert data.customer_id is not None
    customer_url = dashboard.url("customers", data.customer_id)
    subscription_id, product_id = facts.get("subscription_id"), facts.get("product_id")
    subscription_url = (
        dashboard.url("subscriptions", subscription_id) if isinstance(subscription_id, str) else customer_url
    )
    plan_url = dashboard.url("products", product_id) if isinstance(product_id, str) else subscription_url
    return {
        "customer": {
            "id": data.customer_id,
            "url": customer_url,
            "name": data.name,
            "email": facts.get("email"),
            "match": data.subject.match,
            "account": dashboard.account_id,
            "livemode": dashboard.livemode,
        },
        "plan": {
            "name": to_json(facts.get("plan")),
            "price": _amount(facts, "plan_price", data.currency),
            "currency": data.currency,
            "interval": to_json(facts.get("plan_interval")),
            "url": plan_url,
            "reason": _reason(facts, "plan"),
        },
        "mrr": {**_money(facts, "mrr", data.currency), "url": subscription_url},
        "ltv": {**_money(facts, "ltv", data.currency), "url": customer_url},
        "status": {
            "value": to_json(facts.get("status")),
            "url": subscription_url,
            "reason": _reason(facts, "status"),
        },
    }


def _money(facts: Facts, name: str, currency: str) -> PanelJson:
    return {"amount": _amount(facts, name, currency), "currency": currency, "reason": _reason(facts, name)}


def _amount(facts: Facts, name: str, currency: str) -> str | None:
    value = facts.get(name)
    return f"{value:.{shown_decimals(currency)}f}" if isinstance(value, Decimal | int) else None


def _reason(facts: Facts, name: str) -> str | None:
    why = facts.reasons.get(name)
    return None if why is None or name in facts.values else why.value


def minor_to_text(amount: object, currency: object) -> str | None:
    """Return an amount of Stripe's minor units as people write it, or None if it is not one."""
    if isinstance(amount, bool) or not isinstance(amount, int) or not isinstance(currency, str):
        return None
    code = currency.lower()
    return f"{Decimal(amount) / scale(code):.{shown_decimals(code)}f}"


def _at(payload: Mapping[str, Any], name: str = "created") -> str | None:
    found = instant(payload.get(name))
    return None if found is None else format_instant(found)


def _invoice(record: Record, now: datetime) -> PanelJson:
    payload = record.payload
    is_open = payload.get("status") == "open"
    attempts, due = payload.get("attempt_count"), instant(payload.get("due_date"))
    has_failed = is_open and isinstance(attempts, int) and attempts > 0
    return {
        "id": payload["id"],
        "number": payload.get("number"),
        "status": payload.get("status"),
        "amount": minor_to_text(payload.get("total"), payload.get("currency")),
        "currency": payload.get("currency"),
        "created_at": _at(payload),
        "url": record.dashboard.url("invoices", payload["id"]),
        "overdue": is_open and (due < now if due is not None else has_failed),
        "failed": has_failed,
    }


def _last_payment(charges: Iterable[Record]) -> PanelJson | None:
    """Return the latest charge that succeeded or failed."""
    for record in charges:
        payload = record.payload
        if payload.get("status") in {"succeeded", "failed"}:
            return {
                "failed": payload["status"] == "failed",
                "at": _at(payload),
                "code": payload.get("failure_code"),
                "amount": minor_to_text(payload.get("amount"), payload.get("currency")),
                "currency": payload.get("currency"),
                "url": _payment_url(record),
            }
    return None


def _payment_url(record: Record) -> str:
    # Payments open by their intent; a charge from before intents has none.
    return record.dashboard.url("charges", reference(record.payload, "payment_intent") or record.payload["id"])


def _candidate(card: CandidateCard) -> PanelJson:
    return {
        "connection_id": card.customer.connection.id,
        "customer_id": card.customer.customer_id,
        "email": card.email,
        "name": card.name,
        "livemode": card.customer.connection.livemode,
        "created_at": None if card.created is None else format_instant(card.created),
        "url": card.dashboard.url("customers", card.customer.customer_id),
        "best": card.is_best,
    }


def _timeline(data: PanelData) -> list[PanelJson]:
    entries = [
        *(_entry(record, "invoice_created", record.dashboard.url("invoices", record.payload["id"]), "total")
          for record in data.invoices),
        *(_entry(record, "charged" if record.payload.get("status") == "succeeded" else "charge_failed",
                 _payment_url(record), "amount")
          for record in data.charges if record.payload.get("status") in {"succeeded", "failed"}),
        *(_entry(record, "charge_refunded", _refund_url(record), "amount") for record in data.refunds),
        *(_entry(record, "subscription_created", record.dashboard.url("subscriptions", record.payload["id"]), None)
          for record in data.subscriptions),
        *(_entry(record, "subscription_deleted", record.dashboard.url("subscriptions", record.payload["id"]), None,
                 at="ended_at")
          for record in data.subscriptions if record.payload.get("ended_at")),
        *(_change(data, change) for change in data.history),
    ]  # fmt: skip
    dated = [entry for entry in entries if entry["at"] is not None]
    return sorted(dated, key=lambda entry: (entry["at"], entry["type"], entry["id"]), reverse=True)[:MAX_TIMELINE]


def _change(data: PanelData, change: PastChange) -> PanelJson:
    """Return that a fact became another, which no object of Stripe's tells by itself."""
    assert data.dashboard is not None
    assert data.customer_id is not None
    subscription_id = data.facts.get("subscription_id")
    is_known = isinstance(subscription_id, str)
    url = data.dashboard.url("subscriptions", str(subscription_id)) if is_known else None
    return {
        "type": f"{change.fact}_changed",
        "id": f"{change.fact}@{format_instant(change.at)}",
        "at": format_instant(change.at.replace(microsecond=0)),
        "old": change.old,
        "new": change.new,
        "amount": None,
        "currency": data.currency if change.fact == "mrr" else None,
        "url": url or data.dashboard.url("customers", data.customer_id),
    }


def _entry(record: Record, kind: str, url: str, amount: str | None, *, at: str = "created") -> PanelJson:
    payload = record.payload
    return {
        "type": kind,
        "id": payload["id"],
        "at": _at(payload, at),
        "amount": minor_to_text(payload.get(amount), payload.get("currency")) if amount else None,
        "currency": payload.get("currency") if amount else None,
        "url": url,
    }


def _refund_url(record: Record) -> str:
    payment = reference(record.payload, "payment_intent") or reference(record.payload, "charge")
    return record.dashboard.url("charges", payment or record.payload["id"])


def _synced_at(subject: Subject) -> str | None:
    contacts = [
        customer.connection.last_contact_at
        for customer in (subject.customers or subject.candidates)
        if customer.connection.is_active and customer.connection.last_contact_at is not None
    ]
    return format_instant(min(contacts).replace(microsecond=0)) if contacts else None

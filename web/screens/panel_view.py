"""What the Stripe panel beside a conversation shows, made from the panel of the contracts. Pure and total.

Laws of this module
- A value that is not known is never shown as zero: it says why it is missing.
- Every value that has a record is a link to it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from typing import Any

from engine.core.facts import Facts, to_json
from web.screens import format as fmt
from web.screens.page import Pill
from web.screens.panel_words import (
    BEST,
    EMPTY,
    EVENTS,
    FAILED,
    INVOICE_PILLS,
    LIVE,
    MATCHED,
    MISSING,
    OVERDUE,
    STATUS_WORDS,
    TEST,
    Empty,
)

SHOWN_INVOICES = 5
SHOWN_EVENTS = 6
STATUS_FACTS = ("days_overdue", "trial_days_left", "ended_at", "cancels_at")
Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerView:
    """The identity line."""

    id: str
    name: str
    email: str | None
    url: str
    matched: Pill
    mode: Pill


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusView:
    """The status strip."""

    value: str
    word: str
    icon: str
    tone: str
    detail: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberView:
    """One number, or the word for its absence."""

    label: str
    text: str
    url: str | None = None
    unit: str = ""
    sub: str = ""
    definition: str = ""
    wide: bool = False
    is_name: bool = False
    fact: str = ""
    """The fact whose making can be shown, if any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceView:
    """One invoice."""

    number: str
    url: str
    amount: str
    created_at: datetime | None
    date: str
    pill: Pill


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentView:
    """The last payment, succeeded or failed."""

    amount: str
    url: str
    at: datetime | None
    date: str
    code: str
    pill: Pill


@dataclass(frozen=True, slots=True, kw_only=True)
class EventView:
    """Something that happened to the customer since the conversation began."""

    text: str
    amount: str
    icon: str
    at: datetime
    age: str
    url: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateView:
    """One of several customers it may be."""

    id: str
    name: str
    detail: str
    url: str | None
    mark: Pill | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelView:
    """The whole panel. With `empty` set, what follows it is a preview of the best guess, if anything."""

    state: str
    empty: Empty | None = None
    warning: str = ""
    customer: CustomerView | None = None
    status: StatusView | None = None
    numbers: tuple[NumberView, ...] = ()
    invoices: tuple[InvoiceView, ...] = ()
    payment: PaymentView | None = None
    timeline: tuple[EventView, ...] = ()
    candidates: tuple[CandidateView, ...] = ()
    synced: str = ""

    @property
    def explains(self) -> bool:
        """Return whether numbers can be explained: those of a guess that rules do not see cannot."""
        return self.customer is not None and self.empty is None


def with_facts(panel: Json, facts: Facts) -> dict[str, Any]:
    """Return `panel` with what its details need: the facts behind the status and the plan, and the balance."""
    detailed = dict(panel)
    if panel.get("customer") and panel.get("state") in {"linked", "stale"}:
        detailed["status"] = {**(panel.get("status") or {}), **{key: to_json(facts.get(key)) for key in STATUS_FACTS}}
        plan = {"quantity": to_json(facts.get("quantity")), "interval_count": to_json(facts.get("plan_interval_count"))}
        detailed["plan"] = {**(panel.get("plan") or {}), **plan}
        currency = (panel.get("mrr") or {}).get("currency")
        reason = facts.reasons.get("balance")
        detailed["balance"] = {
            "amount": to_json(facts.get("balance")),
            "currency": currency,
            "url": panel["customer"]["url"],
            "reason": None if reason is None else reason.value,
        }
    return detailed


def panel_view(panel: Json, now: datetime, began_at: datetime | None = None) -> PanelView:
    """Return what to show of `panel` beside a conversation that began at `began_at`."""
    state = str(panel.get("state", "not_found"))
    candidates = tuple(_candidate(candidate, now.tzinfo) for candidate in panel.get("candidates") or ())
    customer = panel.get("customer")
    if not customer:
        why = panel.get("pending") or state
        return PanelView(state=state, empty=EMPTY.get(why, EMPTY["not_found"]), candidates=candidates)
    if state == "ambiguous":
        customer = {**customer, "match": "ambiguous"}
    synced_at = fmt.parse_instant(panel.get("synced_at"))
    return PanelView(
        state=state,
        empty=EMPTY.get(state),
        warning=_warning(state, synced_at, now.tzinfo),
        customer=_customer(customer),
        status=_status(panel, now),
        numbers=_numbers(panel),
        invoices=tuple(_invoice(invoice, now.tzinfo) for invoice in (panel.get("invoices") or ())[:SHOWN_INVOICES]),
        payment=_payment(panel.get("last_payment"), now.tzinfo),
        timeline=_timeline(panel.get("timeline") or (), now, began_at),
        candidates=candidates,
        synced=f"Synced {fmt.ago(synced_at, now)}" if synced_at else "Not synced yet",
    )


def _warning(state: str, synced_at: datetime | None, zone: tzinfo | None) -> str:
    if state != "stale":
        return ""
    since = f" since {fmt.full_time(synced_at, zone)}" if synced_at else ""
    return f"Stripe has not been heard of{since}. What stands here may be out of date."


def _customer(customer: Json) -> CustomerView:
    id_ = str(customer["id"])
    return CustomerView(
        id=id_,
        name=customer.get("name") or customer.get("email") or id_,
        email=customer.get("email") if customer.get("name") else None,
        url=customer["url"],
        matched=MATCHED.get(str(customer.get("match")), MATCHED["email"]),
        mode=LIVE if customer.get("livemode") else TEST,
    )


def _status(panel: Json, now: datetime) -> StatusView | None:
    status = panel.get("status") or {}
    value = status.get("value")
    if value is None:
        return None
    word, icon, tone = STATUS_WORDS.get(value, (str(value), "question", "neutral"))
    url = status.get("url") or panel["customer"]["url"]
    detail = _status_detail(value, status, now)
    return StatusView(value=value, word=word, icon=icon, tone=tone, detail=detail, url=url)


def _status_detail(value: str, status: Json, now: datetime) -> str:
    days_overdue, days_left = status.get("days_overdue"), status.get("trial_days_left")
    ended_at, cancels_at = fmt.parse_instant(status.get("ended_at")), fmt.parse_instant(status.get("cancels_at"))
    if value in {"past_due", "unpaid"} and days_overdue:
        return f"{fmt.plural(days_overdue, 'day')} overdue"
    if value == "trialing" and days_left is not None:
        return f"ends in {fmt.plural(days_left, 'day')}" if days_left else "has ended"
    if value == "canceled" and ended_at:
        return f"ended {fmt.ago(ended_at, now)}"
    return f"cancels on {fmt.date(cancels_at, now.tzinfo)}" if cancels_at else ""


def _numbers(panel: Json) -> tuple[NumberView, ...]:
    plan = panel.get("plan") or {}
    return (
        replace(
            _amount("MRR", panel.get("mrr"), "Monthly recurring revenue: subscriptions, normalised to a month."),
            fact="mrr",
        ),
        replace(_amount("LTV", panel.get("ltv"), "Lifetime value: everything paid so far, less refunds."), fact="ltv"),
        replace(_plan(plan), fact="plan"),
        _amount("Balance", panel.get("balance"), "Stripe's customer balance; negative is credit."),
    )


def _amount(label: str, value: Json | None, definition: str) -> NumberView:
    value = value or {}
    text = fmt.money(value.get("amount"), value.get("currency"))
    if text is None:
        return NumberView(label=label, text=MISSING.get(value.get("reason"), "Unknown"), definition=definition)
    code = str(value.get("currency") or "").upper()
    unit = "" if text.endswith(code) else code
    return NumberView(label=label, text=text, url=value.get("url"), unit=unit, definition=definition)


def _plan(plan: Json) -> NumberView:
    name = plan.get("name")
    if not name:
        return NumberView(label="Plan", text=MISSING.get(plan.get("reason"), "None"))
    quantity = plan.get("quantity")
    price = fmt.money(plan.get("price"), plan.get("currency"))
    count, interval = plan.get("interval_count") or 1, plan.get("interval")
    every = f"/{interval}" if count == 1 else f" every {count} {interval}s"
    parts = [
        f"\N{MULTIPLICATION SIGN} {quantity}" if quantity not in {None, 1} else "",
        f"{price or ''}{every}" if interval else "",
    ]
    return NumberView(
        label="Plan", text=str(name), url=plan.get("url"), sub=" · ".join(filter(None, parts)), is_name=True
    )


def _invoice(invoice: Json, zone: tzinfo | None) -> InvoiceView:
    created_at = fmt.parse_instant(invoice.get("created_at"))
    return InvoiceView(
        number=invoice.get("number") or invoice["id"],
        url=invoice["url"],
        amount=fmt.money(invoice.get("amount"), invoice.get("currency")) or "",
        created_at=created_at,
        date=fmt.date(created_at, zone) if created_at else "",
        pill=_invoice_pill(invoice),
    )


def _invoice_pill(invoice: Json) -> Pill:
    status = str(invoice.get("status"))
    if status in {"open", "failed"} and (invoice.get("failed") or status == "failed"):
        return FAILED
    if status == "open" and invoice.get("overdue"):
        return OVERDUE
    return INVOICE_PILLS.get(status, Pill(text=status, icon="question"))


def _payment(payment: Json | None, zone: tzinfo | None) -> PaymentView | None:
    if not payment or not payment.get("url"):
        return None
    at = fmt.parse_instant(payment.get("at"))
    failed = bool(payment.get("failed"))
    return PaymentView(
        amount=fmt.money(payment.get("amount"), payment.get("currency")) or "Payment",
        url=payment["url"],
        at=at,
        date=fmt.date(at, zone) if at else "",
        code=(payment.get("code") or "") if failed else "",
        pill=FAILED if failed else Pill(text="Succeeded", icon="check", tone="good"),
    )


def _timeline(events: Sequence[Json], now: datetime, began_at: datetime | None) -> tuple[EventView, ...]:
    found = []
    for event in events[:SHOWN_EVENTS]:
        at = fmt.parse_instant(event.get("at"))
        type_ = str(event.get("type"))
        text, icon = EVENTS.get(type_, (type_.replace("_", " ").capitalize(), "dot"))
        if type_.endswith("_changed"):
            text = f"{text}: {_value(event.get('old'), event)} → {_value(event.get('new'), event)}"
        if at is not None and began_at is not None and at >= began_at:
            found.append(
                EventView(
                    text=text,
                    amount=fmt.money(event.get("amount"), event.get("currency")) or "",
                    icon=icon,
                    at=at,
                    age=fmt.age(at, now),
                    url=event.get("url"),
                )
            )
    return tuple(found)


def _value(value: object, event: Json) -> str:
    """Return what a fact was or became, in words."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return "unknown"
    text = str(value)
    return fmt.money(text, event["currency"]) or text if event.get("currency") else text.replace("_", " ")


def _candidate(candidate: Json, zone: tzinfo | None) -> CandidateView:
    id_ = str(candidate.get("id") or candidate.get("customer_id"))
    created_at = fmt.parse_instant(candidate.get("created_at"))
    since = f"since {fmt.date(created_at, zone)}" if created_at else None
    details = (id_, candidate.get("email"), since, "test mode" if candidate.get("livemode") is False else None)
    return CandidateView(
        id=id_,
        name=candidate.get("name") or candidate.get("email") or id_,
        detail=" · ".join(detail for detail in details if detail),
        url=candidate.get("url"),
        mark=BEST if candidate.get("best") else None,
    )

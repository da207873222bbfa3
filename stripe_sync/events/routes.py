"""What an event says, and what it asks of us. Pure.

The type decides whether an event concerns us at all; the object it carries decides what to do. `invoice.created`
should not be subscribed to (an outage of ours would hold the merchant's billing), but where it comes along, as in the
event log, it is taken like any other.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from stripe_sync.kinds import KIND_OF_OBJECT, KINDS, Kind, StripeJson, instant, reference

DEAUTHORIZED = "account.application.deauthorized"
_FAMILIES = frozenset(
    {
        "charge",
        "coupon",
        "credit_note",
        "customer",
        "invoice",
        "invoice_payment",
        "payment_method",
        "price",
        "product",
        "refund",
    }
)
_UNUSED = ("invoice.upcoming", "invoice.will_be_due", "customer.tax_id.", "customer_cash_balance")
_OF_CUSTOMER = frozenset({"bank_account", "card", "discount", "source"})
"""Objects that are not mirrored on their own: they show inside their customer."""

SUBSCRIBE_TO = (
    "customer.created",
    "customer.updated",
    "customer.deleted",
    "customer.discount.created",
    "customer.discount.updated",
    "customer.discount.deleted",
    "customer.source.created",
    "customer.source.updated",
    "customer.source.deleted",
    "customer.subscription.created",
    "customer.subscription.updated",
    "customer.subscription.deleted",
    "customer.subscription.paused",
    "customer.subscription.resumed",
    "invoice.finalized",
    "invoice.paid",
    "invoice.payment_failed",
    "invoice.payment_action_required",
    "invoice.overdue",
    "invoice.updated",
    "invoice.voided",
    "invoice.marked_uncollectible",
    "invoice.deleted",
    "invoice_payment.paid",
    "charge.succeeded",
    "charge.failed",
    "charge.pending",
    "charge.captured",
    "charge.refunded",
    "charge.updated",
    "charge.refund.updated",
    "charge.expired",
    "charge.dispute.created",
    "charge.dispute.updated",
    "charge.dispute.closed",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.funds_reinstated",
    "refund.created",
    "refund.updated",
    "refund.failed",
    "credit_note.created",
    "credit_note.updated",
    "credit_note.voided",
    "payment_method.attached",
    "payment_method.automatically_updated",
    "payment_method.detached",
    "payment_method.updated",
    "product.created",
    "product.updated",
    "product.deleted",
    "price.created",
    "price.updated",
    "price.deleted",
    "coupon.created",
    "coupon.updated",
    "coupon.deleted",
    DEAUTHORIZED,
)
"""What a merchant's own webhook endpoint should send."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StripeEvent:
    """An event as it came."""

    id: str
    type: str
    created: datetime
    livemode: bool
    account: str | None
    """The connected account; none in a merchant's own endpoint and in the event log."""
    object: StripeJson


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to do about an event."""

    kind: Kind | None = None
    """The kind of the object it shows, where that is mirrored."""
    is_deleted: bool = False
    refetch: tuple[tuple[Kind, str], ...] = ()
    """Other objects that have changed with it."""
    is_deauthorization: bool = False


def read(document: object) -> StripeEvent | None:
    """Return the event a JSON document is, or None if it is none."""
    if not isinstance(document, Mapping):
        return None
    event_id, kind, data = document.get("id"), document.get("type"), document.get("data")
    created, livemode, account = instant(document.get("created")), document.get("livemode"), document.get("account")
    content = data.get("object") if isinstance(data, Mapping) else None
    if (
        not isinstance(event_id, str)
        or not event_id
        or not isinstance(kind, str)
        or created is None
        or not isinstance(livemode, bool)
        or not isinstance(content, dict)
    ):
        return None
    return StripeEvent(
        id=event_id[:255],
        type=kind[:255],
        created=created,
        livemode=livemode,
        account=account if isinstance(account, str) else None,
        object=content,
    )


def is_used(event_type: str) -> bool:
    """Return whether events of a type can change anything here."""
    if event_type == DEAUTHORIZED:
        return True
    return event_type.partition(".")[0] in _FAMILIES and not event_type.startswith(_UNUSED)


def plan(event: StripeEvent) -> Plan:
    """Return what to do about an event that is used."""
    if event.type == DEAUTHORIZED:
        return Plan(is_deauthorization=True)
    content: Mapping[str, Any] = event.object
    object_type = str(content.get("object"))
    kind = KIND_OF_OBJECT.get(object_type)
    if kind is None or reference(content, "id") is None:
        return Plan(refetch=_owners(content) if object_type in _OF_CUSTOMER else ())
    changed_with = ("charge",) if kind.name in {"refunds", "disputes"} else ()
    # `customer.subscription.deleted` ends a subscription, which stays readable; these objects are gone for good.
    is_deleted = event.type == f"{kind.object}.deleted" or content.get("deleted") is True
    others = tuple((KINDS[f"{name}s"], found) for name in changed_with if (found := reference(content, name)))
    return Plan(kind=kind, is_deleted=is_deleted, refetch=others)


def subject_of(event: StripeEvent) -> str | None:
    """Return the id of the object an event is about: the one it shows if that is mirrored, else its owner."""
    content = event.object
    if content.get("object") in KIND_OF_OBJECT:
        return reference(content, "id")
    owners = _owners(content)
    return owners[-1][1] if owners else reference(content, "id")


def _owners(content: Mapping[str, Any]) -> tuple[tuple[Kind, str], ...]:
    names = (("customer", "customers"), ("subscription", "subscriptions"))
    return tuple((KINDS[kind], found) for name, kind in names if (found := reference(content, name)))

"""What derivation reads: Stripe's objects around one customer, as the API returns them.

The objects stay plain dictionaries. Stripe adds fields and values at any time, a reference may stand as an id or as the
object itself, and any optional field may be missing or null; so nothing here is parsed up front, and the readers in
`stripe_sync.derive.read` take each field as they find it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

StripeObject = dict[str, Any]
"""One object of Stripe's API, decoded from JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargeSum:
    """Charges of one currency that are not listed one by one, added up in minor units."""

    currency: str
    payments: int = 0
    """How many of them succeeded and were captured."""
    captured: int = 0
    """Of the payments."""
    refunded: int = 0
    """Of the payments."""
    refunded_otherwise: int = 0
    """What all others say was refunded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rest:
    """What a bundle's lists leave out, added up: none of it decides a fact alone.

    A charge is left out only where it is no latest one, waits for nothing, says itself what was captured and refunded,
    and lost no dispute. An invoice is left out only where it is closed, and no latest one.
    """

    charges: Sequence[ChargeSum] = ()
    off_stripe: Mapping[str, int] = field(default_factory=dict)
    """By currency, in minor units, what was paid for invoices outside Stripe."""
    untold_off_stripe: int = 0
    """How many paid invoices do not say that."""
    disputes: Mapping[str, int] = field(default_factory=dict)
    """By status, how many."""


NO_REST = Rest()
"""Everything is listed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """One customer and everything of theirs; the names of the lists are also the names of the kinds of objects."""

    customer: StripeObject | None = None
    subscriptions: Sequence[StripeObject] = ()
    """Of every status, ended ones too."""
    invoices: Sequence[StripeObject] = ()
    charges: Sequence[StripeObject] = ()
    refunds: Sequence[StripeObject] = ()
    """Of this customer's charges."""
    disputes: Sequence[StripeObject] = ()
    """Of this customer's charges."""
    products: Sequence[StripeObject] = ()
    """At least those that the customer's items and coupons name; more do no harm."""
    prices: Sequence[StripeObject] = ()
    """At least those of the customer's items, with `tiers` and `currency_options` expanded."""
    coupons: Sequence[StripeObject] = ()
    """At least those of the discounts in force, with `applies_to` and `currency_options` expanded."""
    payment_methods: Sequence[StripeObject] = ()
    """Payment methods, and sources of the old kind, that the customer or a subscription names as default."""
    invoice_payments: Sequence[StripeObject] = ()
    credit_notes: Sequence[StripeObject] = ()
    subscription_items: Sequence[StripeObject] = ()
    """Items beyond those embedded in the subscriptions (`items.has_more`); an item that stands in both counts once."""
    rest: Rest | None = None
    """Sums over charges, invoices and disputes beyond those listed, where these are too many to be listed."""


KINDS: frozenset[str] = frozenset(
    {"customers", *(each.name for each in fields(Bundle) if each.name not in {"customer", "rest"})},
)
"""Every kind of object that facts are made of."""


def bundle_from_json(document: Mapping[str, Any]) -> Bundle:
    """Return the bundle a JSON document describes.

    Missing lists are empty, unknown keys are ignored, and what is not an object where one belongs is left out.
    """
    customer = document.get("customer")
    lists: dict[str, Any] = {kind: _objects(document.get(kind)) for kind in KINDS - {"customers"}}
    return Bundle(customer=customer if isinstance(customer, dict) else None, **lists)


def _objects(value: object) -> tuple[StripeObject, ...]:
    # A list object of Stripe's (`{"object": "list", "data": […]}`) is taken for the list it wraps.
    if isinstance(value, dict):
        value = value.get("data")
    if not isinstance(value, Iterable) or isinstance(value, str | bytes):
        return ()
    return tuple(element for element in value if isinstance(element, dict))

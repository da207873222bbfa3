"""The kinds of object a simulated Stripe holds, and the plain form they are stored in.

A record is what varies of an object, as plain JSON values; `shapes` adds what is the same everywhere and turns
it into Stripe's shape. Records are never mutated once they are stored.
"""

import random
from dataclasses import dataclass
from typing import Any

Record = dict[str, Any]

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """What the simulator needs to know of one kind of object."""

    name: str
    prefix: str
    path: str | None
    """Segment after /v1/ that lists it; None if Stripe has no list of it."""
    indexed: tuple[str, ...] = ()
    """Fields by which records are found without a scan."""


KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(name="customer", prefix="cus_", path="customers", indexed=("email",)),
        Kind(name="subscription", prefix="sub_", path="subscriptions", indexed=("customer",)),
        Kind(name="subscription_item", prefix="si_", path="subscription_items", indexed=("subscription", "price")),
        Kind(name="product", prefix="prod_", path="products"),
        Kind(name="price", prefix="price_", path="prices", indexed=("product",)),
        Kind(name="coupon", prefix="", path="coupons"),
        Kind(name="discount", prefix="di_", path=None, indexed=("coupon",)),
        Kind(name="invoice", prefix="in_", path="invoices", indexed=("customer", "subscription")),
        Kind(
            name="invoice_payment",
            prefix="inpay_",
            path="invoice_payments",
            indexed=("invoice", "payment_intent"),
        ),
        Kind(name="charge", prefix="ch_", path="charges", indexed=("customer", "payment_intent")),
        Kind(name="payment_intent", prefix="pi_", path="payment_intents", indexed=("customer",)),
        Kind(name="refund", prefix="re_", path="refunds", indexed=("charge", "payment_intent")),
        Kind(name="dispute", prefix="du_", path="disputes", indexed=("charge", "payment_intent")),
        Kind(name="payment_method", prefix="pm_", path="payment_methods", indexed=("customer",)),
        Kind(name="credit_note", prefix="cn_", path="credit_notes", indexed=("customer", "invoice")),
        Kind(name="event", prefix="evt_", path="events"),
    )
}

KIND_BY_PATH: dict[str, str] = {kind.path: kind.name for kind in KINDS.values() if kind.path}


def seeded(*parts: object) -> random.Random:
    """Return the source of chance that these parts name; chance here makes test data, never secrets."""
    return random.Random("/".join(map(str, parts)))  # noqa: S311 - simulated data, never secrets


_PAIR_BITS = 12
_PAIRS = [
    _ALPHABET[number // len(_ALPHABET) % len(_ALPHABET)] + _ALPHABET[number % len(_ALPHABET)]
    for number in range(2**_PAIR_BITS)
]
_SHORT = frozenset({"cus_", "prod_", "si_", "", "ac_", "ca_"})


def new_id(prefix: str, rng: random.Random, length: int = 14) -> str:
    """Make an id that looks like Stripe's.

    Newer kinds of object carry a longer id that starts with `1`; the older ones (`cus_`, `prod_`, `si_`) do not.
    """
    if prefix not in _SHORT:
        prefix, length = prefix + "1", length + 2
    pairs = length // 2  # drawn two letters at a time, as ids are most of what a generated merchant costs
    bits = rng.getrandbits(pairs * _PAIR_BITS)
    return prefix + "".join([_PAIRS[bits >> shift & 4095] for shift in range(0, pairs * _PAIR_BITS, _PAIR_BITS)])

"""The kinds of Stripe object the mirror holds, declared once: how each is listed, and what is taken out of it.

From this description come the mirror's tables, the backfill's requests, the re-fetches, and the bundles that facts
are derived from. Pure: it knows paths inside JSON, nothing of databases or HTTP.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any, NamedTuple

from engine.email_address import normalize
from stripe_sync import summing

StripeJson = dict[str, Any]
MAX_EPOCH = 253_402_300_799
"""The last second of the year 9999."""


class ColumnType(StrEnum):
    """What an extracted column holds."""

    TEXT = "text"
    INSTANT = "instant"
    NUMBER = "number"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A value taken out of the payload for joins, filters and sorting."""

    name: str
    type: ColumnType
    read: Callable[[StripeJson], object]
    indexed: bool = False
    """Has an index of its own; those over several columns stand in `mirror_tables`."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Kind:
    """One kind of object; there is one value of each, so that they are compared and hashed as what they are."""

    name: str
    """Plural, also the name of the bundle's list and of the end of the path."""
    object: str
    """Stripe's `object` value."""
    columns: tuple[Column, ...]
    list_params: Mapping[str, str] = field(default_factory=dict)
    expand: tuple[str, ...] = ()
    """Paths inside one object; a list request puts `data.` before them."""
    carried: tuple[str, ...] = ()
    """Fields that events leave out and only a request with `expand` brings: kept from what is known until then."""
    nested: Mapping[str, str] = field(default_factory=dict)
    """Paths at which whole objects of another kind stand when expanded, and that kind."""
    is_listed: bool = True
    """False when the objects come inside others, and need no list of their own."""

    @property
    def path(self) -> str:
        """Return the path that lists it."""
        return f"/v1/{self.name}"


def reference(payload: Mapping[str, Any], *path: str) -> str | None:
    """Return the id at `path`, where an id or the object itself may stand."""
    value: Any = payload
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    if isinstance(value, dict):
        value = value.get("id")
    return value if isinstance(value, str) and value else None


def instant(value: object) -> datetime | None:
    """Return Stripe's epoch seconds as an instant, or None if that is not what they are."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_EPOCH:
        return None
    return datetime.fromtimestamp(value, UTC)


def items(payload: Mapping[str, Any], *path: str) -> tuple[Mapping[str, Any], ...]:
    """Return the objects of the list at `path`, whether it stands bare or inside Stripe's list object."""
    value: Any = payload
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    if isinstance(value, dict):
        value = value.get("data")
    return tuple(item for item in value if isinstance(item, dict)) if isinstance(value, list) else ()


def _reader(*path: str) -> Callable[[StripeJson], str | None]:
    return lambda payload: reference(payload, *path)


def _text(name: str, *path: str, indexed: bool = False) -> Column:
    return Column(name=name, type=ColumnType.TEXT, read=_reader(*(path or (name,))), indexed=indexed)


def _instant(name: str) -> Column:
    return Column(name=name, type=ColumnType.INSTANT, read=lambda payload: instant(payload.get(name)))


def _computed(name: str, read: Callable[[StripeJson], object], type_: ColumnType = ColumnType.TEXT) -> Column:
    return Column(name=name, type=type_, read=read)


def _email_normalized(payload: StripeJson) -> str | None:
    email = payload.get("email")
    return normalize(email) if isinstance(email, str) else None


_CREATED = _instant("created")
_STATUS = _text("status")
_CUSTOMER = _text("customer_id", "customer", indexed=True)
_OWNER = _text("customer_id", "customer")
_OF_CHARGE = Column(name="customer_id", type=ColumnType.TEXT, read=lambda _: None)
"""Refunds and disputes do not name their customer; it is looked up when they or their charge are written."""
_CHARGE = _text("charge_id", "charge", indexed=True)
_INTENT = _text("payment_intent_id", "payment_intent", indexed=True)

_ALL = (
    Kind(name="products", object="product", columns=(_CREATED, _text("name"))),
    Kind(
        name="prices",
        object="price",
        columns=(_CREATED, _text("product_id", "product", indexed=True)),
        expand=("tiers", "currency_options"),
        carried=("tiers", "currency_options"),
    ),
    Kind(
        name="coupons",
        object="coupon",
        columns=(_CREATED,),
        expand=("applies_to", "currency_options"),
        carried=("applies_to", "currency_options"),
    ),
    Kind(
        name="customers",
        object="customer",
        columns=(
            _CREATED,
            _text("email"),
            Column(name="email_normalized", type=ColumnType.TEXT, read=_email_normalized, indexed=True),
            _text("name"),
        ),
        expand=("invoice_settings.default_payment_method", "default_source"),
        nested={"invoice_settings.default_payment_method": "payment_methods"},
    ),
    Kind(
        name="subscriptions",
        object="subscription",
        columns=(_CREATED, _STATUS, _CUSTOMER),
        list_params={"status": "all"},
        expand=("discounts.source.coupon", "items.data.discounts", "default_payment_method"),
        nested={"default_payment_method": "payment_methods"},
    ),
    Kind(
        name="charges",
        object="charge",
        columns=(
            _CREATED,
            _STATUS,
            _OWNER,
            _INTENT,
            _computed("method_id", summing.charge_method),
            _computed("standing", summing.charge_standing),
            _computed("currency", summing.charge_currency),
            _computed("captured", summing.charge_captured, ColumnType.NUMBER),
            _computed("refunded", summing.charge_refunded, ColumnType.NUMBER),
        ),
    ),
    Kind(
        name="invoices",
        object="invoice",
        columns=(
            _CREATED,
            _STATUS,
            _OWNER,
            _text("number"),
            _computed("standing", summing.invoice_standing),
            _computed("currency", summing.invoice_currency),
            _computed("off_stripe", summing.invoice_off_stripe, ColumnType.NUMBER),
            _computed("untold", summing.invoice_untold, ColumnType.NUMBER),
            _computed("ranked_at", summing.invoice_ranked_at, ColumnType.INSTANT),
        ),
        expand=("amount_paid_off_stripe",),
        carried=("amount_paid_off_stripe",),
    ),
    Kind(name="disputes", object="dispute", columns=(_CREATED, _STATUS, _CHARGE, _INTENT, _OF_CHARGE)),
    Kind(name="refunds", object="refund", columns=(_CREATED, _STATUS, _CHARGE, _INTENT, _OF_CHARGE)),
    Kind(
        name="invoice_payments",
        object="invoice_payment",
        columns=(_CREATED, _STATUS, _text("invoice_id", "invoice", indexed=True)),
    ),
    Kind(
        name="credit_notes",
        object="credit_note",
        columns=(_CREATED, _STATUS, _CUSTOMER, _text("invoice_id", "invoice")),
    ),
    Kind(name="payment_methods", object="payment_method", columns=(_CREATED, _CUSTOMER), is_listed=False),
)

KINDS: Mapping[str, Kind] = MappingProxyType({kind.name: kind for kind in _ALL})
"""Every kind by name, in the order a backfill lists them: what others refer to comes first."""

KIND_OF_OBJECT: Mapping[str, Kind] = MappingProxyType({kind.object: kind for kind in _ALL})
"""Every kind by Stripe's `object` value."""

SHARED_KINDS = frozenset({"products", "prices", "coupons"})
"""Kinds that many customers use."""


class Use(NamedTuple):
    """That an object of a customer's uses a shared one."""

    kind: str
    id: str


def uses(kind: Kind, payload: StripeJson) -> frozenset[Use]:
    """Return the shared objects that a customer or subscription uses."""
    if kind.name not in {"customers", "subscriptions"}:
        return frozenset()
    return frozenset(_uses(payload))


def _uses(payload: StripeJson) -> Iterator[Use]:
    yield from _discount_uses(payload)
    for item in items(payload, "items"):
        yield from _discount_uses(item)
        for name, *path in (("prices", "price"), ("products", "price", "product")):
            found = reference(item, *path)
            if found:
                yield Use(name, found)


def _discount_uses(payload: Mapping[str, Any]) -> Iterator[Use]:
    single = payload.get("discount")
    for discount in (*items(payload, "discounts"), *((single,) if isinstance(single, dict) else ())):
        found = reference(discount, "source", "coupon") or reference(discount, "coupon")
        if found:
            yield Use("coupons", found)


def nested_objects(kind: Kind, payload: StripeJson) -> Iterator[tuple[Kind, StripeJson]]:
    """Return the whole objects of other kinds that stand inside `payload`."""
    for path, name in kind.nested.items():
        value: Any = payload
        for key in path.split("."):
            value = value.get(key) if isinstance(value, Mapping) else None
        if isinstance(value, dict) and value.get("object") == KINDS[name].object and reference(value, "id"):
            yield KINDS[name], value

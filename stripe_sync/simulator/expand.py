"""Stripe's `expand[]`: which fields can be expanded, how deep, and into what.

Laws: at most four levels, and on lists `data` is one of them. A path is checked against the table of fields
before anything is read, so an unknown one is refused even if nothing on the page has it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from stripe_sync.simulator.answers import StripeError
from stripe_sync.simulator.records import Record
from stripe_sync.simulator.shapes import list_object, render
from stripe_sync.simulator.shapes.customers import deleted_customer
from stripe_sync.simulator.world import World

MAX_DEPTH = 4
_PAGE = 10
"""How many objects a list made by expanding shows before `has_more`."""

Tree = dict[str, "Tree"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Expandable:
    """A field that a path may lead through.

    `by_id` and `ids` replace ids with objects, `inline` and `inline_list` are there already, `computed` is left
    out of the plain shape and made on demand, `opaque` is accepted and stays as it is.
    """

    how: str
    kind: str | None = None
    make: Callable[[World, Record], object] | None = None


def _by_id(kind: str) -> Expandable:
    return Expandable(how="by_id", kind=kind)


def _listed(kind: str, field: str, url: str, keep: Callable[[Record], bool] = lambda _: True) -> Expandable:
    def make(world: World, shape: Record) -> Record:
        records = [record for record in world.find(kind, field, shape["id"]) if keep(record)]
        data = [render(world, kind, record) for record in records[:_PAGE]]
        return list_object(url.format(shape["id"]), data, has_more=len(records) > _PAGE)

    return Expandable(how="computed", kind=kind, make=make)


def _stored(kind: str, field: str, default: object) -> Expandable:
    def make(world: World, shape: Record) -> object:
        record = world.get(kind, shape["id"]) or world.buried(kind, shape["id"])
        return record.get(field, default) if record else default

    return Expandable(how="computed", make=make)


def _empty_list(url: str) -> Expandable:
    return Expandable(how="computed", make=lambda _, shape: list_object(url.format(shape["id"]), [], has_more=False))


def _cash_balance(world: World, shape: Record) -> Record:
    return {
        "object": "cash_balance",
        "available": None,
        "customer": shape["id"],
        "customer_account": None,
        "livemode": world.livemode,
        "settings": {"reconciliation_mode": "automatic", "using_merchant_default": True},
    }


_OPAQUE = Expandable(how="opaque")
_TAX: Record = {
    "automatic_tax": "unrecognized_location",
    "ip_address": None,
    "location": None,
    "provider": "stripe",
}


def _is_current(record: Record) -> bool:
    return record["status"] not in {"canceled", "incomplete_expired"}


FIELDS: dict[str, dict[str, Expandable]] = {
    "customer": {
        "default_source": _OPAQUE,
        "discount": Expandable(how="inline", kind="discount"),
        "invoice_settings.default_payment_method": _by_id("payment_method"),
        "subscriptions": _listed("subscription", "customer", "/v1/customers/{}/subscriptions", _is_current),
        "sources": _empty_list("/v1/customers/{}/sources"),
        "tax_ids": _empty_list("/v1/customers/{}/tax_ids"),
        "cash_balance": Expandable(how="computed", make=_cash_balance),
        "invoice_credit_balance": _stored("customer", "invoice_credit_balance", {}),
        "tax": Expandable(how="computed", make=lambda _, __: _TAX),
        "test_clock": _OPAQUE,
    },
    "payment_method": {"customer": _by_id("customer")},
    "product": {"default_price": _by_id("price"), "tax_code": _OPAQUE},
    "price": {
        "product": _by_id("product"),
        "tiers": _stored("price", "tiers", None),
        "currency_options": _stored("price", "currency_options", None),
    },
    "coupon": {
        "applies_to": _stored("coupon", "applies_to", None),
        "currency_options": _stored("coupon", "currency_options", None),
    },
    "discount": {
        "customer": _by_id("customer"),
        "source.coupon": _by_id("coupon"),
        "promotion_code": _OPAQUE,
    },
    "subscription": {
        "application": _OPAQUE,
        "customer": _by_id("customer"),
        "default_payment_method": _by_id("payment_method"),
        "default_source": _OPAQUE,
        "discounts": Expandable(how="ids", kind="discount"),
        "items": Expandable(how="inline_list", kind="subscription_item"),
        "latest_invoice": _by_id("invoice"),
        "on_behalf_of": _OPAQUE,
        "pending_setup_intent": _OPAQUE,
        "schedule": _OPAQUE,
        "test_clock": _OPAQUE,
    },
    "subscription_item": {
        "discounts": Expandable(how="ids", kind="discount"),
        "price": Expandable(how="inline", kind="price"),
        "plan": Expandable(how="inline", kind="plan"),
    },
    "plan": {"product": _by_id("product")},
    "invoice": {
        "account_tax_ids": _OPAQUE,
        "amount_paid_off_stripe": _stored("invoice", "amount_paid_off_stripe", 0),
        "application": _OPAQUE,
        "confirmation_secret": Expandable(how="computed", make=lambda _, __: None),
        "customer": _by_id("customer"),
        "default_payment_method": _by_id("payment_method"),
        "default_source": _OPAQUE,
        "discounts": Expandable(how="ids", kind="discount"),
        "latest_revision": _OPAQUE,
        "lines": Expandable(how="inline_list", kind="line_item"),
        "on_behalf_of": _OPAQUE,
        "parent.subscription_details.subscription": _by_id("subscription"),
        "payments": _listed("invoice_payment", "invoice", "/v1/invoice_payments?invoice={}"),
        "test_clock": _OPAQUE,
    },
    "line_item": {
        "discounts": Expandable(how="ids", kind="discount"),
        "pricing.price_details.price": _by_id("price"),
        "subscription": _by_id("subscription"),
    },
    "invoice_payment": {
        "invoice": _by_id("invoice"),
        "payment.payment_intent": _by_id("payment_intent"),
        "payment.charge": _by_id("charge"),
        "payment.payment_record": _OPAQUE,
    },
    "charge": {
        "application": _OPAQUE,
        "application_fee": _OPAQUE,
        "balance_transaction": _OPAQUE,
        "customer": _by_id("customer"),
        "failure_balance_transaction": _OPAQUE,
        "on_behalf_of": _OPAQUE,
        "payment_intent": _by_id("payment_intent"),
        "refunds": _listed("refund", "charge", "/v1/charges/{}/refunds"),
        "review": _OPAQUE,
        "source_transfer": _OPAQUE,
        "transfer": _OPAQUE,
    },
    "payment_intent": {
        "customer": _by_id("customer"),
        "latest_charge": _by_id("charge"),
        "payment_method": _by_id("payment_method"),
    },
    "refund": {
        "balance_transaction": _OPAQUE,
        "charge": _by_id("charge"),
        "customer": _by_id("customer"),
        "payment_intent": _by_id("payment_intent"),
        "payment_method": _by_id("payment_method"),
    },
    "dispute": {"charge": _by_id("charge"), "payment_intent": _by_id("payment_intent")},
    "credit_note": {
        "customer": _by_id("customer"),
        "customer_balance_transaction": _OPAQUE,
        "invoice": _by_id("invoice"),
    },
    "event": {},
    "account": {},
}


def parse(paths: Iterable[str], kind: str, *, on_list: bool) -> Tree:
    """Return the checked tree of what to expand; raises Stripe's 400 for a bad path."""
    tree: Tree = {}
    for path in paths:
        segments = path.split(".")
        if len(segments) > MAX_DEPTH:
            raise StripeError(
                400,
                f"You cannot expand more than {MAX_DEPTH} levels of a property.  Property: {path}",
                code="property_expansion_max_depth",
                param="expand",
            )
        if on_list and segments[0] != "data":
            raise _not_expandable(path, segments[0])
        _check(path, segments[1:] if on_list else segments, kind)
        node = tree
        for segment in segments:
            node = node.setdefault(segment, {})
    return tree


def _check(path: str, segments: list[str], kind: str) -> None:
    while segments:
        name, found = _match(segments, kind)
        if found is None:
            raise _not_expandable(path, segments[0])
        segments = segments[name.count(".") + 1 :]
        lists = found.how == "inline_list" or (found.how == "computed" and found.kind is not None)
        if segments and lists:
            if segments[0] != "data":
                raise _not_expandable(path, segments[0])
            segments = segments[1:]
        if segments and found.kind is None:
            raise _not_expandable(path, segments[0])
        kind = found.kind or kind


def _match(segments: list[str], kind: str) -> tuple[str, Expandable | None]:
    """Return the longest field of this kind that the segments begin with."""
    for length in (3, 2, 1):
        name = ".".join(segments[:length])
        if len(segments) >= length and name in FIELDS[kind]:
            return name, FIELDS[kind][name]
    return "", None


def _not_expandable(path: str, segment: str) -> StripeError:
    return StripeError(
        400,
        f"This property cannot be expanded ({segment}). You may want to try expanding other properties. "
        f"Property: {path}",
        param="expand",
    )


def apply(world: World, kind: str, shape: Record, tree: Tree) -> Record:
    """Return the object with everything in `tree` expanded; the one given stays as it was."""
    if not tree or shape.get("deleted"):
        return shape
    grown = dict(shape)
    for name, field in FIELDS[kind].items():
        subtree = _descend(tree, name.split("."))
        if subtree is not None:
            _replace(world, grown, name.split("."), field, subtree)
    return grown


def _descend(tree: Tree, parts: list[str]) -> Tree | None:
    node: Tree | None = tree
    for part in parts:
        node = node.get(part) if node is not None else None
    return node


def _replace(world: World, grown: Record, parts: list[str], field: Expandable, subtree: Tree) -> None:
    holder = grown
    for part in parts[:-1]:
        nested = holder.get(part)
        if not isinstance(nested, dict):
            return
        holder[part] = dict(nested)
        holder = holder[part]
    last = parts[-1]
    if field.how == "computed":
        assert field.make is not None, "computed fields say how"
        made = field.make(world, grown)
        if made is not None:  # e.g. a price without tiers has no such field
            holder[last] = _deeper(world, field, made, subtree)
    elif holder.get(last) is not None:
        holder[last] = _deeper(world, field, holder[last], subtree)


def _deeper(world: World, field: Expandable, value: object, subtree: Tree) -> object:
    if field.kind is None or value is None:
        return value
    kind = field.kind
    match field.how, value:
        case "by_id", str():
            return _fetch(world, kind, value, subtree)
        case "ids", list():
            return [_fetch(world, kind, item, subtree) for item in value]
        case "inline", dict():
            return apply(world, kind, value, subtree)
        case (("inline_list" | "computed"), dict()):
            inner = subtree.get("data", {})
            return {**value, "data": [apply(world, kind, item, inner) for item in value["data"]]}
        case _:
            return value


def _fetch(world: World, kind: str, record_id: str, subtree: Tree) -> object:
    record = world.get(kind, record_id)
    if record is not None:
        return apply(world, kind, render(world, kind, record), subtree)
    record = world.buried(kind, record_id)
    if record is None:
        return record_id
    if kind == "customer":
        return deleted_customer(record_id)
    if kind == "product":
        return {"id": record_id, "object": "product", "deleted": True}
    return apply(world, kind, {**render(world, kind, record), **_BURIED.get(kind, {})}, subtree)


_BURIED: dict[str, Record] = {"coupon": {"valid": False}}

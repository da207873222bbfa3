"""Operations on what the merchant sells."""

from stripe_sync.simulator.answers import invalid
from stripe_sync.simulator.change import Change
from stripe_sync.simulator.operations import resolve
from stripe_sync.simulator.records import Record

_WRITABLE: dict[str, frozenset[str]] = {
    "product": frozenset({"name", "active", "description", "metadata", "unit_label", "default_price"}),
    "price": frozenset({"active", "nickname", "metadata", "lookup_key", "tax_behavior"}),
    "coupon": frozenset({"name", "metadata"}),
}
_CREATABLE: dict[str, frozenset[str]] = {
    "product": _WRITABLE["product"],
    "price": _WRITABLE["price"]
    | {
        "product",
        "currency",
        "billing_scheme",
        "unit_amount",
        "unit_amount_decimal",
        "recurring",
        "tiers",
        "tiers_mode",
        "transform_quantity",
        "currency_options",
    },
    "coupon": _WRITABLE["coupon"]
    | {
        "amount_off",
        "percent_off",
        "currency",
        "currency_options",
        "duration",
        "duration_in_months",
        "applies_to",
    },
}


def _fields(kind: str, args: Record, allowed: frozenset[str]) -> Record:
    fields = {name: value for name, value in args.items() if name != "id"}
    for name in fields:
        if name not in allowed:
            raise invalid(name, f"Received unknown parameter: {name} of a {kind}", code="parameter_unknown")
    return fields


def _create(change: Change, kind: str, args: Record, fields: Record) -> None:
    given = args.get("id")
    if given is not None and (change.world.get(kind, given) or change.world.buried(kind, given)):
        raise invalid("id", f"{kind.capitalize()} already exists: {given}", code="resource_already_exists")
    change.create(kind, record_id=given, **fields)


def create_product(change: Change, args: Record) -> None:
    """Create a product."""
    fields = _fields("product", args, _CREATABLE["product"])
    _create(change, "product", args, {"name": "New product", "updated": change.now, **fields})


def create_price(change: Change, args: Record) -> None:
    """Create a price of `product`; monthly unless `recurring` says otherwise."""
    fields = _fields("price", args, _CREATABLE["price"])
    resolve.record(change, "product", resolve.argument(args, "product"))
    recurring = {
        "interval": "month",
        "interval_count": 1,
        "meter": None,
        "trial_period_days": None,
        "usage_type": "licensed",
        **(fields.get("recurring") or {}),
    }
    amount = fields.get("unit_amount", 1000)
    fields = {"unit_amount": amount, "unit_amount_decimal": str(amount), **fields, "recurring": recurring}
    _create(change, "price", args, fields)


def create_coupon(change: Change, args: Record) -> None:
    """Create a coupon: `percent_off`, or `amount_off` with `currency`."""
    fields = _fields("coupon", args, _CREATABLE["coupon"])
    if (fields.get("percent_off") is None) == (fields.get("amount_off") is None):
        raise invalid("percent_off", "You must pass either percent_off or amount_off.")
    _create(change, "coupon", args, fields)


def update_product(change: Change, args: Record) -> None:
    """Change a product."""
    product = resolve.record(change, "product", resolve.argument(args))
    fields = _fields("product", args, _WRITABLE["product"])
    change.update("product", product["id"], updated=change.now, **fields)


def update_price(change: Change, args: Record) -> None:
    """Change what may change of a price: never its amount."""
    price = resolve.record(change, "price", resolve.argument(args))
    change.update("price", price["id"], **_fields("price", args, _WRITABLE["price"]))


def update_coupon(change: Change, args: Record) -> None:
    """Change a coupon's name or metadata."""
    coupon = resolve.record(change, "coupon", resolve.argument(args))
    change.update("coupon", coupon["id"], **_fields("coupon", args, _WRITABLE["coupon"]))


def delete_product(change: Change, args: Record) -> None:
    """Delete a product that has no prices."""
    product = resolve.record(change, "product", resolve.argument(args))
    if change.world.find("price", "product", product["id"]):
        raise invalid("id", "This product cannot be deleted because it has one or more user-created prices.")
    change.remove("product", product["id"], "product.deleted")


def delete_price(change: Change, args: Record) -> None:
    """Delete a price that no subscription uses."""
    price = resolve.record(change, "price", resolve.argument(args))
    if change.world.find("subscription_item", "price", price["id"]):
        raise invalid("id", "This price cannot be deleted because a subscription uses it.")
    change.remove("price", price["id"], "price.deleted")


def delete_coupon(change: Change, args: Record) -> None:
    """Delete a coupon; discounts made from it go on."""
    coupon = resolve.record(change, "coupon", resolve.argument(args))
    change.remove("coupon", coupon["id"], "coupon.deleted")

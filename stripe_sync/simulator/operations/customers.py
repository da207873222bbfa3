"""Operations on customers and their cards."""

from stripe_sync.simulator.answers import invalid
from stripe_sync.simulator.change import Change
from stripe_sync.simulator.operations import resolve
from stripe_sync.simulator.operations.subscriptions import ENDED, end_subscription
from stripe_sync.simulator.records import Record

_WRITABLE = frozenset(
    {
        "email",
        "name",
        "phone",
        "description",
        "address",
        "balance",
        "delinquent",
        "invoice_credit_balance",
        "metadata",
        "preferred_locales",
    }
)
_NO_SUCH_FIELD = "Received unknown parameter: {}"


def create_customer(change: Change, args: Record) -> None:
    """Create a customer; any writable field may be given, also an `id` of one's own."""
    fields = {name: value for name, value in args.items() if name != "id"}
    _check(fields)
    given = args.get("id")
    if given is not None and (change.world.get("customer", given) or change.world.buried("customer", given)):
        raise invalid("id", f"Customer already exists: {given}", code="resource_already_exists")
    customer_id = str(given) if given is not None else change.new_id("customer")
    change.create("customer", record_id=customer_id, invoice_prefix=prefix_of(customer_id), **fields)


def prefix_of(customer_id: str) -> str:
    """Return what a customer's invoice numbers begin with."""
    return customer_id[-8:].upper()


def _check(fields: Record) -> None:
    for name in fields:
        if name not in _WRITABLE:
            raise invalid(name, _NO_SUCH_FIELD.format(name), code="parameter_unknown")


def update_customer(change: Change, args: Record) -> None:
    """Change writable fields of a customer."""
    customer = resolve.customer(change, resolve.argument(args))
    fields = {name: value for name, value in args.items() if name != "id"}
    if "new_email" in fields:
        fields["email"] = fields.pop("new_email")
    _check(fields)
    change.update("customer", customer["id"], **fields)


def delete_customer(change: Change, args: Record) -> None:
    """Delete a customer: live subscriptions end, cards come off, invoices and charges stay."""
    customer = resolve.customer(change, resolve.argument(args))
    for subscription in change.world.find("subscription", "customer", customer["id"]):
        if subscription["status"] not in ENDED:
            end_subscription(change, subscription, "cancellation_requested")
    for method in change.world.find("payment_method", "customer", customer["id"]):
        change.update("payment_method", method["id"], "payment_method.detached", silent=True, customer=None)
    if customer["discount"]:
        change.emit("discount", customer["discount"], "customer.discount.deleted")
    change.remove("customer", customer["id"], "customer.deleted")


def attach_card(change: Change, args: Record) -> None:
    """Give a customer a new default card; `brand`, `last4`, `exp_month`, `exp_year`, `country` may be given."""
    customer = resolve.customer(change, resolve.argument(args))
    rng = change.rng
    card = {
        "brand": str(args.get("brand", "visa")),
        "last4": str(args.get("last4", "4242")),
        "exp_month": resolve.whole(args, "exp_month", rng.randint(1, 12)),
        "exp_year": resolve.whole(args, "exp_year", 2030),
        "country": str(args.get("country", "US")),
        "fingerprint": f"{rng.getrandbits(64):016X}",
        "funding": "credit",
    }
    method = change.create(
        "payment_method",
        "payment_method.attached",
        customer=customer["id"],
        card=card,
        email=customer["email"],
        name=customer["name"],
    )
    change.update("customer", customer["id"], default_payment_method=method["id"])


def detach_card(change: Change, args: Record) -> None:
    """Take a card (`pm_` id, or a customer's default) off its customer."""
    reference = resolve.argument(args)
    if not reference.startswith("pm_"):
        default = resolve.customer(change, reference)["default_payment_method"]
        if default is None:
            raise invalid("id", f"Customer '{reference}' has no default card.")
        reference = default
    method = resolve.record(change, "payment_method", reference)
    customer = change.world.get("customer", method["customer"])
    change.update("payment_method", method["id"], "payment_method.detached", silent=True, customer=None)
    if customer and customer["default_payment_method"] == method["id"]:
        change.update("customer", customer["id"], default_payment_method=None)

"""Which object an operation means: its own id, or a customer's id or e-mail where that is clear enough."""

from stripe_sync.simulator.answers import invalid, missing
from stripe_sync.simulator.change import Change
from stripe_sync.simulator.records import Record

_LIVE_ORDER = ("past_due", "unpaid", "active", "trialing", "incomplete", "paused")


def argument(args: Record, name: str = "id") -> str:
    """Return a text argument that must be given."""
    value = args.get(name)
    if not isinstance(value, str) or not value:
        raise invalid(name, f"Missing required param: {name}.", code="parameter_missing")
    return value


def whole(args: Record, name: str, default: int | None = None) -> int | None:
    """Return an optional whole number, not negative."""
    value = args.get(name, default)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise invalid(name, f"Invalid integer: {value}", code="parameter_invalid_integer")
    return value


def customer(change: Change, reference: str) -> Record:
    """Return the customer of an id or an e-mail; of several with one e-mail, the newest."""
    found = change.world.get("customer", reference)
    if found is None:
        found = next(iter(change.world.find("customer", "email", reference)), None)
    if found is None:
        raise missing("customer", reference)
    return found


def subscription(change: Change, reference: str) -> Record:
    """Return the subscription of an id, or the customer's live one that most needs attention."""
    if reference.startswith("sub_"):
        found = change.world.get("subscription", reference)
        if found is None:
            raise missing("subscription", reference)
        record(change, "customer", found["customer"])
        return found
    owner = customer(change, reference)
    live = [row for row in change.world.find("subscription", "customer", owner["id"]) if row["status"] in _LIVE_ORDER]
    if not live:
        raise missing("subscription", reference)
    return min(live, key=lambda row: _LIVE_ORDER.index(row["status"]))


def open_invoice(change: Change, reference: str) -> Record:
    """Return the unpaid invoice of an invoice, subscription, customer or e-mail; the newest open one of several."""
    found = find_open_invoice(change, reference)
    if found is None:
        raise invalid("id", f"There is no open invoice for '{reference}'.", code="invoice_not_payable")
    record(change, "customer", str(found["customer"]))
    return found


def find_open_invoice(change: Change, reference: str) -> Record | None:
    """Return what `open_invoice` does, or None if nothing is open; raises the 404 for an unknown reference."""
    if reference.startswith("in_"):
        found = change.world.get("invoice", reference)
        if found is None:
            raise missing("invoice", reference)
        return found if found["status"] in {"open", "uncollectible"} else None
    if reference.startswith("sub_"):
        rows = change.world.find("invoice", "subscription", subscription(change, reference)["id"])
    else:
        rows = change.world.find("invoice", "customer", customer(change, reference)["id"])
    unpaid = [row for row in rows if row["status"] == "open"]
    return next((row for row in unpaid if row["subscription"]), next(iter(unpaid), None))


def charge(change: Change, reference: str, *, refundable: bool = False) -> Record:
    """Return the charge of a charge, payment intent, invoice, customer or e-mail; the newest that went through."""
    world = change.world
    if reference.startswith("ch_"):
        rows = [row for row in [world.get("charge", reference)] if row]
    elif reference.startswith("pi_"):
        rows = world.find("charge", "payment_intent", reference)
    elif reference.startswith("in_"):
        payments = world.find("invoice_payment", "invoice", reference)
        rows = [
            row
            for payment in payments
            if payment["payment_intent"]
            for row in world.find("charge", "payment_intent", payment["payment_intent"])
        ]
    else:
        rows = world.find("charge", "customer", customer(change, reference)["id"])
    if not rows:
        raise missing("charge", reference)
    good = [row for row in rows if row["status"] == "succeeded" and row["captured"]]
    if refundable:
        good = [row for row in good if row["amount_refunded"] < row["amount_captured"]]
    if not good:
        raise invalid("id", f"No charge of '{reference}' can be used for this.", code="charge_not_refundable")
    return good[0]


def record(change: Change, kind: str, reference: str) -> Record:
    """Return the record of an id; raises the 404 if it is not there."""
    found = change.world.get(kind, reference)
    if found is None:
        raise missing(kind, reference)
    return found

"""Operations on money that goes back: refunds and disputes."""

from stripe_sync.simulator.answers import invalid
from stripe_sync.simulator.change import Change
from stripe_sync.simulator.operations import resolve
from stripe_sync.simulator.records import Record


def refund(change: Change, args: Record) -> None:
    """Refund a charge, wholly or by `amount`; `status` may be succeeded (default) or pending."""
    charge = resolve.charge(change, resolve.argument(args), refundable=True)
    left = charge["amount_captured"] - charge["amount_refunded"]
    amount = resolve.whole(args, "amount", left) or 0
    if not 0 < amount <= left:
        raise invalid("amount", f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})")
    refunded = charge["amount_refunded"] + amount
    made = change.create(
        "refund",
        "refund.created",
        charge=charge["id"],
        payment_intent=charge["payment_intent"],
        payment_method=charge["payment_method"],
        customer=charge["customer"],
        amount=amount,
        currency=charge["currency"],
        reason=args.get("reason", "requested_by_customer"),
        status=str(args.get("status", "succeeded")),
    )
    change.update(
        "charge",
        charge["id"],
        "charge.refunded",
        silent=True,
        amount_refunded=refunded,
        refunded=refunded == charge["amount_captured"],
    )
    change.emit("refund", made["id"], "charge.refund.updated")


def fail_refund(change: Change, args: Record) -> None:
    """Fail a refund that was made: the money comes back to the merchant, and the charge's refund un-happens."""
    reference = resolve.argument(args)
    if reference.startswith("re_"):
        made = resolve.record(change, "refund", reference)
    else:
        charge_id = reference
        if not reference.startswith("ch_"):
            charge_id = resolve.charge(change, reference)["id"]
        found = [row for row in change.world.find("refund", "charge", charge_id) if row["status"] != "failed"]
        if not found:
            raise invalid("id", f"There is no refund of '{reference}'.")
        made = found[0]
    if made["status"] == "failed":
        raise invalid("id", f"Refund {made['id']} has failed already.")
    charge = change.get("charge", made["charge"])
    change.update(
        "refund",
        made["id"],
        "refund.failed",
        "charge.refund.updated",
        status="failed",
        failure_reason="lost_or_stolen_card",
    )
    change.update("charge", charge["id"], amount_refunded=charge["amount_refunded"] - made["amount"], refunded=False)


_DISPUTE_STATUSES = frozenset(
    {
        "needs_response",
        "under_review",
        "warning_needs_response",
        "warning_under_review",
        "appeal_needs_response",
        "appeal_under_review",
        "prevented",
        "won",
        "lost",
        "warning_closed",
    }
)
_CLOSED = frozenset({"won", "lost", "warning_closed", "prevented"})


def dispute(change: Change, args: Record) -> None:
    """Dispute a charge; `status`, `reason` and `amount` may be given."""
    charge = resolve.charge(change, resolve.argument(args))
    status = _dispute_status(args, "needs_response")
    made = change.create(
        "dispute",
        charge=charge["id"],
        payment_intent=charge["payment_intent"],
        amount=resolve.whole(args, "amount", charge["amount_captured"]),
        currency=charge["currency"],
        card_brand=(charge["card"] or {}).get("brand", "visa"),
        reason=str(args.get("reason", "fraudulent")),
        status=status,
    )
    change.update("charge", charge["id"], disputed=True)
    if not status.startswith("warning_"):
        change.emit("dispute", made["id"], "charge.dispute.funds_withdrawn")


def _dispute_status(args: Record, default: str) -> str:
    status = str(args.get("status", default))
    if status not in _DISPUTE_STATUSES:
        raise invalid("status", f"Invalid status: must be one of {', '.join(sorted(_DISPUTE_STATUSES))}")
    return status


def close_dispute(change: Change, args: Record) -> None:
    """Move a dispute to another status (`won` unless `status` is given); a closed one returns or keeps the money."""
    reference = resolve.argument(args)
    if reference.startswith("du_"):
        made = resolve.record(change, "dispute", reference)
    else:
        charge = resolve.charge(change, reference)
        found = change.world.find("dispute", "charge", charge["id"])
        if not found:
            raise invalid("id", f"There is no dispute of '{reference}'.")
        made = found[0]
    status = _dispute_status(args, "won")
    events = ("charge.dispute.closed",) if status in _CLOSED else ()
    change.update("dispute", made["id"], *events, status=status)
    if status == "won":
        change.emit("dispute", made["id"], "charge.dispute.funds_reinstated")

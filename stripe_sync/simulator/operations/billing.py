"""Operations on invoices: billing a period, one-off invoices, voiding, giving up, crediting."""

from collections.abc import Sequence

from stripe_sync.simulator import invoicing
from stripe_sync.simulator.amounts import period_seconds
from stripe_sync.simulator.answers import invalid
from stripe_sync.simulator.change import Change
from stripe_sync.simulator.operations import resolve
from stripe_sync.simulator.operations.payments import settle
from stripe_sync.simulator.records import Record


def coupon_of(change: Change, coupon_id: str) -> Record | None:
    """Return a coupon, deleted or not: a discount made from it goes on."""
    return change.world.get("coupon", coupon_id) or change.world.buried("coupon", coupon_id)


def discounts_in_force(change: Change, subscription: Record) -> list[Record]:
    """Return the discounts of a subscription's next invoice, in order; the customer's only if it has none itself."""
    ids: list[str] = []
    for item in items_of(change, subscription):
        ids.extend(item["discounts"])
    ids.extend(subscription["discounts"])
    customer = change.world.get("customer", subscription["customer"])
    if not ids and customer and customer["discount"]:
        ids.append(customer["discount"])
    found = [change.get("discount", discount_id) for discount_id in ids]
    return [row for row in found if row["end"] is None or row["end"] > change.now]


def items_of(change: Change, subscription: Record) -> list[Record]:
    """Return the items of a subscription, in order."""
    return [change.get("subscription_item", item_id) for item_id in subscription["items"]]


def bill(
    change: Change,
    subscription: Record,
    reason: str,
    *,
    items: Sequence[Record],
    before: Record | None = None,
    free: bool = False,
) -> Record:
    """Store the open invoice for these items, with its events up to `invoice.finalized`.

    `before` is how the subscription was shown before anything of it changed, if that was earlier than now.
    """
    customer = change.get("customer", subscription["customer"])
    before = before or change.shape("subscription", subscription["id"])
    used = [] if free else discounts_in_force(change, subscription)
    lines = invoicing.subscription_lines(
        items, lambda price_id: change.get("price", price_id), subscription["currency"], change.rng, free=free
    )
    invoice = issue(
        change,
        invoicing.Bill(
            customer=customer,
            currency=subscription["currency"],
            lines=lines,
            discounts=used,
            subscription=subscription,
            reason=reason,
        ),
    )
    left = _not_used_up(change, subscription, used)
    change.update("subscription", subscription["id"], silent=True, latest_invoice=invoice["id"], discounts=left)
    change.emit_updated("subscription", before)
    return invoice


def issue(change: Change, bill: invoicing.Bill) -> Record:
    """Store a finalized invoice for a bill, and bring the customer's balance and numbering on."""
    invoice = invoicing.draft(
        bill, change.new_id("invoice"), change.now, lambda coupon_id: coupon_of(change, coupon_id)
    )
    change.store("invoice", invoice, "invoice.created", "invoice.finalized")
    if change.world.get("customer", bill.customer["id"]):
        change.update(
            "customer",
            bill.customer["id"],
            balance=invoice["ending_balance"],
            currency=bill.customer["currency"] or bill.currency,
            next_invoice_sequence=bill.customer["next_invoice_sequence"] + 1,
        )
    return invoice


def _not_used_up(change: Change, subscription: Record, used: Sequence[Record]) -> list[str]:
    """Return a subscription's discounts without those that held for one invoice only."""
    once = {row["id"] for row in used if (coupon_of(change, row["coupon"]) or {}).get("duration") == "once"}
    return [discount_id for discount_id in subscription["discounts"] if discount_id not in once]


def bill_next_period(change: Change, subscription: Record) -> Record:
    """Move the items whose period ends first one period on, and bill that period; the invoice is left open."""
    before = change.shape("subscription", subscription["id"])
    items = items_of(change, subscription)
    first_end = min(item["current_period_end"] for item in items)
    moved = []
    for item in items:
        if item["current_period_end"] == first_end:
            end = first_end + period_seconds(change.get("price", item["price"]))
            moved.append(
                change.update("subscription_item", item["id"], current_period_start=first_end, current_period_end=end)
            )
    return bill(change, subscription, "subscription_cycle", items=moved, before=before)


def create_invoice(change: Change, args: Record) -> None:
    """Issue a one-off invoice to a customer, open; `amount`, `currency` and `description` may be given."""
    customer = resolve.customer(change, resolve.argument(args))
    amount = resolve.whole(args, "amount", 5000) or 0
    currency = str(args.get("currency") or customer["currency"] or "usd")
    line = invoicing.single_line(amount, str(args.get("description", "Services")), change.now, change.rng)
    issue(change, invoicing.Bill(customer=customer, currency=currency, lines=[line]))


def void_invoice(change: Change, args: Record) -> None:
    """Void an open invoice."""
    invoice = resolve.open_invoice(change, resolve.argument(args))
    change.update(
        "invoice",
        invoice["id"],
        "invoice.voided",
        status="void",
        voided_at=change.now,
        next_payment_attempt=None,
    )


def mark_uncollectible(change: Change, args: Record) -> None:
    """Give an open invoice up; it can still be paid."""
    invoice = resolve.open_invoice(change, resolve.argument(args))
    if invoice["status"] == "uncollectible":
        raise invalid("id", f"Invoice {invoice['id']} is uncollectible already.")
    change.update(
        "invoice",
        invoice["id"],
        "invoice.marked_uncollectible",
        status="uncollectible",
        uncollectible_at=change.now,
        uncollectible_reason="user_forgiven",
        next_payment_attempt=None,
    )


def credit_note(change: Change, args: Record) -> None:
    """Credit an invoice by `amount`: an open one is lowered, a paid one credits the customer's balance."""
    reference = resolve.argument(args)
    if reference.startswith("in_"):
        invoice = resolve.record(change, "invoice", reference)
    else:
        owner = resolve.customer(change, reference)
        rows = change.world.find("invoice", "customer", owner["id"])
        found = next((row for row in rows if row["status"] in {"open", "paid"} and row["total"] > 0), None)
        if found is None:
            raise invalid("id", f"There is no invoice of '{reference}' to credit.")
        invoice = found
    is_open = invoice["status"] == "open"
    limit = invoice["amount_remaining"] if is_open else invoice["total"] - invoice["post_payment_credit"]
    amount = resolve.whole(args, "amount", limit) or 0
    if not 0 < amount <= limit:
        raise invalid("amount", f"The credit note amount must be between 1 and {limit}.")
    change.create(
        "credit_note",
        customer=invoice["customer"],
        invoice=invoice["id"],
        number=f"{invoice['number']}-CN-{len(change.world.find('credit_note', 'invoice', invoice['id'])) + 1:02d}",
        amount=amount,
        currency=invoice["currency"],
        type="pre_payment" if is_open else "post_payment",
        reason=args.get("reason", "order_change"),
    )
    if is_open:
        _credit_open(change, invoice, amount)
        return
    change.update("invoice", invoice["id"], post_payment_credit=invoice["post_payment_credit"] + amount)
    customer = change.world.get("customer", invoice["customer"])
    if customer:
        change.update("customer", customer["id"], balance=customer["balance"] - amount)


def _credit_open(change: Change, invoice: Record, amount: int) -> None:
    remaining = invoice["amount_remaining"] - amount
    change.update(
        "invoice",
        invoice["id"],
        pre_payment_credit=invoice["pre_payment_credit"] + amount,
        amount_remaining=remaining,
    )
    if remaining == 0:
        settle(change, change.get("invoice", invoice["id"]), off_stripe=False)

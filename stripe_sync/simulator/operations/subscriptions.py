"""Operations on subscriptions: beginning, changing plans, pausing, discounting, ending."""

from stripe_sync.simulator import factory
from stripe_sync.simulator.amounts import DAY, MONTH, period_seconds
from stripe_sync.simulator.answers import invalid
from stripe_sync.simulator.change import Change
from stripe_sync.simulator.operations import resolve
from stripe_sync.simulator.operations.billing import bill, bill_next_period, items_of
from stripe_sync.simulator.operations.payments import collect, decline
from stripe_sync.simulator.records import Record, new_id

ENDED = frozenset({"canceled", "incomplete_expired"})


def create_subscription(change: Change, args: Record) -> None:
    """Subscribe a customer to `price` (any fitting one if not given); `quantity`, `trial_days` and `coupon` may be.

    So may `items`, how many items of that price and quantity: a long subscription shows only its first ones.
    """
    customer = resolve.customer(change, resolve.argument(args))
    price = _chosen_price(change, args, customer["currency"])
    if args.get("coupon"):
        resolve.record(change, "coupon", resolve.argument(args, "coupon"))
    trial_days = resolve.whole(args, "trial_days", 0) or 0
    quantity = resolve.whole(args, "quantity", 1)
    now, subscription_id = change.now, change.new_id("subscription")
    trial_end = now + trial_days * DAY if trial_days else None
    items = [
        factory.make(
            "subscription_item",
            change.new_id("subscription_item"),
            now,
            subscription=subscription_id,
            price=price["id"],
            quantity=quantity if price["recurring"]["usage_type"] == "licensed" else None,
            current_period_start=now,
            current_period_end=trial_end or now + period_seconds(price),
        )
        for _ in range(resolve.whole(args, "items", 1) or 1)
    ]
    for item in items:
        change.store("subscription_item", item)
    change.create(
        "subscription",
        "customer.subscription.created",
        record_id=subscription_id,
        customer=customer["id"],
        status="trialing" if trial_days else "incomplete",
        currency=price["currency"],
        items=[item["id"] for item in items],
        billing_cycle_anchor=trial_end or now,
        default_payment_method=None,
        start_date=now,
        trial_start=now if trial_days else None,
        trial_end=trial_end,
    )
    if args.get("coupon"):
        apply_coupon(change, {"id": subscription_id, "coupon": args["coupon"]})
    subscription = change.get("subscription", subscription_id)
    invoice = bill(change, subscription, "subscription_create", items=items, free=bool(trial_days))
    if args.get("pay", True):
        collect(change, invoice)


def _chosen_price(change: Change, args: Record, currency: str | None, other_than: str | None = None) -> Record:
    given = args.get("price")
    if given is not None:
        price = resolve.record(change, "price", str(given))
        if not price["recurring"]:
            raise invalid("price", "The price specified is not recurring.")
        return price
    fitting = [
        price
        for price in change.world.collections["price"]
        if price["active"]
        and price["id"] != other_than
        and price["billing_scheme"] == "per_unit"
        and price["unit_amount"]
        and (price["recurring"] or {}).get("usage_type") == "licensed"
        and (currency is None or price["currency"] == currency)
    ]
    if not fitting:
        raise invalid("price", "There is no other price that fits this customer's currency.")
    return change.rng.choice(fitting)


def change_plan(change: Change, args: Record) -> None:
    """Move a subscription's first item to `price` (another fitting one if neither it nor `quantity` is given)."""
    subscription = resolve.subscription(change, resolve.argument(args))
    item = items_of(change, subscription)[0]
    quantity = resolve.whole(args, "quantity", item["quantity"])
    price = change.get("price", item["price"])
    if args.get("price") or "quantity" not in args:
        price = _chosen_price(change, args, subscription["currency"], price["id"])
    before = change.shape("subscription", subscription["id"])
    metered = price["recurring"]["usage_type"] == "metered"
    start = item["current_period_start"]
    moved = price["recurring"] != change.get("price", item["price"])["recurring"]
    change.update(
        "subscription_item",
        item["id"],
        price=price["id"],
        quantity=None if metered else (quantity or 1),
        current_period_start=change.now if moved else start,
        current_period_end=change.now + period_seconds(price) if moved else item["current_period_end"],
    )
    change.emit_updated("subscription", before)


def cancel(change: Change, args: Record) -> None:
    """End a subscription now, or with `at_period_end: true` when what is paid for has passed."""
    subscription = resolve.subscription(change, resolve.argument(args))
    if args.get("at_period_end"):
        end = min(item["current_period_end"] for item in items_of(change, subscription))
        change.update(
            "subscription",
            subscription["id"],
            cancel_at_period_end=True,
            cancel_at=end,
            canceled_at=change.now,
            cancellation_reason="cancellation_requested",
        )
    else:
        end_subscription(change, subscription, "cancellation_requested")


def end_subscription(change: Change, subscription: Record, reason: str) -> None:
    """Turn a subscription canceled."""
    if subscription["status"] in ENDED:
        raise invalid("id", f"Subscription {subscription['id']} has ended already.")
    change.update(
        "subscription",
        subscription["id"],
        "customer.subscription.deleted",
        silent=True,
        status="canceled",
        canceled_at=subscription["canceled_at"] or change.now,
        ended_at=change.now,
        cancellation_reason=subscription["cancellation_reason"] or reason,
    )


def end_trial(change: Change, args: Record) -> None:
    """End a trial now: the first period is billed and paid, or with `fail: true` declined."""
    subscription = resolve.subscription(change, resolve.argument(args))
    if subscription["status"] != "trialing":
        raise invalid("id", f"Subscription {subscription['id']} is not in a trial.")
    finish_trial(change, subscription, fails=bool(args.get("fail")))


def finish_trial(change: Change, subscription: Record, *, fails: bool) -> None:
    """Turn a trial into an active subscription with its first paid period."""
    change.update(
        "subscription",
        subscription["id"],
        status="active",
        trial_end=change.now,
        billing_cycle_anchor=change.now,
    )
    for item in items_of(change, subscription):
        change.update("subscription_item", item["id"], current_period_end=change.now)
    invoice = bill_next_period(change, change.get("subscription", subscription["id"]))
    if fails:
        decline(change, invoice, "card_declined")
    else:
        collect(change, invoice)


def renew(change: Change, args: Record) -> None:
    """Bill a subscription's next period now and collect it."""
    subscription = resolve.subscription(change, resolve.argument(args))
    if subscription["status"] == "trialing":
        finish_trial(change, subscription, fails=False)
    else:
        collect(change, bill_next_period(change, subscription))


def pause(change: Change, args: Record) -> None:
    """Pause a subscription; with `collection: true` only the collecting of its invoices, which keeps it active."""
    subscription = resolve.subscription(change, resolve.argument(args))
    if args.get("collection"):
        resumes_at = resolve.whole(args, "resumes_at")
        behavior = str(args.get("behavior", "void"))
        collection = {"behavior": behavior, "resumes_at": resumes_at}
        change.update("subscription", subscription["id"], pause_collection=collection)
        return
    change.update(
        "subscription",
        subscription["id"],
        "customer.subscription.paused",
        status="paused",
        paused_at=change.now,
        pause_reason="pause_requested",
    )


def resume(change: Change, args: Record) -> None:
    """Resume a paused subscription or a paused collection, or take a cancellation at period end back."""
    reference = resolve.argument(args)
    subscription = resolve.subscription(change, reference)
    was_paused = subscription["status"] == "paused"
    change.update(
        "subscription",
        subscription["id"],
        *(("customer.subscription.resumed",) if was_paused else ()),
        status="active" if was_paused else subscription["status"],
        paused_at=None,
        pause_reason=None,
        pause_collection=None,
        cancel_at_period_end=False,
        cancel_at=None,
        canceled_at=None,
        cancellation_reason=None,
    )


def apply_coupon(change: Change, args: Record) -> None:
    """Give a subscription (or a customer, by `cus_` id or e-mail) a discount from `coupon`."""
    reference = resolve.argument(args)
    coupon = resolve.record(change, "coupon", resolve.argument(args, "coupon"))
    on_subscription = reference.startswith("sub_")
    owner = resolve.subscription(change, reference) if on_subscription else resolve.customer(change, reference)
    months = coupon["duration_in_months"]
    discount = factory.make(
        "discount",
        new_id("di_", change.rng),
        change.now,
        coupon=coupon["id"],
        customer=owner["customer"] if on_subscription else owner["id"],
        subscription=owner["id"] if on_subscription else None,
        start=change.now,
        end=change.now + months * MONTH if coupon["duration"] == "repeating" else None,
    )
    before = change.shape("subscription" if on_subscription else "customer", owner["id"])
    change.store("discount", discount, "customer.discount.created")
    change.update("coupon", coupon["id"], times_redeemed=coupon["times_redeemed"] + 1)
    if on_subscription:
        change.update("subscription", owner["id"], silent=True, discounts=[*owner["discounts"], discount["id"]])
        change.emit_updated("subscription", before)
    else:
        change.update("customer", owner["id"], silent=True, discount=discount["id"])
        change.emit_updated("customer", before)


def remove_discount(change: Change, args: Record) -> None:
    """Take every discount from a subscription, or the one of a customer."""
    reference = resolve.argument(args)
    if reference.startswith("sub_"):
        subscription = resolve.subscription(change, reference)
        for discount_id in subscription["discounts"]:
            change.emit("discount", discount_id, "customer.discount.deleted")
        change.update("subscription", subscription["id"], discounts=[])
        return
    customer = resolve.customer(change, reference)
    if customer["discount"] is None:
        raise invalid("id", f"Customer {customer['id']} has no discount.")
    change.emit("discount", customer["discount"], "customer.discount.deleted")
    change.update("customer", customer["id"], discount=None)

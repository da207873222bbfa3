"""What time alone brings: renewals, ends of trials, retries that fail, cancellations that were asked for.

Each thing that is due is one change, dated when it was due. A retry of a declined card fails again, so a
subscription stays past due until somebody pays; after four attempts nothing more is tried.
"""

import random
from collections.abc import Callable, Iterator

from stripe_sync.simulator.change import Change
from stripe_sync.simulator.operations.billing import bill_next_period
from stripe_sync.simulator.operations.payments import collect, decline
from stripe_sync.simulator.operations.subscriptions import ENDED, end_subscription, finish_trial
from stripe_sync.simulator.records import Record
from stripe_sync.simulator.world import World

_FIRST_PAYMENT_S = 23 * 3600
_ATTEMPTS = 4
_MOST_ROUNDS = 200

Step = Callable[[Change, Record], None]


def steps_ahead(world: World) -> Iterator[tuple[int, Step, Record]]:
    """Yield the next thing that time will bring to each subscription: when, what to do, and which it is."""
    for subscription in world.collections["subscription"]:
        if subscription["status"] in ENDED:
            continue
        step = _next_step(world, subscription)
        if step is not None:
            yield (*step, subscription)


def next_due(world: World) -> int | None:
    """Return when time alone will next bring something, or None if it never will."""
    return min((when for when, _, _ in steps_ahead(world)), default=None)


def _next_step(world: World, subscription: Record) -> tuple[int, Step] | None:
    """Return what time will bring to a subscription first, and when."""
    status = subscription["status"]
    if status == "incomplete":
        return subscription["created"] + _FIRST_PAYMENT_S, _expire
    if status == "trialing":
        return subscription["trial_end"], _end_trial
    if status not in {"active", "past_due"}:
        return None
    steps: list[tuple[int, Step]] = []
    if subscription["cancel_at"] is not None:
        steps.append((subscription["cancel_at"], _end))  # before the renewal of the same second
    steps.append((_period_end(world, subscription), _renew))
    paused = subscription["pause_collection"]
    if paused and paused["resumes_at"] is not None:
        steps.append((paused["resumes_at"], _resume))
    invoice = world.get("invoice", subscription["latest_invoice"])
    if invoice and invoice["status"] == "open":
        if invoice["next_payment_attempt"] is not None:
            steps.append((invoice["next_payment_attempt"], _retry))
        elif invoice["due_date"] is not None and status == "active":
            steps.append((invoice["due_date"], _overdue))
    return min(steps, key=lambda step: step[0])


def _period_end(world: World, subscription: Record) -> int:
    items = (world.get("subscription_item", item_id) for item_id in subscription["items"])
    return min((item["current_period_end"] for item in items if item), default=2**40)


def advance(world: World, rng: random.Random, now: float) -> Iterator[Change]:
    """Do everything that is due by `now`, earliest first; yields one change for each."""
    for _ in range(_MOST_ROUNDS):
        due = (step for step in steps_ahead(world) if step[0] <= now)
        steps = sorted(due, key=lambda found: (found[0], found[2]["id"]))
        if not steps:
            return
        for when, step, subscription in steps:
            change = Change(world, when, rng)
            step(change, subscription)
            yield change


def _expire(change: Change, subscription: Record) -> None:
    invoice = change.world.get("invoice", subscription["latest_invoice"])
    if invoice and invoice["status"] == "open":
        change.update("invoice", invoice["id"], "invoice.voided", status="void", voided_at=change.now)
    change.update("subscription", subscription["id"], status="incomplete_expired", ended_at=change.now)


def _end_trial(change: Change, subscription: Record) -> None:
    finish_trial(change, subscription, fails=False)


def _renew(change: Change, subscription: Record) -> None:
    """Bill the items whose period has passed; a subscription that owes already owes more."""
    invoice = bill_next_period(change, subscription)
    if subscription["pause_collection"]:
        change.update("invoice", invoice["id"], "invoice.voided", status="void", voided_at=change.now)
    elif subscription["collection_method"] == "send_invoice":
        return
    elif subscription["status"] == "past_due":
        decline(change, invoice, "card_declined")
    else:
        collect(change, invoice)


def _end(change: Change, subscription: Record) -> None:
    end_subscription(change, subscription, "cancellation_requested")


def _resume(change: Change, subscription: Record) -> None:
    change.update("subscription", subscription["id"], pause_collection=None)


def _retry(change: Change, subscription: Record) -> None:
    invoice = decline(change, change.get("invoice", subscription["latest_invoice"]), "card_declined")
    if invoice["attempt_count"] >= _ATTEMPTS:
        change.update("invoice", invoice["id"], next_payment_attempt=None)


def _overdue(change: Change, subscription: Record) -> None:
    change.emit("invoice", subscription["latest_invoice"], "invoice.overdue")
    change.update("subscription", subscription["id"], status="past_due")
    if change.world.get("customer", subscription["customer"]):
        change.update("customer", subscription["customer"], delinquent=True)

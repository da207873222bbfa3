"""The classes of customer a generated merchant has, and the history of each.

A class is a function that writes a customer's past; `SHARES` says how common it is. The first customers of any
merchant go through `FIRST` in order, so that even the smallest has one of each that a demonstration needs.
"""

# ruff: noqa: PLR2004 - shares of a population say most where they are used

import random
from collections.abc import Callable

from stripe_sync.simulator import invoicing
from stripe_sync.simulator.amounts import DAY, MONTH, period_seconds
from stripe_sync.simulator.generator.past import Past
from stripe_sync.simulator.generator.steps import (
    HOUR,
    Setting,
    bill_periods,
    choose_price,
    maybe_discount,
    pay_all,
    start_of,
)
from stripe_sync.simulator.records import Record

Writer = Callable[[Past, Setting], None]


def _steady(use: str, *, quantity: tuple[int, int] = (1, 1)) -> Writer:
    def write(past: Past, setting: Setting) -> None:
        price = choose_price(past, setting, use)
        start = start_of(past, price)
        subscription = past.subscribe([price], start, quantities=[past.rng.randint(*quantity)])
        if past.rng.random() < 0.3 and past.method:
            subscription["default_payment_method"] = past.method["id"]
        discounts = maybe_discount(past, setting, subscription)
        pay_all(past, bill_periods(past, setting, subscription, past.now, discounts))

    return write


def plain_active(past: Past, setting: Setting) -> None:
    """An undiscounted monthly subscription that has always been paid."""
    price = choose_price(past, setting, "monthly")
    subscription = past.subscribe([price], start_of(past, price, 0.5))
    for invoice in bill_periods(past, setting, subscription, past.now):
        past.pay(invoice, min(invoice["created"] + HOUR, past.now - 30))


def high_mrr(past: Past, setting: Setting) -> None:
    """An undiscounted enterprise subscription, worth far more than most."""
    price = choose_price(past, setting, "highmonthly")
    subscription = past.subscribe([price], start_of(past, price, 0.5), quantities=[past.rng.randint(2, 6)])
    for invoice in bill_periods(past, setting, subscription, past.now):
        past.pay(invoice, min(invoice["created"] + HOUR, past.now - 30))


def past_due(past: Past, setting: Setting) -> None:
    """A monthly subscription whose last invoice could not be collected, and is tried again."""
    price = choose_price(past, setting, "monthly")
    behind = past.rng.randrange(2 * DAY, 9 * DAY)
    periods = past.rng.randint(1, 14)
    start = past.now - behind - periods * period_seconds(price)
    past.customer["created"] = min(past.customer["created"], start)
    subscription = past.subscribe([price], start, status="past_due")
    *paid, last = bill_periods(past, setting, subscription, past.now)
    for invoice in paid:
        past.pay(invoice, invoice["created"] + HOUR)
    past.fail(last, last["created"] + HOUR, 1 + behind // (3 * DAY))
    past.customer["delinquent"] = True


def _trial(*uses: str) -> Writer:
    """Return a trial of thirty days that began lately; its first invoice was for nothing."""

    def write(past: Past, setting: Setting) -> None:
        price = choose_price(past, setting, past.rng.choice(uses))
        start = past.now - past.rng.randrange(DAY, 15 * DAY)
        end = start + 30 * DAY
        past.customer["created"] = start - HOUR
        subscription = past.subscribe([price], start, status="trialing", trial_start=start, trial_end=end)
        subscription["billing_cycle_anchor"] = end
        item = past.rows["subscription_item"][-1]
        item["current_period_end"] = end
        lines = invoicing.subscription_lines(
            [item], setting.price_by_id.__getitem__, subscription["currency"], past.rng, free=True
        )
        past.pay(past.bill(subscription, lines, start, setting.coupon_by_id.get, []), start)

    return write


def unpaid(past: Past, setting: Setting) -> None:
    """A subscription whose retries are exhausted, with two open invoices."""
    price = choose_price(past, setting, "monthly")
    subscription = past.subscribe([price], past.now - 5 * MONTH - 3 * DAY, status="unpaid")
    past.customer["created"] = min(past.customer["created"], subscription["created"])
    *paid, before, last = bill_periods(past, setting, subscription, past.now)
    pay_all(past, paid)
    past.fail(before, before["created"] + HOUR, 4, retried=False)
    past.fail(last, last["created"] + HOUR, 1, retried=False)
    past.customer["delinquent"] = True


def canceled(past: Past, setting: Setting) -> None:
    """A subscription that ended: mostly asked for, sometimes after payments failed, sometimes disputed."""
    price = choose_price(past, setting, past.rng.choice(("monthly", "monthly", "yearly", "quarterly")))
    start = start_of(past, price)
    subscription = past.subscribe([price], start, status="canceled")
    end = start + past.rng.randrange(DAY, max(2 * DAY, past.now - start))
    reason = past.rng.choice(("cancellation_requested", "cancellation_requested", "payment_failed", "payment_disputed"))
    invoices = bill_periods(past, setting, subscription, min(end, past.now - 60))
    if reason == "payment_failed":
        pay_all(past, invoices[:-1])
        past.fail(invoices[-1], invoices[-1]["created"] + HOUR, 4, retried=False)
        invoices[-1].update(status="uncollectible", uncollectible_at=end, uncollectible_reason="max_payment_attempts")
    else:
        pay_all(past, invoices)
    asked = end - past.rng.randrange(0, DAY)
    subscription.update(canceled_at=asked, ended_at=min(end, past.now - 60), cancellation_reason=reason)


def canceling(past: Past, setting: Setting) -> None:
    """An active subscription that will end with its period."""
    _steady("monthly")(past, setting)
    item = past.rows["subscription_item"][-1]
    past.rows["subscription"][-1].update(
        cancel_at_period_end=True,
        cancel_at=item["current_period_end"],
        canceled_at=past.now - HOUR,
        cancellation_reason="cancellation_requested",
    )


def paused(past: Past, setting: Setting) -> None:
    """A trial that ended without a card, or a subscription paused on request."""
    price = choose_price(past, setting, "monthly")
    start = past.now - past.rng.randrange(40 * DAY, 90 * DAY)
    past.customer["created"] = min(past.customer["created"], start)
    subscription = past.subscribe([price], start, status="paused")
    pay_all(past, bill_periods(past, setting, subscription, past.now - 20 * DAY))
    reason = past.rng.choice(("trial_end_without_payment_method", "pause_requested"))
    subscription.update(paused_at=past.now - 20 * DAY, pause_reason=reason)


def collection_paused(past: Past, setting: Setting) -> None:
    """An active subscription whose invoices are not collected for a while."""
    _steady("monthly")(past, setting)
    resumes_at = past.rng.choice((None, past.now + 30 * DAY))
    past.rows["subscription"][-1]["pause_collection"] = {"behavior": "void", "resumes_at": resumes_at}


def incomplete(past: Past, setting: Setting) -> None:
    """A first payment that failed within the last day, or long ago."""
    price = choose_price(past, setting, "monthly")
    expired = past.rng.random() < 0.6
    start = past.now - (past.rng.randrange(3 * DAY, 200 * DAY) if expired else past.rng.randrange(600, 80_000))
    past.customer["created"] = min(past.customer["created"], start)
    status = "incomplete_expired" if expired else "incomplete"
    subscription = past.subscribe([price], start, status=status)
    (first, *_) = bill_periods(past, setting, subscription, start + 1)
    past.fail(first, start + 30, 1, retried=False)
    if expired:
        first.update(status="void", voided_at=start + 23 * HOUR)
        subscription.update(ended_at=start + 23 * HOUR)


def by_transfer(past: Past, setting: Setting) -> None:
    """Invoices sent and paid by bank transfer, outside Stripe; the last may be open, due or overdue."""
    price = choose_price(past, setting, past.rng.choice(("monthly", "quarterly")))
    start = start_of(past, price)
    subscription = past.subscribe([price], start, collection_method="send_invoice", days_until_due=14)
    *old, last = bill_periods(past, setting, subscription, past.now)
    for invoice in old:
        past.pay_off_stripe(invoice, min(invoice["created"] + 10 * DAY, past.now - 30))
    if last["due_date"] < past.now:
        subscription["status"] = "past_due"
        past.customer["delinquent"] = True


def several(past: Past, setting: Setting) -> None:
    """Two subscriptions at once."""
    _steady("monthly")(past, setting)
    _steady("yearly")(past, setting)


def mixed_intervals(past: Past, setting: Setting) -> None:
    """One subscription with a yearly plan and a monthly one."""
    prices = [choose_price(past, setting, "yearly"), choose_price(past, setting, "monthly")]
    start = max(past.customer["created"], past.now - 20 * MONTH + past.rng.randrange(DAY, MONTH))
    subscription = past.subscribe(prices, start)
    pay_all(past, bill_periods(past, setting, subscription, past.now))


def with_usage(past: Past, setting: Setting) -> None:
    """A plan together with metered usage."""
    past.customer["currency"] = "usd"
    prices = [choose_price(past, setting, "monthly"), setting.catalog.by_use["metered"][0]]
    subscription = past.subscribe(prices, start_of(past, prices[0]))
    pay_all(past, bill_periods(past, setting, subscription, past.now))


def foreign_option(past: Past, setting: Setting) -> None:
    """A subscription in euros to a price whose own currency is the dollar."""
    past.customer["currency"] = "eur"
    price = setting.catalog.by_use["multicurrency"][0]
    subscription = past.subscribe([price], start_of(past, price))
    pay_all(past, bill_periods(past, setting, subscription, past.now))


def many_items(past: Past, setting: Setting) -> None:
    """A subscription with more items than Stripe embeds."""
    prices = [choose_price(past, setting, "monthly") for _ in range(12)]
    subscription = past.subscribe(prices, start_of(past, prices[0]))
    pay_all(past, bill_periods(past, setting, subscription, past.now))


def one_off(past: Past, setting: Setting) -> None:
    """Single payments, with and without invoices, and no subscription."""
    del setting
    for _ in range(past.rng.randint(1, 4)):
        at = past.rng.randrange(past.customer["created"], past.now - 60)
        amount = past.rng.randrange(500, 20_000, 10)
        if past.rng.random() < 0.5:
            past.pay(past.bill_once(amount, at), min(at + HOUR, past.now - 30))
        else:
            charge = past.charge(amount, at, failure=past.rng.choice((None, None, None, "card_declined")))
            if charge["status"] == "succeeded":
                _odd_capture(charge, past.rng)


def _odd_capture(charge: Record, rng: random.Random) -> None:
    """Now and then leave a charge uncaptured or pending."""
    chance = rng.random()
    if chance < 0.06:
        charge.update(captured=False, amount_captured=0)
    elif chance < 0.1:
        charge.update(status="pending", paid=False, captured=False, amount_captured=0)


def nothing(past: Past, setting: Setting) -> None:
    """A customer record and nothing else."""
    del setting
    past.customer["currency"] = None


FIRST: tuple[Writer, ...] = (past_due, plain_active, _trial("monthly"), high_mrr)

SHARES: tuple[tuple[Writer, float], ...] = (
    (_steady("monthly"), 36),
    (_steady("monthly", quantity=(2, 40)), 6),
    (_steady("yearly"), 9),
    (_steady("quarterly"), 3),
    (_steady("weekly"), 1),
    (_steady("tiered", quantity=(1, 30)), 2.5),
    (_steady("package", quantity=(1, 9000)), 1),
    (_steady("subcent", quantity=(100, 9999)), 1),
    (high_mrr, 2),
    (past_due, 4),
    (_trial("monthly", "yearly"), 5),
    (unpaid, 1),
    (canceled, 11),
    (canceling, 2),
    (paused, 1),
    (collection_paused, 0.7),
    (incomplete, 1.5),
    (by_transfer, 2),
    (several, 1.5),
    (mixed_intervals, 1),
    (with_usage, 1.2),
    (foreign_option, 0.5),
    (many_items, 0.1),
    (one_off, 3),
    (nothing, 4),
)

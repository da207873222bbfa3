"""Facts of subscriptions: what the customer is on, how it stands, and what it brings in.

Steps
1. Split the subscriptions into live and ended ones; work out the revenue of each live one.
2. Revenue of all, status of all.
3. The primary subscription and everything about it.
4. What ended, when nothing is live.
"""

from collections.abc import Sequence
from datetime import datetime

from engine.core.facts import FactValue
from stripe_sync.catalog import FIRST, INTERVALS, LAST, STATUSES, SUBSCRIPTION_STATUSES
from stripe_sync.derive.discounts import Found, discounts_of
from stripe_sync.derive.lookup import Lookup
from stripe_sync.derive.money import Amount, Exact, Missing, total
from stripe_sync.derive.prices import amount_for, has_fixed_unit_price, is_licensed, price_of, quantity_of, unreadable
from stripe_sync.derive.primary import RANKED, Live, comparable, is_live, live_of, primary_item_of, primary_of
from stripe_sync.derive.read import flag, instant, integer, living, mapping, newest_first, reference, text
from stripe_sync.derive.revenue import are_items_known, changes_of, currency_of, is_set_to_end
from stripe_sync.derive.sheet import Sheet, Standing
from stripe_sync.objects import StripeObject

MONTHS_A_YEAR = 12

_OF_PRIMARY = (
    "subscription_status",
    "subscription_id",
    "trial_ends_at",
    "cancels_at",
)
_OF_ITEM = (
    "plan",
    "product_id",
    "price_id",
    "plan_interval",
    "plan_interval_count",
    "quantity",
    "plan_price",
    "period_start",
    "period_end",
)


def write_subscriptions(sheet: Sheet, lookup: Lookup, customer: StripeObject) -> StripeObject | Missing | None:
    """Write down the facts of subscriptions; return the primary subscription for those who need it."""
    subscriptions = living(lookup.bundle.subscriptions)
    live = live_of(lookup, customer, sheet.settings, sheet.now)
    for each in live:
        for change in changes_of(each.subscription, customer, lookup, sheet.settings, sheet.now):
            sheet.changes_at(change)
    ended = [each for each in subscriptions if not is_live(each)]
    _write_revenue(sheet, live)
    _write_status(sheet, live, ended)
    chosen = primary_of(live, sheet.settings, sheet.now)
    sheet.rank(_standing(chosen, sheet) if isinstance(chosen, Live) else chosen)
    primary = chosen.subscription if isinstance(chosen, Live) else chosen
    _write_primary(sheet, primary, lookup, customer)
    _write_ended(sheet, live, ended, lookup)
    created = [made for each in subscriptions if (made := instant(each, "created"))]
    sheet.write("subscription_created_at", max(created, default=None))
    return primary


def _standing(primary: Live, sheet: Sheet) -> Standing:
    return Standing(
        rank=primary.rank,
        monthly=comparable(primary.revenue, sheet.settings, sheet.now),
        newest=newest_first(primary.subscription),
    )


def _write_revenue(sheet: Sheet, live: Sequence[Live]) -> None:
    sums: dict[str, Exact] | Missing = {}
    for each in live:
        revenue = each.revenue
        if isinstance(revenue, Missing):
            sums = revenue
            break
        for price_id in revenue.gross_of_tax:
            sheet.note("mrr", "tax_included", f"price {price_id} contains tax at a rate that is not known")
    else:
        sums = total(
            Amount(each.revenue.monthly, each.revenue.currency)
            for each in live
            if not isinstance(each.revenue, Missing)
        )
    sheet.write_money("mrr", sums)
    sheet.write_money("arr", sums if isinstance(sums, Missing) else {each: sums[each] * MONTHS_A_YEAR for each in sums})


def _write_status(sheet: Sheet, live: Sequence[Live], ended: Sequence[StripeObject]) -> None:
    sheet.write("subscriptions", len(live))
    if not live:
        sheet.write("status", "canceled" if ended else "none")
        return
    statuses = {text(each.subscription, "status") for each in live}
    unknown = sorted(str(status) for status in statuses if status not in RANKED)
    if unknown:
        sheet.write("status", unreadable("unknown_status", f"Stripe sent the status {unknown[0]!r}"))
        return
    sheet.write("status", next(status for status in STATUSES if status in statuses))


def _write_primary(
    sheet: Sheet, primary: StripeObject | Missing | None, lookup: Lookup, customer: StripeObject
) -> None:
    own = primary if not isinstance(primary, Missing) else None
    discounts = discounts_of(customer, lookup)
    if own is None:
        missing = primary if isinstance(primary, Missing) else None
        sheet.write_all((*_OF_PRIMARY, *_OF_ITEM), missing)
        sheet.write("cancels", missing or False)
        sheet.write("on_trial_until", missing or FIRST)
        sheet.write("collection_paused_until", missing or FIRST)
        of_customer = _last_end(discounts)
        if missing and of_customer > sheet.now:
            sheet.changes_at(of_customer)  # until then the customer's own discount tells
        sheet.write("discounted_until", missing if missing and of_customer <= sheet.now else of_customer)
        return
    _write_standing(sheet, own, lookup)
    items = lookup.items_of(own)
    item_discounts = [found for item in items for found in discounts_of(item, lookup)]
    of_subscription = discounts_of(own, lookup)
    sheet.write("discounted_until", _last_end((*discounts, *of_subscription, *item_discounts)))
    item = primary_item_of(own, lookup)
    if item is None or isinstance(item, Missing):
        sheet.write_all(_OF_ITEM, item)
    else:
        _write_item(sheet, own, item, lookup)


def _write_standing(sheet: Sheet, primary: StripeObject, lookup: Lookup) -> None:
    """Write what the subscription itself says, whatever its items are."""
    sheet.write("subscription_id", reference(primary))
    status = text(primary, "status")
    sheet.write(
        "subscription_status",
        status
        if status in SUBSCRIPTION_STATUSES
        else unreadable("unknown_status", f"Stripe sent the status {status!r}"),
    )
    sheet.write("trial_ends_at", instant(primary, "trial_end"))
    sheet.write("on_trial_until", _trial_end(sheet, primary, lookup))
    sheet.write("cancels", is_set_to_end(primary))
    sheet.write("cancels_at", _cancels_at(primary, lookup))
    pause = mapping(primary, "pause_collection")
    resumes = instant(pause, "resumes_at") or LAST
    sheet.write("collection_paused_until", FIRST if pause is None else resumes)


def _trial_end(sheet: Sheet, primary: StripeObject, lookup: Lookup) -> datetime | Missing:
    """Return until when the subscription is on trial, as a whole or because all its licensed items are.

    Items that can't be read may be licensed or not; what that could change is not known.
    """
    whole = instant(primary, "trial_end") if text(primary, "status") == "trialing" else None
    items = lookup.items_of(primary)
    licensed: list[datetime] = []
    unclear: list[datetime] = []
    for item in items:
        price = price_of(item, lookup)
        is_meant = None if price is None else is_licensed(price)
        if is_meant is not False:
            (licensed if is_meant is True else unclear).append(instant(item, "current_trial", "end_date") or FIRST)
    is_whole = are_items_known(primary, items)
    earliest = min((*licensed, *unclear)) if licensed and is_whole else FIRST
    latest = min(licensed) if licensed else max(unclear, default=FIRST) if is_whole else LAST
    sure, possible = max(whole or FIRST, earliest), max(whole or FIRST, latest)
    if sure == possible or possible <= sheet.now:
        return sure
    if sure <= sheet.now:
        return unreadable("items_missing", f"not all items of subscription {reference(primary)} can be read")
    sheet.changes_at(sure)
    return sure


def _cancels_at(primary: StripeObject, lookup: Lookup) -> datetime | None:
    """Return when the subscription ends: as it says, or with the first of its items' periods to end."""
    stated = instant(primary, "cancel_at")
    if stated is not None or not flag(primary, "cancel_at_period_end"):
        return stated
    ends = [instant(item, "current_period_end") for item in lookup.items_of(primary)]
    known = [end for end in ends if end is not None]
    return min(known, default=instant(primary, "current_period_end"))


def _last_end(found: Sequence[Found]) -> datetime:
    """Return until when a discount is or was in force; one of which only the id is known is, as Stripe lists it."""
    return max((each.ends_at or LAST for each in found), default=FIRST)


def _write_item(sheet: Sheet, primary: StripeObject, item: StripeObject, lookup: Lookup) -> None:
    for name, field in (("period_start", "current_period_start"), ("period_end", "current_period_end")):
        sheet.write(name, instant(item, field) or instant(primary, field))
    price = price_of(item, lookup)
    missing = (
        unreadable("price_missing", f"the price of item {reference(item)} is not known") if price is None else None
    )
    for name, value in _plan_of(item, lookup).items():
        sheet.write(name, missing if value is None else value)
    if price is None:
        sheet.write("quantity", integer(item, "quantity") or missing)
        sheet.write_all(("plan_interval", "plan_interval_count", "plan_price"), missing)
        return
    sheet.write("quantity", quantity_of(item) if is_licensed(price) is True else integer(item, "quantity"))
    interval = text(price, "recurring", "interval")
    known = interval is None or interval in INTERVALS
    sheet.write(
        "plan_interval",
        interval if known else unreadable("unknown_interval", f"Stripe sent the interval {interval!r}"),
    )
    count = integer(price, "recurring", "interval_count")
    sheet.write("plan_interval_count", 1 if count is None and interval else count)
    sheet.write_amount("plan_price", _plan_price(primary, price, lookup))


def _plan_of(item: StripeObject, lookup: Lookup) -> dict[str, FactValue | None]:
    """Return name and ids of what an item sells."""
    price = price_of(item, lookup) or {}
    price_id = reference(price) or reference(item, "price")
    name = text(lookup.find("products", price, "product"), "name") or text(price, "nickname") or price_id
    return {"plan": name, "product_id": reference(price, "product"), "price_id": price_id}


def _plan_price(primary: StripeObject, price: StripeObject, lookup: Lookup) -> Amount | Missing | None:
    fixed = has_fixed_unit_price(price)
    if fixed is not True:
        return fixed or None
    currency = currency_of(primary, lookup)
    if currency is None:
        return unreadable("no_currency", f"subscription {reference(primary)} has no currency")
    amount = amount_for(price, 1, currency)
    return amount if isinstance(amount, Missing) else Amount(amount, currency)


def _write_ended(sheet: Sheet, live: Sequence[Live], ended: Sequence[StripeObject], lookup: Lookup) -> None:
    last = max(ended, key=lambda each: (_ended_at(each) or FIRST, newest_first(each)), default=None)
    shown = None if live else last
    sheet.write("ended_at", None if shown is None else _ended_at(shown))
    item = None if shown is None else primary_item_of(shown, lookup)
    named = item if item is None or isinstance(item, Missing) else _plan_of(item, lookup)["plan"]
    sheet.write("last_plan", named)
    deleted = [end for each in ended if text(each, "status") == "canceled" and (end := _ended_at(each))]
    sheet.write("subscription_deleted_at", max(deleted, default=None))


def _ended_at(subscription: StripeObject) -> datetime | None:
    return instant(subscription, "ended_at") or instant(subscription, "canceled_at")

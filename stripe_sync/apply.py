"""When news of a Stripe object replaces what the mirror knows of it. Pure.

Laws
1. A row's `stamp` is an instant in Stripe's time from which the object is surely known: for a page or a fetch the
   moment before its request was sent, for an event its `created`, which has whole seconds only.
2. A page never beats an event at or after the moment the page was asked for; within `TIE` of it nobody can tell,
   so the object is fetched again. The same holds for a fetch another process made at about that moment.
3. An event shows at once when it is newer than what is known, and is confirmed by a fetch in any case; so the order
   of arrival never decides what stays. One that is older than a page asked for after it is no news at all.
4. A deleted object stays deleted for pages and events; only a fetch brings it back.
5. A fetch replaces the very row it set out to confirm: whatever was known when it began, it has seen. Where the row
   has changed meanwhile nobody can tell which is newer (unless that is surely old): it is fetched once more. A fetch
   is stamped later than the row it confirms (`stamp_of_fetch`), so that no two states of a row look the same.

The same rules as SQL stand in `mirror_repository`; a test holds the two together.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, assert_never

from stripe_sync.kinds import Kind, StripeJson, items

TIE = timedelta(seconds=5)
"""How far apart an event and a page may stand and still be a tie: whole seconds, and clocks that differ."""


class Source(StrEnum):
    """How something is known."""

    PAGE = "page"
    EVENT = "event"
    FETCH = "fetch"


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the mirror has of an object."""

    stamp: datetime
    source: Source
    is_deleted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What just came in about an object."""

    stamp: datetime
    source: Source
    is_deleted: bool = False
    confirms: Known | None = None
    """For a fetch: the row as it was when the fetch began; None if there was none."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to do with news."""

    write: bool
    refetch: bool


def judge(known: Known | None, news: News) -> Verdict:
    """Return whether `news` replaces what is known, and whether the object must be fetched again."""
    match news.source:
        case Source.FETCH:
            return _judge_fetch(known, news)
        case Source.PAGE:
            return _judge_page(known, news)
        case Source.EVENT:
            return _judge_event(known, news)
    assert_never(news.source)


def _judge_fetch(known: Known | None, news: News) -> Verdict:
    if known is None or known == news.confirms or known.stamp + TIE < news.stamp:
        return Verdict(write=True, refetch=False)
    return Verdict(write=False, refetch=known.stamp <= news.stamp + TIE)


def _judge_page(known: Known | None, news: News) -> Verdict:
    if known is None:
        return Verdict(write=True, refetch=False)
    if known.is_deleted:
        return Verdict(write=False, refetch=known.stamp < news.stamp)
    if known.source is Source.PAGE:
        return Verdict(write=known.stamp <= news.stamp, refetch=False)
    is_surely_newer = known.stamp + TIE < news.stamp
    return Verdict(write=is_surely_newer, refetch=not is_surely_newer and known.stamp <= news.stamp + TIE)


def _judge_event(known: Known | None, news: News) -> Verdict:
    if known is None:
        return Verdict(write=True, refetch=True)
    if known.is_deleted:
        return Verdict(write=False, refetch=not news.is_deleted and known.stamp <= news.stamp + TIE)
    if news.is_deleted:
        return Verdict(write=known.stamp <= news.stamp + TIE, refetch=True)
    if known.source is Source.EVENT:
        return Verdict(write=known.stamp < news.stamp, refetch=known.stamp <= news.stamp)
    return Verdict(write=known.stamp <= news.stamp, refetch=known.stamp <= news.stamp + TIE)


def stamp_of_fetch(sent: datetime, known: Known | None) -> datetime:
    """Return the stamp of a fetch sent at `sent` (Stripe's time) while `known` was in the mirror."""
    return sent if known is None else max(sent, known.stamp + timedelta(microseconds=1))


def complete(kind: Kind, known: Mapping[str, Any] | None, snapshot: StripeJson) -> StripeJson | None:
    """Return an event's snapshot with what events leave out taken from what is known; None if that is not enough.

    Events show nothing that a request must ask for with `expand`. Until the confirming fetch brings it anew, a tiered
    price keeps its tiers and a discount its coupon; a snapshot with a discount nobody has seen, or with more items
    than it shows, would make a wrong MRR, so it waits for the fetch.
    """
    if kind.name == "subscriptions":
        return _complete_subscription(known or {}, snapshot)
    kept = {name: (known or {})[name] for name in kind.carried if name not in snapshot and name in (known or {})}
    return {**snapshot, **kept}


def _complete_subscription(known: Mapping[str, Any], snapshot: StripeJson) -> StripeJson | None:
    listed = snapshot.get("items")
    if isinstance(listed, Mapping) and listed.get("has_more"):
        return None
    holders = (known, *items(known, "items"))
    seen = {
        discount["id"]: discount for holder in holders for discount in items(holder, "discounts") if "id" in discount
    }
    whole = _with_discounts(snapshot, seen)
    if whole is None or not isinstance(listed, Mapping):
        return whole
    lines = [_with_discounts(dict(item), seen) for item in items(snapshot, "items")]
    if any(line is None for line in lines):
        return None
    return {**whole, "items": {**listed, "data": lines}}


def _with_discounts(holder: StripeJson, seen: Mapping[str, Any]) -> StripeJson | None:
    discounts = holder.get("discounts")
    if not isinstance(discounts, list):
        return holder
    found = [seen.get(discount) if isinstance(discount, str) else discount for discount in discounts]
    return None if any(discount is None for discount in found) else {**holder, "discounts": found}

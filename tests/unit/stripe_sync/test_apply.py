"""When news replaces what the mirror knows: the ordering cases as tables, the laws as properties."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stripe_sync.apply import TIE, Known, News, Source, Verdict, complete, judge, stamp_of_fetch
from stripe_sync.kinds import KINDS

T = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("known", "news", "write", "refetch"),
    [
        # pages
        (None, ("page", 0), True, False),
        (("page", -10), ("page", 0), True, False),
        (("page", 1), ("page", 0), False, False),  # two runs at once, the other one asked later
        (("event", -60), ("page", 0), True, False),
        (("event", -2), ("page", 0), False, True),  # within the tie: nobody can tell
        (("event", 0), ("page", 0), False, True),
        (("event", 60), ("page", 0), False, False),  # the event asked for its own confirmation
        (("fetch", -10), ("page", 0), True, False),
        (("fetch", -1), ("page", 0), False, True),  # clocks of two processes differ: nobody can tell
        (("fetch", 1), ("page", 0), False, True),
        (("fetch", 10), ("page", 0), False, False),
        # events
        (None, ("event", 0), True, True),
        (("event", -1), ("event", 0), True, True),
        (("event", 0), ("event", 0), False, True),  # same second: order unknown
        (("event", 10), ("event", 0), False, False),  # an older event arrives late
        (("page", -1), ("event", 0), True, True),
        (("page", 3), ("event", 0), False, True),
        (("page", 30), ("event", 0), False, False),  # older than the backfilled row
        (("fetch", 0.7), ("event", 0), False, True),
        # fetches
        (None, ("fetch", 0), True, False),
        (("event", -10), ("fetch", 0), True, False),
        (("event", 1), ("fetch", 0), False, True),  # it came while the fetch was under way
        (("fetch", -1), ("fetch", 0), False, True),  # so did another fetch, which may have been answered later
        (("fetch", 10), ("fetch", 0), False, False),
    ],
)
def test_news_of_a_living_object(
    *,
    known: tuple[str, float] | None,
    news: tuple[str, float],
    write: bool,
    refetch: bool,
) -> None:
    """Each row of the table decides as it says."""
    assert judge(_known(known), _news(news)) == Verdict(write=write, refetch=refetch)


@pytest.mark.parametrize(
    ("known", "news", "write", "refetch"),
    [
        (("event", 0), ("event", 0), False, True),  # an update in the second of the deletion
        (("event", 0), ("event", -30), False, False),  # a late update from before the deletion
        (("event", 0), ("event", 30), False, True),  # a coupon made anew under the same id: ask
        (("event", 0), ("page", 30), False, True),
        (("event", 0), ("page", -30), False, False),
        (("event", 0), ("fetch", 30), True, False),  # only a fetch lifts a tombstone
    ],
)
def test_news_of_a_deleted_object(
    *,
    known: tuple[str, float],
    news: tuple[str, float],
    write: bool,
    refetch: bool,
) -> None:
    """A tombstone stays for pages and events."""
    assert judge(_known(known, deleted=True), _news(news)) == Verdict(write=write, refetch=refetch)


def test_deletion_wins_over_an_update_of_the_same_second() -> None:
    """`customer.deleted` makes a tombstone although `customer.updated` has the same stamp."""
    verdict = judge(_known(("event", 0)), _news(("event", 0), deleted=True))

    assert verdict == Verdict(write=True, refetch=True)


instants = st.integers(min_value=-20, max_value=20).map(lambda seconds: T + timedelta(seconds=seconds))
sources = st.sampled_from(list(Source))
knowns = st.builds(Known, stamp=instants, source=sources, is_deleted=st.booleans())
all_news = st.builds(News, stamp=instants, source=sources, is_deleted=st.booleans())


@given(known=knowns, news=all_news)
def test_no_page_or_event_lifts_a_tombstone(known: Known, news: News) -> None:
    """Only fetches write over a deleted object."""
    if known.is_deleted and news.source is not Source.FETCH:
        assert not judge(known, news).write


@given(known=knowns, news=all_news)
def test_page_never_beats_an_event_of_its_moment_or_later(known: Known, news: News) -> None:
    """A page leaves an event at or after its stamp alone."""
    if known.source is Source.EVENT and news.source is Source.PAGE and known.stamp >= news.stamp:
        assert not judge(known, news).write


@given(known=st.none() | knowns, news=all_news)
def test_an_event_is_confirmed_unless_it_is_surely_old(known: Known | None, news: News) -> None:
    """What an event writes is always fetched again, and so is every tie."""
    if news.source is Source.EVENT:
        verdict = judge(known, news)
        near = known is None or (known.source is not Source.EVENT and abs(known.stamp - news.stamp) <= TIE)

        assert not verdict.write or verdict.refetch
        assert verdict.refetch or not near or (known is not None and known.is_deleted)


@given(known=knowns, sent=instants)
def test_fetch_beats_whatever_was_known_when_it_began(known: Known, sent: datetime) -> None:
    """A fetch always writes over the row it set out to confirm, and leaves another one."""
    news = News(stamp=stamp_of_fetch(sent, known), source=Source.FETCH, confirms=known)

    assert judge(known, news).write
    assert known != Known(stamp=news.stamp, source=news.source, is_deleted=news.is_deleted)


def test_event_keeps_what_only_a_request_brings() -> None:
    """A price's tiers survive an event that leaves them out, and nothing else does."""
    known = {"id": "price_1", "tiers": [{"up_to": None}], "nickname": "old", "gone": 1}

    merged = complete(KINDS["prices"], known, {"id": "price_1", "nickname": "new"})

    assert merged == {"id": "price_1", "nickname": "new", "tiers": [{"up_to": None}]}


def test_event_keeps_the_coupon_of_a_known_discount() -> None:
    """Ids of discounts in a snapshot become the discounts that a request brought, on subscription and items."""
    known = {
        "id": "sub_1",
        "discounts": [{"id": "di_1", "source": {"coupon": {"id": "TEN"}}}],
        "items": {"data": [{"id": "si_1", "discounts": [{"id": "di_2"}]}]},
    }
    snapshot = {"id": "sub_1", "discounts": ["di_1"], "items": {"data": [{"id": "si_1", "discounts": ["di_2"]}]}}

    merged = complete(KINDS["subscriptions"], known, snapshot)

    assert merged == {**known, "id": "sub_1"}


@pytest.mark.parametrize(
    "snapshot",
    [
        {"id": "sub_1", "discounts": ["di_new"]},
        {"id": "sub_1", "items": {"data": [{"discounts": ["di_new"]}]}},
        {"id": "sub_1", "items": {"data": [], "has_more": True}},
    ],
)
def test_snapshot_that_shows_too_little_waits_for_the_fetch(snapshot: dict[str, Any]) -> None:
    """A discount nobody has seen, or items beyond the snapshot, would make a wrong MRR."""
    assert complete(KINDS["subscriptions"], None, snapshot) is None


# helpers


def _known(row: tuple[str, float] | None, *, deleted: bool = False) -> Known | None:
    if row is None:
        return None
    return Known(stamp=T + timedelta(seconds=row[1]), source=Source(row[0]), is_deleted=deleted)


def _news(row: tuple[str, float], *, deleted: bool = False) -> News:
    return News(stamp=T + timedelta(seconds=row[1]), source=Source(row[0]), is_deleted=deleted)

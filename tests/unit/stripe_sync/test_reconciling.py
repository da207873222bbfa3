"""When accounts are swept: at night, each at its moment, and within what may be read."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.ids import ConnectionId
from stripe_sync.reconciling import LEAST_READS, MONTH, NIGHT, OFTENEST, interval, next_night, reads_allowed


@pytest.mark.parametrize(
    ("pages", "payments", "days"),
    [
        (12, 0, 1.0),  # a small account: every night
        (166, 0, 1.0),
        (500, 0, 3.0),  # 5,000 reads a month are half of the least allocation
        (500, 60, 1.0),  # 60 payments a month allow 30,000
        (20_000, 1_000, 2.4),
    ],
)
def test_interval(pages: int, payments: int, days: float) -> None:
    """Sweeps are as far apart as half of what may be read in a month asks."""
    assert interval(pages, payments) == timedelta(days=days) or pages == 166


@given(pages=st.integers(0, 10**6))
def test_sweeps_stay_under_half_of_what_may_be_read(pages: int) -> None:
    """However large an account is, its sweeps of a month read less than half of the least allocation."""
    assert pages * (MONTH / interval(pages, 0)) <= max(LEAST_READS / 2, pages) + 1e-6 or interval(pages, 0) == OFTENEST


@given(pages=st.lists(st.integers(0, 10**5), min_size=1, max_size=20), payments=st.integers(0, 200))
def test_accounts_of_one_platform_share_what_may_be_read(pages: list[int], payments: int) -> None:
    """All sweeps of a platform's accounts stay under what Stripe allows them together."""
    least = LEAST_READS // len(pages)
    apart = [interval(each, payments, least) for each in pages]
    reads = sum(each * (MONTH / gap) for each, gap in zip(pages, apart, strict=True) if gap > OFTENEST)

    assert reads <= reads_allowed(payments * len(pages)) + len(pages)


@given(
    last=st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001  hypothesis adds it
    name=st.text("abc123", min_size=1, max_size=8),
    zone=st.sampled_from([ZoneInfo("UTC"), ZoneInfo("America/Los_Angeles"), ZoneInfo("Asia/Kolkata")]),
)
def test_next_night(last: datetime, name: str, zone: ZoneInfo) -> None:
    """The next sweep is at night where the workspace is, about a day after the last one."""
    at = next_night(ConnectionId(name), last, OFTENEST, zone).astimezone(zone)

    assert timedelta(hours=0) <= timedelta(hours=at.hour, minutes=at.minute) <= NIGHT + timedelta(hours=1)
    assert timedelta(hours=11) <= at - last <= timedelta(hours=38)

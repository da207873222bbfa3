"""Instants, amounts and names as people read them."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from web.screens import format as fmt

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("elapsed", "shown"),
    [
        (timedelta(seconds=59), "just now"),
        (timedelta(seconds=-5), "just now"),  # a clock that is a little ahead
        (timedelta(minutes=3, seconds=59), "3 min ago"),
        (timedelta(hours=23), "23 h ago"),
        (timedelta(days=6), "6 d ago"),
        (timedelta(days=8), "on 12 Nov"),
        (timedelta(days=400), "on 16 Oct 2025"),
    ],
)
def test_ago_is_as_exact_as_it_is_useful(elapsed: timedelta, shown: str) -> None:
    """The older an instant is, the coarser it is told."""
    assert fmt.ago(NOW - elapsed, NOW) == shown


@pytest.mark.parametrize(
    ("zone", "day", "time", "old"),
    [
        ("UTC", "20 Nov 2026", "20 Nov 2026, 23:30 UTC", "on 20 Nov"),
        ("Europe/Vienna", "21 Nov 2026", "21 Nov 2026, 00:30 CET", "on 21 Nov"),
        ("America/Los_Angeles", "20 Nov 2026", "20 Nov 2026, 15:30 PST", "on 20 Nov"),
        ("America/Sao_Paulo", "20 Nov 2026", "20 Nov 2026, 20:30 UTC-03", "on 20 Nov"),  # a zone without letters
        ("Asia/Kathmandu", "21 Nov 2026", "21 Nov 2026, 05:15 UTC+0545", "on 21 Nov"),
    ],
)
def test_times_are_told_in_the_readers_zone(zone: str, day: str, time: str, old: str) -> None:
    """Day and hour are those of the zone, and the zone is said; machines get the instant as it is."""
    late, there = datetime(2026, 11, 20, 23, 30, tzinfo=UTC), ZoneInfo(zone)

    assert fmt.date(late, there) == day
    assert fmt.full_time(late, there) == time
    assert fmt.ago(late, datetime(2026, 12, 20, tzinfo=UTC).astimezone(there)) == old
    assert fmt.machine_time(late.astimezone(there)) == "2026-11-20T23:30:00Z"


@pytest.mark.parametrize(
    ("amount", "currency", "shown"),
    [
        ("1225.00", "usd", "$1,225.00"),
        ("-20", "usd", "\N{MINUS SIGN}$20.00"),
        ("1225", "jpy", "¥1,225"),
        ("3.5", "kwd", "3.500 KWD"),
        ("0", "chf", "0.00 CHF"),
        (Decimal("0.005"), "eur", "€0.00"),
        (None, "usd", None),
        ("nonsense", "usd", None),
    ],
)
def test_money_has_the_decimals_of_its_currency(amount: str | Decimal | None, currency: str, shown: str | None) -> None:
    """An amount shows its currency's symbol or code, and as many decimals as the currency has."""
    assert fmt.money(amount, currency) == shown


@given(st.text(max_size=60))
def test_initials_are_short_whatever_the_name(name: str) -> None:
    """Any name, also an empty or a hostile one, comes down to a few characters."""
    assert 1 <= len(fmt.initials(name)) <= 6


def test_machine_time_is_utc() -> None:
    """The attribute of a time element is an instant in UTC."""
    assert fmt.machine_time(NOW) == "2026-11-20T12:00:00Z"

"""Instants, amounts and names as people read them."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

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

"""Currencies, conversion, rounding and the customer's balance."""

from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.facts import Reason, to_json
from stripe_sync.currencies import scale
from stripe_sync.derive import FirstRate, GivenRates, NotedRates, Rate, RateSource
from stripe_sync.derive.money import LARGEST, Missing, convert, rounded, without_conversion
from stripe_sync.rates import PublishedRates
from tests.unit.derive.build import NOW, charge, codes, customer, facts, item, mrr, price, settings, subscription


@pytest.mark.parametrize(
    ("currency", "minor", "interval", "expected"),
    [
        ("jpy", 11_000, "year", "917"),  # no decimals: 916.67
        ("isk", 500_000, "month", "5000"),  # sent with two decimals, shown with none
        ("ugx", 500_000, "month", "5000"),
        ("kwd", 9990, "month", "9.990"),  # three
        ("huf", 150_000, "month", "1500.00"),  # two, whatever other lists say
        ("twd", 150_000, "month", "1500.00"),
        ("usd", 9999, "year", "8.33"),
    ],
)
def test_decimals_are_stripe_s_own(currency: str, minor: int, interval: str, expected: str) -> None:
    """Amounts are scaled and rounded by Stripe's table of currencies."""
    made = subscription(item(price(minor, interval=interval, currency=currency)), currency=currency)
    amount = mrr(made, chosen=settings(currency))

    assert isinstance(amount, Decimal)
    assert to_json(amount) == expected


@pytest.mark.parametrize(
    ("amount", "expected"),
    [("0.005", "0.01"), ("0.00499", "0.00"), ("-0.005", "-0.01"), ("1.015", "1.02"), ("2.675", "2.68")],
)
def test_rounds_half_up(amount: str, expected: str) -> None:
    """Halves round away from zero, exactly."""
    assert rounded(Fraction(amount), "usd") == Decimal(expected)


@given(st.fractions(min_value=-(10**9), max_value=10**9), st.sampled_from(["usd", "jpy", "kwd"]))
def test_rounding_is_never_off_by_more_than_half(amount: Fraction, currency: str) -> None:
    """The rounded amount is within half of the last decimal."""
    found = rounded(amount, currency)

    assert isinstance(found, Decimal)
    assert abs(Fraction(found) - amount) <= Fraction(1, 2) / 10 ** {"usd": 2, "jpy": 0, "kwd": 3}[currency]


def test_amount_too_large_to_keep() -> None:
    """An absurd amount is unknown; it would not fit the store."""
    found = rounded(Fraction(LARGEST), "usd")

    assert isinstance(found, Missing)
    assert found.code == "too_large"
    assert rounded(Fraction(LARGEST) - 1, "usd") == LARGEST - 1
    assert isinstance(rounded(-Fraction(LARGEST), "usd"), Missing)
    assert facts(charges=[charge(2**62)]).reasons["ltv"] is Reason.UNSUPPORTED


def test_every_foreign_amount_is_converted() -> None:
    """A customer with one currency that is not the reporting one is converted too, the balance with its sign."""
    found = facts(settings("usd", {"eur": "1.10"}), customer=customer(currency="EUR", balance=-2500))

    assert found.get("balance") == Decimal("-27.50")
    assert found.get("currency") == "eur"


def test_balance_without_currency() -> None:
    """A customer who was never billed has no currency and no balance; a balance without currency can't be known."""
    assert facts(customer=customer(currency=None)).get("balance") == Decimal("0.00")
    assert facts(customer={"id": "cus_x"}).get("balance") == Decimal("0.00")
    unclear = facts(customer=customer(currency=None, balance=100))
    assert unclear.reasons["balance"] is Reason.UNSUPPORTED
    assert codes(unclear, "balance") == {"no_currency"}


@given(st.integers(0, 10**7), st.sampled_from(["eur", "jpy", "kwd", "isk"]))
def test_rate_of_one_changes_nothing_but_the_decimals(amount: int, currency: str) -> None:
    """At a rate of 1, a foreign customer's money is the same number as at home."""
    # Whole krónur only: Stripe sends ISK with two decimals that are always 00.
    charges = [charge(amount * 100 if currency == "isk" else amount, currency=currency)]
    at_home = facts(settings(currency), charges=charges).get("ltv")
    abroad = facts(settings("kwd", {} if currency == "kwd" else {currency: "1"}), charges=charges).get("ltv")

    assert at_home == abroad


@pytest.mark.parametrize(
    ("now", "published"),
    [
        (datetime(2026, 10, 30, 14, 59, tzinfo=UTC), date(2026, 10, 29)),  # Friday's is not out yet
        (datetime(2026, 10, 30, 15, 0, tzinfo=UTC), date(2026, 10, 30)),
        (datetime(2024, 6, 2, 12, 0, tzinfo=UTC), date(2024, 5, 31)),  # a Sunday: Friday's
        (datetime(2024, 4, 1, 18, 0, tzinfo=UTC), date(2024, 3, 28)),  # Easter Monday: Thursday's
    ],
)
def test_published_rate_is_the_latest_not_after_now(now: datetime, published: date) -> None:
    """A rate counts from its publication on; on days without one the last stands."""
    rate = PUBLISHED.rate("usd", "eur", now)

    assert rate is not None
    assert rate.published == published


def test_published_rates_cross_and_invert_exactly() -> None:
    """There and back is 1, and a rate between two currencies is by way of the euro."""
    there, back = PUBLISHED.rate("gbp", "jpy", NOW), PUBLISHED.rate("jpy", "gbp", NOW)
    via = PUBLISHED.rate("gbp", "eur", NOW), PUBLISHED.rate("eur", "jpy", NOW)

    assert there is not None and back is not None and via[0] is not None and via[1] is not None  # noqa: PT018 - narrowing
    assert there.value * back.value == 1
    assert via[0].value * via[1].value == there.value


def test_published_rates_know_their_bounds() -> None:
    """Currencies the bank does not quote, and days before it did, have no rate."""
    assert PUBLISHED.rate("xyz", "eur", NOW) is None
    assert PUBLISHED.rate("kwd", "usd", NOW) is None
    assert PUBLISHED.rate("usd", "eur", datetime(1998, 1, 1, tzinfo=UTC)) is None


def test_own_rates_come_before_published_ones() -> None:
    """The first table that has a rate decides."""
    own = GivenRates(into="usd", rates={"eur": Fraction(2)})
    both = FirstRate((own, PUBLISHED))

    assert both.rate("eur", "usd", NOW) == Rate(Fraction(2), source=RateSource.GIVEN)
    assert both.rate("gbp", "usd", NOW) == PUBLISHED.rate("gbp", "usd", NOW)
    assert both.rate("xyz", "usd", NOW) is None


PUBLISHED = PublishedRates()


def test_rates_that_were_used_are_noted() -> None:
    """Rates that were given are noted by currency; what was asked in vain is not."""
    noted = NotedRates(GivenRates(into="usd", rates={"eur": Fraction(2)}))

    assert noted.rate("eur", "usd", NOW) == GivenRates(into="usd", rates={"eur": Fraction(2)}).rate("eur", "usd", NOW)
    assert noted.rate("gbp", "usd", NOW) is None
    assert noted.rate("eur", "gbp", NOW) is None
    assert set(noted.noted) == {"eur"}


@given(
    st.one_of(st.integers(-(10**16), 10**16), st.fractions(-(10**9), 10**9, max_denominator=1200)),
    st.sampled_from(["usd", "jpy", "isk", "kwd"]),
)
def test_own_currency_needs_no_conversion(minor: Fraction, currency: str) -> None:
    """An amount of the reporting currency comes to what the same amount of another one does at rate 1."""
    chosen = settings(currency, {"eur": "1"})
    scaled = minor * Fraction(100, scale(currency))
    exact, value = without_conversion(minor, currency)

    assert exact == convert({currency: minor}, chosen, NOW) == convert({"eur": scaled}, chosen, NOW)
    assert value == rounded(exact, currency)

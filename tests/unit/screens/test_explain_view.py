"""What people read of how a number was made."""

from fractions import Fraction
from typing import Any

import pytest

from web.screens.explain_view import exact_money, explain_view, rate_text

LINE: dict[str, Any] = {
    "customer": "cus_1",
    "url": "https://stripe/sub_1",
    "price_url": "https://stripe/price_1",
    "subscription": "sub_1",
    "item": "si_1",
    "price": "price_1",
    "product": "prod_1",
    "name": "Pro",
    "quantity": 3,
    "interval": "year",
    "interval_count": 1,
    "gross": "300",
    "discounts": [{"name": "Friends", "taken": "30"}],
    "without_tax": "100/119",
    "a_month": "1/12",
    "currency": "eur",
    "rate": "1.1",
    "rate_of": "2026-11-19",
    "rate_source": "published",
    "amount": "2475/119",
}
TOLD: dict[str, Any] = {
    "fact": "mrr",
    "value": "20.80",
    "reason": None,
    "missing": None,
    "currency": "usd",
    "exact": "2475/119",
    "rounding": "1/595",
    "sum": "20.80",
    "current": True,
    "lines": [LINE],
    "left_out": [],
    "uncounted": [],
    "settings": {"subtract_repeating": False, "subtract_once": False, "churn_at": "period_end"},
}


@pytest.mark.parametrize(
    ("amount", "currency", "shown"),
    [
        ("12", "usd", "$12.00"),
        ("10.4166", "usd", "$10.4166"),
        ("125/12", "usd", "$10.4166…"),
        ("-1/3", "chf", "\N{MINUS SIGN}0.3333… CHF"),
        ("1000", "jpy", "¥1,000"),
        ("0.5", "jpy", "¥0.5"),
        ("5.89", "kwd", "5.890 KWD"),
        ("0.00001", "usd", "$0.0000…"),
    ],
)
def test_amounts_are_exact_or_marked_as_cut(amount: str, currency: str, shown: str) -> None:
    """More decimals show where there are more, and an ellipsis where they do not end in time."""
    assert exact_money(Fraction(amount), currency) == shown


@pytest.mark.parametrize(
    ("rate", "shown"),
    [("1.1172", "1.1172"), ("5586/4169", "1.33989…"), ("931/146400", "0.006359290…"), ("2", "2"), ("150", "150")],
)
def test_rates_show_the_digits_people_compare(rate: str, shown: str) -> None:
    """Small rates keep their digits, round ones have no zeros to spare."""
    assert rate_text(Fraction(rate)).rstrip("…")[:7] == shown.rstrip("…")[:7]
    assert rate_text(Fraction(rate)).endswith("…") is shown.endswith("…")


def test_a_line_of_mrr_is_told_step_by_step() -> None:
    """From quantity over discounts, tax and period to the month, and into the reporting currency."""
    view = explain_view(TOLD)
    line, rounding = view.lines

    assert (line.title, line.amount) == ("Pro", "$20.7983…")
    assert (rounding.title, rounding.amount) == ("Rounding", "$0.0016…")
    assert [(step.text, step.amount) for step in line.steps] == [
        ("Quantity 3, for one year", "€300.00"),
        ("Less Friends", "\N{MINUS SIGN}€30.00"),
        ("Without tax (\N{MULTIPLICATION SIGN} 100/119)", "€226.8907…"),
        ("In a month (\N{MULTIPLICATION SIGN} 1/12)", "€18.9075…"),
        ("1 EUR = 1.1 USD, European Central Bank, 19 Nov 2026", "$20.7983…"),
    ]
    assert [link.text for link in line.links] == ["sub_1", "price_1"]
    assert (view.total, view.rounded_from, view.missing) == ("$20.80", "$20.7983…", "")


def test_steps_that_change_nothing_are_left_out() -> None:
    """A monthly price in the reporting currency has one step."""
    plain = {**LINE, "discounts": [], "without_tax": "1", "a_month": "1", "currency": "usd", "rate": "1"}
    view = explain_view(
        {**TOLD, "lines": [{**plain, "amount": "300"}], "exact": "300", "rounding": "0", "value": "300.00"}
    )
    assert len(view.lines) == 1
    assert [step.text for step in view.lines[0].steps] == ["Quantity 3, for one year"]
    assert view.rounded_from == ""


def test_which_discounts_count_is_said() -> None:
    """The workspace's settings stand in the introduction."""
    words = {
        explain_view({**TOLD, "settings": {"subtract_repeating": one, "subtract_once": two}}).intro.split(". ")[1]
        for one in (False, True)
        for two in (False, True)
    }
    assert words == {
        "Of discounts only lasting ones are subtracted.",
        "Lasting and repeating discounts are subtracted.",
        "Lasting and one-time discounts are subtracted.",
        "All discounts are subtracted.",
    }


def test_a_missing_rate_is_named_in_capitals() -> None:
    """The page can lead to the form for that currency."""
    lacking: dict[str, Any] = {
        "value": None,
        "exact": None,
        "rounding": None,
        "sum": None,
        "lines": [],
        "reason": "no_rate",
    }
    view = explain_view({**TOLD, **lacking, "missing": "there is no rate from kwd to usd"})

    assert (view.total, view.wants_rate) == ("", "KWD")
    assert view.missing == "There is no value, because there is no rate from KWD to USD."


def test_what_does_not_count_says_why() -> None:
    """A trial shows its status, others a sentence; customers in test mode say so."""
    aside = {"customer": "cus_1", "url": "https://stripe/x"}
    uncounted = [
        {**aside, "subscription": "sub_t", "status": "trialing", "why": "status"},
        {**aside, "subscription": "sub_c", "status": "active", "why": "cancels"},
    ]
    left_out = [{**aside, "livemode": False}]
    trial, cancels, test = explain_view({**TOLD, "uncounted": uncounted, "left_out": left_out}).asides

    assert trial.pill is not None
    assert (trial.pill.text, trial.steps) == ("Trial", ())
    assert "set to cancel" in cancels.steps[0].text
    assert test.steps[0].text == "Test mode: never added to live money"


def test_payments_and_their_sums() -> None:
    """One payment is told by its day, with refunds and disputes; many are told by their number."""
    one = {
        "customer": "cus_1",
        "url": "https://stripe/pi_1",
        "charge": "ch_1",
        "charges": 1,
        "created": 1_763_640_000,
        "captured": "50",
        "refunded": "10",
        "lost_in_disputes": "5",
        "currency": "usd",
        "rate": "1",
        "rate_of": None,
        "rate_source": None,
        "amount": "35",
    }
    many = {**one, "charge": None, "charges": 1234, "created": None}
    told = {
        **TOLD,
        "fact": "ltv",
        "lines": [one, many],
        "settings": None,
        "exact": "70",
        "rounding": "0",
        "value": "70.00",
    }
    view = explain_view(told)

    assert [line.title for line in view.lines] == ["20 Nov 2025", "1,234 payments in USD"]
    assert [step.text for step in view.lines[0].steps] == ["Captured", "Less refunds", "Less lost disputes"]


@pytest.mark.parametrize(
    ("fact", "value", "reason", "says"),
    [
        ("mrr", "0.00", None, "No subscription counts at present."),
        ("ltv", "0.00", None, "Nothing was collected yet."),
        ("status", "canceled", None, "All subscriptions have ended."),
        ("status", "none", None, "There never was a subscription."),
        ("plan", None, "not_applicable", "No subscription is live."),
        ("mrr", None, "not_synced", "There is no value: not synced yet."),
    ],
)
def test_an_empty_explanation_says_what_is_the_matter(fact: str, value: str | None, reason: str, says: str) -> None:
    """Nothing to list is not nothing to say."""
    money = fact in {"mrr", "ltv"}
    told = {
        **TOLD,
        "fact": fact,
        "value": value,
        "reason": reason,
        "lines": [],
        "exact": value,
        "rounding": None,
        "settings": None,
    }
    assert explain_view({**told, "currency": "usd" if money else None}).missing == says

"""How the numbers were made, line by line."""

from datetime import date, datetime
from fractions import Fraction
from typing import Any

import pytest

from stripe_sync.derive import DeriveSettings, Rate, RateSource, explain
from stripe_sync.derive.explain import written
from stripe_sync.objects import bundle_from_json
from tests.unit.derive.build import (
    NOW,
    Json,
    amount_off,
    charge,
    coupon,
    customer,
    discount,
    item,
    percent,
    price,
    seconds,
    settings,
    subscription,
)


def explained(chosen: DeriveSettings | None = None, **bundle: Any) -> dict[str, Any]:
    """Return the explanations of a customer with these lists."""
    return dict(explain(bundle_from_json({"customer": customer(), **bundle}), NOW, chosen or settings()))


class Bank:
    """Knows one rate, of a day."""

    def rate(self, currency: str, into: str, now: datetime) -> Rate | None:  # noqa: ARG002 - it knows one rate
        """Return it."""
        return Rate(Fraction("1.25"), date(2026, 11, 19), RateSource.PUBLISHED) if currency == "eur" else None


def test_nobody_has_no_explanation() -> None:
    """Without a customer there is nothing to explain."""
    assert explained(customer=None) == {}


def test_customer_with_nothing() -> None:
    """Nothing is explained by no lines."""
    nothing: Json = {"lines": [], "exact": "0", "rounding": "0", "value": "0.00", "currency": "usd"}

    assert explained() == {
        "mrr": nothing,
        "ltv": nothing,
        "status": {"lines": []},
        "plan": {"lines": [], "missing": None},
    }


def test_line_of_an_item() -> None:
    """Two seats of a yearly price with tax contained, 10 percent and 5.00 off, in a currency of its own."""
    made = item(
        price(11_900, interval="year", count=2, currency="eur", tax_behavior="inclusive"),
        2,
        tax_rates=[{"percentage": 19, "inclusive": True}],
        discounts=[discount(coupon(percent_off=10, name="Spring"))],
    )
    sub = subscription(made, currency="eur", discounts=[amount_off(500, currency="eur")])
    found = explained(DeriveSettings(reporting_currency="usd", rates=Bank()), subscriptions=[sub])

    # (238.00 - 23.80 - 5.00) / 1.19 / 24 = 7.3249…; at 1.25 it is 9.1561…
    assert found["mrr"] == {
        "lines": [
            {
                "subscription": "sub_a",
                "item": "si_a",
                "price": "price_a",
                "product": "prod_a",
                "quantity": 2,
                "interval": "year",
                "interval_count": 2,
                "gross": "238",
                "discounts": [{"name": "Spring", "taken": "23.8"}, {"name": "coupon_a", "taken": "5"}],
                "without_tax": "100/119",
                "a_month": "1/24",
                "currency": "eur",
                "rate": "1.25",
                "rate_of": "2026-11-19",
                "rate_source": "published",
                "amount": str(Fraction(20920, 119 * 24) * Fraction(5, 4)),
            }
        ],
        "exact": str(Fraction(20920, 119 * 24) * Fraction(5, 4)),
        "rounding": str(Fraction("9.16") - Fraction(20920, 119 * 24) * Fraction(5, 4)),
        "value": "9.16",
        "currency": "usd",
    }


def test_line_of_a_charge() -> None:
    """What was captured, less what was refunded and what a dispute took."""
    found = explained(
        charges=[charge(5000, amount_refunded=1000)],
        disputes=[{"charge": "ch_a", "status": "lost", "amount": 500, "currency": "usd"}],
    )["ltv"]

    [line] = found["lines"]
    expected = {
        "charge": "ch_a",
        "charges": 1,
        "captured": "50",
        "refunded": "10",
        "lost_in_disputes": "5",
        "currency": "usd",
        "rate": "1",
        "rate_of": None,
        "rate_source": None,
        "amount": "35",
    }
    assert {name: line[name] for name in expected} == expected
    assert (found["exact"], found["value"]) == ("35", "35.00")


def test_line_of_nothing_needs_no_rate() -> None:
    """A charge refunded whole counts 0 in every currency; the line says so without a rate."""
    [line] = explained(charges=[charge(500, currency="eur", amount_refunded=500)])["ltv"]["lines"]

    assert (line["currency"], line["rate"], line["rate_of"], line["rate_source"], line["amount"]) == (
        "eur",
        None,
        None,
        None,
        "0",
    )


def test_lines_add_up() -> None:
    """Two lines of a third of a cent each and what they come to, rounded once."""
    yearly = [subscription(item(price(9999, interval="year")), id=each) for each in ("sub_a", "sub_b")]
    found = explained(subscriptions=yearly)["mrr"]

    assert [line["amount"] for line in found["lines"]] == ["8.3325", "8.3325"]
    assert (found["exact"], found["rounding"], found["value"]) == ("16.665", "0.005", "16.67")


@pytest.mark.parametrize(
    ("bundle", "fact", "message"),
    [
        ({"subscriptions": [subscription(item("price_gone"))]}, "mrr", "the price of item si_a is not known"),
        (
            {"subscriptions": [subscription(item(price(currency="gbp")), currency="gbp")]},
            "mrr",
            "there is no rate from gbp to usd",
        ),
        ({"charges": [charge(5, currency="gbp")]}, "ltv", "there is no rate from gbp to usd"),
        ({"charges": [charge(5, currency=None)]}, "ltv", "charge ch_a has no amount in a currency"),
    ],
)
def test_number_nobody_can_know(bundle: Json, fact: str, message: str) -> None:
    """Where a number is unknown, the explanation says why, after the lines that are known."""
    found = explained(**bundle)[fact]

    assert found == {"lines": [], "exact": None, "value": None, "missing": message}


def test_known_lines_stand_before_the_unknown_one() -> None:
    """The lines up to the one nobody can know are shown."""
    made = [subscription(), subscription(item("price_gone", id="si_b"), id="sub_b")]
    found = explained(subscriptions=made)["mrr"]

    assert [line["subscription"] for line in found["lines"]] == ["sub_a"]
    assert found["missing"] == "the price of item si_b is not known"


def test_amount_too_large_has_no_value() -> None:
    """The exact sum is shown, and that it can't be kept."""
    found = explained(charges=[charge(2**60)])["ltv"]

    assert (found["exact"], found["rounding"], found["value"]) == ("11529215046068469.76", None, None)


def test_status_and_plan() -> None:
    """The status names every live subscription; the plan the one that decided, among how many."""
    made = [
        subscription(id="sub_a", status="past_due"),
        subscription(item(price(id="price_b", nickname="Gold"), id="si_b"), id="sub_b"),
        subscription(id="sub_c", status="canceled"),
    ]
    found = explained(subscriptions=made)

    assert found["status"]["lines"] == [
        {"subscription": "sub_a", "status": "past_due"},
        {"subscription": "sub_b", "status": "active"},
    ]
    [line] = found["plan"]["lines"]
    expected = {
        "subscription": "sub_b",
        "status": "active",
        "item": "si_b",
        "price": "price_b",
        "chosen_among": 2,
    }
    assert {name: line[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("made", "message"),
    [
        ([subscription(items={"data": []})], None),
        (
            [subscription(items={"data": [item()], "has_more": True})],
            "not all items of subscription sub_a are known",
        ),
        (
            [subscription(), subscription(item(price(currency="gbp")), currency="gbp")],
            "there is no rate from gbp to usd",
        ),
    ],
)
def test_plan_nobody_can_tell(made: list[Json], message: str | None) -> None:
    """Without a plan there is no line, and a reason where one could be known."""
    assert explained(subscriptions=made)["plan"] == {"lines": [], "missing": message}


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ("0", "0"),
        ("5", "5"),
        ("-5", "-5"),
        ("1/2", "0.5"),
        ("-1/2", "-0.5"),
        ("1/3", "1/3"),
        ("-1/3", "-1/3"),
        ("9999/1200", "8.3325"),
        ("1/125", "0.008"),
        ("1/8", "0.125"),
        ("1/16", "0.0625"),
        ("123/100", "1.23"),
        ("100/6", "50/3"),
        ("10", "10"),
        ("1/10", "0.1"),
        ("1000001/1000000", "1.000001"),
        ("1/400", "0.0025"),
        ("1/50", "0.02"),
    ],
)
def test_written(number: str, expected: str) -> None:
    """A decimal where it is one, else a fraction in lowest terms."""
    assert written(Fraction(number)) == expected


@pytest.mark.parametrize(
    ("made", "label"),
    [
        (discount(coupon(percent_off=5, name="Spring")), "Spring"),
        (percent(5), "coupon_a"),
        (discount({"percent_off": 5, "duration": "forever"}), "discount"),
    ],
)
def test_discount_is_called_by_its_coupon(made: Json, label: str) -> None:
    """A discount shows by the coupon's name, else its id."""
    [line] = explained(subscriptions=[subscription(discounts=[made], created=seconds(-1))])["mrr"]["lines"]

    assert line["discounts"] == [{"name": label, "taken": "0.5"}]

"""Discounts: which are in force, in which order, on what, and what they take."""

from datetime import timedelta
from decimal import Decimal

import pytest

from engine.core.facts import Reason
from tests.unit.derive.build import (
    NOW,
    Json,
    amount_off,
    codes,
    coupon,
    customer,
    discount,
    facts,
    item,
    mrr,
    of_subscriptions,
    percent,
    price,
    seconds,
    settings,
    stored,
    subscription,
)

HUNDRED = item(price(10_000))


@pytest.mark.parametrize(
    ("discounts", "expected"),
    [
        ([percent(20)], "80.00"),
        ([amount_off(500)], "95.00"),
        ([percent(20), amount_off(500)], "75.00"),  # the order counts
        ([amount_off(500), percent(20)], "76.00"),
        ([percent(100)], "0.00"),
        ([amount_off(20_000)], "0.00"),  # nothing goes below zero
        ([amount_off(20_000), amount_off(500)], "0.00"),
        ([percent(33.3)], "66.70"),  # the percentage as written, not its binary neighbour
        ([percent(50, end=seconds(-1))], "100.00"),  # over
        ([percent(50, end=seconds(1))], "50.00"),
        ([amount_off(500, currency="eur")], "100.00"),  # an amount of another currency is ignored
        ([amount_off(500, currency="eur", currency_options={"usd": {"amount_off": 700}})], "93.00"),
        ([percent(50, applies_to={"products": ["prod_b"]})], "100.00"),
        ([percent(50, applies_to={"products": ["prod_a"]})], "50.00"),
        ([discount(coupon(percent_off=None))], "100.00"),
        ([{"id": "di_x", "source": {"type": "coupon", "coupon": None}}], "100.00"),  # names no coupon
        ([{"id": "di_x", "coupon": coupon(percent_off=50)}], "50.00"),  # as API versions before 2025 wrote it
        ([{**percent(50), "deleted": True}], "100.00"),
        ([percent(50, end=seconds(0))], "100.00"),  # over this very second
        ([discount("coupon_gone", seconds(-1))], "100.00"),  # what is over does no harm, known or not
        ([percent(12.5), percent(12.5)], "76.56"),  # each of what is left: 76.5625
        ([amount_off(500), amount_off(500)], "90.00"),
        ([percent(120)], "0.00"),
        ([percent(-20)], "100.00"),  # a discount never adds
        ([amount_off(500, currency="eur", currency_options={"gbp": {"amount_off": 700}})], "100.00"),
        ([amount_off(500, currency_options={"usd": {"amount_off": 700}})], "95.00"),  # its own currency comes first
        ([amount_off(500, currency="USD")], "95.00"),
        ([percent(50, applies_to={"products": []})], "50.00"),
        ([percent(50, applies_to={"products": [{"id": "prod_a"}]})], "50.00"),
        ([percent(50, applies_to={"products": ["prod_b", "prod_a"]}), percent(50)], "25.00"),
    ],
)
def test_subscription_discounts(discounts: list[Json], expected: str) -> None:
    """Discounts that last for ever lower MRR, in order."""
    assert mrr(subscription(HUNDRED, discounts=discounts)) == Decimal(expected)
    assert mrr(subscription(item(price(10_000), discounts=discounts))) == Decimal(expected)


@pytest.mark.parametrize(
    ("duration", "chosen", "expected"),
    [
        ("repeating", settings(), "100.00"),
        ("repeating", settings(subtract_repeating=True), "50.00"),
        ("once", settings(), "100.00"),
        ("once", settings(subtract_once=True), "50.00"),
        ("once", settings(subtract_repeating=True), "100.00"),
    ],
)
def test_passing_discounts_by_the_workspace_s_settings(duration: str, chosen: object, expected: str) -> None:
    """Discounts that pass lower MRR only where the workspace wants it."""
    made = subscription(HUNDRED, discounts=[percent(50, duration, end=seconds(9))])

    assert mrr(made, chosen=chosen) == Decimal(expected)  # type: ignore[arg-type]  # parametrised settings


def test_running_out_is_remembered_and_recomputed() -> None:
    """A coupon that runs out changes MRR without an event, at the instant the stored value names."""
    chosen = settings(subtract_repeating=True)
    made = subscription(HUNDRED, discounts=[percent(50, "repeating", end=seconds(3))])
    found = stored(chosen, subscriptions=[made])
    until = found.values["valid_until"]

    assert found.get("mrr") == Decimal("50.00")
    assert int(until.timestamp()) == seconds(3)  # type: ignore[union-attr]  # an instant
    assert facts(chosen, until, subscriptions=[made]).get("mrr") == Decimal("100.00")  # type: ignore[arg-type]


def test_customer_s_discount_applies_only_without_one_of_the_subscription() -> None:
    """The customer's discount stands in for the subscription's; they never add up."""
    owner = customer(discount=percent(50))

    assert mrr(subscription(HUNDRED), customer=owner) == Decimal("50.00")
    assert mrr(subscription(HUNDRED, discounts=[percent(10)]), customer=owner) == Decimal("90.00")
    # One that has run out is none, though no event has taken it off the subscription yet.
    over = percent(10, end=seconds(-1))
    assert mrr(subscription(HUNDRED, discounts=[over]), customer=owner) == Decimal("50.00")


def test_item_s_discounts_come_before_the_subscription_s() -> None:
    """5.00 off the item, then 10 percent off what is left."""
    made = subscription(item(price(10_000), discounts=[amount_off(500)]), discounts=[percent(10)])

    assert mrr(made) == Decimal("85.50")


def test_fixed_amount_comes_off_once_per_invoice() -> None:
    """Items of one interval are invoiced together: 10.00 once; a yearly item has an invoice of its own."""
    together = subscription(item(price(3000), id="si_a"), item(price(7000), id="si_b"), discounts=[amount_off(1000)])
    apart = subscription(
        item(price(3000), id="si_a"), item(price(120_000, interval="year"), id="si_b"), discounts=[amount_off(1000)]
    )

    assert mrr(together) == Decimal("90.00")
    assert mrr(apart) == Decimal("119.17")  # 20.00 a month, and (1200.00 - 10.00) / 12 = 99.1666…


def test_fixed_amount_is_shared_by_eligible_items_only() -> None:
    """A later discount on one product sees that item's share of the fixed amount gone."""
    made = subscription(
        item(price(3000, product="prod_a"), id="si_a"),
        item(price(7000, product="prod_b"), id="si_b"),
        discounts=[amount_off(1000), percent(50, applies_to={"products": ["prod_b"]})],
    )

    assert mrr(made) == Decimal("58.50")  # 27.00 of the first, half of 63.00 of the second


def test_coupon_known_by_its_id_is_found_in_the_list() -> None:
    """A discount may name its coupon by id; `applies_to` comes from the list of coupons."""
    listed = coupon(percent_off=50, applies_to={"products": ["prod_z"]})

    assert mrr(subscription(HUNDRED, discounts=[discount("coupon_a")]), coupons=[listed]) == Decimal("100.00")
    inline = discount(coupon(percent_off=50))
    assert mrr(subscription(HUNDRED, discounts=[inline]), coupons=[listed]) == Decimal("100.00")


@pytest.mark.parametrize(
    ("discounts", "code"),
    [
        (["di_collapsed"], "discount_unknown"),
        ([discount("coupon_gone")], "discount_unknown"),
        ([percent(50, "lunar")], "unknown_duration"),
    ],
)
def test_discount_nobody_can_read_makes_revenue_unknown(discounts: list[Json | str], code: str) -> None:
    """A discount of which only the id is known takes off something: MRR is unknown, and says why."""
    found = of_subscriptions(subscription(HUNDRED, discounts=discounts))

    assert found.reasons.get("mrr") is Reason.UNSUPPORTED
    assert codes(found, "mrr") == {code}


@pytest.mark.parametrize(
    ("bundle", "expected"),
    [
        ({"subscriptions": [subscription()]}, False),
        ({"subscriptions": [subscription(discounts=[percent(5, "once")])]}, True),  # any duration
        ({"subscriptions": [subscription(discounts=["di_collapsed"])]}, True),  # Stripe lists it, so it is in force
        ({"subscriptions": [subscription(discounts=[percent(5, end=seconds(-1))])]}, False),
        ({"subscriptions": [subscription(item(discounts=[percent(5)]))]}, True),
        ({"customer": customer(discount=percent(5))}, True),
        ({"subscriptions": [subscription(status="canceled", discounts=[percent(5)])]}, False),  # not the primary's
    ],
)
def test_discounted(bundle: Json, expected: bool) -> None:  # noqa: FBT001 - a column of the table
    """A discount in force on customer, primary subscription or item shows."""
    assert facts(**bundle).get("discounted") is expected


def test_hard_case_of_a_coupon_that_runs_out() -> None:
    """50 percent for some months: 100.00 by default; with the setting 50.00, and 100.00 when it is over, untold."""
    made = subscription(HUNDRED, discounts=[percent(50, "repeating", end=seconds(1))])
    later = NOW + timedelta(days=1)

    for chosen, before in ((settings(), "100.00"), (settings(subtract_repeating=True), "50.00")):
        assert facts(chosen, subscriptions=[made]).get("mrr") == Decimal(before)
        assert facts(chosen, later, subscriptions=[made]).get("mrr") == Decimal("100.00")


def test_passing_discount_keeps_the_customer_s_away() -> None:
    """A subscription with any discount in force does not take the customer's, also where MRR ignores its own."""
    made = subscription(HUNDRED, discounts=[percent(10, "once")])

    assert mrr(made, customer=customer(discount=percent(50))) == Decimal("100.00")


def test_item_s_own_discount_does_not_keep_the_customer_s_away() -> None:
    """Only the subscription's own discounts stand in for the customer's."""
    made = subscription(item(price(10_000), discounts=[percent(10)]))

    assert mrr(made, customer=customer(discount=percent(50))) == Decimal("45.00")


def test_fixed_amount_comes_off_each_group_of_equal_interval_and_count() -> None:
    """Monthly, quarterly and metered items: 10.00 off each month and off each quarter, nothing for the meter."""
    made = subscription(
        item(price(3000), id="si_a"),
        item(price(3000, count=3), id="si_b"),
        item(price(1, usage_type="metered"), None, id="si_c"),
        discounts=[amount_off(1000)],
    )

    assert mrr(made) == Decimal("26.67")  # 20.00, and 20.00 / 3


def test_fixed_amount_takes_no_more_than_its_products_cost() -> None:
    """20.00 off a product of 5.00 takes 5.00; the rest is not taken from the others."""
    made = subscription(
        item(price(500, product="prod_a"), id="si_a"),
        item(price(3000, product="prod_b"), id="si_b"),
        discounts=[amount_off(2000, applies_to={"products": ["prod_a"]})],
    )

    assert mrr(made) == Decimal("30.00")


def test_coupon_made_anew_under_the_same_id_is_another() -> None:
    """A discount keeps the terms it was given with, whatever a later coupon of that id says."""
    given = coupon(percent_off=20, created=100)
    made_anew = coupon(percent_off=90, created=200, applies_to={"products": ["prod_z"]})
    changed = coupon(percent_off=20, created=100, name="New name", applies_to={"products": ["prod_z"]})

    assert mrr(subscription(HUNDRED, discounts=[discount(given)]), coupons=[made_anew]) == Decimal("80.00")
    assert mrr(subscription(HUNDRED, discounts=[discount(given)]), coupons=[changed]) == Decimal("100.00")


@pytest.mark.parametrize(
    "made",
    [
        subscription(item(price(0)), discounts=["di_collapsed"]),
        subscription(HUNDRED, item(price(0), id="si_b", discounts=["di_collapsed"])),
        subscription(HUNDRED, item(price(5, usage_type="metered"), id="si_b", discounts=["di_collapsed"])),
        subscription(HUNDRED, discounts=[{"id": "di_x", "end": None}]),
    ],
)
def test_unknown_discount_on_nothing_does_no_harm(made: Json) -> None:
    """What costs nothing is not made cheaper by a discount nobody can read."""
    assert mrr(made) in (Decimal("0.00"), Decimal("100.00"))


def test_customer_s_endless_discount_shows_whatever_else_is_unknown() -> None:
    """Without a rate nobody knows the primary subscription; a discount of the customer's own shows all the same."""
    made = [subscription(), subscription(item(price(currency="eur")), currency="eur", id="sub_b")]

    assert facts(subscriptions=made).reasons["discounted"] is Reason.NO_RATE
    assert facts(customer=customer(discount=percent(5)), subscriptions=made).get("discounted") is True
    passing = customer(discount=percent(5, "repeating", end=seconds(2)))
    assert facts(customer=passing, subscriptions=made).get("discounted") is True
    assert stored(customer=passing, subscriptions=made).get("valid_until") == NOW + timedelta(days=2)
    over = facts(now=NOW + timedelta(days=2), customer=passing, subscriptions=made)
    assert over.reasons["discounted"] is Reason.NO_RATE


def test_endless_discount_is_waited_for_by_nobody() -> None:
    """A discount without end shows although the primary subscription is unknown, and nothing is to be waited for."""
    made = [subscription(), subscription(item(price(currency="eur")), currency="eur", id="sub_b")]
    found = stored(customer=customer(discount=percent(5)), subscriptions=made)

    assert found.reasons["valid_until"] is Reason.NOT_APPLICABLE


def test_customer_s_passing_discount_beside_others() -> None:
    """What the customer's own discount shows ends with it, also where it lowers no subscription's revenue."""
    euro = subscription(item(price(currency="eur")), currency="eur", id="sub_b", discounts=[percent(5)])
    owner = customer(discount=percent(5, "repeating", end=seconds(2)))
    unclear = stored(customer=owner, subscriptions=[subscription(discounts=[percent(5)]), euro])

    assert unclear.get("valid_until") == NOW + timedelta(days=2)
    assert stored(customer=owner).reasons["valid_until"] is Reason.NOT_APPLICABLE  # it is a clock fact's matter alone

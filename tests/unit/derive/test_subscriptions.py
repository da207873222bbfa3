"""Status, plan, trial, period and end: what the subscriptions say besides money."""

from datetime import timedelta
from decimal import Decimal

import pytest

from engine.core.facts import FactValue, Reason
from tests.unit.derive.build import (
    NOW,
    Json,
    codes,
    facts,
    item,
    of_subscriptions,
    price,
    seconds,
    settings,
    subscription,
    tiered,
)


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        ([], "none"),
        (["canceled"], "canceled"),
        (["incomplete_expired"], "canceled"),  # it ended too
        (["active", "canceled"], "active"),  # what ended does not count beside what lives
        (["active", "trialing"], "trialing"),
        (["trialing", "paused"], "paused"),
        (["paused", "incomplete"], "incomplete"),
        (["incomplete", "past_due"], "past_due"),
        (["past_due", "unpaid", "active"], "unpaid"),
        (["active", "hibernating"], None),  # a status nobody knows may be worse than any
        (["canceled", "hibernating"], None),
    ],
)
def test_status_is_the_worst_of_the_living(statuses: list[str], expected: str | None) -> None:
    """The worst status of live subscriptions wins; an unknown one leaves it open, with a note."""
    found = of_subscriptions(*(subscription(id=f"sub_{status}", status=status) for status in statuses))

    assert found.get("status") == expected
    assert (codes(found, "status") == {"unknown_status"}) is (expected is None)


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        # Status first,
        ([{"id": "a", "status": "past_due"}, {"id": "b", "status": "active"}], "b"),
        ([{"id": "a", "status": "trialing"}, {"id": "b", "status": "past_due"}], "b"),
        ([{"id": "a", "status": "incomplete"}, {"id": "b", "status": "paused"}], "b"),
        ([{"id": "a", "status": "hibernating"}, {"id": "b", "status": "incomplete"}], "b"),
        ([{"id": "a", "status": "canceled"}, {"id": "b", "status": "unpaid"}], "b"),
        # then the newest,
        ([{"id": "a", "created": 5}, {"id": "b", "created": 4}], "a"),
        # then the greatest id.
        ([{"id": "a"}, {"id": "b"}], "b"),
    ],
)
def test_primary_subscription(made: list[Json], expected: str) -> None:
    """The primary subscription has the best status, then the highest MRR, then is the newest."""
    assert of_subscriptions(*(subscription(**each) for each in made)).get("subscription_id") == expected


def test_primary_has_the_highest_revenue_in_one_currency() -> None:
    """Amounts of different currencies are compared after conversion, not as numbers."""
    euro = subscription(item(price(1000, currency="eur")), id="sub_eur", currency="eur", created=1)
    dollar = subscription(item(price(1050)), id="sub_usd", created=2)

    assert facts(settings(rates={"eur": "1.10"}), subscriptions=[euro, dollar]).get("subscription_id") == "sub_eur"
    unknown = facts(subscriptions=[euro, dollar])
    assert unknown.reasons["subscription_id"] is Reason.NO_RATE
    assert unknown.reasons["on_trial"] is Reason.NO_RATE
    assert unknown.get("status") == "active"


def test_plan_of_the_primary_item() -> None:
    """Name, ids, interval, quantity and price of what the primary item sells."""
    made = subscription(item(price(4900, interval="year", count=2, nickname="Pro, two years"), 5))
    found = of_subscriptions(made, products=[{"id": "prod_a", "object": "product", "name": "Pro"}])

    expected: dict[str, FactValue] = {
        "plan": "Pro",
        "product_id": "prod_a",
        "price_id": "price_a",
        "plan_interval": "year",
        "plan_interval_count": 2,
        "quantity": 5,
        "plan_price": Decimal("49.00"),  # one period of two years, quantity 1
    }
    assert {name: found.get(name) for name in expected} == expected


@pytest.mark.parametrize(
    ("of", "products", "expected"),
    [
        (price(nickname="Gold"), [], "Gold"),
        (price(), [], "price_a"),
        (price(product={"id": "prod_a", "name": "Inline"}), [], "Inline"),
        (price(product="prod_gone", nickname=""), [{"id": "prod_a", "name": "Other"}], "price_a"),
        (price(product={"id": "prod_a", "deleted": True}), [{"id": "prod_a", "name": "Listed"}], "Listed"),
    ],
)
def test_plan_falls_back(of: Json, products: list[Json], expected: str) -> None:
    """The plan is the product's name, else the price's nickname, else the price's id."""
    assert of_subscriptions(subscription(item(of)), products=products).get("plan") == expected


@pytest.mark.parametrize(
    "of",
    [
        tiered("volume", [(None, 100, 0)]),
        price(100, usage_type="metered"),
        price(None, custom_unit_amount={"minimum": 100}),
    ],
)
def test_no_single_price(of: Json) -> None:
    """A tiered, metered or chosen price is no plan price."""
    assert of_subscriptions(subscription(item(of))).reasons["plan_price"] is Reason.NOT_APPLICABLE


def test_unknown_amount_leaves_the_plan_open() -> None:
    """Of two items, one with unknown tiers, nobody can say which is the greater; with one item there is no doubt."""
    unclear = item(tiered("volume", []), id="si_b")

    assert of_subscriptions(subscription(item(), unclear)).reasons["plan"] is Reason.UNSUPPORTED
    assert of_subscriptions(subscription(unclear)).get("plan") == "price_a"


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (subscription(status="trialing", trial_end=seconds(5)), (True, 5)),
        (subscription(status="trialing", trial_end=seconds(0.1)), (True, 1)),  # a day begun counts
        (subscription(status="trialing", trial_end=seconds(0)), (False, 0)),  # over, though no event came
        (subscription(status="trialing", trial_end=seconds(-5)), (False, 0)),
        (subscription(status="active", trial_end=seconds(5)), (False, 5)),  # ended early: the status says active
        (subscription(), (False, None)),
        (subscription(item(current_trial={"end_date": seconds(1)})), (True, None)),
        (subscription(item(current_trial={"end_date": seconds(-1)})), (False, None)),
        (subscription(item(current_trial={"end_date": seconds(1)}), item(id="si_b")), (False, None)),  # not all
        (
            subscription(item(current_trial={"end_date": seconds(1)}), item(price(usage_type="metered"), id="si_b")),
            (True, None),  # metered items do not matter
        ),
    ],
)
def test_trial(made: Json, expected: tuple[bool, int | None]) -> None:
    """On trial while the subscription's trial, or that of all its licensed items, lasts."""
    found = of_subscriptions(made)

    assert (found.get("on_trial"), found.get("trial_days_left")) == expected


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, (False, None)),
        ({"cancel_at": seconds(3)}, (True, 3)),
        ({"cancel_at_period_end": True}, (True, 20)),  # the items' period ends in 20 days
        ({"cancel_at_period_end": True, "cancel_at": seconds(7)}, (True, 7)),
    ],
)
def test_cancels(more: Json, expected: tuple[bool, int | None]) -> None:
    """A subscription set to end says so, and when."""
    found = of_subscriptions(subscription(**more))
    days = expected[1]

    assert found.get("cancels") is expected[0]
    assert found.get("cancels_at") == (None if days is None else NOW + timedelta(days=days))


@pytest.mark.parametrize(
    ("pause", "expected"),
    [
        (None, False),
        ({"behavior": "void", "resumes_at": None}, True),
        ({"behavior": "void", "resumes_at": seconds(1)}, True),
        ({"behavior": "void", "resumes_at": seconds(0)}, False),  # over, though no event came
    ],
)
def test_collection_paused(pause: Json | None, expected: bool) -> None:  # noqa: FBT001 - a column of the table
    """A pause lasts until it resumes."""
    assert of_subscriptions(subscription(pause_collection=pause)).get("collection_paused") is expected


def test_what_ended_last() -> None:
    """With nothing live, the subscription that ended last gives `last_plan` and `ended_at`."""
    early = subscription(item(price(nickname="Old")), id="sub_1", status="canceled", ended_at=seconds(-9))
    late = subscription(item(price(nickname="New")), id="sub_2", status="canceled", ended_at=seconds(-4.5))
    found = of_subscriptions(early, late)

    assert (found.get("last_plan"), found.get("ended_at")) == ("New", NOW - timedelta(days=4.5))
    assert found.get("days_since_subscription_deleted") == 4
    assert (found.get("plan"), found.reasons["plan"]) == (None, Reason.NOT_APPLICABLE)
    assert (found.get("subscriptions"), found.get("cancels"), found.get("on_trial")) == (0, False, False)

    beside = of_subscriptions(early, late, subscription(id="sub_3"))
    assert beside.reasons["last_plan"] is beside.reasons["ended_at"] is Reason.NOT_APPLICABLE
    assert beside.get("days_since_subscription_deleted") == 4


def test_unknown_values_of_closed_sets_have_no_value() -> None:
    """A status or interval nobody knows is not passed on as one of the known ones."""
    found = of_subscriptions(subscription(item(price(interval="fortnight")), status="hibernating"))

    assert found.reasons["subscription_status"] is found.reasons["plan_interval"] is Reason.UNSUPPORTED
    assert found.get("subscriptions") == 1
    assert found.get("subscription_id") == "sub_a"

"""MRR, item by item: what an item costs, how it is brought to a month, and when it counts."""

from decimal import Decimal
from typing import Any

import pytest

from engine.core.facts import Reason
from engine.workspace.models import ChurnAt
from tests.unit.derive.build import (
    Json,
    codes,
    facts,
    item,
    mrr,
    of_subscriptions,
    price,
    seconds,
    settings,
    stored,
    subscription,
    tiered,
)

TIERS: list[tuple[int | None, int, int]] = [(5, 700, 0), (10, 650, 0), (None, 600, 0)]
FLAT: list[tuple[int | None, int, int]] = [(5, 0, 1000), (None, 100, 500)]


@pytest.mark.parametrize(
    ("of", "quantity", "expected"),
    [
        (price(1000), 1, "10.00"),
        (price(1000), 0, "0.00"),
        (price(1000), None, "10.00"),  # Stripe's default quantity is 1
        (price(9999, interval="year"), 1, "8.33"),  # 833.25 exactly
        (price(2995, count=3), 3, "29.95"),  # 3 times 29.95 every 3 months
        (price(100, interval="week"), 1, "4.33"),  # 52/12 weeks a month, not 4
        (price(100, interval="week", count=2), 1, "2.17"),  # 216.67 exactly
        (price(100, interval="day"), 1, "30.42"),  # 365/12 days a month, not 30
        (price(2400, interval="year", count=2), 1, "1.00"),
        (price("0.5"), 1000, "5.00"),  # below a cent: only the decimal field has it
        (price("0.5"), 1, "0.01"),  # half a cent rounds up
        (price(1000, transform_quantity={"divide_by": 10, "round": "up"}), 11, "20.00"),  # a package begun is paid
        (price(1000, transform_quantity={"divide_by": 10, "round": "down"}), 19, "10.00"),
        (price(1000, usage_type="metered"), None, "0.00"),  # usage is not known beforehand
        (price(1000, type="one_time", recurring=None), 1, "0.00"),
        (tiered("graduated", TIERS), 12, "79.50"),  # 5 * 7 + 5 * 6.50 + 2 * 6
        (tiered("volume", TIERS), 12, "72.00"),  # all 12 at the tier that holds 12
        (tiered("volume", TIERS), 5, "35.00"),  # `up_to` is inclusive
        (tiered("graduated", TIERS), 5, "35.00"),
        (tiered("graduated", FLAT), 3, "10.00"),  # the flat fee once
        (tiered("graduated", FLAT), 7, "17.00"),  # both fees and two units
        (tiered("volume", FLAT), 7, "12.00"),  # only the fee of the tier reached
        (tiered("graduated", FLAT), 0, "10.00"),  # the first tier is reached by nothing at all
    ],
)
def test_item_amounts(of: Json, quantity: int | None, expected: str) -> None:
    """An item's price and quantity become the amount of a month."""
    assert mrr(subscription(item(of, quantity))) == Decimal(expected)


def test_rounds_once_at_the_end() -> None:
    """Two yearly prices of 99.99 are 16.67 a month together (16.665), though each alone is 8.33."""
    yearly = [subscription(item(price(9999, interval="year")), id=each) for each in ("sub_a", "sub_b")]

    found = of_subscriptions(*yearly)

    assert found.get("mrr") == Decimal("16.67")
    assert found.get("arr") == Decimal("199.98")


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("active", "10.00"),
        ("past_due", "10.00"),  # revenue until the merchant gives up
        ("trialing", "0.00"),
        ("unpaid", "0.00"),
        ("paused", "0.00"),
        ("incomplete", "0.00"),
        ("incomplete_expired", "0.00"),
        ("canceled", "0.00"),
        ("hibernating", "0.00"),  # a status nobody knows is neither active nor past due
    ],
)
def test_status_decides_what_counts(status: str, expected: str) -> None:
    """Only active and past-due subscriptions are revenue."""
    assert mrr(subscription(status=status)) == Decimal(expected)


def test_mixed_intervals_count_each_by_its_own() -> None:
    """A subscription may bill by year and by month at once; its metered item adds nothing."""
    found = of_subscriptions(
        subscription(
            item(price(3000, id="price_m"), id="si_m", current_period_start=seconds(-3)),
            item(price(120_000, interval="year", id="price_y"), id="si_y", current_period_start=seconds(-30)),
            item(price(1, usage_type="metered", id="price_u"), None, id="si_u"),
        )
    )

    assert found.get("mrr") == Decimal("130.00")
    assert (found.get("price_id"), found.get("plan_interval")) == ("price_y", "year")


def test_free_item_trial_does_not_count_until_it_ends() -> None:
    """An item on its own trial counts 0, and the stored value says when that changes."""
    on_trial = item(current_trial={"start_date": seconds(-1), "end_date": seconds(2)})
    found = stored(subscriptions=[subscription(on_trial)])

    assert found.get("mrr") == Decimal("0.00")
    assert found.get("valid_until") is not None
    assert facts(now=found.as_of, subscriptions=[subscription(on_trial)]).get("on_trial") is True


def test_currency_options_give_the_amount_in_the_subscription_s_currency() -> None:
    """A euro subscription to a dollar price costs what the price says for euros, unrelated to any rate."""
    options = {"eur": {"unit_amount": 900, "unit_amount_decimal": "900"}}
    euro = subscription(item(price(1000, currency_options=options)), currency="eur")

    assert mrr(euro, chosen=settings("eur")) == Decimal("9.00")
    assert mrr(euro, chosen=settings("usd", {"eur": "1.10"})) == Decimal("9.90")


def test_tiers_and_options_come_from_the_list_of_prices() -> None:
    """The item's inline price lacks tiers; they are taken from the price of that id in the bundle."""
    whole = tiered("volume", TIERS)
    inline = {key: value for key, value in whole.items() if key != "tiers"}

    assert mrr(subscription(item(inline, 12)), prices=[whole]) == Decimal("72.00")
    assert mrr(subscription(item("price_a", 12)), prices=[whole]) == Decimal("72.00")


@pytest.mark.parametrize(
    ("made", "code"),
    [
        (subscription(item(tiered("graduated", []))), "tiers_missing"),
        (subscription(item(tiered("graduated", [(5, 1, 0)]), 6)), "beyond_tiers"),
        (subscription(item(tiered("cubic", TIERS))), "unknown_tiers_mode"),
        (subscription(item(price(billing_scheme="auction"))), "unknown_billing_scheme"),
        (subscription(item(price(interval="fortnight"))), "unknown_interval"),
        (subscription(item(price(usage_type="guessed"))), "unknown_usage_type"),
        (subscription(item(price(type="lunar"))), "unknown_price_type"),
        (subscription(item(price(None))), "no_unit_amount"),
        (subscription(item(price(transform_quantity={"divide_by": 0, "round": "up"}))), "unknown_package"),
        (subscription(item("price_gone")), "price_missing"),
        (subscription(item(), currency="eur"), "no_currency_option"),
        (subscription(items={"data": [item()], "has_more": True}), "items_missing"),
        (subscription(items=None), "items_missing"),
    ],
)
def test_what_cannot_be_known_is_unknown_with_a_note(made: Json, code: str) -> None:
    """An amount that Stripe's objects do not tell makes MRR unknown, never smaller."""
    found = of_subscriptions(subscription(id="sub_fine"), made)

    assert found.reasons.get("mrr") is Reason.UNSUPPORTED
    assert codes(found, "mrr") == {code}


def test_further_pages_of_items_count_once() -> None:
    """Items listed apart complete the embedded page; one that stands in both counts once."""
    paged = subscription(items={"data": [item()], "has_more": True})
    listed = [item(id=each, subscription="sub_a") for each in ("si_a", "si_b")]

    assert mrr(paged, subscription_items=listed) == Decimal("20.00")


@pytest.mark.parametrize(
    ("behavior", "rates", "expected", "noted"),
    [
        ("inclusive", [{"percentage": 19, "inclusive": True}], "100.00", False),
        ("inclusive", [{"percentage": 10, "inclusive": True}, {"percentage": 9, "inclusive": True}], "100.00", False),
        ("inclusive", [], "119.00", True),  # contains tax, nobody says how much: left in, and said so
        ("inclusive", [{"percentage": 19, "inclusive": False}], "119.00", True),
        ("exclusive", [{"percentage": 19, "inclusive": False}], "119.00", False),
    ],
)
def test_tax_contained_in_the_price_is_no_revenue(
    behavior: str, rates: list[Any], expected: str, *, noted: bool
) -> None:
    """Tax comes off a price that contains it, at the item's own rates."""
    found = of_subscriptions(subscription(item(price(11_900, tax_behavior=behavior), tax_rates=rates)))

    assert found.get("mrr") == Decimal(expected)
    assert ("tax_included" in codes(found, "mrr")) is noted


def test_subscription_s_tax_rates_stand_in_for_the_item_s() -> None:
    """An item without rates of its own has the subscription's default ones."""
    rates = [{"percentage": 19, "inclusive": True}]

    assert mrr(subscription(item(price(11_900, tax_behavior="inclusive")), default_tax_rates=rates)) == Decimal(
        "100.00"
    )


@pytest.mark.parametrize("ending", [{"cancel_at_period_end": True}, {"cancel_at": seconds(5)}])
def test_cancellation_counts_when_the_workspace_says(ending: Json) -> None:
    """A subscription set to end is revenue until then, or no more, by the workspace's setting."""
    at_once = settings(churn_at=ChurnAt.CANCELLATION)

    assert mrr(subscription(**ending)) == Decimal("10.00")
    assert mrr(subscription(**ending), chosen=at_once) == Decimal("0.00")
    assert mrr(subscription(), chosen=at_once) == Decimal("10.00")


@pytest.mark.parametrize(
    "more",
    [
        {"pause_collection": {"behavior": "void", "resumes_at": None}},
        {"pending_update": {"subscription_items": [item(price(99_900))]}},
        {"schedule": "sub_sched_1"},
    ],
)
def test_what_does_not_change_revenue(more: Json) -> None:
    """Paused collection, pending updates and future phases leave MRR as it is."""
    assert mrr(subscription(**more)) == Decimal("10.00")

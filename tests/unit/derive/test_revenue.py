"""MRR, item by item: what an item costs, how it is brought to a month, and when it counts."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from engine.core.facts import Reason
from engine.workspace.models import ChurnAt
from tests.unit.derive.build import (
    NOW,
    Json,
    codes,
    customer,
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
        (tiered("volume", FLAT), 0, "10.00"),
        (tiered("volume", FLAT), 5, "10.00"),  # flat fees alone
        (tiered("volume", FLAT), 6, "11.00"),  # 6 * 1.00 + 5.00
        (tiered("graduated", FLAT), 6, "16.00"),  # 10.00 + 5.00 + one unit of 1.00
        (tiered("graduated", [(0, 0, 500), (None, 100, 0)]), 3, "8.00"),  # a fee of its own, then by the unit
        (tiered("graduated", [(0, 0, 500), (2, 100, 50), (None, 1, 0)]), 0, "5.00"),  # further fees are not reached
        (tiered("graduated", [(None, 7, 0)]), 1_000_000, "70000.00"),  # one endless tier is a price per unit
        (tiered("graduated", [(None, 600, 0), (10, 650, 0), (5, 700, 0)]), 12, "79.50"),  # in whatever order
        (tiered("volume", TIERS, interval="year", count=2), 12, "3.00"),  # 72.00 every two years
        (tiered("volume", TIERS, usage_type="metered"), 12, "0.00"),
        (price("0.000000000001"), 10**12, "0.01"),  # Stripe's finest: twelve decimals of a cent
        (price("99.5", transform_quantity={"divide_by": 3, "round": "up"}), 7, "2.99"),  # 3 packages: 298.5
        (price(1000, transform_quantity={"divide_by": 10, "round": "up"}), 0, "0.00"),  # no package is begun
        (price(1000, transform_quantity={"divide_by": 10, "round": "down"}), 9, "0.00"),
        (price(1000, unit_amount=1, unit_amount_decimal="2.5"), 2, "0.05"),  # the exact field is preferred
        (price(1000, unit_amount_decimal=None), 1, "10.00"),
        (tiered("graduated", [(5, 100, 0)]), 5, "5.00"),  # the last tier ends where the quantity does
        (tiered("volume", [("inf", 100, 0)]), 7, "7.00"),  # type: ignore[list-item]  # as tiers are sent to Stripe
        (tiered("volume", [("soon", 100, 0)]), 7, Reason.UNSUPPORTED),  # type: ignore[list-item]
        (tiered("volume", [(None, None, 0)]), 7, Reason.UNSUPPORTED),  # type: ignore[list-item]  # no amount at all
        (tiered("volume", [(None, None, 300)]), 7, "3.00"),  # type: ignore[list-item]  # a fee alone
        (tiered("volume", [(None, None, 300), (9, None, 0)]), 7, Reason.UNSUPPORTED),  # type: ignore[list-item]
        (price(1000, billing_scheme=None), 1, "10.00"),  # Stripe's default is per unit
        (price(1000, transform_quantity={"divide_by": 1, "round": "up"}), 3, "30.00"),
        (price(1000, transform_quantity={"divide_by": 10, "round": "sideways"}), 3, Reason.UNSUPPORTED),
        (price(1000, count=0), 1, Reason.UNSUPPORTED),  # every no months
        (price(1000, active=False), 1, "10.00"),  # an archived price is still paid
        (price(1000, type=None), 1, "10.00"),  # `recurring` alone tells
        (price(1000, recurring={"interval": "month"}), 2, "20.00"),  # every 1, licensed: Stripe's defaults
        (price(1000, recurring=None, type=None), 1, Reason.UNSUPPORTED),
        (price(36_500, interval="day", count=30), 1, "370.07"),  # every 30 days is not a month: 365/360
    ],
)
def test_item_amounts(of: Json, quantity: int | None, expected: str | Reason) -> None:
    """An item's price and quantity become the amount of a month."""
    known = expected if isinstance(expected, Reason) else Decimal(expected)

    assert mrr(subscription(item(of, quantity))) == known


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


def test_hard_case_of_one_subscription_in_each_status() -> None:
    """One subscription of 10.00 in each status: only the active and the past-due one count, and the worst shows."""
    statuses = (
        "incomplete incomplete_expired trialing active past_due unpaid canceled paused".split()  # noqa: SIM905
    )
    found = of_subscriptions(*(subscription(id=f"sub_{each}", status=each) for each in statuses))

    assert (found.get("mrr"), found.get("arr")) == (Decimal("20.00"), Decimal("240.00"))
    assert (found.get("status"), found.get("subscription_status")) == ("unpaid", "active")
    assert found.get("subscriptions") == 6


def test_hard_case_of_mixed_intervals() -> None:
    """1200.00 a year, 30.00 a month and a meter: 130.00, and plan and period are the yearly item's."""
    made = subscription(
        item(price(3000, id="price_m"), id="si_m", current_period_start=seconds(-3)),
        item(price(120_000, interval="year", id="price_y", nickname="Yearly"), id="si_y", current_period_start=5),
        item(price(None, usage_type="metered", id="price_u"), None, id="si_u"),  # a meter's amount does not matter
    )
    found = of_subscriptions(made)

    assert (found.get("mrr"), found.get("plan")) == (Decimal("130.00"), "Yearly")
    assert int(found.get("period_start").timestamp()) == 5  # type: ignore[union-attr]  # an instant


@pytest.mark.parametrize(
    ("of", "quantity", "expected"),
    [
        # A euro subscription: the options' amounts count, whatever the price's own are.
        (price(1000, currency_options={"eur": {"unit_amount": None, "unit_amount_decimal": "0.5"}}), 2, "0.01"),
        (
            tiered("volume", TIERS, currency_options={"eur": {"tiers": [{"up_to": None, "unit_amount": 5}]}}),
            2,
            "0.10",
        ),
        (
            price(
                1000,
                transform_quantity={"divide_by": 2, "round": "up"},
                currency_options={"eur": {"unit_amount": 900}},
            ),
            3,
            "18.00",  # packages are the price's own matter
        ),
        (price(1000, currency_options={"gbp": {"unit_amount": 900}}), 1, Reason.UNSUPPORTED),
        (tiered("volume", TIERS, currency_options={"eur": {"unit_amount": 5}}), 1, Reason.UNSUPPORTED),
        (price(800, currency="EUR", currency_options={"eur": {"unit_amount": 900}}), 1, "8.00"),  # its own currency
    ],
)
def test_currency_options(of: Json, quantity: int, expected: str | Reason) -> None:
    """Amounts in the subscription's currency come from the option of that currency."""
    known = expected if isinstance(expected, Reason) else Decimal(expected)

    assert mrr(subscription(item(of, quantity), currency="eur"), chosen=settings("eur")) == known


@pytest.mark.parametrize(
    ("rates", "expected", "noted"),
    [
        ([{"percentage": 19, "inclusive": True}, {"percentage": 7, "inclusive": False}], "100.00", False),
        # A rate that is a fixed amount has a percentage of 0 and takes more than nothing.
        ([{"percentage": 0, "inclusive": True, "rate_type": "flat_amount"}], "119.00", True),
        ([{"percentage": None, "inclusive": True}], "119.00", True),
        ([{"percentage": 19, "inclusive": True}, {"percentage": None, "inclusive": True}], "119.00", True),
        ([{"percentage": -19, "inclusive": True}], "119.00", True),
        ([{"percentage": 0, "inclusive": True}], "119.00", False),  # no tax is a known rate
    ],
)
def test_tax_rates_that_are_known(rates: list[Any], expected: str, *, noted: bool) -> None:
    """Only percentages that are all known come off; else tax is left in, and said so."""
    found = of_subscriptions(subscription(item(price(11_900, tax_behavior="inclusive"), tax_rates=rates)))

    assert found.get("mrr") == Decimal(expected)
    assert ("tax_included" in codes(found, "mrr")) is noted


def test_tax_behavior_of_the_option_comes_first() -> None:
    """A price may contain tax in one currency and not in another."""
    rates = [{"percentage": 19, "inclusive": True}]
    options = {"eur": {"unit_amount": 11_900, "tax_behavior": "inclusive"}}
    made = subscription(item(price(5, currency_options=options), tax_rates=rates), currency="eur")

    assert mrr(made, chosen=settings("eur")) == Decimal("100.00")


def test_discounts_come_off_before_tax() -> None:
    """Half of 119.00 with 19 percent contained is 50.00."""
    rates = [{"percentage": 19, "inclusive": True}]
    made = item(price(11_900, tax_behavior="inclusive"), tax_rates=rates)

    assert mrr(subscription(made, discounts=[percent(50)])) == Decimal("50.00")


@pytest.mark.parametrize(
    ("page", "listed", "expected"),
    [
        ({"data": [item()], "has_more": True}, [], Reason.UNSUPPORTED),
        ({"data": [item()], "has_more": True}, [item(subscription="sub_a")], Reason.UNSUPPORTED),  # the same one again
        ({"data": [item()], "has_more": True}, [item(id="si_b", subscription="sub_b")], Reason.UNSUPPORTED),
        ({"data": [item()], "has_more": True}, [item(id="si_b", subscription="sub_a")], Decimal("20.00")),
        ({"data": [], "has_more": False}, [], Decimal("0.00")),
        ({"data": [item(deleted=True)], "has_more": False}, [], Decimal("0.00")),  # an item that was taken off
        (None, [item(subscription="sub_a")], Decimal("10.00")),
        ([item()], [], Decimal("10.00")),  # a bare array
        ([], [], Decimal("0.00")),
    ],
)
def test_items_on_further_pages(page: object, listed: list[Json], expected: Decimal | Reason) -> None:
    """Without all items there is no MRR; with those listed apart there is."""
    assert mrr(subscription(items=page), subscription_items=listed) == expected


def test_unknown_part_of_what_does_not_count_does_no_harm() -> None:
    """Prices nobody can read matter only on subscriptions and items that count."""
    unclear = item("price_gone", id="si_b")
    on_trial = item("price_gone", id="si_b", current_trial={"end_date": seconds(1)})

    assert mrr(subscription(unclear, status="trialing"), subscription(id="sub_b")) == Decimal("10.00")
    assert mrr(subscription(item(), on_trial)) == Decimal("10.00")
    assert mrr(subscription(unclear, cancel_at=5), chosen=settings(churn_at=ChurnAt.CANCELLATION)) == Decimal(0)


def test_what_is_unknown_now_may_be_known_later() -> None:
    """A discount nobody can read makes MRR unknown only until it ends; the stored value says until when."""
    made = subscription(item(discounts=[percent(50, "lunar", end=seconds(3))]))
    found = stored(subscriptions=[made])

    assert found.reasons["mrr"] is Reason.UNSUPPORTED
    assert found.get("valid_until") == NOW + timedelta(days=3)
    assert facts(now=NOW + timedelta(days=3), subscriptions=[made]).get("mrr") == Decimal("10.00")


def test_valid_until_is_the_first_change_ahead() -> None:
    """Of several ends the next one counts; what lies behind, or on subscriptions that do not count, changes nothing."""
    made = subscription(
        item(current_trial={"end_date": seconds(4)}),
        item(id="si_b", discounts=[percent(5, "repeating", end=seconds(3))]),
        discounts=[percent(5, "repeating", end=seconds(6)), percent(5, "repeating", end=seconds(-1))],
    )
    unpaid = subscription(status="unpaid", discounts=[percent(5, end=seconds(1))], id="sub_b")

    assert stored(subscriptions=[made, unpaid]).get("valid_until") == NOW + timedelta(days=3)
    assert stored(subscriptions=[unpaid]).reasons["valid_until"] is Reason.NOT_APPLICABLE
    owner = customer(discount=percent(5, "repeating", end=seconds(2)))
    assert stored(customer=owner, subscriptions=[subscription()]).get("valid_until") == NOW + timedelta(days=2)


def test_subscription_without_currency_has_that_of_its_first_price() -> None:
    """Old objects leave the currency to the price; without any there is no revenue, where one would count."""
    first = item(price(1000, currency=None), id="si_a")
    second = item(price(1000, currency="EUR"), id="si_b")
    assert mrr(subscription(second, currency=None), chosen=settings("eur")) == Decimal("10.00")
    assert mrr(subscription(first, second, currency=None), chosen=settings("eur")) is Reason.UNSUPPORTED
    bare = subscription(first, currency=None)
    found = of_subscriptions(bare)
    assert codes(found, "mrr") == {"no_currency"}
    assert codes(found, "plan_price") == {"no_currency"}
    assert mrr({**bare, "status": "trialing"}) == Decimal("0.00")
    assert mrr({**bare, "items": {"data": []}}) == Decimal("0.00")


def test_option_of_the_price_s_own_currency_does_not_count() -> None:
    """Whether the price contains tax is said by the price itself in its own currency."""
    rates = [{"percentage": 19, "inclusive": True}]
    options = {"usd": {"unit_amount": 5, "tax_behavior": "inclusive"}}
    made = item(price(11_900, tax_behavior="exclusive", currency_options=options), tax_rates=rates)

    assert mrr(subscription(made)) == Decimal("119.00")


def test_note_on_tax_names_the_price() -> None:
    """The note says which price contains tax at a rate nobody told."""
    found = of_subscriptions(subscription(item(price(11_900, tax_behavior="inclusive"))))

    assert [note.message for note in found.notes] == ["price price_a contains tax at a rate that is not known"]


@pytest.mark.parametrize("end", [0, -1])
def test_what_ends_now_has_ended(end: int) -> None:
    """A trial that ends this very second is over: the item counts, and nothing is waited for."""
    found = stored(subscriptions=[subscription(item(current_trial={"end_date": seconds(end)}))])

    assert found.get("mrr") == Decimal("10.00")
    assert found.reasons["valid_until"] is Reason.NOT_APPLICABLE

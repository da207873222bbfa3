"""Status, plan, trial, period and end: what the subscriptions say besides money."""

from datetime import timedelta
from decimal import Decimal

import pytest

from engine.core.facts import FactValue, Reason
from stripe_sync.catalog import STRIPE_FACTS
from stripe_sync.derive import at
from tests.unit.derive.build import (
    NOW,
    Json,
    codes,
    facts,
    item,
    of_subscriptions,
    percent,
    price,
    seconds,
    settings,
    stored,
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
    assert codes(found, "subscription_status") == {"unknown_status"}
    assert codes(found, "plan_interval") == {"unknown_interval"}


def test_price_that_is_not_there_leaves_its_facts_unknown() -> None:
    """Of a price only the id is known: the plan is called by it, everything it says is unknown and not "none"."""
    found = of_subscriptions(subscription(item("price_gone", 3)))

    assert (found.get("plan"), found.get("price_id"), found.get("quantity")) == ("price_gone", "price_gone", 3)
    for name in ("product_id", "plan_interval", "plan_interval_count", "plan_price"):
        assert found.reasons[name] is Reason.UNSUPPORTED
        assert codes(found, name) == {"price_missing"}
    assert found.get("period_end") == NOW + timedelta(days=20)
    nameless = of_subscriptions(subscription(item({}, None), status="trialing"))
    assert nameless.reasons["plan"] is nameless.reasons["price_id"] is Reason.NOT_APPLICABLE
    assert of_subscriptions(subscription(item(5))).reasons["plan"] is Reason.UNSUPPORTED  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("of", "expected"),
    [
        (price(4900, count=3), Decimal("49.00")),  # for the three months, not for one
        (price(1000, transform_quantity={"divide_by": 10, "round": "up"}), Decimal("10.00")),  # a package
        (price(1000, type="one_time", recurring=None), Decimal("10.00")),
        (price("0.5"), Decimal("0.01")),
        (price(None, custom_unit_amount={"minimum": None, "maximum": None, "preset": None}), Reason.NOT_APPLICABLE),
        (price(1000, custom_unit_amount={"minimum": None}), Decimal("10.00")),
        (price(1000, custom_unit_amount={"preset": 900}), Reason.NOT_APPLICABLE),
        (price(1000, currency="eur"), Reason.UNSUPPORTED),  # no amount in the subscription's currency
        (price(None), Reason.UNSUPPORTED),
        (price(billing_scheme="auction"), Reason.UNSUPPORTED),
        (price(usage_type="guessed"), Reason.UNSUPPORTED),
    ],
)
def test_plan_price(of: Json, expected: Decimal | Reason) -> None:
    """One billing period at quantity 1, before discounts; what can't be told is unknown, what is not there is none."""
    found = of_subscriptions(subscription(item(of, 7), discounts=[percent(50)]))

    assert found.values.get("plan_price", found.reasons.get("plan_price")) == expected


def test_listed_price_and_product_are_believed() -> None:
    """The copy inside a subscription is as old as the subscription; the lists are kept current on their own."""
    made = item(price(nickname="Old name", product="prod_x"))
    renamed = price(nickname="New name", product="prod_x", tiers=None)

    assert of_subscriptions(subscription(made), prices=[renamed]).get("plan") == "New name"
    inline = item(price(product={"id": "prod_a", "name": "Old product"}))
    products = [{"id": "prod_a", "name": "New product"}]
    assert of_subscriptions(subscription(inline), products=products).get("plan") == "New product"
    deleted = [{"id": "prod_a", "deleted": True}]
    assert of_subscriptions(subscription(inline), products=deleted).get("plan") == "Old product"


TRIAL: Json = {"current_trial": {"end_date": seconds(2)}}


@pytest.mark.parametrize(
    ("made", "expected", "days"),
    [
        (subscription(item("price_gone")), False, None),
        (subscription(item("price_gone", **TRIAL)), None, None),  # it may not be licensed
        (subscription(item("price_gone", **TRIAL), item("price_x", id="si_b")), None, None),
        (subscription(item("price_gone", current_trial={"end_date": seconds(0)})), False, None),  # over either way
        (subscription(item(**TRIAL), item("price_gone", id="si_b")), None, None),  # it may be licensed
        (subscription(item(**TRIAL), item("price_gone", id="si_b", **TRIAL)), True, None),  # either way
        (
            subscription(item(**TRIAL), item("price_gone", id="si_b", current_trial={"end_date": seconds(1)})),
            True,
            1,  # until the earlier ends; nobody knows what then
        ),
        (
            subscription(item(**TRIAL), item("price_gone", id="si_b", current_trial={"end_date": seconds(0)})),
            None,  # the earlier has ended this very second
            None,
        ),
        (subscription(item(), item("price_gone", id="si_b", **TRIAL)), False, None),
        (subscription(items={"data": [item(**TRIAL)], "has_more": True}), None, None),
        (subscription(items={"data": [item()], "has_more": True}), False, None),
        (subscription(items=None), None, None),
        (subscription(items={"data": [item("price_gone")], "has_more": True}), None, None),  # the next may be on trial
        (subscription(items=None, status="trialing", trial_end=seconds(3)), True, 3),  # the trial as a whole is sure
        (subscription(item("price_gone", **TRIAL), status="trialing", trial_end=seconds(3)), True, None),
        (subscription(item(price(usage_type="metered"), **TRIAL)), False, None),  # no licensed item at all
    ],
)
def test_trial_of_items_that_cannot_be_read(made: Json, *, expected: bool | None, days: int | None) -> None:
    """Items nobody can read leave the trial open only where they could decide it."""
    found = stored(subscriptions=[made])

    assert at(found, NOW).get("on_trial") is expected
    assert (expected is None) is (codes(found, "on_trial") == {"items_missing"})
    if days is not None:
        assert found.get("valid_until") == NOW + timedelta(days=days)


def test_clock_facts_say_why_they_are_unknown() -> None:
    """What keeps a stored instant from being known is noted on the facts that move over it."""
    euro = subscription(item(price(currency="eur")), currency="eur", id="sub_b")
    found = of_subscriptions(subscription(), euro)

    for name in ("on_trial", "trial_days_left", "collection_paused", "discounted", "card_expired", "plan"):
        assert found.reasons[name] is Reason.NO_RATE
        assert codes(found, name) == {"no_rate"}
    assert not {note.fact for note in found.notes} - {spec.name for spec in STRIPE_FACTS}


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ([item(price(100), id="a"), item(price(900), id="b")], "b"),  # the highest
        ([item(price(900), id="a"), item(price(900), id="b")], "a"),  # then the first
        ([item(price(100, interval="day"), id="a"), item(price(2000), id="b")], "a"),  # 30.42 a month
        ([item(price(9000, interval="year"), id="a"), item(price(800), id="b")], "b"),  # 7.50 a month
        ([item(price(9000, usage_type="metered"), id="a"), item(price(0), id="b")], "b"),  # licensed before metered
        ([item(price(9, usage_type="metered"), id="a"), item(price(99, usage_type="metered"), id="b")], "a"),
        ([item(price(900), 0, id="a"), item(price(1), 1, id="b")], "b"),
        ([item(price(900), id="a", discounts=[percent(100)]), item(price(1), id="b")], "a"),  # before discounts
        ([item(price(900), id="a", **TRIAL), item(price(1), id="b")], "a"),  # also while on trial
    ],
)
def test_primary_item(items: list[Json], expected: str) -> None:
    """The primary item has the highest licensed amount of a month, and comes first among equals."""
    named = [{**each, "price": {**each["price"], "id": each["id"]}} for each in items]

    assert of_subscriptions(subscription(*named)).get("price_id") == expected


@pytest.mark.parametrize(
    ("made", "code"),
    [
        (subscription(item(), item("price_gone", id="si_b")), "price_missing"),
        (subscription(item(), item(price(usage_type="guessed"), id="si_b")), "unknown_usage_type"),
        (subscription(item(), item(price(interval="fortnight"), id="si_b")), "unknown_interval"),
        (subscription(item(), item(tiered("volume", []), id="si_b")), "tiers_missing"),
        (subscription(items={"data": [item()], "has_more": True}), "items_missing"),
    ],
)
def test_plan_that_nobody_can_tell(made: Json, code: str) -> None:
    """Where an amount that would decide is unknown, so is the plan; a guess could name the wrong one."""
    found = of_subscriptions({**made, "status": "trialing"})

    for name in ("plan", "price_id", "quantity", "period_end"):
        assert found.reasons[name] is Reason.UNSUPPORTED
        assert codes(found, name) == {code}
    assert found.get("subscription_status") == "trialing"


def test_last_plan_needs_all_items() -> None:
    """The plan of what ended is as unknown as a living one."""
    paged = subscription(items={"data": [item()], "has_more": True}, status="canceled", ended_at=5)

    assert of_subscriptions(paged).reasons["last_plan"] is Reason.UNSUPPORTED
    assert of_subscriptions({**paged, "items": {"data": []}}).reasons["last_plan"] is Reason.NOT_APPLICABLE


@pytest.mark.parametrize(
    ("ended", "expected"),
    [
        ([{"id": "a", "ended_at": 5, "created": 1}, {"id": "b", "ended_at": 4, "created": 3}], "a"),
        ([{"id": "a", "ended_at": 5, "created": 1}, {"id": "b", "ended_at": 5, "created": 3}], "b"),  # then the newest
        ([{"id": "a", "ended_at": 5, "created": 1}, {"id": "b", "ended_at": 5, "created": 1}], "b"),  # then by id
        ([{"id": "a", "canceled_at": 9}, {"id": "b", "ended_at": 5, "canceled_at": 99}], "a"),
        ([{"id": "a"}, {"id": "b", "ended_at": 0}], "b"),
        ([{"id": "a", "ended_at": 9, "status": "incomplete_expired"}, {"id": "b", "ended_at": 5}], "a"),
    ],
)
def test_which_ended_last(ended: list[Json], expected: str) -> None:
    """The one that ended last, by its end, else by when it was canceled."""
    made = [subscription(item(price(nickname=each["id"])), **{"status": "canceled", **each}) for each in ended]
    found = of_subscriptions(*made)

    assert found.get("last_plan") == expected


def test_interval_without_count_is_one() -> None:
    """Stripe's default is every one interval; where there is no interval there is no count."""
    found = of_subscriptions(subscription(item(price(recurring={"interval": "week"}))))

    assert (found.get("plan_interval"), found.get("plan_interval_count")) == ("week", 1)
    once = of_subscriptions(subscription(item(price(type="one_time", recurring=None))))
    assert once.reasons["plan_interval_count"] is Reason.NOT_APPLICABLE


def test_period_of_an_old_object_stands_on_the_subscription() -> None:
    """Before 2025 the period was the subscription's; the item's own comes first."""
    bare = {key: value for key, value in item().items() if not key.startswith("current_period")}
    old = subscription(bare, current_period_start=5, current_period_end=6, cancel_at_period_end=True)
    found = of_subscriptions(old)

    assert [int(found.get(name).timestamp()) for name in ("period_start", "period_end", "cancels_at")] == [5, 6, 6]  # type: ignore[union-attr]
    assert of_subscriptions(subscription(current_period_end=6)).get("period_end") == NOW + timedelta(days=20)
    several = subscription(item(current_period_end=seconds(9)), item(id="si_b"), cancel_at_period_end=True)
    assert of_subscriptions(several).get("cancels_at") == NOW + timedelta(days=9)  # with the first to end


def test_status_that_is_not_there() -> None:
    """A subscription without a status is live, and nobody knows how it stands."""
    found = of_subscriptions(subscription(status=None))  # type: ignore[arg-type]  # on purpose

    assert found.get("subscriptions") == 1
    assert found.reasons["status"] is found.reasons["subscription_status"] is Reason.UNSUPPORTED
    assert found.get("mrr") == Decimal("0.00")


def test_timeline_of_subscriptions() -> None:
    """The newest creation, of ended ones too; the latest end of a canceled one, expired ones left out."""
    made = [
        subscription(created=seconds(-40)),
        subscription(id="sub_b", status="canceled", created=seconds(-20), ended_at=seconds(-6)),
        subscription(id="sub_c", status="canceled", created=seconds(-30), ended_at=seconds(-8)),
        subscription(id="sub_d", status="incomplete_expired", created=seconds(-50), ended_at=seconds(-2)),
    ]
    found = of_subscriptions(*made)

    assert (found.get("days_since_subscription_created"), found.get("days_since_subscription_deleted")) == (20, 6)
    assert found.get("recent_events") == ("subscription_created", "subscription_deleted")

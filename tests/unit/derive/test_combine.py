"""Several customers of one end user, and none."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from engine.core.facts import Combine, Facts, FactValue, Reason
from stripe_sync.catalog import STORED, STRIPE_FACTS
from stripe_sync.derive import CustomerFacts, at, best_of, combine, derive, without_customer
from stripe_sync.objects import Bundle
from tests.unit.derive.build import (
    NOW,
    Json,
    charge,
    customer,
    invoice,
    item,
    percent,
    price,
    seconds,
    settings,
    stored,
    subscription,
)


def one(key: str, *, owner: Json | None = None, chosen: Any = None, **bundle: Any) -> CustomerFacts:
    """Return the stored facts of the customer `cus_<key>`."""
    return stored(chosen, customer=customer(id=f"cus_{key}", **(owner or {})), **bundle)


def together(*each: CustomerFacts) -> Facts:
    """Return the facts of an end user with these customers, now."""
    return at(combine(each, NOW), NOW)


RICH = one(
    "rich",
    owner={"created": seconds(-300), "country": "de", "balance": -500},
    subscriptions=[subscription(item(price(9900, nickname="Pro")), id="sub_rich")],
    invoices=[invoice("paid", id="in_rich"), invoice("open", id="in_due", due_date=seconds(-3), amount_remaining=900)],
    charges=[charge(9900, id="ch_rich", created=seconds(-2))],
)
LATE = one(
    "late",
    owner={"created": seconds(-100), "delinquent": True, "balance": 200},
    subscriptions=[subscription(item(price(100)), id="sub_late", status="unpaid")],
    invoices=[invoice("open", id="in_late", due_date=seconds(-8), status_transitions={"finalized_at": seconds(-0.5)})],
    charges=[charge(100, "failed", id="ch_late")],
)


@pytest.mark.parametrize(
    ("fact", "expected"),
    [
        ("customer", True),
        ("customer_id", "cus_rich"),  # best: active before unpaid
        ("plan", "Pro"),
        ("subscription_status", "active"),
        ("status", "unpaid"),  # worst
        ("customer_since", NOW - timedelta(days=300)),  # earliest
        ("mrr", Decimal("99.00")),
        ("ltv", Decimal("99.00")),
        ("subscriptions", 2),
        ("balance", Decimal("-3.00")),
        ("delinquent", True),  # any
        ("open_invoices", 2),
        ("overdue_invoices", 2),
        ("days_overdue", 8),  # greatest
        ("amount_due", Decimal("19.00")),
        ("last_invoice_status", "open"),  # of the invoice finalized last, not of the best customer
        ("charge_failed", True),
        ("failure_code", "card_declined"),
        ("last_payment_amount", Decimal("99.00")),
        ("days_since_charged", 2),  # least
        ("recent_events", ("invoice_created", "charged")),  # union
    ],
)
def test_two_customers(fact: str, expected: FactValue) -> None:
    """Each fact combines as the catalog says, in whichever order the customers come."""
    assert together(RICH, LATE).get(fact) == expected
    assert together(LATE, RICH).get(fact) == expected


def test_one_customer_is_itself() -> None:
    """A single customer's facts are not touched."""
    assert combine([RICH], NOW) is RICH


def test_money_of_several_customers_is_rounded_once() -> None:
    """Two customers of 8.3325 a month bring in 16.67 (16.665), not twice 8.33."""
    yearly: Json = {"subscriptions": [subscription(item(price(9999, interval="year")))]}

    assert together(one("a", **yearly), one("b", **yearly)).get("mrr") == Decimal("16.67")


def test_test_money_is_left_out_beside_live_money() -> None:
    """Of a live and a test customer only the live one speaks."""
    test = one("test", owner={"livemode": False}, charges=[charge(100_000)])
    found = together(test, RICH)

    assert (found.get("livemode"), found.get("ltv"), found.get("customer_id")) == (True, Decimal("99.00"), "cus_rich")
    assert together(test, test).get("ltv") == Decimal("2000.00")


def test_unknown_of_one_is_unknown_of_all() -> None:
    """A sum with an unknown part is unknown; a flag that one customer raises is raised all the same."""
    foreign = one("foreign", chosen=settings(), charges=[charge(100, currency="eur")])
    half_read = one("half", chosen=settings(complete=frozenset({"customers"})))

    assert together(RICH, foreign).reasons["ltv"] is Reason.NO_RATE
    found = together(RICH, LATE, half_read)
    assert found.get("charge_failed") is True
    assert found.reasons["mrr"] is found.reasons["last_invoice_status"] is Reason.NOT_SYNCED


def test_what_ended_counts_only_when_nothing_lives() -> None:
    """One customer's ended subscription is no `last_plan` while another's lives."""
    ended = one("old", subscriptions=[subscription(item(price(nickname="Old")), status="canceled", ended_at=5)])

    assert together(ended, RICH).reasons["last_plan"] is Reason.NOT_APPLICABLE
    assert together(ended, one("none")).get("last_plan") == "Old"


@pytest.mark.parametrize(
    ("reason", "match"),
    [(Reason.NO_CUSTOMER, "none"), (Reason.AMBIGUOUS, "ambiguous"), (Reason.NOT_CONNECTED, "none")],
)
def test_without_customer(reason: Reason, match: str) -> None:
    """Nobody linked: only `customer` and `match` speak, everything else says why it does not."""
    found = at(without_customer(reason, match, NOW), NOW)

    assert dict(found.values) == {"customer": False, "match": match}
    assert set(found.reasons) == {spec.name for spec in STRIPE_FACTS} - {"customer", "match"}
    assert set(found.reasons.values()) == {reason}


def test_no_customers_are_nobody() -> None:
    """Combining nothing gives the facts of an end user without customer."""
    assert combine([], NOW) == without_customer(Reason.NO_CUSTOMER, "none", NOW)


def test_stored_values_combine_in_ways_that_are_built() -> None:
    """No stored value asks for a combination that is meant for clock facts alone."""
    of_clock_facts = {Combine.GREATEST, Combine.LEAST, Combine.UNION}

    assert [each.name for each in STORED if each.combine in of_clock_facts] == []


def ranked(key: str, *, created: float = -200, **more: Any) -> CustomerFacts:
    """Return a customer with one subscription."""
    amount = more.pop("amount", 1000)
    made = subscription(item(price(amount, currency=more.get("currency", "usd"))), **{"id": f"sub_{key}", **more})
    rates = settings(rates={"eur": "2"}) if more.get("currency") == "eur" and not more.get("no_rate") else None
    return one(key, owner={"created": seconds(created)}, chosen=rates, subscriptions=[made])


@pytest.mark.parametrize(
    ("customers", "expected"),
    [
        ([ranked("a", status="past_due", amount=9000), ranked("b", status="active", amount=1)], "b"),  # the status
        ([ranked("a", amount=2000), ranked("b", amount=1000, created=-1)], "a"),  # then MRR, not the newer customer
        ([ranked("a", amount=600, currency="eur"), ranked("b")], "a"),  # 12.00 after conversion
        ([ranked("a", amount=400, currency="eur"), ranked("b")], "b"),
        ([ranked("a", created=-300), ranked("b", created=-400)], "b"),  # of equals the greater subscription id
        ([ranked("z", id="sub_1"), ranked("a", id="sub_2")], "a"),
        ([ranked("z", id="sub_1", created=-1), ranked("a", id="sub_1", created=-2)], "z"),  # then the newer customer
        ([one("a", owner={"created": seconds(-1)}), ranked("b", status="hibernating")], "b"),  # any before none
        ([one("a", owner={"created": seconds(-1)}), one("b", owner={"created": seconds(-2)})], "a"),  # the newest
        ([one("a"), one("b")], "b"),  # then the greater id
        ([ranked("a", status="canceled"), one("b", owner={"created": seconds(-1)})], "b"),  # what ended ranks nobody
    ],
)
def test_best_customer(customers: list[CustomerFacts], expected: str) -> None:
    """The best customer is the one whose primary subscription would be the primary one; else the newest."""
    for order in (customers, customers[::-1]):
        assert together(*order).get("customer_id") == f"cus_{expected}"
        best = best_of(order)
        assert best is not None
        assert best.get("customer_id") == f"cus_{expected}"


def test_best_customer_that_nobody_can_tell() -> None:
    """Revenues that can't be compared, or subscriptions not read yet: nobody knows the best; counts are not touched."""
    foreign = one("foreign", subscriptions=[subscription(item(price(currency="eur")), currency="eur")])
    half_read = one("half", chosen=settings(complete=frozenset({"customers"})))

    found = together(foreign, RICH)
    assert found.reasons["plan"] is found.reasons["customer_id"] is found.reasons["card_expired"] is Reason.NO_RATE
    assert found.get("subscriptions") == 2
    assert together(half_read, RICH).reasons["plan"] is Reason.NOT_SYNCED
    # The best status decides alone, whatever is unknown about the others' amounts.
    unpaid = one("late", subscriptions=[subscription(item(price(currency="eur")), currency="eur", status="unpaid")])
    assert together(RICH, unpaid).get("plan") == "Pro"
    newest = best_of([foreign, one("new", owner={"created": seconds(-1)}, subscriptions=[subscription()])])
    assert newest is not None
    assert newest.get("customer_id") == "cus_new"
    assert best_of([]) is None


def test_unclear_primary_of_one_customer_leaves_the_best_open() -> None:
    """A customer whose own primary subscription can't be told may be the best."""
    euro = subscription(item(price(currency="eur")), currency="eur", id="sub_b")
    unclear = one("unclear", subscriptions=[subscription(), euro])

    assert together(unclear, RICH).reasons["plan"] is Reason.NO_RATE


def test_customer_who_is_gone_is_left_out() -> None:
    """Of two linked customers one was deleted at Stripe: the other's facts stand alone; two gone ones are nobody."""
    gone = derive(Bundle(), NOW, settings())

    assert together(gone, RICH).get("mrr") == together(RICH, gone).get("mrr") == Decimal("99.00")
    assert together(gone, gone).reasons["mrr"] is Reason.NO_CUSTOMER


def test_customer_who_is_not_there_yet_keeps_sums_open() -> None:
    """A linked customer not read yet may be live: never a partial sum."""
    not_yet = derive(Bundle(), NOW, settings(complete=frozenset()))

    found = together(not_yet, RICH)
    assert found.reasons["ltv"] is found.reasons["plan"] is Reason.NOT_SYNCED
    assert found.get("livemode") is True


def test_latest_of_two_at_the_same_instant() -> None:
    """Facts that belong together come from one customer also when two instants are the same; the newer one's."""
    made: Json = {"charges": [charge(100)]}
    old, new = one("a", owner={"created": 5}, **made), one("b", owner={"created": 6}, charges=[charge(200)])

    assert together(old, new).get("last_payment_amount") == Decimal("2.00")
    assert together(new, old).get("last_payment_amount") == Decimal("2.00")


def test_endless_discount_of_one_shows_beside_an_unknown() -> None:
    """A discount without end is in force whatever is unknown about the other customer's."""
    endless = one("a", owner={"discount": percent(5)})
    passing = one("b", owner={"discount": percent(5, end=seconds(5))})
    half_read = one("half", chosen=settings(complete=frozenset({"customers"})))

    assert together(endless, half_read).get("discounted") is True
    assert together(passing, half_read).reasons["discounted"] is Reason.NOT_SYNCED
    assert together(passing, one("c")).get("discounted") is True


def test_reason_does_not_depend_on_the_order() -> None:
    """Of several reasons the same one is given, in whichever order the customers come."""
    foreign = one("foreign", charges=[charge(100, currency="eur")])
    half_read = one("half", chosen=settings(complete=frozenset({"customers"})))

    for order in ((foreign, half_read, RICH), (half_read, RICH, foreign)):
        assert together(*order).reasons["ltv"] is Reason.NOT_SYNCED


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        (("canceled", None), "canceled"),
        ((None, None), "none"),
        (("active", "canceled"), "active"),
        (("active", "trialing"), "trialing"),
        (("hibernating", "active"), None),
    ],
)
def test_worst_status_of_several(statuses: tuple[str | None, ...], expected: str | None) -> None:
    """The worst status of all customers' subscriptions; unknown where one is unknown."""
    customers = [
        one(f"c{position}", subscriptions=[] if status is None else [subscription(status=status)])
        for position, status in enumerate(statuses)
    ]

    assert together(*customers).get("status") == expected


def test_clock_facts_of_several() -> None:
    """What moves with the clock combines over the instants: the earliest to fall due, the latest charge, all dates."""
    a = one("a", charges=[charge(created=seconds(-5))], invoices=[invoice("open", due_date=seconds(-1))])
    b = one("b", charges=[charge(created=seconds(-40))], invoices=[invoice("open", due_date=seconds(3))])
    both = combine([a, b], NOW)

    assert at(both, NOW).get("days_since_charged") == 5
    assert [at(both, NOW + timedelta(days=days)).get("overdue_invoices") for days in (0, 3, 4)] == [1, 1, 2]
    assert at(both, NOW + timedelta(days=4)).get("days_overdue") == 5
    assert both.notes == ()


def test_notes_of_all_customers_stand_once() -> None:
    """The same note of two customers is told once."""
    foreign = one("a", charges=[charge(100, currency="eur")])

    assert [note.fact for note in combine([foreign, foreign], NOW).notes] == ["ltv", "last_payment_amount"]


def test_sum_too_large_to_keep() -> None:
    """Two sums that fit may add up to one that does not."""
    rich = one("a", charges=[charge(6 * 10**13)])

    assert rich.get("ltv") == Decimal("600000000000.00")
    assert together(rich, rich).reasons["ltv"] is Reason.UNSUPPORTED


def test_latest_invoice_s_amount_comes_with_its_status() -> None:
    """Status, instant and amount are one customer's: that of the invoice finalized last."""
    old = one("a", invoices=[invoice("paid", total=100, status_transitions={"finalized_at": seconds(-5)})])
    new = one("b", invoices=[invoice("void", total=200)])
    found = together(old, new)

    assert (found.get("last_invoice_amount"), found.get("last_invoice_status")) == (Decimal("2.00"), "void")
    assert found.get("last_invoice_at") == NOW - timedelta(days=1)


def test_end_of_one_is_none_while_another_lives() -> None:
    """Neither plan nor date of what ended shows beside what lives."""
    ended = one("old", subscriptions=[subscription(status="canceled", ended_at=5)])

    assert together(ended, RICH).reasons["ended_at"] is Reason.NOT_APPLICABLE
    unread = one("half", chosen=settings(complete=frozenset({"customers"})))
    assert together(ended, unread).reasons["ended_at"] is Reason.NOT_SYNCED


def test_flags_that_nobody_raises_are_down() -> None:
    """A flag that both customers deny is false."""
    assert together(one("a"), one("b")).get("delinquent") is False
    assert together(one("a"), one("b")).get("customer") is True


def test_sync_is_as_old_as_the_oldest() -> None:
    """Of two contacts the older one says how fresh the whole is."""
    fresh = one("a").with_values({"synced_at": NOW})
    stale = one("b").with_values({"synced_at": NOW - timedelta(seconds=9)})

    assert together(fresh, stale).get("sync_age") == 9


def test_best_customer_needs_no_more_than_their_subscriptions() -> None:
    """As soon as subscriptions, prices and coupons are read, the best customer is known."""
    enough = settings(complete=frozenset({"customers", "subscriptions", "prices", "coupons"}))
    ahead = one("a", chosen=enough, subscriptions=[subscription()])
    found = together(ahead, one("b", chosen=enough))

    assert found.get("customer_id") == "cus_a"


def test_values_others_know_replace_the_reasons() -> None:
    """A value put in place of what stood there leaves no reason beside it."""
    known = one("a", chosen=settings(complete=frozenset({"customers"}))).with_values(
        {"mrr": Decimal(5), "match": "email"}
    )

    assert (known.get("mrr"), known.reasons.get("mrr")) == (Decimal(5), None)
    assert known.reasons["ltv"] is Reason.NOT_SYNCED

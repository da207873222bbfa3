"""Several customers of one end user, and none."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from engine.core.facts import Combine, Facts, FactValue, Reason
from stripe_sync.catalog import STORED, STRIPE_FACTS
from stripe_sync.derive import CustomerFacts, at, combine, without_customer
from tests.unit.derive.build import (
    NOW,
    Json,
    charge,
    customer,
    invoice,
    item,
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

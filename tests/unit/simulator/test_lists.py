"""Lists: paging, cursors, filters, whichever limit and order a client takes."""

from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stripe_sync.simulator.records import Record
from stripe_sync.simulator.stripe import SimulatedStripe
from tests.unit.simulator.conftest import NOW, ask, make_stripe, pages

SMALL = make_stripe(35, seed="lists")
PATHS = ("customers", "invoices", "charges", "prices", "refunds", "payment_methods", "invoice_payments")


def _ids(found: Iterator[Record]) -> list[str]:
    return [shape["id"] for shape in found]


@settings(max_examples=40, deadline=None)
@given(path=st.sampled_from(PATHS), limit=st.integers(1, 100))
def test_paging_gives_every_object_once_newest_first(path: str, limit: int) -> None:
    """Whatever the limit, all pages together are every object exactly once, newest first."""
    found = list(pages(SMALL, f"/v1/{path}", limit=limit))
    kind = found[0]["object"]

    assert sorted(_ids(iter(found))) == sorted(row["id"] for row in SMALL.world().collections[kind])
    created = [shape["created"] for shape in found]
    assert created == sorted(created, reverse=True)


@settings(max_examples=30, deadline=None)
@given(limit=st.integers(1, 40), start=st.integers(1, 34))
def test_ending_before_is_starting_after_read_backwards(limit: int, start: int) -> None:
    """A page that ends before an object is the stretch of the list just above it."""
    everything = _ids(pages(SMALL, "/v1/customers"))
    answer = ask(SMALL, "/v1/customers", f"limit={limit}&ending_before={everything[start]}").body

    assert _ids(iter(answer["data"])) == everything[max(0, start - limit) : start]
    assert answer["has_more"] == (start > limit)


@settings(max_examples=40, deadline=None)
@given(path=st.sampled_from(PATHS), cuts=st.lists(st.integers(NOW - 1300 * 86_400, NOW), max_size=4))
def test_created_ranges_partition_a_list(path: str, cuts: list[int]) -> None:
    """Half-open ranges of `created` that touch give every object exactly once."""
    bounds = [0, *sorted(cuts), NOW + 1]
    found: list[str] = []
    for low, high in pairwise(bounds):
        found += _ids(pages(SMALL, f"/v1/{path}", f"created[gte]={low}&created[lt]={high}"))

    assert sorted(found) == sorted(_ids(pages(SMALL, f"/v1/{path}")))


def test_bounds_of_created_include_and_exclude_as_named() -> None:
    """`gt` and `lt` leave the second itself out, `gte`, `lte` and the plain form take it in."""
    second = ask(SMALL, "/v1/customers", "limit=3").body["data"][2]["created"]

    def count(query: str) -> int:
        return len(list(pages(SMALL, "/v1/customers", query)))

    same = count(f"created={second}")
    assert same >= 1
    assert count(f"created[gte]={second}") == count(f"created[gt]={second}") + same
    assert count(f"created[lte]={second}") == count(f"created[lt]={second}") + same


def test_subscriptions_leave_canceled_out_unless_asked(merchant: SimulatedStripe) -> None:
    """The plain list has no canceled subscriptions, `all` has every one, `ended` those that ended."""

    def statuses(query: str) -> set[str]:
        return {shape["status"] for shape in pages(merchant, "/v1/subscriptions", query)}

    assert "canceled" not in statuses("")
    assert {"canceled", "active", "past_due", "trialing"} <= statuses("status=all")
    assert statuses("status=ended") == {"canceled", "incomplete_expired"}
    assert statuses("status=past_due") == {"past_due"}


def test_filters_by_owner(merchant: SimulatedStripe) -> None:
    """Lists of one customer, invoice, charge or subscription hold exactly what belongs to it."""
    invoice = next(shape for shape in pages(merchant, "/v1/invoices") if shape["parent"] and shape["amount_paid"])
    customer = invoice["customer"]
    for path in ("subscriptions", "invoices", "charges", "payment_methods"):
        found = list(
            pages(
                merchant, f"/v1/{path}", f"customer={customer}&status=all" if path[0] == "s" else f"customer={customer}"
            )
        )
        assert found, path
        assert {shape["customer"] for shape in found} == {customer}
    (payment,) = pages(merchant, "/v1/invoice_payments", f"invoice={invoice['id']}")
    intent = payment["payment"]["payment_intent"]
    (charge,) = [c for c in pages(merchant, "/v1/charges", f"payment_intent={intent}") if c["status"] == "succeeded"]
    assert charge["amount"] == payment["amount_paid"]
    assert _ids(
        pages(merchant, "/v1/invoice_payments", f"payment[type]=payment_intent&payment[payment_intent]={intent}")
    ) == [payment["id"]]
    subscription = invoice["parent"]["subscription_details"]["subscription"]
    assert _ids(pages(merchant, "/v1/subscription_items", f"subscription={subscription}"))


def test_email_is_matched_exactly(stripe: SimulatedStripe) -> None:
    """The e-mail filter is case-sensitive."""
    stripe.perform("create_customer", {"email": "Anna@Example.com"}, NOW)

    assert len(ask(stripe, "/v1/customers", "email=Anna%40Example.com").body["data"]) == 1
    assert ask(stripe, "/v1/customers", "email=anna%40example.com").body["data"] == []


def test_catalog_filters(merchant: SimulatedStripe) -> None:
    """Products and prices can be filtered by what they are."""
    assert {shape["active"] for shape in pages(merchant, "/v1/products", "active=false")} == {False}
    assert {shape["currency"] for shape in pages(merchant, "/v1/prices", "currency=eur")} == {"eur"}
    assert list(pages(merchant, "/v1/prices", "type=one_time")) == []
    weekly = list(pages(merchant, "/v1/prices", "recurring[interval]=week"))
    assert [shape["recurring"]["interval"] for shape in weekly] == ["week"]
    first = ask(merchant, "/v1/products", "limit=2").body["data"]
    assert _ids(pages(merchant, "/v1/products", f"ids[]={first[1]['id']}")) == [first[1]["id"]]


def test_items_beyond_the_embedded_ones_are_paged() -> None:
    """A subscription with more items than Stripe embeds says so, and the rest is listed."""
    merchant = make_stripe(0)
    price = merchant.perform("create_product", {"name": "Seats"}, NOW)["objects"]["product"][0]["id"]
    made = merchant.perform("create_price", {"product": price}, NOW)["objects"]["price"][0]["id"]
    merchant.perform("create_customer", {"id": "cus_many"}, NOW)
    answer = merchant.perform("create_subscription", {"id": "cus_many", "price": made}, NOW)
    subscription = answer["objects"]["subscription"][0]["id"]
    world = merchant.world()
    record = world.get("subscription", subscription)
    assert record is not None
    item = world.get("subscription_item", record["items"][0])
    assert item is not None
    twins = [{**item, "id": f"si_{number}"} for number in range(11)]
    for twin in twins:
        world.put("subscription_item", twin)
    world.put("subscription", {**record, "items": [item["id"], *(twin["id"] for twin in twins)]})

    shape = ask(merchant, f"/v1/subscriptions/{subscription}").body
    assert len(shape["items"]["data"]) == 10
    assert shape["items"]["has_more"]
    assert len(list(pages(merchant, "/v1/subscription_items", f"subscription={subscription}", limit=5))) == 12


@pytest.mark.parametrize(
    ("query", "param", "code"),
    [
        ("limit=0", "limit", "parameter_invalid_integer"),
        ("limit=101", "limit", "parameter_invalid_integer"),
        ("limit=ten", "limit", "parameter_invalid_integer"),
        ("created[near]=1", "created", None),
        ("created[gt]=soon", "created[gt]", "parameter_invalid_integer"),
        ("colour=red", "colour", "parameter_unknown"),
        ("starting_after=cus_none", "starting_after", "resource_missing"),
        ("ending_before=cus_none", "ending_before", "resource_missing"),
        ("starting_after=a&ending_before=b", "ending_before", None),
    ],
)
def test_bad_parameters_are_refused(merchant: SimulatedStripe, query: str, param: str, code: str | None) -> None:
    """A bad parameter is a 400 that names it."""
    answer = ask(merchant, "/v1/customers", query)

    assert answer.status == 400
    assert (answer.body["error"]["param"], answer.body["error"].get("code")) == (param, code)


def test_a_cursor_that_no_longer_matches_is_refused(stripe: SimulatedStripe) -> None:
    """A subscription canceled between two pages is no cursor any more; with `status=all` it still is."""
    first = ask(stripe, "/v1/subscriptions", "limit=1").body["data"][0]["id"]
    stripe.perform("cancel", {"id": first}, NOW)

    refused = ask(stripe, "/v1/subscriptions", f"starting_after={first}")
    assert (refused.status, refused.body["error"]["code"]) == (400, "resource_missing")
    assert ask(stripe, "/v1/subscriptions", f"status=all&starting_after={first}").status == 200


def test_a_cursor_that_was_deleted_is_refused(stripe: SimulatedStripe) -> None:
    """A customer deleted between two pages is no cursor any more."""
    first = ask(stripe, "/v1/customers", "limit=1").body["data"][0]["id"]
    stripe.perform("delete_customer", {"id": first}, NOW)

    assert ask(stripe, "/v1/customers", f"starting_after={first}").body["error"]["param"] == "starting_after"


def test_events_are_remembered_for_thirty_days(stripe: SimulatedStripe) -> None:
    """Older events are neither listed nor found by id."""
    event = stripe.perform("create_customer", {}, NOW)["events"][0]["id"]
    late = NOW + 31 * 86_400

    assert ask(stripe, f"/v1/events/{event}").status == 200
    assert ask(stripe, f"/v1/events/{event}", now=late).status == 404
    assert ask(stripe, "/v1/events", now=late).body["data"] == []


def test_events_by_type(stripe: SimulatedStripe) -> None:
    """Events can be asked for by one type or by several, not by both."""
    stripe.perform("create_customer", {"id": "cus_a"}, NOW)
    stripe.perform("update_customer", {"id": "cus_a", "name": "A"}, NOW)

    def types(query: str) -> list[str]:
        return [shape["type"] for shape in ask(stripe, "/v1/events", query).body["data"]]

    assert types("type=customer.created") == ["customer.created"]
    assert types("types[]=customer.created&types[]=customer.updated") == ["customer.updated", "customer.created"]
    assert ask(stripe, "/v1/events", "type=a&types[]=b").status == 400

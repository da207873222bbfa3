"""`expand[]`: depth, unknown paths, and what is left out unless it is asked for."""

import pytest

from stripe_sync.simulator.stripe import SimulatedStripe
from tests.unit.simulator.conftest import NOW, ask, pages

LEFT_OUT = [
    ("customers", "subscriptions"),
    ("customers", "cash_balance"),
    ("customers", "invoice_credit_balance"),
    ("customers", "sources"),
    ("customers", "tax"),
    ("invoices", "payments"),
    ("invoices", "amount_paid_off_stripe"),
    ("charges", "refunds"),
    ("prices", "currency_options"),
    ("prices", "tiers"),
    ("coupons", "applies_to"),
    ("coupons", "currency_options"),
]


@pytest.mark.parametrize(("path", "field"), LEFT_OUT)
def test_some_fields_come_only_by_expand(merchant: SimulatedStripe, path: str, field: str) -> None:
    """Fields that Stripe leaves out are there when expanded, and only then."""
    plain = list(pages(merchant, f"/v1/{path}"))
    expanded = list(pages(merchant, f"/v1/{path}", f"expand[]=data.{field}"))

    assert not any(field in shape for shape in plain)
    assert any(field in shape for shape in expanded)
    assert [shape["id"] for shape in plain] == [shape["id"] for shape in expanded]


@pytest.mark.parametrize(
    ("path", "expand"),
    [
        ("subscriptions", "data.discounts.source.coupon"),
        ("subscriptions", "data.items.data.discounts"),
        ("subscriptions", "data.default_payment_method"),
        ("subscriptions", "data.latest_invoice.customer"),
        ("customers", "data.invoice_settings.default_payment_method"),
        ("customers", "data.discount.source.coupon"),
        ("invoices", "data.payments"),
        ("invoices", "data.parent.subscription_details.subscription"),
        ("invoice_payments", "data.payment.payment_intent.latest_charge"),
        ("charges", "data.payment_intent"),
        ("disputes", "data.charge.customer"),
    ],
)
def test_paths_within_four_levels_are_expanded(merchant: SimulatedStripe, path: str, expand: str) -> None:
    """A path of up to four levels, `data` counted, is answered; somewhere it leads to an object."""
    query = f"expand[]={expand}" + ("&status=all" if path == "subscriptions" else "")
    found = list(pages(merchant, f"/v1/{path}", query))

    assert any(_reaches(shape, expand.split(".")[1:]) for shape in found)


def _reaches(node: object, parts: list[str]) -> bool:
    if isinstance(node, list):
        return any(_reaches(item, parts) for item in node)
    if not parts:
        return isinstance(node, dict)
    return isinstance(node, dict) and parts[0] in node and _reaches(node[parts[0]], parts[1:])


@pytest.mark.parametrize(
    ("path", "expand"),
    [
        ("subscriptions", "data.items.data.price.product"),
        ("subscriptions", "data.items.data.price.tiers"),
        ("subscriptions", "data.discounts.source.coupon.applies_to"),
        ("customers", "data.subscriptions.data.items.data"),
    ],
)
def test_deeper_paths_are_refused(merchant: SimulatedStripe, path: str, expand: str) -> None:
    """A path of more than four levels is Stripe's 400, also on an empty page."""
    answer = ask(merchant, f"/v1/{path}", f"limit=1&created[lt]=1&expand[]={expand}")

    assert answer.status == 400
    assert "4 levels" in answer.body["error"]["message"]


@pytest.mark.parametrize(
    "expand", ["name", "data.name", "data.subscriptions.items", "subscriptions", "data.discount.colour"]
)
def test_unknown_paths_are_refused(merchant: SimulatedStripe, expand: str) -> None:
    """A path that leads to nothing expandable is Stripe's 400, also on an empty page."""
    answer = ask(merchant, "/v1/customers", f"limit=1&created[lt]=1&expand[]={expand}")

    assert answer.status == 400
    assert "cannot be expanded" in answer.body["error"]["message"]


def test_four_levels_from_one_object(merchant: SimulatedStripe) -> None:
    """On a single object the item's product and tiers are within reach."""
    subscription = ask(merchant, "/v1/subscriptions", "limit=1").body["data"][0]["id"]
    shape = ask(merchant, f"/v1/subscriptions/{subscription}", "expand[]=items.data.price.product").body

    assert shape["items"]["data"][0]["price"]["product"]["object"] == "product"


def test_expanding_changes_nothing_stored(merchant: SimulatedStripe) -> None:
    """What was expanded once is an id again the next time."""
    invoice = next(shape for shape in pages(merchant, "/v1/invoices"))["id"]
    ask(merchant, f"/v1/invoices/{invoice}", "expand[]=customer&expand[]=payments")

    assert isinstance(ask(merchant, f"/v1/invoices/{invoice}").body["customer"], str)


def test_a_deleted_customer_expands_to_its_stub(stripe: SimulatedStripe) -> None:
    """What refers to a deleted customer expands to `deleted: true`."""
    invoice = ask(stripe, "/v1/invoices", "limit=1").body["data"][0]
    stripe.perform("delete_customer", {"id": invoice["customer"]}, NOW)

    shape = ask(stripe, f"/v1/invoices/{invoice['id']}", "expand[]=customer").body
    assert shape["customer"] == {"id": invoice["customer"], "object": "customer", "deleted": True}


def test_a_deleted_coupon_lives_on_in_its_discounts(stripe: SimulatedStripe) -> None:
    """A deleted coupon is gone from lists, yet a discount made from it still shows it."""
    stripe.perform("create_customer", {"id": "cus_c"}, NOW)
    stripe.perform("apply_coupon", {"id": "cus_c", "coupon": "WELCOME20"}, NOW)
    stripe.perform("delete_coupon", {"id": "WELCOME20"}, NOW)

    shape = ask(stripe, "/v1/customers/cus_c", "expand[]=discount.source.coupon").body
    assert ask(stripe, "/v1/coupons/WELCOME20").status == 404
    assert shape["discount"]["source"]["coupon"]["percent_off"] == 20
    assert shape["discount"]["source"]["coupon"]["valid"] is False

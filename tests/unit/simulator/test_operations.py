"""Operations: what each one changes, and the events it emits, in Stripe's order."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stripe_sync.simulator.answers import StripeError
from stripe_sync.simulator.operations import OPERATIONS
from stripe_sync.simulator.records import Record
from stripe_sync.simulator.stripe import SimulatedStripe
from tests.unit.simulator.conftest import NOW, ask, make_stripe, pages


def _do(stripe: SimulatedStripe, operation: str, /, **args: object) -> list[str]:
    """Do an operation and return the types of its events."""
    return [event["type"] for event in stripe.perform(operation, args, NOW)["events"]]


def _get(stripe: SimulatedStripe, path: str, query: str = "") -> Record:
    answer = ask(stripe, f"/v1/{path}", query)
    assert answer.status == 200, answer.body
    return answer.body


@pytest.fixture(name="subscribed")
def _subscribed(stripe: SimulatedStripe) -> SimulatedStripe:
    """A merchant with the customer `cus_me`, subscribed, with a card."""
    price = next(p for p in pages(stripe, "/v1/prices", "currency=usd") if p["unit_amount"] == 7900)
    _do(stripe, "create_customer", id="cus_me", email="me@post.example", name="Me")
    _do(stripe, "attach_card", id="cus_me")
    _do(stripe, "create_subscription", id="cus_me", price=price["id"])
    return stripe


def _subscription(stripe: SimulatedStripe) -> Record:
    (found,) = _get(stripe, "subscriptions", "customer=cus_me&status=all")["data"]
    assert isinstance(found, dict)
    return found


def test_every_operation_says_what_it_does() -> None:
    """Every operation has a sentence of its own."""
    assert all(operation.__doc__ for operation in OPERATIONS.values())


def test_a_new_subscription_is_billed_and_active(subscribed: SimulatedStripe) -> None:
    """A subscription begins incomplete, is billed, paid, and then active."""
    subscription = _subscription(subscribed)
    (invoice,) = _get(subscribed, "invoices", "customer=cus_me")["data"]

    assert (subscription["status"], subscription["latest_invoice"]) == ("active", invoice["id"])
    assert (invoice["status"], invoice["amount_paid"], invoice["billing_reason"]) == (
        "paid",
        7900,
        "subscription_create",
    )
    assert _get(subscribed, "charges", "customer=cus_me")["data"][0]["amount"] == 7900
    assert _get(subscribed, "customers/cus_me")["currency"] == "usd"


def test_failing_and_paying_an_invoice(subscribed: SimulatedStripe) -> None:
    """A failed renewal makes the subscription past due; paying the invoice mends subscription and customer."""
    assert _do(subscribed, "fail_payment", id="cus_me") == [
        "invoice.created",
        "invoice.finalized",
        "customer.updated",
        "customer.subscription.updated",
        "payment_intent.created",
        "invoice_payment.created",
        "charge.failed",
        "payment_intent.payment_failed",
        "invoice.updated",
        "invoice.payment_failed",
        "customer.subscription.updated",
        "customer.updated",
    ]
    assert _subscription(subscribed)["status"] == "past_due"
    assert _get(subscribed, "customers/cus_me")["delinquent"] is True

    assert _do(subscribed, "pay_invoice", id="me@post.example") == [
        "payment_intent.succeeded",
        "charge.succeeded",
        "invoice.updated",
        "invoice.paid",
        "invoice.payment_succeeded",
        "invoice_payment.paid",
        "customer.subscription.updated",
        "customer.updated",
    ]
    assert _subscription(subscribed)["status"] == "active"
    assert _get(subscribed, "customers/cus_me")["delinquent"] is False


def test_a_second_failed_attempt_is_one_more_charge_on_the_same_intent(subscribed: SimulatedStripe) -> None:
    """Attempts at one invoice share a payment intent and count up."""
    _do(subscribed, "fail_payment", id="cus_me")
    _do(subscribed, "fail_payment", id="cus_me", code="insufficient_funds")
    invoice = _get(subscribed, "invoices", "customer=cus_me&limit=1")["data"][0]
    charges = _get(subscribed, "charges", "customer=cus_me&limit=2")["data"]

    assert invoice["attempt_count"] == 2
    assert {charge["status"] for charge in charges} == {"failed"}
    assert len({charge["payment_intent"] for charge in charges}) == 1
    assert charges[0]["failure_code"] == "insufficient_funds"
    assert len(_get(subscribed, "invoice_payments", f"invoice={invoice['id']}")["data"]) == 1


def test_previous_attributes_show_what_changed(subscribed: SimulatedStripe) -> None:
    """`*.updated` events say what the changed fields were before; others say nothing."""
    _do(subscribed, "update_customer", id="cus_me", name="You", address={"country": "DE", "city": "Bonn"})
    _do(subscribed, "update_customer", id="cus_me", address={"country": "DE", "city": "Köln"})
    late, early = _get(subscribed, "events", "type=customer.updated&limit=2")["data"]

    assert early["data"]["previous_attributes"] == {"name": "Me", "address": None}
    assert late["data"]["previous_attributes"] == {"address": {"city": "Bonn"}}
    created = _get(subscribed, "events", "type=customer.created")["data"][0]
    assert "previous_attributes" not in created["data"]


def test_events_keep_the_object_as_it_was(subscribed: SimulatedStripe) -> None:
    """An event shows its object at the time, whatever happens to it later."""
    _do(subscribed, "update_customer", id="cus_me", name="You")
    event = _get(subscribed, "events", "type=customer.created")["data"][0]

    assert event["data"]["object"]["name"] == "Me"


def test_paying_off_stripe_makes_no_charge(subscribed: SimulatedStripe) -> None:
    """An invoice paid elsewhere counts as paid, by no charge, and says so when asked."""
    _do(subscribed, "create_invoice", id="cus_me", amount=1234)
    before = len(_get(subscribed, "charges", "customer=cus_me")["data"])
    types = _do(subscribed, "pay_invoice", id="cus_me", off_stripe=True)
    invoice = _get(subscribed, "invoices", "customer=cus_me&limit=1&expand[]=data.amount_paid_off_stripe")["data"][0]

    assert "invoice.payment_succeeded" not in types
    assert (invoice["amount_paid"], invoice["amount_paid_off_stripe"]) == (1234, 1234)
    assert len(_get(subscribed, "charges", "customer=cus_me")["data"]) == before


def test_changing_the_plan(subscribed: SimulatedStripe) -> None:
    """A changed plan is one update of the subscription, whose items are given whole as they were."""
    before = _subscription(subscribed)
    assert _do(subscribed, "change_plan", id="cus_me") == ["customer.subscription.updated"]
    after = _subscription(subscribed)
    event = _get(subscribed, "events", "limit=1")["data"][0]

    assert after["items"]["data"][0]["price"]["id"] != before["items"]["data"][0]["price"]["id"]
    assert event["data"]["previous_attributes"]["items"]["data"] == before["items"]["data"]


def test_quantity_alone_keeps_the_price(subscribed: SimulatedStripe) -> None:
    """With a quantity and no price the plan stays."""
    before = _subscription(subscribed)["items"]["data"][0]
    _do(subscribed, "change_plan", id="cus_me", quantity=7)
    after = _subscription(subscribed)["items"]["data"][0]

    assert (after["quantity"], after["price"]["id"]) == (7, before["price"]["id"])


def test_canceling_now_and_later(subscribed: SimulatedStripe) -> None:
    """Canceling at the period's end keeps the subscription; canceling now ends it."""
    assert _do(subscribed, "cancel", id="cus_me", at_period_end=True) == ["customer.subscription.updated"]
    asked = _subscription(subscribed)
    assert (asked["status"], asked["cancel_at_period_end"]) == ("active", True)
    assert asked["cancel_at"] == asked["items"]["data"][0]["current_period_end"]

    assert _do(subscribed, "cancel", id="cus_me") == ["customer.subscription.deleted"]
    ended = _subscription(subscribed)
    assert (ended["status"], ended["ended_at"], ended["canceled_at"]) == ("canceled", NOW, NOW)


def test_refunds_and_failed_refunds(subscribed: SimulatedStripe) -> None:
    """A refund lowers what a charge brought; one that fails un-happens."""
    assert _do(subscribed, "refund", id="cus_me", amount=900) == [
        "refund.created",
        "charge.refunded",
        "charge.refund.updated",
    ]
    charge = _get(subscribed, "charges", "customer=cus_me&expand[]=data.refunds")["data"][0]
    assert (charge["amount_refunded"], charge["refunded"]) == (900, False)
    assert charge["refunds"]["data"][0]["amount"] == 900
    with pytest.raises(StripeError):
        _do(subscribed, "refund", id="cus_me", amount=7001)

    assert "refund.failed" in _do(subscribed, "fail_refund", id="cus_me")
    assert _get(subscribed, f"charges/{charge['id']}")["amount_refunded"] == 0
    _do(subscribed, "refund", id=charge["id"])
    assert _get(subscribed, f"charges/{charge['id']}")["refunded"] is True


def test_disputes(subscribed: SimulatedStripe) -> None:
    """A dispute marks its charge and takes the money; winning gives it back."""
    assert _do(subscribed, "dispute", id="cus_me") == [
        "charge.dispute.created",
        "charge.updated",
        "charge.dispute.funds_withdrawn",
    ]
    assert _get(subscribed, "charges", "customer=cus_me")["data"][0]["disputed"] is True
    assert _do(subscribed, "close_dispute", id="cus_me", status="won") == [
        "charge.dispute.updated",
        "charge.dispute.closed",
        "charge.dispute.funds_reinstated",
    ]
    assert "charge.dispute.funds_withdrawn" not in _do(
        subscribed, "dispute", id="cus_me", status="warning_needs_response"
    )


def test_a_deleted_customer_leaves_a_stub(subscribed: SimulatedStripe) -> None:
    """Deleting a customer ends what is live; GET answers 200 with `deleted`, lists forget it."""
    types = _do(subscribed, "delete_customer", id="cus_me")

    assert types == ["customer.subscription.deleted", "payment_method.detached", "customer.deleted"]
    assert _get(subscribed, "customers/cus_me") == {"id": "cus_me", "object": "customer", "deleted": True}
    assert "cus_me" not in [shape["id"] for shape in pages(subscribed, "/v1/customers")]
    assert _subscription(subscribed)["status"] == "canceled"
    assert _get(subscribed, "invoices", "customer=cus_me")["data"]


def test_trials(subscribed: SimulatedStripe) -> None:
    """A trial is billed at nothing; at its end the first real period is paid."""
    _do(subscribed, "create_customer", id="cus_try")
    _do(subscribed, "create_subscription", id="cus_try", trial_days=14)
    (trial,) = _get(subscribed, "subscriptions", "customer=cus_try")["data"]
    assert (trial["status"], trial["trial_end"]) == ("trialing", NOW + 14 * 86_400)
    assert _get(subscribed, "invoices", "customer=cus_try")["data"][0]["total"] == 0

    _do(subscribed, "end_trial", id="cus_try")
    (active,) = _get(subscribed, "subscriptions", "customer=cus_try")["data"]
    newest = _get(subscribed, f"invoices/{active['latest_invoice']}")
    assert (active["status"], active["trial_end"]) == ("active", NOW)
    assert newest["total"] > 0
    assert newest["status"] == "paid"


def test_coupons_for_one_invoice_are_used_up(subscribed: SimulatedStripe) -> None:
    """A `once` coupon holds for the next invoice and is gone after it."""
    subscription = _subscription(subscribed)["id"]
    _do(subscribed, "apply_coupon", id=subscription, coupon="FIRSTFREE")
    assert len(_subscription(subscribed)["discounts"]) == 1
    _do(subscribed, "renew", id=subscription)

    invoice = _get(subscribed, "invoices", "customer=cus_me&limit=1")["data"][0]
    assert (invoice["subtotal"], invoice["total"], invoice["status"]) == (7900, 0, "paid")
    assert _subscription(subscribed)["discounts"] == []


def test_a_customers_discount_holds_where_the_subscription_has_none(subscribed: SimulatedStripe) -> None:
    """The customer's coupon lowers the next invoice, and can be taken away again."""
    _do(subscribed, "apply_coupon", id="cus_me", coupon="WELCOME20")
    _do(subscribed, "renew", id="cus_me")
    assert _get(subscribed, "invoices", "customer=cus_me&limit=1")["data"][0]["total"] == 6320

    assert _do(subscribed, "remove_discount", id="cus_me") == ["customer.discount.deleted", "customer.updated"]
    assert _get(subscribed, "customers/cus_me")["discount"] is None


def test_credit_notes(subscribed: SimulatedStripe) -> None:
    """Crediting a paid invoice gives the customer credit, which the next invoice uses."""
    _do(subscribed, "credit_note", id="cus_me", amount=1000)
    assert _get(subscribed, "customers/cus_me")["balance"] == -1000
    _do(subscribed, "renew", id="cus_me")
    invoice = _get(subscribed, "invoices", "customer=cus_me&limit=1")["data"][0]

    assert (invoice["total"], invoice["amount_due"], invoice["starting_balance"]) == (7900, 6900, -1000)
    assert _get(subscribed, "customers/cus_me")["balance"] == 0


def test_crediting_an_open_invoice_lowers_it(subscribed: SimulatedStripe) -> None:
    """Crediting an open invoice lowers what remains, down to paid."""
    _do(subscribed, "create_invoice", id="cus_me", amount=1000)
    _do(subscribed, "credit_note", id="cus_me", amount=400)
    invoice = _get(subscribed, "invoices", "customer=cus_me&limit=1")["data"][0]
    assert (invoice["amount_remaining"], invoice["pre_payment_credit_notes_amount"]) == (600, 400)

    _do(subscribed, "credit_note", id=invoice["id"])
    assert _get(subscribed, f"invoices/{invoice['id']}")["status"] == "paid"


def test_a_changed_price_shows_in_its_subscriptions(subscribed: SimulatedStripe) -> None:
    """An item shows its price as the price is now."""
    price = _subscription(subscribed)["items"]["data"][0]["price"]["id"]
    assert _do(subscribed, "update_price", id=price, nickname="New name") == ["price.updated"]

    assert _subscription(subscribed)["items"]["data"][0]["price"]["nickname"] == "New name"


def test_products_come_and_go(stripe: SimulatedStripe) -> None:
    """Products and prices can be made and deleted, in Stripe's order of dependence."""
    _do(stripe, "create_product", id="prod_x", name="X")
    _do(stripe, "create_price", id="price_x", product="prod_x", unit_amount=500)
    with pytest.raises(StripeError):
        _do(stripe, "delete_product", id="prod_x")

    assert _do(stripe, "delete_price", id="price_x") == ["price.deleted"]
    assert _do(stripe, "delete_product", id="prod_x") == ["product.deleted"]
    assert ask(stripe, "/v1/products/prod_x").status == 404


@pytest.mark.parametrize(
    ("operation", "args"),
    [
        ("pay_invoice", {}),
        ("pay_invoice", {"id": "cus_none"}),
        ("pay_invoice", {"id": "in_none"}),
        ("pay_invoice", {"id": 7}),
        ("cancel", {"id": "sub_none"}),
        ("refund", {"id": "ch_none"}),
        ("refund", {"id": "nobody@nowhere.example"}),
        ("update_customer", {"id": "cus_me", "shoe_size": 44}),
        ("create_customer", {"id": "cus_me"}),
        ("create_subscription", {"id": "cus_me", "price": "price_none"}),
        ("create_subscription", {"id": "cus_me", "coupon": "NONE"}),
        ("create_charge", {"id": "cus_me", "amount": -1}),
        ("create_charge", {"id": "cus_me", "status": "odd"}),
        ("dispute", {"id": "cus_me", "status": "odd"}),
        ("end_trial", {"id": "cus_me"}),
        ("fail_refund", {"id": "cus_me"}),
        ("close_dispute", {"id": "cus_me"}),
        ("remove_discount", {"id": "cus_me"}),
    ],
)
def test_a_refused_operation_changes_nothing(subscribed: SimulatedStripe, operation: str, args: dict[str, Any]) -> None:
    """A bad argument is refused, and neither an object nor an event comes of it."""
    sizes = {kind: len(found) for kind, found in subscribed.world().collections.items()}

    with pytest.raises(StripeError):
        subscribed.perform(operation, args, NOW)

    assert {kind: len(found) for kind, found in subscribed.world().collections.items()} == sizes


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10**6), steps=st.integers(1, 60))
def test_lively_merchants_keep_their_books(seed: int, steps: int) -> None:
    """After any stretch of activity invoices still add up, and the same seed repeats it exactly."""
    stripes = [make_stripe(25, seed=str(seed)) for _ in range(2)]
    for stripe in stripes:
        for step in range(steps):
            _try(stripe, NOW + step)
    worlds = [stripe.world() for stripe in stripes]

    for invoice in worlds[0].collections["invoice"]:
        credited = invoice["pre_payment_credit"]
        assert invoice["amount_due"] == invoice["amount_paid"] + invoice["amount_remaining"] + credited
    for kind, collection in worlds[0].collections.items():
        assert list(collection) == list(worlds[1].collections[kind])


def _try(stripe: SimulatedStripe, now: int) -> None:
    try:
        stripe.perform("activity", {}, now)
    except StripeError:
        return

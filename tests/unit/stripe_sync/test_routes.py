"""What events ask of us."""

from typing import Any

import pytest

from stripe_sync.events.routes import DEAUTHORIZED, SUBSCRIBE_TO, Plan, StripeEvent, is_used, plan, read


def test_every_event_we_ask_for_is_used() -> None:
    """What a merchant is told to send is taken, and `invoice.created` is not among it."""
    assert all(is_used(each) for each in SUBSCRIBE_TO)
    assert "invoice.created" not in SUBSCRIBE_TO
    assert len(set(SUBSCRIBE_TO)) == len(SUBSCRIBE_TO)


@pytest.mark.parametrize(
    "kind", ["payout.paid", "account.updated", "invoice.upcoming", "", "customers.x", "plan.updated"]
)
def test_events_that_change_nothing_here(kind: str) -> None:
    """Unknown and unused types are told apart from used ones."""
    assert not is_used(kind)


@pytest.mark.parametrize(
    ("kind", "content", "expected"),
    [
        ("customer.updated", {"id": "cus_1", "object": "customer"}, ("customers", False, [])),
        ("customer.deleted", {"id": "cus_1", "object": "customer", "deleted": True}, ("customers", True, [])),
        # a cancellation, not a deletion
        ("customer.subscription.deleted", {"id": "sub_1", "object": "subscription"}, ("subscriptions", False, [])),
        ("invoice.deleted", {"id": "in_1", "object": "invoice"}, ("invoices", True, [])),
        (
            "customer.discount.created",
            {"id": "di_1", "object": "discount", "customer": "cus_1", "subscription": "sub_1"},
            (None, False, ["cus_1", "sub_1"]),
        ),
        ("customer.source.updated", {"id": "card_1", "object": "card", "customer": "cus_1"}, (None, False, ["cus_1"])),
        (
            "charge.dispute.created",
            {"id": "du_1", "object": "dispute", "charge": {"id": "ch_1"}},
            ("disputes", False, ["ch_1"]),
        ),
        ("refund.failed", {"id": "re_1", "object": "refund", "charge": "ch_1"}, ("refunds", False, ["ch_1"])),
        ("charge.refunded", {"id": "ch_1", "object": "charge"}, ("charges", False, [])),
        ("customer.updated", {"object": "customer"}, (None, False, [])),
        ("customer.updated", {"id": "x", "object": ["customer"]}, (None, False, [])),
    ],
)
def test_plans(kind: str, content: dict[str, Any], expected: tuple[str | None, bool, list[str]]) -> None:
    """The object decides what is done; what changed with it is fetched again."""
    found = plan(_event(kind, content))

    name, is_deleted, refetch = expected
    assert (found.kind.name if found.kind else None) == name
    assert found.is_deleted is is_deleted
    assert [object_id for _, object_id in found.refetch] == refetch


def test_deauthorization_is_planned_as_such() -> None:
    """It concerns the connection, whatever object it carries."""
    assert plan(_event(DEAUTHORIZED, {"id": "ca_1", "object": "application"})) == Plan(is_deauthorization=True)


@pytest.mark.parametrize(
    "change",
    [
        {"id": None},
        {"id": ""},
        {"type": 5},
        {"created": "now"},
        {"created": -1},
        {"created": 10**20},
        {"created": True},
        {"livemode": None},
        {"data": None},
        {"data": {"object": "cus_1"}},
    ],
)
def test_what_is_no_event(change: dict[str, Any]) -> None:
    """A document that lacks what every event has is none."""
    document = {"id": "evt_1", "type": "x", "created": 1, "livemode": True, "data": {"object": {}}}

    assert read(document) is not None
    assert read({**document, **change}) is None
    assert read([document]) is None


# helpers


def _event(kind: str, content: dict[str, Any]) -> StripeEvent:
    document = {"id": "evt_1", "type": kind, "created": 1, "livemode": True, "data": {"object": content}}
    event = read(document)
    assert event is not None
    return event

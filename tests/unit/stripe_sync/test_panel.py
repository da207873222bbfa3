"""The panel: amounts as people write them, links that open records, states that are told apart."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from engine.core.facts import Facts, Reason
from engine.ids import ConnectionId, EndUserId, MemberId, WorkspaceId
from stripe_sync.connect.models import Connection, ConnectionStatus, CredentialKind
from stripe_sync.dashboard import Dashboard
from stripe_sync.links import LinkedCustomer, Subject
from stripe_sync.matching import LinkKind
from stripe_sync.panel import PanelData, Record, build, minor_to_text, pending_of, state_of

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
LIVE = Dashboard(base="https://dashboard.stripe.com", account_id="acct_1", livemode=True)


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (123456, "usd", "1234.56"),
        (-250, "usd", "-2.50"),
        (11000, "jpy", "11000"),
        (500, "isk", "5"),  # no decimals in life, two on the wire
        (500, "UGX", "5"),
        (9990, "kwd", "9.990"),
        (150000, "huf", "1500.00"),
        (0, "eur", "0.00"),
        (None, "usd", None),
        (True, "usd", None),
        ("5", "usd", None),
        (5, None, None),
    ],
)
def test_amounts_in_their_own_currency(amount: object, currency: object, text: str | None) -> None:
    """Minor units become what people write, by Stripe's own table."""
    assert minor_to_text(amount, currency) == text


@pytest.mark.parametrize(
    ("kind", "object_id", "livemode", "url"),
    [
        ("customers", "cus_9", True, "https://dashboard.stripe.com/acct_1/customers/cus_9"),
        ("customers", "cus_9", False, "https://dashboard.stripe.com/acct_1/test/customers/cus_9"),
        ("charges", "pi_1", True, "https://dashboard.stripe.com/acct_1/payments/pi_1"),
        ("coupons", "25 OFF/?#", True, "https://dashboard.stripe.com/acct_1/coupons/25%20OFF%2F%3F%23"),
    ],
)
def test_links_open_records(kind: str, object_id: str, livemode: bool, url: str) -> None:  # noqa: FBT001  a table
    """Account, mode and page stand in the link, ids are encoded."""
    assert replace(LIVE, livemode=livemode).url(kind, object_id) == url


@pytest.mark.parametrize(
    ("linked", "match", "age_minutes", "is_connected", "state"),
    [
        (True, "email", 0, True, "linked"),
        (True, "manual", 15, True, "linked"),
        (True, "email", 16, True, "stale"),
        (True, "email", None, True, "stale"),
        (True, "email", 0, False, "not_connected"),
        (False, "ambiguous", 0, True, "ambiguous"),
        (False, "none", 0, True, "not_found"),
        (False, "none", 0, False, "not_connected"),
    ],
)
def test_states(*, linked: bool, match: str, age_minutes: int | None, is_connected: bool, state: str) -> None:
    """Each situation has a state of its own."""
    subject = _subject(linked=linked, match=match, age_minutes=age_minutes, is_connected=is_connected)

    assert state_of(subject, NOW) == state


@pytest.mark.parametrize(
    ("kinds", "age_minutes", "pending"),
    [
        ({"customers"}, 0, None),
        ({"customers"}, 16, "unreachable"),
        ({"customers"}, None, "unreachable"),
        (set(), 0, "reading"),
        (set(), 16, "reading"),
    ],
)
def test_nobody_found_may_yet_be(kinds: set[str], age_minutes: int | None, pending: str | None) -> None:
    """While the account is read, or Stripe is silent, the panel does not say that there is nobody."""
    contact = None if age_minutes is None else NOW - timedelta(minutes=age_minutes)
    connection = replace(_connection(contact), synced_kinds=frozenset(kinds))

    assert pending_of([connection], NOW) == pending
    assert pending_of([replace(connection, status=ConnectionStatus.INACTIVE)], NOW) is None


def test_panel_of_a_linked_customer() -> None:
    """Every value has its link, and a missing one says why."""
    facts = Facts(
        as_of=NOW,
        values={
            "customer_id": "cus_1",
            "plan": "Pro",
            "plan_interval": "month",
            "product_id": "prod_1",
            "subscription_id": "sub_1",
            "mrr": Decimal("1234.5"),
            "status": "past_due",
        },
        reasons={"ltv": Reason.NOT_SYNCED, "plan_price": Reason.NOT_APPLICABLE},
    )

    panel = build(_data(facts), NOW)

    assert panel["mrr"] == {
        "amount": "1234.50",
        "currency": "usd",
        "reason": None,
        "url": "https://dashboard.stripe.com/acct_1/subscriptions/sub_1",
    }
    assert (panel["ltv"]["amount"], panel["ltv"]["reason"]) == (None, "not_synced")
    assert panel["plan"]["url"].endswith("/products/prod_1")
    assert (panel["plan"]["name"], panel["plan"]["price"], panel["plan"]["interval"]) == ("Pro", None, "month")
    assert panel["status"]["value"] == "past_due"
    assert panel["synced_at"] == "2026-11-20T12:00:00Z"


@pytest.mark.parametrize(
    ("changes", "overdue", "failed"),
    [
        ({"status": "paid", "attempt_count": 2}, False, False),
        ({"status": "open", "attempt_count": 0}, False, False),
        ({"status": "open", "attempt_count": 1}, True, True),
        ({"status": "open", "attempt_count": 0, "due_date": 1}, True, False),
        ({"status": "open", "attempt_count": 0, "due_date": 4_000_000_000}, False, False),
        ({"status": "open", "attempt_count": 1, "due_date": 4_000_000_000}, False, True),
        ({"status": "open", "attempt_count": None, "due_date": "soon"}, False, False),
    ],
)
def test_invoices_say_what_is_wrong_with_them(changes: dict[str, Any], overdue: bool, failed: bool) -> None:  # noqa: FBT001  a table
    """Overdue: past its date, or tried in vain without one. Failed: open after an attempt."""
    invoice = {"id": "in_1", "total": 500, "currency": "eur", "created": 1_780_000_000, **changes}

    (shown,) = build(_data(Facts(as_of=NOW), invoices=[invoice]), NOW)["invoices"]

    assert (shown["overdue"], shown["failed"], shown["amount"]) == (overdue, failed, "5.00")


def test_last_payment_is_the_latest_that_succeeded_or_failed() -> None:
    """A pending charge is none yet."""
    charges = [
        {"id": "py_2", "status": "pending", "amount": 1, "currency": "usd", "created": 300},
        {"id": "ch_1", "status": "failed", "amount": 900, "currency": "usd", "created": 200, "failure_code": "x",
         "payment_intent": "pi_1"},
        {"id": "ch_0", "status": "succeeded", "amount": 900, "currency": "usd", "created": 100},
    ]  # fmt: skip

    panel = build(_data(Facts(as_of=NOW), charges=charges), NOW)

    assert panel["last_payment"] == {
        "failed": True,
        "at": "1970-01-01T00:03:20Z",
        "code": "x",
        "amount": "9.00",
        "currency": "usd",
        "url": "https://dashboard.stripe.com/acct_1/payments/pi_1",
    }
    assert [entry["type"] for entry in panel["timeline"]] == ["charge_failed", "charged"]


def test_nothing_of_a_customer_shows_without_a_connection() -> None:
    """After disconnecting the panel holds no value, link or invoice."""
    data = _data(Facts(as_of=NOW, values={"mrr": Decimal(5)}), invoices=[{"id": "in_1"}])
    panel = build(replace(data, subject=replace(data.subject, is_connected=False)), NOW)

    assert panel["state"] == "not_connected"
    assert [panel[name] for name in ("customer", "plan", "mrr", "ltv", "status", "last_payment")] == [None] * 6
    assert panel["invoices"] == []
    assert panel["timeline"] == []


# helpers


def _data(
    facts: Facts, invoices: list[dict[str, Any]] | None = None, charges: list[dict[str, Any]] | None = None
) -> PanelData:
    return PanelData(
        subject=_subject(),
        facts=facts,
        currency="usd",
        dashboard=LIVE,
        customer_id="cus_1",
        invoices=[Record(payload=each, dashboard=LIVE) for each in invoices or []],
        charges=[Record(payload=each, dashboard=LIVE) for each in charges or []],
    )


def _subject(
    *, linked: bool = True, match: str = "email", age_minutes: int | None = 0, is_connected: bool = True
) -> Subject:
    contact = None if age_minutes is None else NOW - timedelta(minutes=age_minutes)
    customer = LinkedCustomer(customer_id="cus_1", connection=_connection(contact), kind=LinkKind.EMAIL)
    return Subject(
        end_user_id=EndUserId("usr_1"),
        match=match,
        customers=(customer,) if linked else (),
        candidates=(),
        duplicates=(),
        is_connected=is_connected,
    )


def _connection(contact: datetime | None) -> Connection:
    return Connection(
        id=ConnectionId("con_1"),
        workspace_id=WorkspaceId("ws_1"),
        kind=CredentialKind.OAUTH,
        account_id="acct_1",
        livemode=True,
        status=ConnectionStatus.ACTIVE,
        connected_by=MemberId("mem_1"),
        connected_at=NOW,
        ended_at=None,
        last_contact_at=contact,
        last_event_at=None,
        last_error=None,
        clock_offset=timedelta(0),
        events_until=None,
        caught_up_at=None,
        synced_kinds=frozenset(),
        reads=0,
    )

"""Webhooks: verified, stored once, acknowledged, then applied; and everything that may arrive instead."""

import json
from datetime import timedelta

import pytest
from sqlalchemy.event import listen, remove

from stripe_sync.events import repository as event_repository
from stripe_sync.events.draining import FIRST_BATCH
from stripe_sync.events.models import BadSignature, Ignored, Stored
from stripe_sync.events.repository import NewEvent
from stripe_sync.events.signature import sign
from tests.integration.stripe_sync.office import Office


def test_event_turns_the_panel(synced: Office) -> None:
    """A paid subscription shows as soon as its events are drained."""
    customer_id, email = synced.new_customer(name="Ada")
    synced.simulator.control("create_subscription", id=customer_id)
    synced.deliver(*synced.events(customer_id))

    synced.settle()

    panel = synced.panel(email)
    assert panel["state"] == "linked"
    assert panel["customer"]["id"] == customer_id
    assert panel["status"]["value"] == "active"
    assert panel["mrr"]["url"].startswith(synced.simulator.url)
    assert [invoice["status"] for invoice in panel["invoices"]] == ["paid"]
    assert panel["last_payment"]["failed"] is False


def test_failed_and_then_paid_invoice(synced: Office) -> None:
    """Past due shows with the failed invoice, and active again once it is paid."""
    customer_id, email = synced.new_customer()
    synced.simulator.control("create_subscription", id=customer_id)
    synced.simulator.control("clock", advance_s=10)
    synced.simulator.control("fail_payment", id=customer_id)
    synced.deliver(*synced.events(customer_id))
    synced.settle()
    before = synced.panel(email)
    synced.simulator.control("clock", advance_s=10)
    synced.simulator.control("pay_invoice", id=customer_id)
    synced.deliver(*synced.events(customer_id))
    synced.settle()
    after = synced.panel(email)

    assert before["status"]["value"] == "past_due"
    assert any(invoice["failed"] for invoice in before["invoices"])
    assert before["last_payment"]["failed"] is True
    assert after["status"]["value"] == "active"
    assert not any(invoice["failed"] for invoice in after["invoices"])


def test_same_event_twice_is_one_row(synced: Office) -> None:
    """A repeated delivery is acknowledged and stored no second time."""
    customer_id, _ = synced.new_customer()
    (event,) = synced.events(customer_id)

    first, second = synced.deliver(event, event)

    assert isinstance(first, Stored)
    assert isinstance(second, Stored)
    assert (first.is_new, second.is_new) == (True, False)
    assert synced.service.drain_events() == 1


@pytest.mark.parametrize(
    ("age", "reason"), [(timedelta(minutes=6), "stale"), (timedelta(minutes=-6), "future"), (timedelta(0), "mismatch")]
)
def test_signature_that_does_not_hold(synced: Office, age: timedelta, reason: str) -> None:
    """Deliveries from too long ago, from the future, or signed by somebody else are refused."""
    body = b"{}"
    secret = "whsec_of_somebody_else" if reason == "mismatch" else synced.simulator.webhook_secret

    received = synced.service.receive_event(body, sign(body, secret, synced.clock.now() - age))

    assert received == BadSignature(reason=reason)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"not json", "malformed"),
        (b"[1]", "malformed"),
        (b"\xff\xfe", "malformed"),
        (b'{"id": "evt_1", "type": "customer.updated"}', "malformed"),
        (b"[" * 100_000, "malformed"),
    ],
)
def test_signed_nonsense_is_acknowledged(synced: Office, body: bytes, reason: str) -> None:
    """What Stripe signed but nobody can read is not asked for again."""
    assert synced.deliver_raw(body) == Ignored(reason=reason)


def test_events_of_nobody_here_are_acknowledged(synced: Office) -> None:
    """Unknown accounts, the other mode and unused types are answered, counted and not stored."""
    customer_id, _ = synced.new_customer()
    (event,) = synced.events(customer_id)

    received = synced.deliver(
        {**event, "account": "acct_unknown"},
        {**event, "account": None},
        {**event, "livemode": False},
        {**event, "type": "payout.paid"},
    )

    assert received == [
        Ignored(reason="unknown_account"),
        Ignored(reason="unknown_account"),
        Ignored(reason="other_mode"),
        Ignored(reason="unused_type"),
    ]


def test_text_no_database_can_keep_is_replaced(synced: Office) -> None:
    """NUL and lone surrogates in a name are replaced, and the event is applied."""
    customer_id, _ = synced.new_customer()
    (event,) = synced.events(customer_id)
    event["data"]["object"]["name"] = "a\x00b\ud800c"

    (received,) = synced.deliver(event)
    synced.service._draining.drain()

    row = synced.row("customers", customer_id, synced.connection)
    assert isinstance(received, Stored)
    assert row is not None
    assert row.payload["name"] == "a\ufffdb\ufffdc"


def test_poison_event_holds_nobody_up_and_is_parked(synced: Office) -> None:
    """An event that cannot be applied waits longer each time and is parked in the end; the others go on."""
    customer_id, _ = synced.new_customer()
    now = synced.clock.now()
    poison = NewEvent(event_id="evt_poison", type="customer.updated", created=now, payload="{", origin="webhook")
    with synced.database.workspace(synced.workspace_id) as session:
        event_repository.add(synced.workspace_id, session, synced.connection.id, [poison], now)
    synced.deliver(*synced.events(customer_id))

    synced.service.drain_events()
    after_one = synced.status()["events"]
    for _ in range(10):
        synced.clock.advance(timedelta(minutes=5))
        synced.service.drain_events()

    assert synced.row("customers", customer_id, synced.connection) is not None
    assert after_one == {"pending": 0, "failed": 1, "parked": 0}
    assert synced.status()["events"] == {"pending": 0, "failed": 0, "parked": 1}


def test_poison_among_many_is_found_in_few_tries(synced: Office) -> None:
    """More than one batch with poison in each: the others are applied at once, and not one by one."""
    now = synced.clock.now()
    customers = [synced.new_customer()[0] for _ in range(4)]
    living = [json.dumps(event) for each in customers for event in synced.events(each)]
    payloads = [living[number % len(living)] for number in range(FIRST_BATCH + 60)]
    for place in (0, 70, FIRST_BATCH + 59):
        payloads[place] = "{"
    events = [
        NewEvent(event_id=f"evt_{number}", type="customer.updated", created=now, payload=payload, origin="webhook")
        for number, payload in enumerate(payloads)
    ]
    with synced.database.workspace(synced.workspace_id) as session:
        event_repository.add(synced.workspace_id, session, synced.connection.id, events, now)
    tries = []

    def note(_connection: object, _name: str) -> None:
        tries.append(_name)

    listen(synced.database.engine, "savepoint", note)
    synced.service.apply_events()
    remove(synced.database.engine, "savepoint", note)

    assert synced.status()["events"] == {"pending": 0, "failed": 3, "parked": 0}
    assert {each.event_id for each in synced.service.events(synced.workspace_id, ("failed",))} == {
        "evt_0",
        "evt_70",
        f"evt_{FIRST_BATCH + 59}",
    }
    assert all(synced.row("customers", each, synced.connection) is not None for each in customers)
    assert len(tries) <= 2 + 3 * 2 * 8


def test_deauthorization_ends_the_connection(synced: Office) -> None:
    """`account.application.deauthorized` revokes: no token, no panel, people stay, their values are stale."""
    customer_id, email = synced.new_customer()
    synced.simulator.control("create_subscription", id=customer_id)
    synced.deliver(*synced.events(customer_id))
    synced.settle()
    synced.clock.advance(timedelta(minutes=1))  # an event of the moment of connecting would be asked about
    event = {
        "id": "evt_deauthorized",
        "object": "event",
        "type": "account.application.deauthorized",
        "created": int(synced.clock.now().timestamp()),
        "livemode": True,
        "account": synced.simulator.account,
        "data": {"object": {"id": "ca_1", "object": "application"}},
    }

    synced.deliver(event)
    synced.settle()

    assert synced.status()["status"] == "revoked"
    assert synced.panel(email)["state"] == "not_connected"
    assert synced.end_user(email) is not None
    assert synced.facts(email).reasons["mrr"] == "stale"

"""Senders whom the mirror can't know yet are looked up in Stripe when they write in."""

from datetime import timedelta
from threading import Event
from typing import Any

import pytest
from limits import RateLimitItemPerHour, RateLimitItemPerMinute

from engine.core.facts import Facts, Reason
from engine.inbox.decision_repository import decisions
from engine.inbox.models import NewConversation, Sender
from engine.ports import BillingFacts
from engine.router import Routed, Router
from engine.storage import Database
from engine.workspace.service import references
from rules.service import RulesetService
from stripe_sync import gateway
from stripe_sync.lookup import limits, reading
from stripe_sync.lookup.reading import CustomerReading
from stripe_sync.matching import CustomerKey
from stripe_sync.settings import StripeConfig
from tests.integration.stripe_sync.office import OWNER, Office, make_office
from tests.stripe_simulator import Simulator
from web.facts import CATALOG
from web.outbox import OutboxDrain
from web.privacy import PrivacyService


def test_sender_is_known_before_the_backfill_began(office: Office) -> None:
    """A customer who writes in while nothing was read yet has plan, MRR and LTV in the first answer."""
    office.connect()
    customer_id, email = _paying(office)

    known = _write_in(office, email)

    assert not known.match_pending
    assert known.facts.get("match") == "email"
    assert known.facts.get("customer_id") == customer_id
    assert known.facts.get("status") == "active"
    truth = _after_backfill(office, email)
    assert {name: known.facts.get(name) for name in _TELLING} == {name: truth.get(name) for name in _TELLING}


def test_address_is_asked_for_as_written_too(office: Office) -> None:
    """Stripe compares letter by letter: the customer stored with capitals is found by who writes with capitals."""
    office.connect()
    customer_id, _ = office.new_customer()
    written = f"Grace.{customer_id}@Example.org"
    office.simulator.control("update_customer", id=customer_id, new_email=written)

    assert _write_in(office, written).facts.get("customer_id") == customer_id


def test_sender_who_is_not_in_stripe_is_asked_for_once(office: Office) -> None:
    """A miss is an answer, kept for ten minutes."""
    office.connect()
    stranger = "stranger@example.net"

    first = _write_in(office, stranger)
    reads = _reads(office)
    again = _write_in(office, stranger)

    assert not first.match_pending
    assert first.facts.get("customer") is False
    assert not again.match_pending
    assert _reads(office) == reads
    office.clock.advance(timedelta(minutes=11))
    _write_in(office, stranger)
    assert _reads(office) > reads


def test_complete_account_is_not_asked(synced: Office) -> None:
    """Where every customer was read and Stripe was heard of just now, a stranger costs no request."""
    synced.service.catch_up(force=True)
    reads = _reads(synced)

    assert not _write_in(synced, "nobody@example.net").match_pending
    assert _reads(synced) == reads


def test_silent_account_is_asked_for_strangers(synced: Office) -> None:
    """When nothing was heard of Stripe for long, whoever is new to us may be new to Stripe only."""
    synced.service.catch_up(force=True)
    customer_id, email = _paying(synced)
    synced.clock.advance(timedelta(minutes=16))

    assert _write_in(synced, email).facts.get("customer_id") == customer_id


def test_look_up_that_is_refused_goes_on_later(office: Office) -> None:
    """While Stripe throttles, the conversation is decided at once and marked; the job finishes the look-up."""
    office.connect()
    customer_id, email = _paying(office)
    office.simulator.control("faults", status=429)

    refused = _write_in(office, email)

    assert refused.match_pending
    assert refused.facts.get("mrr") is None
    assert not office.service.look_up_again(office.workspace_id, email)
    office.simulator.control("faults")
    assert office.service.look_up_again(office.workspace_id, email)
    assert _write_in(office, email).facts.get("customer_id") == customer_id


def test_conversation_waits_no_longer_than_the_deadline(
    database: Database, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answer that takes longer is not waited for; it is stored when it comes, and then counts."""
    assert StripeConfig(public_url="http://ochre").lookup_deadline_s == 0.8
    office = make_office(database, simulator, lookup_deadline_s=0.1)
    office.connect()
    customer_id, email = _paying(office)
    answers, plain = Event(), CustomerReading.by_email

    def answer_late(reading: CustomerReading, *args: Any) -> frozenset[CustomerKey]:
        assert answers.wait(30)
        return plain(reading, *args)

    monkeypatch.setattr(CustomerReading, "by_email", answer_late)
    assert _write_in(office, email).match_pending
    answers.set()

    known = _read(office, email)
    for _ in range(300):
        if not known.match_pending:
            break
        Event().wait(0.1)
        known = _read(office, email)
    assert known.facts.get("customer_id") == customer_id


def test_look_ups_have_an_allowance(database: Database, simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """Past the connection's allowance nobody is asked for, and the conversation is pending."""
    assert RateLimitItemPerMinute(30) == limits.PER_CONNECTION
    monkeypatch.setattr(limits, "PER_CONNECTION", RateLimitItemPerHour(3))
    office = make_office(database, simulator)
    office.connect()
    before = _reads(office)

    answers = [_write_in(office, f"flood{number}@example.net").match_pending for number in range(5)]

    assert answers == [False, False, False, True, True]
    assert _reads(office) - before == 3


def test_part_of_a_long_list_makes_no_sum(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """A customer with more charges than a look-up reads has an MRR, and no LTV before the backfill read them all."""
    office.connect()
    customer_id, email = _paying(office)
    for _ in range(2):
        office.simulator.control("create_invoice", id=customer_id)
        office.simulator.control("pay_invoice", id=customer_id)
    monkeypatch.setattr(gateway, "PAGE_SIZE", 1)
    monkeypatch.setattr(reading, "MAX_PAGES", 1)

    known = _write_in(office, email)

    assert known.facts.get("mrr") is not None
    assert known.facts.reasons["ltv"] is Reason.NOT_SYNCED
    assert _after_backfill(office, email).get("ltv") is not None


def test_reading_ahead_ends_with_its_connection(office: Office) -> None:
    """What was read on its own before a connection was made anew no longer counts as complete."""
    # Disconnecting takes back every token of the account: not the one that other tests read.
    account = office.simulator.accounts[1]
    connection = office.connect(account)
    customers = office.simulator.objects("customer", account=account)
    addresses = [(each["email"] or "").strip().lower() for each in customers]
    email = next(address for address in addresses if address and addresses.count(address) == 1)
    assert _write_in(office, email).facts.get("status") is not None
    office.service.disconnect(office.workspace_id, member_id=OWNER, connection_id=connection.id)
    office.clock.advance(timedelta(minutes=20))
    office.connect(account)
    office.simulator.control("faults", status=500)

    assert _write_in(office, email).facts.get("status") is None


def test_pending_conversation_is_decided_again(office: Office) -> None:
    """A conversation decided without its sender's facts is decided anew when the look-up is done."""
    office.connect()
    _, email = _paying(office)
    router = Router(
        office.database,
        office.clock,
        RulesetService(office.clock, CATALOG, references),
        office.service,
        office.wakes,
    )
    drain = OutboxDrain(
        office.database, office.clock, router, office.service, PrivacyService(office.database, office.clock)
    )
    office.simulator.control("faults", status=429)
    routed = router.receive(
        office.workspace_id,
        NewConversation(external_id="1", channel="email", sender=Sender(email=email), subject="Help", body="Hello"),
    )
    assert isinstance(routed, Routed)
    assert routed.match_pending
    drain.drain()
    office.simulator.control("faults")

    office.clock.advance(timedelta(minutes=1))
    drain.drain()

    again = router.receive(
        office.workspace_id,
        NewConversation(external_id="1", channel="email", sender=Sender(email=email), subject="Help", body="Hello"),
    )
    assert isinstance(again, Routed)
    assert not again.created
    assert not again.match_pending
    with office.database.workspace(office.workspace_id, readonly=True) as session:
        newest = decisions(office.workspace_id, session, again.conversation.id)[0]
    assert newest.facts["status"] == "active"


def test_resync_of_one_customer_finds_what_is_new(synced: Office) -> None:
    """Reading one customer again brings what no event ever told, and removes what Stripe no longer has."""
    customer_id, email = _paying(synced)
    synced.deliver(*synced.events(customer_id))
    synced.settle()
    synced.simulator.control("create_invoice", id=customer_id)  # the event is lost
    assert synced.facts(email).get("open_invoices") == 0
    router = Router(
        synced.database, synced.clock, RulesetService(synced.clock, CATALOG, references), synced.service, synced.wakes
    )
    with synced.database.workspace(synced.workspace_id) as session:
        end_user_id = synced.end_user(email)
        assert end_user_id is not None
        assert synced.service.resync_customer(synced.workspace_id, session, end_user_id) == 1

    OutboxDrain(
        synced.database, synced.clock, router, synced.service, PrivacyService(synced.database, synced.clock)
    ).drain()

    assert synced.facts(email).get("open_invoices") == 1


_TELLING = ("plan", "mrr", "ltv", "payments", "last_invoice_status", "card_last4", "refunded", "open_invoices")


def _paying(office: Office) -> tuple[str, str]:
    customer_id, email = office.new_customer()
    office.simulator.control("create_subscription", id=customer_id, price=_price(office))
    return customer_id, email


def _price(office: Office) -> str:
    """Return a monthly price that has an MRR in everybody's currency."""
    fitting = (
        price["id"]
        for price in office.simulator.objects("price")
        if price["active"]
        and price["currency"] == "usd"
        and price["billing_scheme"] == "per_unit"
        and (price["recurring"] or {}).get("interval") == "month"
        and price["recurring"]["usage_type"] == "licensed"
        and price["unit_amount"]
    )
    return str(next(fitting))


def _write_in(office: Office, email: str) -> BillingFacts:
    """Do what the router does with a sender."""
    office.service.look_up(office.workspace_id, email)
    return _read(office, email)


def _read(office: Office, email: str) -> BillingFacts:
    end_user_id = office.write_in(email)
    with office.database.workspace(office.workspace_id) as session:
        return office.service.match_and_read(office.workspace_id, session, end_user_id, office.clock.now())


def _after_backfill(office: Office, email: str) -> Facts:
    for _ in range(5):  # a busy machine needs more than one job
        office.service.run_backfills()
    office.settle()
    return office.facts(email)


def _reads(office: Office) -> int:
    return sum(office.simulator.stats()["requests"].values())

"""Events beyond their order: what they cost, what becomes of those that fail, and what no event told of."""

from contextlib import suppress
from datetime import datetime, timedelta

import pytest
import requests
from sqlalchemy import text, update

from engine.ids import MemberId
from stripe_sync import links
from stripe_sync.backfill import repository as backfill_repository
from stripe_sync.backfill.models import RunStatus
from stripe_sync.backfill.running import OUTDATED
from stripe_sync.connect import repository as connect_repository
from stripe_sync.connect.tables import DbConnection
from stripe_sync.events import repository as event_repository
from stripe_sync.events.catching_up import MEMORY
from stripe_sync.events.models import Ignored
from stripe_sync.events.repository import NewEvent
from stripe_sync.matching import CustomerKey
from stripe_sync.tables import DbBackfill
from tests.integration.stripe_sync.office import OWNER, Office


def test_delivery_reads_nothing_and_each_changed_object_is_read_once(synced: Office) -> None:
    """However many events tell of an object, nothing is asked while they arrive, and it is asked for once after."""
    customer_id, _ = synced.new_customer()
    synced.simulator.control("create_subscription", id=customer_id)
    for number in range(4):
        synced.simulator.control("update_customer", id=customer_id, name=f"name {number}")
    events = synced.events(customer_id)
    before, asked = synced.connection.reads, _requests(synced)

    synced.deliver(*events)
    after_delivery = _requests(synced)
    synced.settle()

    changed = {event["data"]["object"]["id"] for event in events}
    assert after_delivery == asked
    assert len(events) > len(changed)
    assert synced.connection.reads - before <= len(changed)


def test_missing_reference_is_fetched(synced: Office) -> None:
    """A subscription to a price whose events were all lost brings the price and its product with it."""
    customer_id, email = synced.new_customer()
    name = synced.clock.new_id("x")
    product_id, price_id = f"prod_{name}", f"price_{name}"
    synced.simulator.control("create_product", id=product_id, name="Lost and found")
    synced.simulator.control("create_price", id=price_id, product=product_id, unit_amount=4200, currency="usd")
    synced.simulator.control("create_subscription", id=customer_id, price=price_id)
    events = synced.events(customer_id)

    synced.deliver(*events)
    synced.settle()

    assert synced.row("prices", price_id, synced.connection) is not None
    assert synced.facts(email).get("plan") == "Lost and found"
    assert synced.status()["events"] == {"pending": 0, "failed": 0, "parked": 0}


def test_parked_event_is_listed_and_replayed(synced: Office) -> None:
    """What was parked is shown with its reason, and tried again from the start when somebody says so."""
    now = synced.clock.now()
    poison = NewEvent(event_id="evt_poison", type="customer.updated", created=now, payload="{", origin="webhook")
    with synced.database.workspace(synced.workspace_id) as session:
        event_repository.add(synced.workspace_id, session, synced.connection.id, [poison], now)
    for _ in range(9):
        synced.service.drain_events()
        synced.clock.advance(timedelta(minutes=5))
    (parked,) = synced.service.events(synced.workspace_id, ("parked",))

    count = synced.service.replay_events(synced.workspace_id, member_id=OWNER, event_id="evt_poison")
    nothing = synced.service.replay_events(synced.workspace_id, member_id=MemberId(OWNER), event_id="evt_other")

    assert (parked.event_id, parked.error, parked.attempts) == ("evt_poison", "JSONDecodeError", 8)
    assert (count, nothing) == (1, 0)
    assert synced.status()["events"] == {"pending": 1, "failed": 0, "parked": 0}


def test_events_nobody_needs_are_counted(synced: Office) -> None:
    """Events of the other mode are counted with their connection, those of unknown accounts for the whole system."""
    customer_id, _ = synced.new_customer()
    (event,) = synced.events(customer_id)

    received = synced.deliver(
        {**event, "livemode": False}, {**event, "livemode": False}, {**event, "account": "acct_unknown"}
    )

    assert received[0] == Ignored(reason="other_mode")
    assert synced.status()["ignored"] == {"other_mode": 2}
    with synced.database.system(readonly=True) as session:
        assert event_repository.system_ignored(session) == {"other_mode": 2, "unknown_account": 1}


def test_withdrawn_and_connected_anew_within_a_moment(office: Office) -> None:
    """A withdrawal of the very second of the new connection does not end it: Stripe is asked, and it holds."""
    # Not the account of the other tests: a withdrawal ends every access to it there is.
    account = office.simulator.accounts[1]
    office.connect(account)
    office.simulator.control("disconnect", account=account)
    connection = office.connect(account)
    event = {
        "id": f"evt_{office.clock.new_id('x')}",
        "object": "event",
        "type": "account.application.deauthorized",
        "created": int(connection.connected_at.timestamp()),
        "livemode": True,
        "account": account,
        "data": {"object": {"id": "ca_1", "object": "application"}},
    }

    office.deliver(event)
    office.service.drain_events()

    assert office.status()["status"] == "active"
    assert office.status()["events"] == {"pending": 0, "failed": 0, "parked": 0}


def test_sweep_finds_what_no_event_told_of(synced: Office) -> None:
    """A row that went wrong by itself is mended by a sweep and counted; what an event explains is not."""
    wrong = synced.simulator.objects("customer")[0]["id"]
    told, _ = synced.new_customer()
    with synced.database.workspace(synced.workspace_id) as session:
        session.execute(
            text("UPDATE stripe_customers SET payload = :payload WHERE id = :id"),
            {"payload": f'{{"id": "{wrong}", "object": "customer", "name": "nobody"}}', "id": wrong},
        )
    synced.clock.advance(timedelta(minutes=1))

    _resync(synced)
    synced.clock.advance(timedelta(minutes=11))
    synced.simulator.control("clock", advance_s=11 * 60)
    synced.service.catch_up(force=True)

    row = synced.row("customers", wrong, synced.connection)
    assert row is not None
    assert row.payload["name"] != "nobody"
    assert synced.row("customers", told, synced.connection) is not None
    assert synced.status()["drift_by_kind"] == {"customers": 1}
    assert synced.status()["drift"] == 1
    assert synced.service.drift() == {"customers": 1}


def test_a_sweep_comes_every_night(synced: Office) -> None:
    """A day and a half after a run the next one is queued, once; not before half a day."""
    synced.clock.advance(timedelta(hours=11))
    at_once = synced.service.reconcile()
    synced.clock.advance(timedelta(hours=26))
    next_night = synced.service.reconcile()
    again = synced.service.reconcile()

    assert (at_once, next_night, again) == (0, 1, 0)
    assert synced.backfill()["status"] == "queued"


def test_reads_are_measured_by_payments(synced: Office) -> None:
    """Stripe allows 500 reads for each payment of the last 30 days; they are counted once a day, and after each run."""
    customer_id, _ = synced.new_customer()
    synced.simulator.control("create_subscription", id=customer_id)
    for _ in range(15):
        synced.simulator.control("create_invoice", id=customer_id)
        synced.simulator.control("pay_invoice", id=customer_id)
    _resync(synced)
    before = synced.status()
    since = (synced.clock.now() - timedelta(days=30)).timestamp()
    synced.service.reconcile()
    after = synced.status()
    charges = synced.simulator.objects("charge")
    payments = sum(each["status"] == "succeeded" and each["created"] >= since for each in charges)
    with synced.database.workspace(synced.workspace_id) as session:
        session.execute(text("DELETE FROM stripe_charges"))
    synced.service.reconcile()

    assert (before["payments_30_days"], before["reads_allowed_30_days"]) == (None, 10_000)
    assert payments > 20
    assert (after["payments_30_days"], after["reads_allowed_30_days"]) == (payments, 500 * payments)
    assert after["reads_are_shared"]
    assert synced.status()["payments_30_days"] == payments, "counted again within a day"
    synced.clock.advance(timedelta(days=1, minutes=1))
    synced.service.reconcile()
    assert synced.status()["payments_30_days"] == 0


def test_away_for_longer_than_the_log_remembers(synced: Office) -> None:
    """When the event log does not reach back to where we stopped, the whole account is read again."""
    synced.simulator.control("clock", advance_s=(MEMORY + timedelta(days=2)).total_seconds())
    synced.clock.advance(MEMORY + timedelta(days=2))

    for _ in range(5):  # the simulator lives through a month first, which may take longer than anybody waits
        with suppress(requests.Timeout):
            synced.simulator.get("/v1/account")
            break
    synced.service.catch_up(force=True)

    assert synced.backfill()["status"] == "queued", synced.status()["last_error"]


def test_whoever_dies_while_catching_up_after_a_long_absence_finds_the_gap_again(
    synced: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The account is queued to be read before the seen point moves on."""
    _have_been_away(synced)

    def die(*_: object) -> None:
        raise ConnectionAbortedError

    with monkeypatch.context() as patched:
        patched.setattr(connect_repository, "note_caught_up", die)
        with pytest.raises(ConnectionAbortedError):
            synced.service.catch_up(force=True)

    assert synced.backfill()["status"] == "queued"


def test_run_that_lay_longer_than_the_log_remembers_is_begun_anew(synced: Office) -> None:
    """What it had read of the account a month ago is out of date, and no event will tell."""
    seen = _have_been_away(synced)
    synced.service.resync(synced.workspace_id, member_id=OWNER, connection_id=synced.connection.id)
    with synced.database.workspace(synced.workspace_id) as session:
        session.execute(
            update(DbBackfill)
            .where(DbBackfill.finished_at.is_(None))
            .values(status=RunStatus.RUNNING.value, stamp=seen)
        )

    synced.service.catch_up(force=True)

    with synced.database.workspace(synced.workspace_id, readonly=True) as session:
        newest, before, *_ = backfill_repository.newest(synced.workspace_id, session, synced.connection.id, 3)
    assert (newest.status, newest.stamp) == (RunStatus.QUEUED, None)
    assert (before.status, before.last_error) == (RunStatus.FAILED, OUTDATED)


def test_customer_who_lost_their_address_stays_somebody(synced: Office) -> None:
    """When a list shows a customer without the address they had, they get an end user of their own."""
    customer_id, email = synced.new_customer()
    synced.deliver(*synced.events(customer_id))
    synced.settle()
    synced.simulator.control("update_customer", id=customer_id, new_email=None)

    _resync(synced)

    key = CustomerKey(connection_id=synced.connection.id, customer_id=customer_id)
    with synced.database.workspace(synced.workspace_id, readonly=True) as session:
        (people,) = links.end_users_of(synced.workspace_id, session, [key]).values()
    assert people
    assert synced.end_user(email) not in people


@pytest.mark.parametrize("event_type", ["invoice.upcoming", "customer.tax_id.created", "payout.paid"])
def test_types_that_touch_no_fact_are_left_alone(synced: Office, event_type: str) -> None:
    """They are acknowledged and not stored."""
    customer_id, _ = synced.new_customer()
    (event,) = synced.events(customer_id)

    assert synced.deliver({**event, "type": event_type}) == [Ignored(reason="unused_type")]


# helpers


def _have_been_away(office: Office) -> datetime:
    """Let the seen point be older than the event log remembers; return it."""
    seen = office.clock.now() - MEMORY - timedelta(days=2)
    with office.database.workspace(office.workspace_id) as session:
        session.execute(update(DbConnection).values(events_until=seen))
    return seen


def _resync(office: Office) -> None:
    """Read everything again; a machine that is busy needs several jobs for it."""
    office.service.resync(office.workspace_id, member_id=OWNER, connection_id=office.connection.id)
    for _ in range(20):
        office.service.run_backfills()
        if office.backfill()["status"] == "complete":
            return
        office.clock.advance(timedelta(minutes=3))  # what was put off is due then
    raise AssertionError(f"never complete: {office.backfill()}")


def _requests(office: Office) -> int:
    return sum(int(count) for count in office.simulator.stats()["requests"].values())

"""The backfill against the simulator: everything arrives, whatever goes wrong on the way."""

import itertools
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import text

from engine.storage import Database
from stripe_sync import gateway, mirror_owner_repository
from stripe_sync.backfill import running
from stripe_sync.backfill.running import LEASE
from stripe_sync.gateway import Gateway, GatewayError, Page, Trouble
from stripe_sync.kinds import Kind
from tests.integration.stripe_sync.office import ADMIN, OWNER, Office, make_office
from tests.stripe_simulator import Simulator

KIND_OF = {
    "products": "product",
    "prices": "price",
    "coupons": "coupon",
    "customers": "customer",
    "subscriptions": "subscription",
    "charges": "charge",
    "invoices": "invoice",
    "disputes": "dispute",
    "refunds": "refund",
    "invoice_payments": "invoice_payment",
    "credit_notes": "credit_note",
}


def test_backfill_brings_everything(office: Office) -> None:
    """After one run the mirror has every object of every kind that Stripe has, and no other; nothing was written."""
    connection = office.synced()

    for kind, single in KIND_OF.items():
        assert office.ids(kind, connection) == {each["id"] for each in office.simulator.objects(single)}, kind
    assert set(office.connection.synced_kinds) == {*KIND_OF, "payment_methods"}
    assert office.backfill()["progress"]["current"] is None
    assert office.simulator.stats()["refused"].get("403 POST", 0) == 0


def test_every_customer_is_an_end_user(synced: Office) -> None:
    """Each address has its end user; customers without one have an end user of their own."""
    customers = synced.simulator.objects("customer")
    for customer in customers:
        if customer["email"]:
            assert synced.end_user(customer["email"].strip().lower()) is not None, customer["email"]


def test_facts_have_no_value_before_their_kind_is_complete(office: Office) -> None:
    """At every page boundary money is either unknown or what it is in the end: never a partial sum, never a false 0."""
    office.connect()
    customer = _paying_customer(office)
    seen: list[tuple[object, object]] = []
    with _stopping_after_each_page(office):
        for _ in range(60):
            office.service.run_backfills()
            if office.end_user(customer["email"]) is not None:
                facts = office.facts(customer["email"])
                seen.append((facts.get("mrr"), facts.get("ltv")))
            if office.backfill()["status"] == "complete":
                break

    mrr, ltv = seen[-1]
    assert mrr is not None
    assert ltv is not None
    assert {each for each, _ in seen} == {None, mrr}
    assert {each for _, each in seen} == {None, ltv}


def test_killed_between_any_two_pages_it_goes_on(office: Office) -> None:
    """A run that dies after any page is taken up by the next worker once its lease is over."""
    connection = office.connect()

    with _dying_after_each_page(office):
        for _ in range(60):
            try:
                office.service.run_backfills()
            except KeyboardInterrupt:
                office.clock.advance(LEASE + timedelta(seconds=1))
            if office.backfill()["status"] == "complete":
                break

    assert office.backfill()["status"] == "complete"
    for kind, single in KIND_OF.items():
        assert office.ids(kind, connection) == {each["id"] for each in office.simulator.objects(single)}, kind


def test_lanes_side_by_side_bring_everything(
    database: Database, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Six lanes over lists cut in parts, killed twice on the way, bring what one lane brings."""
    monkeypatch.setattr(gateway, "PAGE_SIZE", 5)
    office = make_office(database, simulator, lists_at_once=6)
    connection = office.connect()
    plain, calls = Gateway.list_kind, itertools.count()

    def die_twice(self: Gateway, *args: object, **more: object) -> Page:
        if next(calls) in {40, 90}:
            raise KeyboardInterrupt
        return plain(self, *args, **more)  # type: ignore[arg-type]  # passed on as it came

    monkeypatch.setattr(Gateway, "list_kind", die_twice)
    for _ in range(3):
        try:
            office.service.run_backfills()
        except KeyboardInterrupt:
            office.clock.advance(LEASE + timedelta(seconds=1))

    assert office.backfill()["status"] == "complete"
    for kind, single in KIND_OF.items():
        assert office.ids(kind, connection) == {each["id"] for each in office.simulator.objects(single)}, kind
    assert set(office.connection.synced_kinds) == {*KIND_OF, "payment_methods"}


def test_two_workers_do_not_work_on_one_run(office: Office) -> None:
    """While a lease holds, another worker finds nothing to do."""
    office.connect()
    with _dying_after_each_page(office), pytest.raises(KeyboardInterrupt):
        office.service.run_backfills()

    assert office.service.run_backfills() == 0


def test_a_page_that_takes_longer_than_the_lease_loses_nothing(
    database: Database, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While a worker waits for Stripe it keeps its run, however short the lease: nobody else takes it up."""
    monkeypatch.setattr(running, "LEASE", timedelta(seconds=1))
    office = make_office(database, simulator, heartbeat_s=0.1)
    office.connect()
    plain = Gateway.list_kind
    taken: list[int] = []

    def take_long(self: Gateway, *args: object, **more: object) -> Page:
        if not taken:
            taken.append(-1)
            time.sleep(1.5)
            taken.append(office.service.run_backfills())
        return plain(self, *args, **more)  # type: ignore[arg-type]  # passed on as it came

    monkeypatch.setattr(Gateway, "list_kind", take_long)
    office.service.run_backfills()

    assert taken == [-1, 0]
    assert office.backfill()["status"] == "complete"


def test_facts_are_derived_while_later_lists_are_read(
    database: Database, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With several lanes plan and MRR are known before the last charge is read, and nothing is left undone."""
    office = make_office(database, simulator, lists_at_once=2)
    office.connect()
    customer = _paying_customer(office)
    plain = Gateway.list_kind
    during: list[tuple[object, object]] = []

    def look(self: Gateway, token: str, kind: Kind, *args: object, **more: object) -> Page:
        if kind.name == "charges" and not during:
            until = time.monotonic() + 30
            while not during and time.monotonic() < until:
                facts = office.facts(customer["email"])
                if facts.get("mrr") is not None:
                    during.append((facts.get("mrr"), facts.get("ltv")))
                time.sleep(0.02)
        return plain(self, token, kind, *args, **more)  # type: ignore[arg-type]  # passed on as it came

    monkeypatch.setattr(Gateway, "list_kind", look)
    office.service.run_backfills()

    assert office.backfill()["status"] == "complete"
    assert office.backfill()["progress"]["steps_done"] == office.backfill()["progress"]["steps"]
    facts = office.facts(customer["email"])
    assert during == [(facts.get("mrr"), None)]
    assert facts.get("ltv") is not None


def test_refund_and_charge_written_side_by_side_find_each_other(synced: Office) -> None:
    """Two transactions that did not see each other left a refund without its customer; the end of a list names it."""
    charge = next(each for each in synced.simulator.objects("charge") if each["paid"] and not each["refunded"])
    synced.simulator.control("refund", id=charge["id"])
    synced.service.catch_up(force=True)
    synced.settle()
    orphaned = text("UPDATE stripe_refunds SET customer_id = NULL")
    nameless = text("SELECT count(*) FROM stripe_refunds WHERE customer_id IS NULL")
    with synced.database.workspace(synced.workspace_id) as session:
        before = session.execute(nameless).scalar_one()
        assert session.execute(orphaned).rowcount > before  # type: ignore[attr-defined]  # a cursor's result has it

        mirror_owner_repository.name_all(synced.workspace_id, session, synced.connection.id)

        assert session.execute(nameless).scalar_one() == before


@pytest.mark.parametrize(("status", "waits"), [(429, True), (500, True), (401, False)])
def test_stripe_refuses(office: Office, status: int, waits: bool) -> None:  # noqa: FBT001  a table
    """What passes makes the run wait and go on later; a token that is no longer good ends it, and it looks so."""
    office.connect()
    office.simulator.control("faults", status=status)
    office.service._access.budget._sleep = lambda _: None

    with _without_patience():
        office.service.run_backfills()
    during = office.status()
    office.simulator.control("faults")
    office.clock.advance(timedelta(minutes=10))
    office.service.run_backfills()

    assert during["backfill"]["status"] == ("running" if waits else "failed")
    assert during["status"] == ("active" if waits else "revoked")
    assert office.backfill()["status"] == ("complete" if waits else "failed")


def test_kind_the_key_may_not_read(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other kinds still arrive, the facts of the missing one stay unknown, and the run says which it was."""
    plain = Gateway.list_kind

    def refuse(self: Gateway, token: str, kind: object, *args: object, **more: object) -> Page:
        if getattr(kind, "name", "") == "charges":
            raise GatewayError(Trouble.FORBIDDEN, "no permission")
        return plain(self, token, kind, *args, **more)  # type: ignore[arg-type]  # passed on as it came

    monkeypatch.setattr(Gateway, "list_kind", refuse)
    office.connect()
    office.service.run_backfills()
    customer = _paying_customer(office)

    assert office.backfill()["status"] == "failed"
    assert office.backfill()["error"] == "the key may not read charges"
    assert office.facts(customer["email"]).get("mrr") is not None
    assert office.facts(customer["email"]).reasons["ltv"] == "not_synced"


def test_resync_removes_what_stripe_no_longer_has(synced: Office) -> None:
    """A customer deleted while nobody listened is gone after a re-sync; one that an event brought meanwhile stays."""
    gone, _ = synced.new_customer()
    synced.deliver(*synced.events(gone))
    synced.settle()
    synced.simulator.control("delete_customer", id=gone)
    kept, _ = synced.new_customer()

    synced.service.resync(synced.workspace_id, member_id=ADMIN, connection_id=synced.connection.id)
    synced.service.resync(synced.workspace_id, member_id=OWNER, connection_id=synced.connection.id)
    synced.service.run_backfills()

    row = synced.row("customers", gone, synced.connection)
    assert synced.backfill()["status"] == "complete"
    assert row is not None
    assert row.known.is_deleted
    assert kept in synced.ids("customers", synced.connection)
    for kind, single in KIND_OF.items():
        assert synced.ids(kind, synced.connection) == {each["id"] for each in synced.simulator.objects(single)}, kind


def test_resync_changes_nothing_where_nothing_changed(synced: Office) -> None:
    """A second run makes no end user, no link, and tells of no changed fact."""
    before = {table: _count(synced, table) for table in ("end_users", "stripe_links", "outbox")}

    synced.service.resync(synced.workspace_id, member_id=OWNER, connection_id=synced.connection.id)
    synced.service.run_backfills()

    after = {table: _count(synced, table) for table in before}
    assert after["end_users"] >= before["end_users"]
    assert synced.backfill()["status"] == "complete"
    assert synced.backfill()["objects"] > 100


def test_catch_up_after_a_night_without_webhooks(synced: Office) -> None:
    """What happened while nobody listened is read from the event log, once."""
    customer_id, email = synced.new_customer()
    synced.simulator.control("create_subscription", id=customer_id)

    first = synced.service.catch_up(force=True)
    synced.settle()
    second = synced.service.catch_up(force=True)

    assert first > 0
    assert second == 0
    assert synced.panel(email)["status"]["value"] == "active"


def test_catch_up_is_not_done_before_it_is_due(synced: Office) -> None:
    """Reads are few: the log is read every ten minutes, unless somebody insists."""
    synced.service.catch_up()
    reads = synced.connection.reads

    synced.service.catch_up()

    assert synced.connection.reads == reads


def test_redis_away_does_not_stop_it(office: Office) -> None:
    """With Redis down each process keeps a budget of its own."""
    office.connect()
    without_redis = make_office(office.database, office.simulator, is_new=False, redis_url="redis://127.0.0.1:1/0")

    without_redis.service.run_backfills()

    assert office.backfill()["status"] == "complete"


# helpers


def _paying_customer(office: Office) -> dict[str, str]:
    """Return a customer with an address of their own, a subscription and a charge."""
    customers = [each for each in office.simulator.objects("customer") if each["email"]]
    addresses = [each["email"].strip().lower() for each in customers]
    paying = {each["customer"] for each in office.simulator.objects("charge") if each["status"] == "succeeded"}
    subscribed = {each["customer"] for each in office.simulator.objects("subscription") if each["status"] == "active"}
    return next(
        each
        for each in customers
        if each["id"] in paying & subscribed and addresses.count(each["email"].strip().lower()) == 1
    )


def _count(office: Office, table: str) -> int:
    with office.database.workspace(office.workspace_id, readonly=True) as session:
        return int(session.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())


@contextmanager
def _stopping_after_each_page(office: Office) -> Iterator[None]:
    """Let every job be out of time as soon as it did something."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("stripe_sync.service.JOB_TIME", timedelta(microseconds=1))
        yield


@contextmanager
def _dying_after_each_page(office: Office) -> Iterator[None]:
    """Let the worker die between storing one page and asking for the next."""
    plain = Gateway.list_kind
    calls = iter(range(1_000_000))

    def die(self: Gateway, *args: object, **more: object) -> Page:
        if next(calls) % 2:
            raise KeyboardInterrupt
        return plain(self, *args, **more)  # type: ignore[arg-type]  # passed on as it came

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Gateway, "list_kind", die)
        yield


@contextmanager
def _without_patience() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("stripe_sync.reader.PATIENCE_S", (0.0, 0.0))
        yield

"""From mirror and links to stored facts, and what is told about changes."""

import gc
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from sqlalchemy import event, select

from engine.core.facts import Reason
from engine.ids import EndUserId
from engine.storage import Database
from engine.workspace.models import OnAmbiguous, WorkspaceSettings
from stripe_sync import fact_repository, fact_service, mirror_write_repository
from stripe_sync.apply import News, Source
from stripe_sync.connect import repository as connections
from stripe_sync.derive import GivenRates, at
from stripe_sync.fact_service import Cause, FactService
from stripe_sync.fact_tables import DbEndUserFacts
from stripe_sync.kinds import KINDS
from stripe_sync.matching import LinkKind
from stripe_sync.objects import Bundle
from tests.clock import FrozenClock
from tests.integration.facts.world import ADA, HERE, SERVICE, World, changes
from tests.unit.derive.build import charge, customer, invoice, item, percent, price, seconds, subscription


def of(customer_id: str, *objects: dict[str, object]) -> list[dict[str, object]]:
    """Return objects as those of a customer."""
    return [{**each, "customer": customer_id} for each in objects]


def test_facts_of_a_linked_customer(world: World) -> None:
    """The mirror's objects become facts, with the account and how fresh they are."""
    connection = world.connect()
    world.mirror(
        connection,
        customers=[customer()],
        products=[{"id": "prod_a", "object": "product", "name": "Pro"}],
        prices=[price()],
        subscriptions=of("cus_a", subscription(status="past_due")),
        invoices=of("cus_a", invoice("open", due_date=seconds(-2))),
        charges=of("cus_a", charge(5000)),
        disputes=[{"id": "du_a", "charge": "ch_a", "status": "lost", "amount": 1000, "currency": "usd"}],
    )
    world.link(connection, "cus_a")
    world.recompute()
    found = world.read()

    assert (found.get("customer"), found.get("match"), found.get("account")) == (True, "email", "acct_a")
    assert (found.get("status"), found.get("plan"), found.get("mrr")) == ("past_due", "Pro", Decimal("10.00"))
    assert (found.get("ltv"), found.get("overdue_invoices")) == (Decimal("40.00"), 1)
    assert found.get("sync_age") == 1
    world.clock.advance(timedelta(seconds=30))
    with world.database.workspace(HERE) as session:
        connections.note_contact(HERE, session, connection, world.clock.now(), is_healthy=True)
    assert world.read().get("sync_age") == 0  # Stripe was reached since, though nothing was worked out again


@pytest.mark.parametrize(
    ("connected", "kind", "reason", "match"),
    [
        (False, None, Reason.NOT_CONNECTED, "none"),
        (True, None, Reason.NO_CUSTOMER, "none"),
        (True, LinkKind.CANDIDATE, Reason.AMBIGUOUS, "ambiguous"),
        (True, LinkKind.UNLINKED, Reason.NO_CUSTOMER, "none"),
    ],
)
def test_nobody_linked(world: World, *, connected: bool, kind: LinkKind | None, reason: Reason, match: str) -> None:
    """Without a linked customer everything is unknown, for the reason that holds."""
    if connected:
        connection = world.connect()
        world.mirror(connection, customers=[customer()])
        if kind:
            world.link(connection, "cus_a", kind=kind)
    found = world.read()

    assert dict(found.values) == {"customer": False, "match": match}
    assert set(found.reasons.values()) == {reason}


def test_best_candidate_if_the_workspace_says_so(world: World) -> None:
    """With `on_ambiguous: best` the best candidate speaks, and `match` stays ambiguous."""
    connection = world.connect()
    world.mirror(
        connection,
        customers=[customer(id="cus_a"), customer(id="cus_b")],
        subscriptions=of("cus_b", subscription()),
    )
    for customer_id in ("cus_a", "cus_b"):
        world.link(connection, customer_id, kind=LinkKind.CANDIDATE)
    world.change_settings(replace(WorkspaceSettings(), on_ambiguous=OnAmbiguous.BEST))
    world.recompute(cause=Cause.SETTING)
    found = world.read()

    assert (found.get("match"), found.get("customer_id"), found.get("mrr")) == ("ambiguous", "cus_b", Decimal("10.00"))


def test_half_read_account(world: World) -> None:
    """Until a list was read to its end, facts made of it are not synced, whatever is there already."""
    connection = world.connect(complete=frozenset({"customers"}))
    world.mirror(connection, customers=[customer()], charges=of("cus_a", charge()))
    world.link(connection, "cus_a")
    world.recompute()
    found = world.read()

    assert found.reasons["ltv"] is found.reasons["mrr"] is Reason.NOT_SYNCED
    assert found.get("delinquent") is False


def test_what_a_backfill_makes_known_is_no_change(world: World) -> None:
    """A list read to its end makes facts known without a change being told; what Stripe changes afterwards is told."""
    connection = world.connect(complete=frozenset({"customers"}))
    world.mirror(connection, customers=[customer()], charges=of("cus_a", charge()))
    world.link(connection, "cus_a")
    world.recompute(cause=Cause.BACKFILL)
    with world.database.workspace(HERE) as session:
        connections.add_synced_kinds(HERE, session, connection, frozenset(KINDS))
    world.recompute(cause=Cause.BACKFILL)
    known, told = world.read().get("ltv"), world.told()
    world.mirror(connection, customers=[customer(delinquent=True)])
    world.recompute()

    assert known is not None
    assert told == []
    assert changes(world.told()) == {"delinquent": (False, True)}


def test_two_accounts_add_up_and_modes_do_not(world: World) -> None:
    """Customers of two live accounts are combined; a test account beside them is left out."""
    for name, livemode in (("a", True), ("b", True), ("t", False)):
        connection = world.connect(name, livemode=livemode)
        world.mirror(
            connection,
            customers=[customer(id=f"cus_{name}", livemode=livemode)],
            subscriptions=of(f"cus_{name}", subscription()),
        )
        world.link(connection, f"cus_{name}")
    world.recompute()

    assert world.read().get("mrr") == Decimal("20.00")
    assert world.read().get("subscriptions") == 2


def test_change_is_told_once(world: World) -> None:
    """The first facts are no change; a later one is told with old, new and cause, and not again."""
    connection = world.connect()
    world.mirror(connection, customers=[customer()], subscriptions=of("cus_a", subscription()))
    world.link(connection, "cus_a")
    world.recompute(cause=Cause.BACKFILL)
    assert world.told() == []

    world.mirror(connection, subscriptions=of("cus_a", subscription(item(quantity=3), status="past_due")))
    count = world.recompute()
    told = world.told()

    assert changes(told) == {
        "mrr": ("10.00", "30.00"),
        "arr": ("120.00", "360.00"),
        "quantity": (1, 3),
        "status": ("active", "past_due"),
        "subscription_status": ("active", "past_due"),
    }
    assert count == len(told)
    assert {(each["cause"], each["end_user_id"]) for each in told} == {("event", ADA)}

    world.clock.advance(timedelta(days=3))
    assert world.recompute() == 0  # days and freshness moved; nothing changed
    assert world.told() == []


def test_clock_changes_are_found_and_told(world: World) -> None:
    """A trial that ends, an invoice that falls due and a coupon that runs out are told without an event."""
    world.change_settings(replace(WorkspaceSettings(), subtract_repeating=True))
    connection = world.connect()
    world.mirror(
        connection,
        customers=[customer()],
        subscriptions=of(
            "cus_a",
            subscription(discounts=[percent(50, "repeating", end=seconds(1))]),
            subscription(id="sub_t", status="trialing", trial_end=seconds(2)),
        ),
        invoices=of("cus_a", invoice("open", due_date=seconds(3))),
    )
    world.link(connection, "cus_a")
    world.recompute()
    told = []
    for _ in range(4):
        world.clock.advance(timedelta(days=1, seconds=1))
        while SERVICE.recompute_due(world.database, world.clock.now(), limit=1):
            pass
        told.append(changes(world.told()))

    assert told == [
        {"mrr": ("5.00", "10.00"), "arr": ("60.00", "120.00"), "discounted": (True, False)},
        {},  # the trial is not the primary subscription's
        {"overdue_invoices": (0, 1)},
        {},
    ]


def test_new_rate_alone_is_no_change(world: World) -> None:
    """Amounts follow the latest rate, but that tells nobody anything; a real change at a new rate does."""
    connection = world.connect()
    world.mirror(connection, customers=[customer()], charges=of("cus_a", charge(1000, currency="eur")))
    world.link(connection, "cus_a")
    world.recompute()
    later = FactService(GivenRates(into="usd", rates={"eur": Fraction("1.20")}))
    with world.database.workspace(HERE) as session:
        assert later.recompute(HERE, session, [ADA], world.clock.now(), Cause.EVENT) == 0
    assert (world.read().get("ltv"), world.told()) == (Decimal("12.00"), [])

    world.mirror(connection, charges=of("cus_a", charge(1000, currency="eur", amount_refunded=500)))
    world.recompute()
    assert changes(world.told()) == {"ltv": ("12.00", "5.50"), "refunded": ("0.00", "5.50")}


def test_disconnecting_leaves_stale_values_that_rules_do_not_see(world: World) -> None:
    """After disconnecting all is unknown as stale, with the last values kept; connecting again brings them back."""
    connection = world.connect()
    world.mirror(connection, customers=[customer()], subscriptions=of("cus_a", subscription()))
    world.link(connection, "cus_a")
    world.recompute()
    world.disconnect(connection)
    for _ in range(2):
        world.recompute(cause=Cause.LINK)
        found = world.read()
        with world.database.workspace(HERE) as session:
            kept = fact_repository.read_many(HERE, session, [ADA])[ADA]

        assert (found.get("mrr"), found.reasons["mrr"]) == (None, Reason.STALE)
        assert kept.last_values is not None
        assert kept.last_values["mrr"] == "10.00"

    with world.database.workspace(HERE) as session:
        again = next(iter(connections.connections(HERE, session)))
    assert again.id == connection
    world.connect()
    world.recompute(cause=Cause.LINK)
    assert world.read().get("mrr") == Decimal("10.00")


def test_two_at_once_see_each_other(postgresql_database: Database, clock: FrozenClock) -> None:
    """Of two transactions that each bring a charge of one customer, the second waits and counts both."""
    world = World(postgresql_database, clock)
    world.open()
    connection = world.connect()
    world.mirror(connection, customers=[customer()])
    world.link(connection, "cus_a")
    news = News(stamp=clock.now(), source=Source.FETCH)
    ready = threading.Barrier(2)

    def bring(charge_id: str) -> None:
        objects = [dict(each) for each in of("cus_a", charge(1000, id=charge_id))]
        with world.database.workspace(HERE) as session:
            mirror_write_repository.write(HERE, session, connection, KINDS["charges"], objects, news)
            ready.wait(timeout=30)
            SERVICE.recompute(HERE, session, [ADA], clock.now(), Cause.EVENT)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(bring, ["ch_a", "ch_b"]))

    assert (world.read().get("payments"), world.read().get("ltv")) == (2, Decimal("20.00"))


def test_batches_take_a_few_queries(world: World) -> None:
    """The number of queries does not grow with the number of customers, be they new or as they were."""
    connection = world.connect()
    ids = [f"cus_{number:03d}" for number in range(60)]
    world.mirror(
        connection,
        customers=[customer(id=each) for each in ids],
        subscriptions=[{**subscription(id=f"sub_{each}"), "customer": each} for each in ids],
        charges=[{**charge(id=f"ch_{each}"), "customer": each} for each in ids],
    )
    people = [EndUserId(f"eu_{each}") for each in ids]
    for each, end_user_id in zip(ids, people, strict=True):
        world.link(connection, each, end_user_id)

    for _ in ("new", "as they were"):
        few, many = (
            _queries(world.database, lambda who=who: world.recompute(*who)) for who in (people[:6], people[6:])
        )
        assert many == few


def test_facts_that_are_the_same_stay(world: World) -> None:
    """Working out the same again moves only when that was and how fresh it is; the row is as if written anew."""
    connection = world.connect()
    world.mirror(connection, customers=[customer()], charges=of("cus_a", charge(700, currency="eur")))
    world.link(connection, "cus_a")
    world.recompute()
    first = _row(world.database)
    world.clock.advance(timedelta(hours=1))
    with world.database.workspace(HERE) as session:
        connections.note_contact(HERE, session, connection, world.clock.now(), is_healthy=True)
    assert world.recompute() == 0
    again = _row(world.database)
    with world.database.workspace(HERE) as session:
        fact_repository.forget(HERE, session, [ADA])
    world.recompute()

    assert again == _row(world.database)
    assert {name for name in first if first[name] != again[name]} == {"as_of", "synced_at"}
    assert again["as_of"] == world.clock.now()


def test_no_more_are_held_than_a_batch(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many customers are worked out, only a batch of them is in memory at a time, and none afterwards."""
    connection = world.connect()
    ids = [f"cus_{number:02d}" for number in range(30)]
    world.mirror(
        connection,
        customers=[customer(id=each) for each in ids],
        charges=[{**charge(id=f"ch_{each}"), "customer": each} for each in ids],
    )
    people = [EndUserId(f"eu_{each}") for each in ids]
    for each, end_user_id in zip(ids, people, strict=True):
        world.link(connection, each, end_user_id)
    monkeypatch.setattr(fact_service, "BATCH", 4)
    held = []

    def count(*_: object) -> None:
        bundles = [each for each in gc.get_objects() if isinstance(each, Bundle)]
        held.append(sum(each.customer is not None and each.customer["id"] in ids for each in bundles))

    event.listen(world.database.engine, "before_cursor_execute", count)
    try:
        world.recompute(*people)
    finally:
        event.remove(world.database.engine, "before_cursor_execute", count)
    count()

    assert (held[0], max(held), held[-1]) == (0, 4, 0)


def test_read_many_is_what_at_reads(world: World) -> None:
    """Reading through the service is reading the stored facts at that instant."""
    connection = world.connect()
    world.mirror(connection, customers=[customer()])
    world.link(connection, "cus_a")
    found = world.read()
    with world.database.workspace(HERE) as session:
        stored = fact_repository.read(HERE, session, ADA)

    assert stored is not None
    assert at(stored, world.clock.now()) == found


# helpers


def _row(database: Database) -> dict[str, object]:
    with database.workspace(HERE, readonly=True) as session:
        return dict(session.execute(select(DbEndUserFacts.__table__)).mappings().one())


def _queries(database: Database, work: object) -> int:
    statements = []

    def note(*arguments: object) -> None:
        statements.append(arguments[2])

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        assert callable(work)
        work()
    finally:
        event.remove(database.engine, "before_cursor_execute", note)
    return len(statements)

"""What the database adds up is what derivation would have added up, object by object."""

from dataclasses import replace
from typing import Any

import pytest

from engine.ids import ConnectionId
from engine.storage import Database
from stripe_sync import bundle_repository
from stripe_sync.derive import CustomerFacts, derive, explain
from stripe_sync.mirror_tables import MIRROR
from stripe_sync.objects import Bundle, Rest
from tests.integration.facts.histories import History
from tests.integration.facts.world import HERE, World
from tests.unit.derive.build import NOW, Json, charge, customer, settings

HISTORIES = 250
PRODUCT = {"id": "prod_all", "object": "product", "name": "All"}
ANY_CARD = {"type": "card", "card": {"brand": "visa", "last4": "4242", "exp_month": 1, "exp_year": 2030}}


def gathered(database: Database, connection: ConnectionId, ids: list[str]) -> dict[str, Bundle]:
    """Return bundles as the database gives them."""
    with database.workspace(HERE, readonly=True) as session:
        return bundle_repository.bundles(HERE, session, connection, ids)


def whole(objects: dict[str, list[Json]], first: Bundle) -> Bundle:
    """Return a bundle in which everything is listed; what `first` lists too comes first.

    Of two charges that both can't be understood the first one gives the reason.
    """
    listed = [each["id"] for each in first.charges]
    charges = sorted(objects.get("charges", []), key=lambda each: (each["id"] not in listed, each["id"]))
    charges[: len(listed)] = first.charges
    lists: dict[str, Any] = {kind: found for kind, found in objects.items() if kind != "customers"}
    lists["charges"] = charges
    return Bundle(customer=objects["customers"][0], products=[PRODUCT], prices=[], **lists)


def comparable(facts: CustomerFacts) -> tuple[object, ...]:
    """Return what is compared: all but the order of notes, and which of several unreadable objects a note names."""
    return facts.values, facts.reasons, facts.exact, {(note.fact, note.code) for note in facts.notes}


def test_sums_equal_derivation_over_everything(world: World) -> None:
    """Facts derived from sums and deciding objects are those derived from all objects, for histories of all sorts."""
    connection = world.connect()
    histories = {made.customer_id: made.objects for made in map(History, range(HISTORIES))}
    together: dict[str, list[Json]] = {"products": [PRODUCT]}
    for objects in histories.values():
        for kind, found in objects.items():
            together.setdefault(kind, []).extend(found)
    # Refunds and disputes before their charges: whose they are is told when the charge comes.
    order = sorted(together, key=lambda kind: kind == "charges")
    world.mirror(connection, **{kind: together[kind] for kind in order})

    for customer_id, bundle in gathered(world.database, connection, list(histories)).items():
        expected = derive(whole(histories[customer_id], bundle), NOW, settings())
        assert comparable(derive(bundle, NOW, settings())) == comparable(expected), customer_id


@pytest.mark.parametrize("count", [1, 400])
def test_history_is_not_read(world: World, count: int) -> None:
    """However many plain charges there are, one is read; the sums and their explanation hold the others."""
    connection = world.connect()
    made = [
        {**charge(1000, id=f"ch_{n}", customer="cus_a", payment_method_details=ANY_CARD), "created": 1_700_000_000 + n}
        for n in range(count)
    ]
    world.mirror(connection, customers=[customer()], charges=made)
    bundle = gathered(world.database, connection, ["cus_a"])["cus_a"]
    lines = explain(bundle, NOW, settings())["ltv"]["lines"]

    assert [each["id"] for each in bundle.charges] == [f"ch_{count - 1}"]
    assert isinstance(lines, list)
    assert sum(int(str(line["charges"])) for line in lines if isinstance(line, dict)) == count
    assert derive(bundle, NOW, settings()).get("payments") == count


def test_rows_from_before_the_columns_are_read_whole(world: World) -> None:
    """Charges that were mirrored before there were columns to add up count all the same."""
    connection = world.connect()
    world.mirror(
        connection, customers=[customer()], charges=[charge(1000, id=f"ch_{n}", customer="cus_a") for n in range(3)]
    )
    with world.database.workspace(HERE) as session:
        table = MIRROR["charges"]
        session.execute(table.update().values(standing=None, currency=None, captured=None, refunded=None))
    bundle = gathered(world.database, connection, ["cus_a"])["cus_a"]

    assert (len(bundle.charges), bundle.rest) == (3, Rest())
    assert derive(replace(bundle, rest=None), NOW, settings()).get("payments") == len(bundle.charges)

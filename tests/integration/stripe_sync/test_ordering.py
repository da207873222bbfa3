"""The nine ordering cases that break syncs: whatever arrives in whichever order, what stays is what Stripe has."""

import copy
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from stripe_sync.apply import Source
from stripe_sync.gateway import Gateway, Page
from stripe_sync.kinds import KINDS, Kind
from stripe_sync.mirroring import Mirroring
from tests.integration.stripe_sync.office import OWNER, Office


def test_an_older_event_arrives_late(synced: Office) -> None:
    """An update from before the one that is known changes nothing, not even for a moment."""
    customer_id, created, updated = _created_and_updated(synced, seconds_apart=10)

    synced.deliver(updated)
    synced.service._draining.drain()
    synced.deliver(created)
    synced.service._draining.drain()

    assert _name(synced, customer_id) == "new"
    synced.settle()
    assert _name(synced, customer_id) == "new"


def test_created_and_updated_within_one_second_in_order(synced: Office) -> None:
    """The tie is settled by a fetch."""
    customer_id, created, updated = _created_and_updated(synced, seconds_apart=0)

    synced.deliver(created, updated)
    synced.settle()

    assert _name(synced, customer_id) == "new"


def test_created_and_updated_within_one_second_reversed(synced: Office) -> None:
    """The tie is settled by a fetch, whichever came first."""
    customer_id, created, updated = _created_and_updated(synced, seconds_apart=0)

    synced.deliver(updated)
    synced.settle()
    synced.deliver(created)
    synced.settle()

    assert _name(synced, customer_id) == "new"


def test_one_event_id_twice(synced: Office) -> None:
    """The second delivery, and a second event about the same change, are no news and cost at most one read."""
    customer_id, _, updated = _created_and_updated(synced, seconds_apart=10)
    synced.deliver(updated)
    synced.settle()
    reads = _reads(synced)

    synced.deliver(updated, {**updated, "id": "evt_another_of_the_same"})
    synced.settle()

    assert _name(synced, customer_id) == "new"
    assert _reads(synced) - reads <= 1


def test_late_product_update_after_its_deletion(synced: Office) -> None:
    """A deleted product stays deleted."""
    product_id = f"prod_late_{synced.clock.new_id('x')}"
    synced.simulator.control("create_product", id=product_id, name="Late")
    synced.simulator.control("clock", advance_s=10)
    synced.simulator.control("update_product", id=product_id, name="Later")
    synced.simulator.control("clock", advance_s=10)
    synced.simulator.control("delete_product", id=product_id)
    created, updated, deleted = synced.events(product_id)

    synced.deliver(created, deleted)
    synced.settle()
    synced.deliver(updated)
    synced.settle()

    row = synced.row("products", product_id, synced.connection)
    assert row is not None
    assert row.known.is_deleted


def test_customer_update_in_the_second_of_the_deletion(synced: Office) -> None:
    """An update of the same second does not bring a deleted customer back."""
    customer_id, email = synced.new_customer()
    synced.simulator.control("update_customer", id=customer_id, name="new")
    synced.simulator.control("delete_customer", id=customer_id)
    created, updated, deleted = _at_one_second(synced.events(customer_id))

    synced.deliver(created)
    synced.settle()
    synced.deliver(deleted)
    synced.service._draining.drain()
    synced.deliver(updated)
    synced.service._draining.drain()
    before_fetch = synced.row("customers", customer_id, synced.connection)
    synced.settle()

    row = synced.row("customers", customer_id, synced.connection)
    assert before_fetch is not None
    assert before_fetch.known.is_deleted
    assert row is not None
    assert row.known.is_deleted
    assert synced.panel(email)["state"] == "not_found"


def test_sixteen_events_for_one_object_at_once(synced: Office) -> None:
    """Concurrent deliveries and drains end with what Stripe has, after one fetch."""
    customer_id, _ = synced.new_customer()
    for number in range(15):
        synced.simulator.control("update_customer", id=customer_id, name=f"name {number}")
    events = synced.events(customer_id)

    with ThreadPoolExecutor(max_workers=4) as pool:
        list(pool.map(synced.deliver, events))
        list(pool.map(lambda _: synced.service._draining.drain(), range(4)))
    reads = _reads(synced)
    synced.settle()

    assert len(events) == 16
    assert _name(synced, customer_id) == "name 14"
    assert _reads(synced) - reads == 1


def test_event_older_than_the_backfilled_row(synced: Office) -> None:
    """An event from before the backfill changes nothing and costs no read."""
    known = synced.simulator.objects("customer")[0]
    row = synced.row("customers", known["id"], synced.connection)
    assert row is not None
    old = copy.deepcopy(known)
    old["name"] = "as it was long ago"
    event = _event("customer.updated", old, int((row.known.stamp - timedelta(hours=1)).timestamp()), synced)
    reads = _reads(synced)

    synced.deliver(event)
    synced.settle()

    assert _name(synced, known["id"]) == known["name"]
    assert _reads(synced) == reads


def test_event_between_a_pages_fetch_and_its_write(synced: Office) -> None:
    """A page that was fetched before an event does not overwrite what the event brought."""
    customer_id, created, updated = _created_and_updated(synced, seconds_apart=10)
    asked_at = synced.clock.now() + timedelta(seconds=created["created"] - synced.clock.now().timestamp())
    page = [created["data"]["object"]]

    synced.deliver(updated)
    synced.service._draining.drain()
    with synced.database.workspace(synced.workspace_id) as session:
        mirroring = Mirroring(synced.workspace_id, session, synced.connection.id, synced.clock.now())
        mirroring.take_page(KINDS["customers"], page, asked_at, "run_racing")

    row = synced.row("customers", customer_id, synced.connection)
    assert row is not None
    assert row.known.source is Source.EVENT
    assert row.payload["name"] == "new"
    synced.settle()
    assert _name(synced, customer_id) == "new"


def test_event_while_a_backfills_page_is_under_way(synced: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same with a whole run: what a webhook brought while Stripe's page travelled stays, at once and in the end."""
    customer_id, _ = synced.new_customer(name="old")
    synced.deliver(*synced.events(customer_id))
    synced.settle()
    # Events tell whole seconds: one from the second of the fetch just made would wait for the next fetch.
    synced.simulator.control("clock", advance_s=2)
    ask = Gateway.list_kind
    names: list[str | None] = []

    def ask_slowly(self: Gateway, token: str, kind: Kind, *args: Any, **more: Any) -> Page:
        page = ask(self, token, kind, *args, **more)
        if kind.name == "customers" and any(each["id"] == customer_id for each in page.objects) and not names:
            assert [each["name"] for each in page.objects if each["id"] == customer_id] == ["old"]
            synced.simulator.control("update_customer", id=customer_id, name="new")
            synced.deliver(synced.events(customer_id)[-1])
            synced.service._draining.drain()
            names.append(_name(synced, customer_id))
        elif names:
            names.append(_name(synced, customer_id))
        return page

    monkeypatch.setattr(Gateway, "list_kind", ask_slowly)
    synced.service.resync(synced.workspace_id, member_id=OWNER, connection_id=synced.connection.id)
    synced.service.run_backfills()

    assert len(names) > 1
    assert set(names) == {"new"}
    synced.settle()
    assert _name(synced, customer_id) == "new"


# helpers


def _created_and_updated(office: Office, *, seconds_apart: int) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """Make and rename a customer; return the id and the two events."""
    customer_id, _ = office.new_customer(name="old")
    if seconds_apart:
        office.simulator.control("clock", advance_s=seconds_apart)
    office.simulator.control("update_customer", id=customer_id, name="new")
    created, updated = office.events(customer_id)
    if not seconds_apart:
        created, updated = _at_one_second([created, updated])
    return customer_id, created, updated


def _at_one_second(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**event, "created": events[-1]["created"]} for event in events]


def _event(kind: str, content: dict[str, Any], created: int, office: Office) -> dict[str, Any]:
    return {
        "id": f"evt_{kind}_{created}",
        "object": "event",
        "type": kind,
        "created": created,
        "livemode": True,
        "account": office.simulator.account,
        "data": {"object": content},
    }


def _name(office: Office, customer_id: str) -> str | None:
    row = office.row("customers", customer_id, office.connection)
    return None if row is None else row.payload["name"]


def _reads(office: Office) -> int:
    return office.connection.reads

"""A merchant of typical customers, in Stripe's own shapes, and what puts them into a mirror.

Typical is: one subscription with one item, twelve invoices, twelve charges, one card; one customer in a hundred has
two hundred of each, one in twenty pays in euros.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

from sqlalchemy import select, text

from engine.ids import ConnectionId, EndUserId, MemberId, WorkspaceId
from engine.storage import Database
from engine.workspace import repository as workspaces
from engine.workspace.models import Workspace, WorkspaceSettings
from stripe_sync import links, mirror_write_repository
from stripe_sync.apply import News, Source
from stripe_sync.connect import repository as connections
from stripe_sync.connect.models import Connection, ConnectionStatus, CredentialKind
from stripe_sync.connect.repository import SealedSecrets
from stripe_sync.kinds import KINDS
from stripe_sync.matching import CustomerKey, Link, LinkKind
from stripe_sync.mirror_tables import MIRROR
from stripe_sync.simulator.generator import generate
from stripe_sync.simulator.shapes import render
from stripe_sync.simulator.world import World

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
WORKSPACE = WorkspaceId("ws_bench")
CONNECTION = ConnectionId("con_bench")
TYPICAL, BUSY, BUSY_ONE_IN, FOREIGN_ONE_IN = 12, 200, 100, 20
DAY = 86_400

Json = dict[str, Any]


@dataclass(frozen=True)
class Shapes:
    """One rendered object of each kind, to be varied: everything Stripe sends, not only what is read."""

    @cached_property
    def _world(self) -> World:
        world = World(account="acct_bench", livemode=True, account_name="Bench", created=1)
        world.load(generate("bench", 40, int(NOW.timestamp())))
        return world

    @cached_property
    def of_kind(self) -> dict[str, Json]:
        """Return the objects by kind."""
        wanted = {"customer": {}, "charge": {"status": "succeeded"}, "invoice": {"status": "paid"}}
        wanted |= {"subscription": {"status": "active"}, "payment_method": {}, "product": {}, "price": {}}
        found = {}
        for kind, fields in wanted.items():
            fitting = (each for each in self._world.collections[kind].newest() if fields.items() <= each.items())
            found[kind] = render(self._world, kind, next(fitting))
        return found


SHAPES = Shapes()


def customers(count: int) -> Iterator[dict[str, list[Json]]]:
    """Yield typical customers, each as lists of objects by kind."""
    for number in range(count):
        yield customer(number, BUSY if number % BUSY_ONE_IN == BUSY_ONE_IN - 1 else TYPICAL)


def customer(number: int, events: int) -> dict[str, list[Json]]:
    """Return one customer with that many invoices and charges."""
    shapes, start = SHAPES.of_kind, int(NOW.timestamp()) - (events + 1) * DAY
    customer_id, currency = f"cus_{number:07d}", "eur" if number % FOREIGN_ONE_IN == 0 else "usd"
    method = {**shapes["payment_method"], "id": f"pm_{number}", "customer": customer_id}
    amount = 900 + number % 50 * 100
    made = {
        "customers": [
            {
                **shapes["customer"],
                "id": customer_id,
                "email": f"person{number}@example.com",
                "created": start,
                "currency": currency,
                "invoice_settings": {**shapes["customer"]["invoice_settings"], "default_payment_method": method["id"]},
            }
        ],
        "payment_methods": [method],
        "subscriptions": [_subscription(number, customer_id, currency, amount, start)],
        "charges": [_charge(f"ch_{number}_{n}", customer_id, currency, amount, start + n * DAY) for n in range(events)],
        "invoices": [
            _invoice(f"in_{number}_{n}", customer_id, currency, amount, start + n * DAY) for n in range(events)
        ],
    }
    made["charges"][0]["amount_refunded"] = 100 if number % 7 == 0 else 0
    return made


def shared() -> dict[str, list[Json]]:
    """Return the product and the price that everybody uses."""
    shapes = SHAPES.of_kind
    product = {**shapes["product"], "id": "prod_bench", "name": "Pro"}
    return {"products": [product], "prices": [_price("usd", 1000)]}


def _price(currency: str, amount: int) -> Json:
    recurring = {"interval": "month", "interval_count": 1, "usage_type": "licensed", "meter": None}
    return {
        **SHAPES.of_kind["price"],
        "id": "price_bench",
        "product": "prod_bench",
        "currency": currency,
        "billing_scheme": "per_unit",
        "tiers_mode": None,
        "transform_quantity": None,
        "type": "recurring",
        "recurring": recurring,
        "unit_amount": amount,
        "unit_amount_decimal": str(amount),
    }


def _subscription(number: int, customer_id: str, currency: str, amount: int, start: int) -> Json:
    shape = SHAPES.of_kind["subscription"]
    price = _price(currency, amount)
    item = {**shape["items"]["data"][0], "id": f"si_{number}", "price": price, "quantity": 1, "discounts": []}
    return {
        **shape,
        "id": f"sub_{number}",
        "customer": customer_id,
        "currency": currency,
        "created": start,
        "discounts": [],
        "default_payment_method": None,
        "items": {**shape["items"], "data": [item]},
    }


def _charge(charge_id: str, customer_id: str, currency: str, amount: int, created: int) -> Json:
    shape = SHAPES.of_kind["charge"]
    paid = {"amount": amount, "amount_captured": amount, "amount_refunded": 0, "captured": True}
    named = {"id": charge_id, "customer": customer_id, "payment_intent": f"pi_{charge_id}"}
    return {**shape, **named, **paid, "currency": currency, "created": created}


def _invoice(invoice_id: str, customer_id: str, currency: str, amount: int, created: int) -> Json:
    shape = SHAPES.of_kind["invoice"]
    named = {"id": invoice_id, "customer": customer_id, "currency": currency, "created": created}
    sums = {"total": amount, "amount_due": amount, "amount_paid": amount, "amount_remaining": 0}
    transitions = {**shape["status_transitions"], "finalized_at": created, "paid_at": created}
    return {**shape, **named, **sums, "amount_paid_off_stripe": 0, "status_transitions": transitions}


def settle(database: Database) -> None:
    """Make the workspace and its connected account, whose lists are all read."""
    connection = Connection(
        id=CONNECTION,
        workspace_id=WORKSPACE,
        kind=CredentialKind.OAUTH,
        account_id="acct_bench",
        livemode=True,
        status=ConnectionStatus.ACTIVE,
        connected_by=MemberId("mem_bench"),
        connected_at=NOW,
        ended_at=None,
        last_contact_at=NOW,
        last_event_at=None,
        last_error=None,
        clock_offset=timedelta(0),
        events_until=None,
        caught_up_at=None,
        synced_kinds=frozenset(),
        reads=0,
    )
    workspace = Workspace(id=WORKSPACE, name="Bench", settings=WorkspaceSettings(), created_at=NOW)
    with database.workspace(WORKSPACE) as session:
        workspaces.insert_workspace(WORKSPACE, session, workspace)
        connections.save_connected(WORKSPACE, session, connection, SealedSecrets())
        connections.add_synced_kinds(WORKSPACE, session, CONNECTION, frozenset(KINDS))
        write(database, shared(), session=session)


def write(database: Database, objects: dict[str, list[Json]], session: Any = None) -> None:
    """Put objects into the mirror."""
    news = News(stamp=NOW, source=Source.FETCH)
    if session is None:
        with database.workspace(WORKSPACE) as opened:
            write(database, objects, opened)
        return
    for kind, payloads in objects.items():
        mirror_write_repository.write(WORKSPACE, session, CONNECTION, KINDS[kind], payloads, news)


def fill(database: Database, made: list[dict[str, list[Json]]]) -> list[EndUserId]:
    """Put customers into the mirror, each linked to an end user; return the end users."""
    people = []
    for start in range(0, len(made), 100):
        batch: dict[str, list[Json]] = {}
        for each in made[start : start + 100]:
            for kind, payloads in each.items():
                batch.setdefault(kind, []).extend(payloads)
        ids = [each["id"] for each in batch["customers"]]
        linked = [(EndUserId(f"eu_{customer_id}"), _link(customer_id)) for customer_id in ids]
        with database.workspace(WORKSPACE) as session:
            write(database, batch, session)
            links.put_links(WORKSPACE, session, linked, NOW)
        people += [end_user_id for end_user_id, _ in linked]
    return people


def lengthen(database: Database, number: int, events: int) -> None:
    """Give a customer of one charge and one invoice that many of each, an hour apart, made by PostgreSQL itself."""
    for kind, prefix in (("charges", "ch"), ("invoices", "in")):
        table = MIRROR[kind]
        later = "extract(epoch FROM created)::bigint + n * 3600"
        changed = {"id": f"'{prefix}_{number}_' || n", "created": f"to_timestamp({later})"}
        told = "jsonb_build_object('id', {id}, 'created', {at})"
        if kind == "invoices":
            changed["ranked_at"] = changed["created"]
            told += " || jsonb_build_object('status_transitions', jsonb_build_object('finalized_at', {at}))"
        changed["payload"] = "payload || " + told.format(id=changed["id"], at=later)
        names = [column.name for column in table.c]
        cells = ", ".join(changed.get(name, name) for name in names)
        made = f"FROM {table.name}, generate_series(1, {events - 1}) AS n WHERE id = '{prefix}_{number}_0'"
        statement = f"INSERT INTO {table.name} ({', '.join(names)}) SELECT {cells} {made}"
        with database.workspace(WORKSPACE) as session:
            session.execute(text(statement.replace(":", "\\:")))


def everything(database: Database, customer_id: str) -> dict[str, list[Json]]:
    """Return all objects of a customer, as the mirror has them."""
    found: dict[str, list[Json]] = {}
    with database.workspace(WORKSPACE, readonly=True) as session:
        for kind in ("customers", "payment_methods", "subscriptions", "charges", "invoices"):
            table = MIRROR[kind]
            owner = table.c.id if kind == "customers" else table.c.customer_id
            found[kind] = list(session.scalars(select(table.c.payload).where(owner == customer_id)))
    return found


def _link(customer_id: str) -> Link:
    return Link(key=CustomerKey(connection_id=CONNECTION, customer_id=customer_id), kind=LinkKind.EMAIL)

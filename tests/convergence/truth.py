"""The truth, and how our view differs from it: Stripe's own objects, and the links and facts that follow from them."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import select, text

from engine.core.facts import Facts
from engine.email_address import normalize
from engine.ids import EndUserId
from engine.inbox import end_user_repository
from engine.storage import Database
from engine.workspace.repository import get_workspace
from stripe_sync import fact_repository, links
from stripe_sync.catalog import STORED
from stripe_sync.connect.models import Connection
from stripe_sync.derive import DeriveSettings, RateTable, at, combine, derive
from stripe_sync.kinds import KIND_OF_OBJECT, KINDS, SHARED_KINDS, Kind, StripeJson, reference
from stripe_sync.matching import LINKED, SUBSCRIPTION_RANK, Candidate, CustomerKey, resolve
from stripe_sync.objects import Bundle, bundle_from_json
from stripe_sync.simulator import expand
from stripe_sync.simulator.shapes import render
from stripe_sync.simulator.world import World
from stripe_sync.tables import DbLink
from tests.convergence.universe import Universe

MOST = 12
"""How many differences are told."""
Objects = dict[str, dict[str, StripeJson]]
Shared = Mapping[str, Sequence[StripeJson]]
Mirror = dict[str, dict[str, tuple[StripeJson, str]]]


def differences(universe: Universe) -> list[str]:
    """Return how what we have differs from what Stripe has; empty if it does not."""
    return list(_all(universe))[:MOST]


def _all(universe: Universe) -> Iterator[str]:
    if universe.stripe.requests and any(
        not name.startswith("GET ") and "oauth" not in name for name in universe.stripe.requests
    ):
        yield f"we wrote to Stripe: {universe.stripe.requests}"
    for number in (0, 1):
        connection = universe.connection(number)
        if connection is None:
            yield f"connection {number} is gone"
            continue
        if not connection.is_active:
            yield f"connection {number} is {connection.status}: {connection.last_error}"
            continue
        world = universe.stripe.world(universe.account(number))
        truth = objects(world, universe.clock.stripe_now)
        yield from compare(
            universe.database, universe.facts.rates, universe.clock.now(), connection, truth, buried(world)
        )


def compare(
    database: Database, rates: RateTable, now: datetime, connection: Connection, truth: Objects, buried: Shared
) -> Iterator[str]:
    """Return how what we have of a connection differs from the truth: every object, link and fact.

    `buried` are the products, prices and coupons that Stripe no longer has, by kind: facts go by what they were.
    """
    yield from _of_objects(_mirror(database, connection), truth)
    yield from _of_people(database, rates, now, connection, truth, _bundles(truth, buried))


def objects(world: World, now: float) -> Objects:
    """Return every object of an account as a fetch shows it, by kind and id."""
    del now
    found: Objects = {}
    for kind in KINDS.values():
        tree = expand.parse(list(kind.expand), kind.object, on_list=False)
        found[kind.name] = {
            record["id"]: expand.apply(world, kind.object, render(world, kind.object, record), tree)
            for record in world.collections[kind.object]
        }
    return found


def _of_objects(mirror: Mirror, truth: Objects) -> Iterator[str]:
    used = _defaults(truth)
    for kind in KINDS.values():
        rows, real = mirror[kind.name], truth[kind.name]
        if not kind.is_listed:
            rows = {object_id: row for object_id, row in rows.items() if object_id in used}
        for object_id in sorted(rows.keys() - real.keys()):
            yield f"{kind.name} {object_id} is not in Stripe: resurrected, or never removed"
        if kind.is_listed:
            for object_id in sorted(real.keys() - rows.keys()):
                yield f"{kind.name} {object_id} is missing"
        else:
            for object_id in sorted(used - rows.keys()):
                yield f"{kind.name} {object_id} is missing"
        for object_id in sorted(rows.keys() & real.keys()):
            payload, known = rows[object_id]
            told = _difference(kind, payload, real[object_id])
            if told:
                yield f"{kind.name} {object_id} differs: {told} ({known})"


def _defaults(truth: Objects) -> set[str]:
    """Return the payment methods that somebody pays with: all others come and go without anybody asking for them."""
    holders = (
        *(customer["invoice_settings"] for customer in truth["customers"].values()),
        *truth["subscriptions"].values(),
    )
    return {found for holder in holders if (found := reference(holder, "default_payment_method"))}


_EVERYTHING = text(
    " UNION ALL ".join(
        f"SELECT '{name}' AS kind, id, payload, source, stamp"
        f" FROM stripe_{name} WHERE deleted_at IS NULL AND connection_id = :connection"
        for name in KINDS
    )
)


def _mirror(database: Database, connection: Connection) -> Mirror:
    """Return every living object of a connection's mirror, by kind and id."""
    found: Mirror = {name: {} for name in KINDS}
    with database.system(readonly=True) as session:
        for row in session.execute(_EVERYTHING, {"connection": connection.id}):
            payload = orjson.loads(row.payload) if isinstance(row.payload, str) else row.payload
            found[row.kind][row.id] = payload, f"{row.source} of {row.stamp}"
    return found


def _difference(kind: Kind, ours: StripeJson, real: StripeJson) -> str:
    if ours == real:
        return ""
    ours, real = _plain(ours, kind), _plain(real, kind)
    names = [name for name in sorted({*ours, *real}) if ours.get(name) != real.get(name)]
    return "; ".join(f"{name}: {ours.get(name)!r:.90} is really {real.get(name)!r:.90}" for name in names)


def _plain(value: Any, kind: Kind | None = None) -> Any:
    """Return an object with the whole objects of other kinds that stand in it replaced by their ids."""
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if not isinstance(value, dict):
        return value
    if kind is None and value.get("object") in {*KIND_OF_OBJECT, "plan"} and "id" in value:
        return value["id"]
    return {name: _plain(each) for name, each in value.items()}


def _of_people(
    database: Database,
    rates: RateTable,
    now: datetime,
    connection: Connection,
    truth: Objects,
    bundles: Mapping[str, Bundle],
) -> Iterator[str]:
    workspace_id = connection.workspace_id
    candidates = _candidates(connection, truth)
    with database.workspace(workspace_id, readonly=True) as session:
        settings = get_workspace(workspace_id, session).settings
        linked = {EndUserId(row) for row in session.scalars(select(DbLink.end_user_id).distinct())}
        by_customer = links.end_users_of(
            workspace_id,
            session,
            [CustomerKey(connection_id=connection.id, customer_id=each) for each in truth["customers"]],
        )
        for customer_id in truth["customers"]:
            if CustomerKey(connection_id=connection.id, customer_id=customer_id) not in by_customer:
                yield f"nobody is linked with customer {customer_id}"
        people = end_user_repository.end_users_by_id(workspace_id, session, sorted(linked))
        present = links.links_of(workspace_id, session, sorted(linked))
        stored = fact_repository.read_many(workspace_id, session, linked)
        for end_user_id, person in people.items():
            own = present[end_user_id]
            if person.email_normalized:
                wanted = resolve(candidates.get(person.email_normalized, ()), ())
                if own != wanted:
                    yield f"links of {person.email_normalized} are {_told(own)}, should be {_told(wanted)}"
            customers = sorted(link.key.customer_id for link in own if link.kind in LINKED)
            kept = stored.get(end_user_id)
            if kept is None:
                yield f"there are no facts of {end_user_id}"
                continue
            facts = at(kept.facts, now)
            if not customers:
                if facts.get("customer") is not False:
                    yield f"{end_user_id} has no customer, and facts: {facts.values}"
                continue
            chosen = DeriveSettings(
                reporting_currency=settings.reporting_currency,
                timezone=settings.timezone,
                rates=rates,
            )
            each = [
                derive(bundles.get(customer_id, Bundle()), now, chosen).with_values(
                    {"customer": True, "match": "email", "account": connection.account_id}
                )
                for customer_id in customers
            ]
            yield from _of_facts(customers, facts, at(combine(each, now), now))


def _of_facts(customers: list[str], ours: Facts, real: Facts) -> Iterator[str]:
    for name in sorted(stored.name for stored in STORED):
        if name != "synced_at" and ours.values.get(name) != real.values.get(name):
            yield (
                f"fact {name} of {customers} is {ours.values.get(name)!r} ({ours.reasons.get(name)}), "
                f"really {real.values.get(name)!r} ({real.reasons.get(name)})"
            )


def _told(found: frozenset[Any]) -> list[str]:
    return sorted(f"{link.kind.value} {link.key.customer_id}" for link in found)


def _candidates(connection: Connection, truth: Objects) -> dict[str, list[Candidate]]:
    ranks: dict[str, int] = {}
    for subscription in truth["subscriptions"].values():
        customer_id = str(reference(subscription, "customer"))
        rank = SUBSCRIPTION_RANK.get(subscription["status"], 9)
        ranks[customer_id] = min(ranks.get(customer_id, 9), rank)
    paying = {reference(each, "customer") for each in truth["charges"].values() if each["status"] == "succeeded"}
    found = defaultdict(list)
    for customer_id, customer in truth["customers"].items():
        email = normalize(customer["email"]) if customer["email"] else None
        if email:
            found[email].append(
                Candidate(
                    key=CustomerKey(connection_id=connection.id, customer_id=customer_id),
                    is_active=True,
                    livemode=connection.livemode,
                    has_history=customer_id in ranks or customer_id in paying,
                    rank=ranks.get(customer_id, 9),
                    created=None,
                )
            )
    return found


def _bundles(truth: Objects, buried: Shared) -> dict[str, Bundle]:
    """Return what derivation reads of each customer."""
    owner: dict[str, str | None] = {}
    for name in ("charges", "invoices"):
        owner.update({each_id: reference(each, "customer") for each_id, each in truth[name].items()})
    lists: dict[str | None, dict[str, list[StripeJson]]] = defaultdict(lambda: defaultdict(list))
    shared = {name: [*truth[name].values(), *buried.get(name, ())] for name in SHARED_KINDS}
    for name in truth:
        if name in {"customers", *shared}:
            continue
        for payload in truth[name].values():
            customer_id = reference(payload, "customer")
            if name in {"refunds", "disputes"}:
                customer_id = owner.get(str(reference(payload, "charge")))
            elif name == "invoice_payments":
                customer_id = owner.get(str(reference(payload, "invoice")))
            lists[customer_id][name].append(payload)
    return {
        customer_id: bundle_from_json({"customer": customer, **shared, **lists[customer_id]})
        for customer_id, customer in truth["customers"].items()
    }


def buried(world: World) -> Shared:
    """Return the shared objects that Stripe has no longer, as they were."""
    found = {}
    for name in sorted(SHARED_KINDS):
        kind = KINDS[name]
        tree = expand.parse(list(kind.expand), kind.object, on_list=False)
        found[name] = [
            expand.apply(world, kind.object, render(world, kind.object, record), tree)
            for record in world._graves[kind.object].values()
        ]
    return found

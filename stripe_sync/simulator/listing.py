"""Stripe's lists: newest first, filtered, paged by cursors that are objects.

A page starts by bisection at its cursor, in the narrowest index that a filter allows, so its cost does not grow
with the account.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from stripe_sync.simulator import params as p
from stripe_sync.simulator.answers import StripeError, invalid
from stripe_sync.simulator.collection import Collection, Key
from stripe_sync.simulator.records import Record
from stripe_sync.simulator.world import World

EVENT_MEMORY_S = 30 * 86_400
_PAGING = frozenset({"limit", "starting_after", "ending_before", "expand"})
_MAX_LIMIT = 100
_MAX_TYPES = 20

Predicate = Callable[[Record], bool]


@dataclass(frozen=True, kw_only=True, slots=True)
class Query:
    """What a list request asks for, checked."""

    index: tuple[str, str] | None
    tests: tuple[Predicate, ...]
    created: p.Span
    limit: int
    starting_after: str | None
    ending_before: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """Records of one page, newest first."""

    records: list[Record]
    has_more: bool


_PLAIN: dict[str, tuple[str, ...]] = {
    # Filters that ask for one exact value of the record's field of the same name.
    "customer": ("email",),
    "subscription": ("customer", "collection_method"),
    "subscription_item": ("subscription",),
    "product": (),
    "price": ("product", "currency"),
    "coupon": (),
    "invoice": ("customer", "subscription", "status", "collection_method"),
    "invoice_payment": ("invoice", "status"),
    "charge": ("customer", "payment_intent"),
    "payment_intent": ("customer",),
    "refund": ("charge", "payment_intent"),
    "dispute": ("charge", "payment_intent"),
    "payment_method": ("customer", "type"),
    "credit_note": ("customer", "invoice"),
    "event": ("type",),
}
_SPECIAL: dict[str, frozenset[str]] = {
    # Accepted and understood, but not plain equality (`_special_tests`).
    "subscription": frozenset({"status", "price", "current_period_start", "current_period_end"}),
    "product": frozenset({"active", "ids"}),
    "price": frozenset({"active", "type", "recurring", "lookup_keys"}),
    "invoice": frozenset({"due_date"}),
    "invoice_payment": frozenset({"payment"}),
    "event": frozenset({"types", "delivery_success"}),
}
_NOTHING_MATCHES: dict[str, frozenset[str]] = {
    # Stripe's filters on things this simulator has none of.
    "customer": frozenset({"test_clock"}),
    "subscription": frozenset({"test_clock", "customer_account", "automatic_tax"}),
    "invoice": frozenset({"customer_account"}),
    "charge": frozenset({"transfer_group"}),
    "payment_method": frozenset({"customer_account", "allow_redisplay"}),
    "credit_note": frozenset({"customer_account"}),
    "product": frozenset({"shippable", "url"}),
}
_REQUIRED: dict[str, str] = {"subscription_item": "subscription"}
_STATUSES: dict[str, frozenset[str]] = {
    "subscription": frozenset(
        {
            "active",
            "all",
            "canceled",
            "ended",
            "incomplete",
            "incomplete_expired",
            "past_due",
            "paused",
            "trialing",
            "unpaid",
        }
    ),
    "invoice": frozenset({"draft", "open", "paid", "uncollectible", "void"}),
    "invoice_payment": frozenset({"canceled", "open", "paid"}),
}


def list_page(world: World, kind: str, params: p.Params, now: float) -> Page:
    """Return one page of a list; raises Stripe's 400 for a bad parameter or a cursor that is not in the list."""
    query = _query(world, kind, params, now)
    collection = world.collections[kind]
    keys = collection.keys(query.index)
    low = bisect_left(keys, (query.created.start, -1, ""))
    high = bisect_left(keys, (query.created.end, -1, ""))
    if query.ending_before is not None:
        key = _cursor(collection, kind, query, query.ending_before, "ending_before")
        low = max(low, bisect_left(keys, key) + 1)
        found = _take(collection, keys, range(low, high), query)
        return Page(records=found[: query.limit][::-1], has_more=len(found) > query.limit)
    if query.starting_after is not None:
        key = _cursor(collection, kind, query, query.starting_after, "starting_after")
        high = min(high, bisect_left(keys, key))
    found = _take(collection, keys, range(high - 1, low - 1, -1), query)
    return Page(records=found[: query.limit], has_more=len(found) > query.limit)


def _take(collection: Collection, keys: Sequence[Key], places: range, query: Query) -> list[Record]:
    found: list[Record] = []
    for place in places:
        record = collection.get(keys[place][2])
        if record is not None and all(test(record) for test in query.tests):
            found.append(record)
            if len(found) > query.limit:
                break
    return found


def _cursor(collection: Collection, kind: str, query: Query, cursor: str, param: str) -> Key:
    record, key = collection.get(cursor), collection.key_of(cursor)
    if (
        record is None
        or key is None
        or not all(test(record) for test in query.tests)
        or (query.index and record.get(query.index[0]) != query.index[1])
        or not query.created.start <= record["created"] < query.created.end
    ):
        raise StripeError(400, f"No such {kind}: '{cursor}'", code="resource_missing", param=param)
    return key


def _query(world: World, kind: str, params: p.Params, now: float) -> Query:
    _check_names(kind, params)
    limit = p.integer("limit", p.text(params, "limit") or "10")
    if not 1 <= limit <= _MAX_LIMIT:
        bound = "less than or equal to 100" if limit > _MAX_LIMIT else "greater than or equal to 1"
        raise invalid("limit", f"This value must be {bound}.", code="parameter_invalid_integer")
    after, before = p.text(params, "starting_after"), p.text(params, "ending_before")
    if after is not None and before is not None:
        raise invalid("ending_before", "You may only provide one of these parameters: starting_after, ending_before.")
    created = p.span(params, "created") or p.Span()
    if kind == "event":
        created = p.Span(start=max(created.start, int(now) - EVENT_MEMORY_S), end=created.end)
    index, tests = _plain_tests(world, kind, params)
    return Query(
        index=index,
        tests=(*tests, *_special_tests(world, kind, params)),
        created=created,
        limit=limit,
        starting_after=after,
        ending_before=before,
    )


def _check_names(kind: str, params: p.Params) -> None:
    known = {*_PLAIN[kind], *_SPECIAL.get(kind, ()), *_NOTHING_MATCHES.get(kind, ()), *_PAGING, "created"}
    if kind == "subscription_item":
        known.discard("created")
    for name in params:
        if name not in known:
            raise invalid(name, f"Received unknown parameter: {name}", code="parameter_unknown")
    required = _REQUIRED.get(kind)
    if required and required not in params:
        raise invalid(required, f"Missing required param: {required}.", code="parameter_missing")
    status = p.text(params, "status") if "status" in params else None
    if status is not None and status not in _STATUSES[kind]:
        options = ", ".join(sorted(_STATUSES[kind]))
        raise invalid("status", f"Invalid status: must be one of {options}")


def _plain_tests(world: World, kind: str, params: p.Params) -> tuple[tuple[str, str] | None, list[Predicate]]:
    index: tuple[str, str] | None = None
    tests: list[Predicate] = []
    for name in _PLAIN[kind]:
        value = p.text(params, name)
        if value is None:
            continue
        if index is None and world.collections[kind].is_indexed(name):
            index = (name, value)
        else:
            tests.append(_equals(name, value))
    if any(name in params for name in _NOTHING_MATCHES.get(kind, ())):
        tests.append(lambda _: False)
    return index, tests


def _equals(name: str, value: object) -> Predicate:
    return lambda record: record.get(name) == value


def _special_tests(world: World, kind: str, params: p.Params) -> Iterator[Predicate]:
    match kind:
        case "subscription":
            yield from _subscription_tests(world, params)
        case "product" | "price":
            yield from _catalog_tests(params)
        case "invoice":
            due = p.span(params, "due_date")
            if due:
                yield lambda record: record["due_date"] is not None and due.start <= record["due_date"] < due.end
        case "invoice_payment":
            payment = p.mapping(params, "payment")
            if payment.get("payment_intent"):
                yield _equals("payment_intent", payment["payment_intent"])
        case "event":
            yield from _event_tests(world, params)
        case _:
            return


def _subscription_tests(world: World, params: p.Params) -> Iterator[Predicate]:
    status = p.text(params, "status")
    if status is None:
        yield lambda record: record["status"] != "canceled"
    elif status == "ended":
        yield lambda record: record["status"] in {"canceled", "incomplete_expired"}
    elif status != "all":
        yield _equals("status", status)
    price = p.text(params, "price")
    if price is not None:
        yield lambda record: any(item["price"] == price for item in _items(world, record))
    for name, pick in (("current_period_start", max), ("current_period_end", min)):
        wanted = p.span(params, name)
        if wanted is not None:
            yield _period_test(world, name, pick, wanted)


def _period_test(world: World, name: str, pick: Callable[[list[int]], int], wanted: p.Span) -> Predicate:
    def test(record: Record) -> bool:
        instants = [item[name] for item in _items(world, record)]
        return bool(instants) and wanted.start <= pick(instants) < wanted.end

    return test


def _items(world: World, record: Record) -> list[Record]:
    found = (world.get("subscription_item", item_id) for item_id in record["items"])
    return [item for item in found if item is not None]


def _catalog_tests(params: p.Params) -> Iterator[Predicate]:
    active = p.boolean(params, "active")
    if active is not None:
        yield _equals("active", active)
    ids, lookup_keys = p.items(params, "ids"), p.items(params, "lookup_keys")
    if ids:
        yield lambda record: record["id"] in ids
    if lookup_keys:
        yield lambda record: record["lookup_key"] in lookup_keys
    kind = p.text(params, "type")
    if kind is not None:
        yield lambda record: bool(record["recurring"]) == (kind == "recurring")
    for name, value in p.mapping(params, "recurring").items():
        yield lambda record, name=name, value=value: (record["recurring"] or {}).get(name) == value  # type: ignore[misc]  # bound in a loop


def _event_tests(world: World, params: p.Params) -> Iterator[Predicate]:
    types = p.items(params, "types")
    if len(types) > _MAX_TYPES or (types and "type" in params):
        raise invalid("types", "You may provide up to 20 types, and not together with type.")
    if types:
        yield lambda record: record["type"] in types
    delivered = p.boolean(params, "delivery_success")
    if delivered is not None:
        yield lambda record: (record["id"] not in world.undelivered) == delivered

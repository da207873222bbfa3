"""The read API: a path and parameters to an answer, within one account and mode.

Everything here only reads; whoever may not read was refused before (`stripe.py`).
"""

from stripe_sync.simulator import accounts, expand, listing
from stripe_sync.simulator import params as p
from stripe_sync.simulator.answers import StripeError, missing
from stripe_sync.simulator.listing import EVENT_MEMORY_S
from stripe_sync.simulator.records import KIND_BY_PATH, Record
from stripe_sync.simulator.shapes import list_object, render
from stripe_sync.simulator.shapes.customers import deleted_customer
from stripe_sync.simulator.shapes.invoices import line_item
from stripe_sync.simulator.world import World

_NESTED: dict[tuple[str, str], tuple[str, str]] = {
    # Lists inside an object: (path of the owner, segment) to (kind listed, field that names the owner).
    ("customers", "subscriptions"): ("subscription", "customer"),
    ("customers", "payment_methods"): ("payment_method", "customer"),
    ("charges", "refunds"): ("refund", "charge"),
}


def label(path: str) -> str:
    """Return the endpoint a path belongs to, ids replaced, for counting."""
    match path.strip("/").split("/"):
        case [version, kind, _, *rest]:
            return "/" + "/".join([version, kind, "{id}", *rest])
        case _:
            return path


def read(world: World, path: str, params: p.Params, now: float) -> Record:
    """Return the body for a GET of this path; raises StripeError."""
    match path.strip("/").split("/"):
        case ["v1", "account"]:
            return accounts.shape(world)
        case ["v1", "accounts", account_id]:
            if account_id != world.account:
                raise missing("account", account_id)
            return accounts.shape(world)
        case ["v1", head] if head in KIND_BY_PATH:
            return _list(world, KIND_BY_PATH[head], params, now, f"/v1/{head}")
        case ["v1", head, record_id] if head in KIND_BY_PATH:
            return _retrieve(world, KIND_BY_PATH[head], record_id, params, now)
        case ["v1", head, record_id, tail] if (head, tail) in _NESTED:
            _existing(world, KIND_BY_PATH[head], record_id)
            kind, field = _NESTED[head, tail]
            nested = {**params, field: record_id}
            return _list(world, kind, nested, now, f"/v1/{head}/{record_id}/{tail}")
        case ["v1", "invoices", record_id, "lines"]:
            return _lines(world, record_id, params)
        case _:
            raise unknown_url("GET", path)


def unknown_url(method: str, path: str) -> StripeError:
    """Return the 404 for a path the API does not have."""
    return StripeError(
        404,
        f"Unrecognized request URL ({method}: {path}). If you are trying to list objects, remove the trailing "
        "slash. If you are trying to retrieve an object, make sure you passed a valid (non-empty) identifier.",
    )


def _list(world: World, kind: str, params: p.Params, now: float, url: str) -> Record:
    tree = expand.parse(p.items(params, "expand"), kind, on_list=True)
    page = listing.list_page(world, kind, params, now)
    inner = tree.get("data", {})
    data = [expand.apply(world, kind, render(world, kind, record), inner) for record in page.records]
    return list_object(url, data, has_more=page.has_more)


def _retrieve(world: World, kind: str, record_id: str, params: p.Params, now: float) -> Record:
    for name in params:
        if name != "expand":
            raise StripeError(400, f"Received unknown parameter: {name}", code="parameter_unknown", param=name)
    tree = expand.parse(p.items(params, "expand"), kind, on_list=False)
    if kind == "customer" and world.get(kind, record_id) is None and world.buried(kind, record_id):
        return deleted_customer(record_id)
    record = _existing(world, kind, record_id)
    if kind == "event" and record["created"] < now - EVENT_MEMORY_S:
        raise missing(kind, record_id)
    return expand.apply(world, kind, render(world, kind, record), tree)


def _existing(world: World, kind: str, record_id: str) -> Record:
    record = world.get(kind, record_id)
    if record is None:
        raise missing(kind, record_id)
    return record


def _lines(world: World, record_id: str, params: p.Params) -> Record:
    invoice = _existing(world, "invoice", record_id)
    limit = p.integer("limit", p.text(params, "limit") or "10")
    after = p.text(params, "starting_after")
    ids = [line["id"] for line in invoice["lines"]]
    if after is not None and after not in ids:
        raise StripeError(400, f"No such line_item: '{after}'", code="resource_missing", param="starting_after")
    start = ids.index(after) + 1 if after is not None else 0
    lines = invoice["lines"][start : start + limit]
    shapes = [line_item(world, invoice, line) for line in lines]
    return list_object(f"/v1/invoices/{record_id}/lines", shapes, has_more=start + limit < len(ids))

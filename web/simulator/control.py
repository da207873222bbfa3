"""The control API: what a script tells the simulator to do, in JSON.

`POST /_control/<operation> {id, …}` for every operation of `stripe_sync.simulator.operations` (an `account` and
`livemode` may be added), besides `faults`, `clock`, `activity`, `disconnect` and `webhook_endpoints`;
`GET /_control/stats`, `/_control/examples` and `/_control/objects/<kind>`.
"""

from collections.abc import Callable

from stripe_sync.simulator.answers import StripeError, invalid, missing
from stripe_sync.simulator.delivery import Endpoint
from stripe_sync.simulator.demo import NOBODY
from stripe_sync.simulator.operations import OPERATIONS
from stripe_sync.simulator.records import KINDS, Record
from stripe_sync.simulator.shapes import render
from stripe_sync.simulator.stripe import SimulatedStripe
from web.simulator.host import Host


def answer(host: Host, method: str, name: str, args: Record) -> Record:  # noqa: PLR0911 - one for each route
    """Do what a control request asks and return the answer; raises StripeError or OAuthError."""
    match method, name.split("/"):
        case "GET", ["stats"]:
            return _read(host, stats)
        case "GET", ["examples"]:
            return {**host.examples, "unknown": NOBODY}
        case "GET", ["objects", kind] if kind in KINDS:
            return _read(host, lambda stripe: objects(stripe, kind, args))
        case "GET", ["faults"]:
            return host.faults()
        case "POST", ["faults"]:
            return host.set_faults(args)
        case "POST", ["clock"]:
            return {"now": host.advance(_seconds(args))}
        case "POST", ["webhook_endpoints"]:
            return _add_endpoint(host, args)
        case "POST", [operation] if operation in OPERATIONS or operation in {"disconnect", "activity"}:
            return host.perform(operation, args)
        case _:
            raise StripeError(404, f"There is no {method} /_control/{name}.")


def _read(host: Host, reader: Callable[[SimulatedStripe], Record]) -> Record:
    found: Record = host.read(reader)
    return found


def _seconds(args: Record) -> float:
    seconds = args.get("advance_s")
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or seconds < 0:
        raise invalid("advance_s", "Invalid advance_s: must be a number of seconds, 0 or more")
    return float(seconds)


def _add_endpoint(host: Host, args: Record) -> Record:
    url = args.get("url")
    if not isinstance(url, str) or not url.startswith(("http://", "https://")):
        raise invalid("url", "Invalid url: must begin with http:// or https://")
    account = args.get("account")
    endpoint = Endpoint(
        url=url,
        secret=str(args.get("secret") or host.stripe.webhook_secret),
        connect=bool(args.get("connect", True)),
        account=str(account) if account else host.stripe.default_account.id,
    )
    host.add_endpoint(endpoint)
    return {"url": endpoint.url, "secret": endpoint.secret, "connect": endpoint.connect, "account": endpoint.account}


def stats(stripe: SimulatedStripe) -> Record:
    """Return what was asked of the simulator and what it holds."""
    deliveries = stripe.deliveries
    world = stripe.world()
    refused = dict(stripe.refused)
    return {
        "requests": dict(stripe.requests),
        "refused": refused,
        "rate_limited": sum(count for name, count in refused.items() if name.startswith("429 ")),
        "writes": sum(count for name, count in stripe.requests.items() if not name.startswith("GET ")),
        "webhooks": {
            "delivered": deliveries.delivered,
            "failed": deliveries.failed,
            "dropped": deliveries.dropped,
            "waiting": len(deliveries),
        },
        "objects": {kind: len(collection) for kind, collection in world.collections.items()},
        "operations": stripe.operations,
    }


def objects(stripe: SimulatedStripe, kind: str, args: Record) -> Record:
    """Return all objects of a kind as the API shows them, oldest first, for comparing with what others believe."""
    livemode = args.get("livemode")
    world = stripe.world(args.get("account"), livemode=None if livemode is None else livemode in {True, "true"})
    if "id" in args:
        record = world.get(kind, args["id"])
        if record is None:
            raise missing(kind, args["id"])
        return {"data": [render(world, kind, record)]}
    return {"data": [render(world, kind, record) for record in world.collections[kind]]}

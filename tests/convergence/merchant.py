"""What merchants do in a history: an operation of the simulated Stripe by name, its arguments chosen by a number."""

from collections.abc import Callable

from stripe_sync.simulator.records import Record
from stripe_sync.simulator.world import World

EMAILS = ("ada@example.org", "Ada@example.org", "bob@example.org", "eve@example.net", "zoe@example.com", None)
KEPT = 5
"""Each so many-th price is kept although nobody uses it."""
Choose = Callable[[World, int], Record | None]


def arguments(world: World, what: str, number: int) -> Record | None:
    """Return the arguments of an operation, or None where there is nothing to do it to."""
    return _CHOOSE[what](world, number)


def thin(world: World) -> None:
    """Take most prices out that nobody uses: a merchant of three customers has no seventy, and they cost time."""
    used = repr([list(world.collections[kind]) for kind in world.collections if kind != "price"])
    prices = world.collections["price"]
    for number, price in enumerate(list(prices)):
        if number % KEPT and price["id"] not in used:
            prices.remove(price["id"])


def _pick(world: World, kind: str, number: int, **wanted: object) -> str | None:
    """Return the id of one of the records of a kind, rather one of the newest."""
    found = [
        record["id"]
        for record in world.collections[kind].newest()
        if all(record.get(name) == value for name, value in wanted.items())
    ]
    if not found:
        return None
    place = number % len(found) if number % 3 == 0 else number % min(3, len(found))
    return str(found[place])


def _of(kind: str, **fields: Callable[[int], object]) -> Choose:
    def choose(world: World, number: int) -> Record | None:
        found = _pick(world, kind, number)
        return None if found is None else {"id": found, **{name: make(number) for name, make in fields.items()}}

    return choose


def _new_customer(world: World, number: int) -> Record:
    del world
    return {"email": EMAILS[number % len(EMAILS)] if number % 2 else f"c{number}@example.org", "name": f"N{number}"}


def _update_customer(world: World, number: int) -> Record | None:
    found = _pick(world, "customer", number)
    changes: tuple[Record, ...] = (
        {"name": f"Name {number}"},
        {"balance": number},
        {"new_email": EMAILS[number % len(EMAILS)]},
        {"delinquent": bool(number % 2)},
        {"address": {"country": "DE", "city": None, "line1": None, "line2": None, "postal_code": None, "state": None}},
    )
    return None if found is None else {"id": found, **changes[number // 7 % len(changes)]}


def _subscribe(world: World, number: int) -> Record | None:
    found = _pick(world, "customer", number)
    if found is None:
        return None
    args: Record = {"id": found, "trial_days": (0, 0, 0, 7)[number % 4], "quantity": 1 + number % 3}
    if number % 2:
        args["price"] = _pick(world, "price", number // 5)
    if number % 5 == 0:
        args["coupon"] = _pick(world, "coupon", number // 2)
    return args


def _apply_coupon(world: World, number: int) -> Record | None:
    found = _pick(world, "customer" if number % 2 else "subscription", number)
    coupon = _pick(world, "coupon", number // 2)
    return None if found is None or coupon is None else {"id": found, "coupon": coupon}


def _new_price(world: World, number: int) -> Record | None:
    product = _pick(world, "product", number)
    return None if product is None else {"product": product, "unit_amount": number, "currency": "usd"}


def _named(kind: str) -> Choose:
    return _of(kind, name=lambda number: f"Renamed {number}")


_CHOOSE: dict[str, Choose] = {
    "create_customer": _new_customer,
    "update_customer": _update_customer,
    "delete_customer": _of("customer"),
    "attach_card": _of("customer", last4=lambda number: f"{number:04d}"),
    "detach_card": _of("payment_method"),
    "create_subscription": _subscribe,
    "change_plan": _of("subscription"),
    "cancel": _of("subscription", at_period_end=lambda number: bool(number % 2)),
    "end_trial": _of("subscription"),
    "renew": _of("subscription"),
    "pause": _of("subscription", collection=lambda number: bool(number % 2)),
    "resume": _of("subscription"),
    "apply_coupon": _apply_coupon,
    "remove_discount": _of("subscription"),
    "create_invoice": _of("customer", amount=lambda number: number),
    "void_invoice": _of("invoice"),
    "mark_uncollectible": _of("invoice"),
    "credit_note": _of("invoice"),
    "pay_invoice": _of("invoice", off_stripe=lambda number: number % 3 == 0),
    "fail_payment": _of("subscription"),
    "create_charge": _of("customer", status=lambda number: ("succeeded", "failed", "pending")[number % 3]),
    "settle_charge": _of("charge"),
    "refund": _of("charge"),
    "fail_refund": _of("refund"),
    "dispute": _of("charge"),
    "close_dispute": _of("dispute", status=lambda number: ("won", "lost")[number % 2]),
    "create_product": lambda _, number: {"name": f"Product {number}"},
    "update_product": _named("product"),
    "delete_product": _of("product"),
    "create_price": _new_price,
    "update_price": _of("price", nickname=lambda number: f"Nick {number}"),
    "delete_price": _of("price"),
    "create_coupon": lambda _, number: {
        "id": f"COUPON{number % 3}",
        "percent_off": 5 + number % 50,
        "duration": "forever",
    },
    "update_coupon": _named("coupon"),
    "delete_coupon": _of("coupon"),
}

WEIGHTS = dict.fromkeys(_CHOOSE, 2) | {
    "update_customer": 8,
    "create_subscription": 7,
    "delete_customer": 3,
    "change_plan": 4,
    "cancel": 4,
    "pay_invoice": 4,
    "refund": 4,
    "update_product": 4,
}

OFTEN = tuple(what for what, weight in WEIGHTS.items() if weight > 2)
"""What happens to objects that are there, mostly."""

"""A realistic merchant of any size from a seed: the same seed and size give the same objects, ids included."""

# ruff: noqa: PLR2004 - shares of a population say most where they are used

import random

from stripe_sync.simulator import factory
from stripe_sync.simulator.amounts import DAY
from stripe_sync.simulator.generator import catalog, people
from stripe_sync.simulator.generator.classes import FIRST, SHARES, Writer, nothing
from stripe_sync.simulator.generator.past import Past, Rows
from stripe_sync.simulator.generator.steps import Setting
from stripe_sync.simulator.records import KINDS, Record, new_id, seeded

OLDEST = 1300 * DAY
IMPORT_AGE = 400 * DAY
"""When a quarter of the customers were imported at once, all within an hour."""

PLAIN = 12
"""The first customers are spelled plainly, pay in dollars and share their address with nobody."""

_CURRENCIES = ("usd",) * 15 + ("eur",) * 3 + ("gbp", "jpy", "kwd")
_WRITERS = [writer for writer, _ in SHARES]
_WEIGHTS = [share for _, share in SHARES]


def generate(seed: str, customers: int, now: int) -> Rows:
    """Return all records of a merchant with so many customers as of `now`, by kind."""
    rows: Rows = {kind: [] for kind in KINDS}
    goods = catalog.build(seeded(seed, "catalog"), now)
    rows["product"], rows["price"], rows["coupon"] = goods.products, goods.prices, goods.coupons
    setting = Setting(
        catalog=goods,
        price_by_id={price["id"]: price for price in goods.prices},
        coupon_by_id={coupon["id"]: coupon for coupon in goods.coupons},
    )
    for index in range(customers):
        _write_customer(rows, setting, seed, index, now)
    return rows


def _write_customer(rows: Rows, setting: Setting, seed: str, index: int, now: int) -> None:
    rng = seeded(seed, index)
    customer = _customer(seed, index, now, rng)
    writer = _class_of(index, rng)
    method = None
    if writer is not nothing or rng.random() < 0.3:
        method = _card(rows, customer, now, rng)
    rows["customer"].append(customer)
    writer(Past(rows, customer, method, now, rng), setting)
    if method:
        method["created"] = max(method["created"], customer["created"])
    if index >= PLAIN and rng.random() < 0.03:
        customer["balance"] -= rng.randrange(100, 5000, 10)


def _class_of(index: int, rng: random.Random) -> Writer:
    if index < PLAIN:
        return FIRST[index % len(FIRST)]
    return rng.choices(_WRITERS, _WEIGHTS)[0]


def _customer(seed: str, index: int, now: int, rng: random.Random) -> Record:
    first, last = people.name_of(rng)
    customer_id = new_id("cus_", rng)
    plain = index < PLAIN
    name: str | None = f"{first} {last}"
    if not plain and rng.random() < 0.015:
        name = rng.choice((*people.HOSTILE_NAMES, None))
    return factory.make(
        "customer",
        customer_id,
        now - _age(rng),
        name=name,
        email=f"{last.lower()}{index}@northwind.example" if plain else _email(seed, index, first, last, rng),
        currency="usd" if plain else rng.choice(_CURRENCIES),
        address=people.address_of(rng),
        invoice_prefix=customer_id[-8:].upper(),
        preferred_locales=rng.choice(([], [], ["en"], ["de", "en"])),
        metadata=rng.choice(({}, {}, {"crm_id": f"{rng.randrange(10**6)}"})),
    )


def _age(rng: random.Random) -> int:
    """Return how long ago a customer came: mostly lately, a quarter in one hour of import."""
    if rng.random() < 0.25:
        return IMPORT_AGE + rng.randrange(0, 3600)
    return 3 * DAY + int((OLDEST - 3 * DAY) * rng.random() ** 2.2)


def _email(seed: str, index: int, first: str, last: str, rng: random.Random) -> str | None:
    chance = rng.random()
    if chance < 0.01:
        return None
    if chance < 0.04 and index > PLAIN:
        twin = rng.randrange(PLAIN, index)
        email = _own_email(seed, twin, *people.name_of(seeded(seed, twin)))
        return people.odd_case(email) if rng.random() < 0.4 else email
    return _own_email(seed, index, first, last)


def _own_email(seed: str, index: int, first: str, last: str) -> str:
    return people.email_of(first, last, index, seeded(seed, index, "email"))


def _card(rows: Rows, customer: Record, now: int, rng: random.Random) -> Record:
    card = people.card_of(rng, now, expired=rng.random() < 0.04)
    method = factory.make(
        "payment_method",
        new_id("pm_", rng),
        customer["created"],
        customer=customer["id"],
        card=card,
        email=customer["email"],
        name=customer["name"],
    )
    customer["default_payment_method"] = method["id"]
    rows["payment_method"].append(method)
    return method

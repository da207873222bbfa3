"""No object that Stripe may send, and hardly one it may not, makes derivation raise."""

import copy
import json
import os
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from engine.core.facts import Facts, to_json
from stripe_sync.catalog import STORED, STRIPE_FACTS
from stripe_sync.derive import at, combine, derive, explain
from stripe_sync.objects import KINDS, bundle_from_json
from tests.unit.derive.build import (
    NOW,
    Json,
    amount_off,
    charge,
    customer,
    invoice,
    item,
    percent,
    price,
    seconds,
    settings,
    subscription,
    tiered,
)

SPEC_DIR = os.environ.get("OCHRE_STRIPE_SPEC_DIR")
CARD = {"id": "pm_1", "object": "payment_method", "card": {"brand": "Visa", "exp_month": 1, "exp_year": 2030}}
EVERYTHING: Json = {
    "customer": customer(discount=percent(10), default_source="card_1", currency="eur", balance=5),
    "subscriptions": [
        subscription(
            item(tiered("graduated", [(5, 100, 10), (None, 50, 0)]), 7, discounts=[percent(5, "repeating")]),
            item(price("0.5", interval="year", transform_quantity={"divide_by": 2, "round": "up"}), 3, id="si_b"),
            discounts=[amount_off(5, applies_to={"products": ["prod_a"]})],
            default_payment_method=CARD,
            trial_end=seconds(1),
            pause_collection={"behavior": "void", "resumes_at": seconds(1)},
        ),
        subscription(status="canceled", id="sub_b", ended_at=seconds(-1)),
    ],
    "invoices": [invoice("open", due_date=seconds(-1)), invoice("open", attempt_count=1, id="in_b")],
    "charges": [
        charge(amount_captured=4000, amount_refunded=1000, payment_intent="pi_1"),
        charge(status="failed", id="ch_b"),
        charge(status="pending", id="ch_c", payment_method_details=CARD),
    ],
    "refunds": [{"id": "re_1", "charge": "ch_a", "amount": 5, "status": "succeeded", "created": 5}],
    "disputes": [{"id": "du_1", "charge": "ch_a", "amount": 5, "currency": "eur", "status": "lost"}],
    "products": [{"id": "prod_a", "name": "Pro"}],
    "coupons": [{"id": "coupon_a", "percent_off": 5, "duration": "forever"}],
    "invoice_payments": [{"invoice": "in_b", "payment": {"charge": "ch_c"}}],
}
MISSING = object()
"""Stands for taking a value away altogether."""
RUBBISH: tuple[Any, ...] = (
    None,
    "",
    "id_only",
    "\x00\ud800",
    0,
    -1,
    2**70,
    1.5,
    float("nan"),
    float("inf"),
    "1e999999999",
    True,
    [],
    [None, 5, "x", {}],
    {},
    {"id": "x"},
    {"data": None},
    {"deleted": True},
    {"object": "list", "data": [{"id": 5}], "has_more": True},
)


MOMENTS = (NOW, NOW + timedelta(days=400), NOW - timedelta(days=20_000))


def is_known(found: Facts, seen: set[str] = set()) -> bool:  # noqa: B006  # it remembers on purpose
    """Return whether the very same facts were read and combined before; most nonsense changes few of them."""
    key = repr(found)
    is_seen = key in seen
    seen.add(key)
    return is_seen


def check(document: Json, moments: tuple[datetime, ...] = MOMENTS) -> None:
    """Derive, read and combine the facts of a document; all must hold the catalog's names and be writable as JSON."""
    chosen = settings(rates={"eur": "1.1"}, subtract_repeating=True, subtract_once=True)
    bundle = bundle_from_json(document)
    found = derive(bundle, NOW, chosen)
    json.dumps(explain(bundle, NOW, chosen)).encode()
    if moments == (NOW,) and is_known(found):
        return
    for each in (found, combine([found, found], NOW)):
        assert {*each.values, *each.reasons} <= {stored.name for stored in STORED}
        for moment in moments:
            read = at(each, moment)
            assert set(read.values) <= {spec.name for spec in STRIPE_FACTS}
            json.dumps({name: to_json(value) for name, value in read.values.items()}).encode()


def paths(node: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of every value inside nested JSON."""
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, child in children:
        yield (*above, key)
        yield from paths(child, (*above, key))


def replaced(document: Json, path: tuple[Any, ...], value: Any) -> Json:
    """Return the document with another value at a path; what is not on the path is shared."""
    made: Json = copy.copy(document)
    node: Any = made
    for key in path[:-1]:
        node[key] = copy.copy(node[key])
        node = node[key]
    if value is MISSING:
        del node[path[-1]]
    else:
        node[path[-1]] = value
    return made


def shape(path: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return a path without the positions in its lists."""
    return tuple("*" if isinstance(key, int) else key for key in path)


@pytest.mark.parametrize("kind", sorted(EVERYTHING))
def test_every_field_may_be_anything(kind: str) -> None:
    """Each value of a rich customer, one after the other, is missing, null, collapsed, expanded or nonsense.

    Every place sees absence, null and an id; the other nonsense takes turns from field to field.
    """
    check(EVERYTHING)
    fields: set[tuple[Any, ...]] = set()
    for position, path in enumerate(path for path in paths(EVERYTHING) if path[0] == kind):
        turns = [RUBBISH[(position + turn) % len(RUBBISH)] for turn in range(3)]
        is_new = shape(path) not in fields
        fields.add(shape(path))
        for value in (MISSING, None, "id_only", *(turns if is_new else ())):
            check(replaced(EVERYTHING, path, value), moments=(NOW,))


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(RUBBISH)
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*sorted(KINDS), "id"]), inner),
    max_leaves=10,
)


@hypothesis_settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from(["customer", *sorted(KINDS)]), anything))
@example({"customer": {"id": "cus_a", "deleted": True}})
def test_every_document_is_read(document: Json) -> None:
    """Whatever JSON stands where a bundle is expected, there are facts."""
    check(document)


@hypothesis_settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.sampled_from(sorted(paths(EVERYTHING), key=repr)), anything), min_size=2, max_size=6))
def test_several_fields_may_be_anything_at_once(changes: list[tuple[tuple[Any, ...], Any]]) -> None:
    """Faults in several places at once are survived too."""
    document = EVERYTHING
    for path, value in changes:
        try:
            document = replaced(document, path, value)
        except (KeyError, IndexError, TypeError):
            continue  # an earlier change took the place away
    check(document)


def test_deleted_customer_has_facts() -> None:
    """What Stripe returns for a deleted customer is read like any other."""
    document: Json = {"customer": {"id": "cus_a", "object": "customer", "deleted": True}}
    check(document)

    assert derive(bundle_from_json(document), NOW, settings()).get("customer_id") == "cus_a"


def _fixtures() -> dict[str, Json]:
    path = Path(SPEC_DIR or "") / "fixtures3.json"
    resources: dict[str, Json] = json.loads(path.read_text())["resources"]
    return resources


def fixture_document() -> Json:
    """Return a customer made of Stripe's own example of each kind, none of whose objects knows the others."""
    found = _fixtures()
    return {
        "customer": {**found["customer"], "default_source": found["card"], "discount": found["discount"]},
        **{kind: [found[kind.removesuffix("s")]] for kind in sorted(KINDS - {"customers"})},
    }


@pytest.mark.skipif(SPEC_DIR is None, reason="Stripe's example objects are not at hand")
def test_stripe_s_example_objects_are_read() -> None:
    """Stripe's own example of each kind gives the facts it tells of."""
    document = fixture_document()
    facts = at(derive(bundle_from_json(document), NOW, settings()), NOW)

    check(document)
    assert (facts.get("status"), facts.get("plan"), facts.get("disputes")) == ("active", "T-shirt", 0)


@pytest.mark.skipif(SPEC_DIR is None, reason="Stripe's example objects are not at hand")
@pytest.mark.parametrize("turn", range(8))
def test_every_field_of_the_examples_may_be_anything(turn: int) -> None:
    """Each value of Stripe's examples is missing, null, an id, or an object; an eighth of them at each turn.

    `make torture` tries every nonsense at every place.
    """
    document = fixture_document()
    for position, path in enumerate(sorted(paths(document), key=repr)):
        if position % 40 == turn * 5:
            for value in (MISSING, None, "id_only", {"id": "x", "object": "y"}):
                check(replaced(document, path, value), moments=(NOW,))


@pytest.mark.skipif(SPEC_DIR is None, reason="Stripe's example objects are not at hand")
def test_any_example_object_may_stand_anywhere() -> None:
    """Even an object of a kind that does not belong there is survived."""
    for resource in _fixtures().values():
        check({"customer": resource, **{kind: [resource] for kind in KINDS - {"customers"}}})

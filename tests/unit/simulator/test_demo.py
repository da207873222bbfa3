"""The customers a demonstration speaks of."""

import pytest

from stripe_sync.simulator.demo import NOBODY, demo_customers
from tests.unit.simulator.conftest import NOW, make_stripe

CLASSES = {"past_due", "active", "trialing", "high_mrr"}


@pytest.mark.parametrize("customers", [4, 20, 300])
@pytest.mark.parametrize("seed", ["1", "2", "7"])
def test_every_class_is_found_without_doubt(customers: int, seed: str) -> None:
    """Any merchant of four customers or more has one of each class, alone with its address in every spelling."""
    world = make_stripe(customers, seed=seed).world()
    found = demo_customers(world, NOW)
    everybody = [(row["email"] or "").lower() for row in world.collections["customer"]]

    assert found.keys() == CLASSES
    assert len({row["id"] for row in found.values()}) == 4
    for name, customer in found.items():
        assert everybody.count(customer["email"].lower()) == 1
        (subscription,) = world.find("subscription", "customer", customer["id"])
        assert subscription["status"] == {"high_mrr": "active"}.get(name, name)
    assert NOBODY not in everybody


def test_the_past_due_one_can_be_mended_by_one_payment() -> None:
    """The past due customer owes exactly one invoice."""
    stripe = make_stripe(50)
    customer = demo_customers(stripe.world(), NOW)["past_due"]
    stripe.perform("pay_invoice", {"id": customer["email"]}, NOW)
    (subscription,) = stripe.world().find("subscription", "customer", customer["id"])

    assert subscription["status"] == "active"
    assert all(row["status"] == "paid" for row in stripe.world().find("invoice", "customer", customer["id"]))

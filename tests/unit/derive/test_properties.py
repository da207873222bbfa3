"""What holds for every customer: agreement with a reference, and laws of money and time."""

import copy
import random
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from engine.core.facts import Facts, to_json
from stripe_sync.derive import at, explain
from stripe_sync.derive.explain import written
from stripe_sync.objects import bundle_from_json
from tests.unit.derive import agreement, strategies
from tests.unit.derive.build import NOW, Json, item, price, seconds, settings, stored, subscription

MONEY = ("mrr", "arr", "ltv", "amount_due", "refunded")
quick = hypothesis_settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def read(bundle: Json) -> Facts:
    """Return the facts of a bundle now."""
    return at(stored(**bundle), NOW)


@pytest.mark.parametrize("block", range(20))
def test_agrees_with_the_reference(block: int) -> None:
    """Every fact of a thousand made customers is what the slow reference says; `make torture` asks many more."""
    for seed in range(block * 50, block * 50 + 50):
        case, expected = agreement.answered(seed)
        assert agreement.differences(case, expected) == {}, f"seed {seed}: {case.options()}"


@quick
@given(strategies.customers, st.randoms(use_true_random=False))
def test_order_of_objects_does_not_matter(bundle: Json, chance: random.Random) -> None:
    """Subscriptions, charges and disputes may come in any order."""
    shuffled = copy.deepcopy(bundle)
    for each in ("subscriptions", "charges", "disputes"):
        chance.shuffle(shuffled[each])

    assert stored(**shuffled).values == stored(**bundle).values


@quick
@given(strategies.customers)
def test_ended_subscription_adds_no_money(bundle: Json) -> None:
    """One canceled subscription more changes no amount and no living fact."""
    ended = subscription(item(price(99_999)), id="sub_ended", status="canceled", ended_at=seconds(-3))
    more = {**bundle, "subscriptions": [*bundle["subscriptions"], ended]}
    before, after = read(bundle), read(more)

    for name in (*MONEY, "subscriptions", "plan", "on_trial", "subscription_id"):
        assert after.get(name) == before.get(name)


@given(st.integers(0, 10_000), st.integers(0, 60), st.integers(1, 60))
def test_revenue_scales_with_quantity(amount: int, quantity: int, factor: int) -> None:
    """Per-unit revenue of a multiple of the quantity is that multiple of the revenue."""
    one = stored(subscriptions=[subscription(item(price(amount), quantity))])
    many = stored(subscriptions=[subscription(item(price(amount), quantity * factor))])

    assert many.exact["mrr"] == one.exact["mrr"] * factor


@quick
@given(st.lists(strategies.items, min_size=2, max_size=5), st.data())
def test_splitting_a_subscription_keeps_its_revenue(items: list[Json], data: st.DataObject) -> None:
    """Two subscriptions with the items of one bring in the same, where no discount lies over all items."""
    cut = data.draw(st.integers(1, len(items) - 1))
    whole = stored(subscriptions=[subscription(*items)])
    split = stored(subscriptions=[subscription(*items[:cut], id="sub_1"), subscription(*items[cut:], id="sub_2")])

    assert split.get("mrr") == whole.get("mrr")


@quick
@given(strategies.customers)
def test_explanations_add_up(bundle: Json) -> None:
    """The lines of an explanation sum to its exact value, which rounds to the fact."""
    facts = stored(**bundle)
    found = explain(bundle_from_json(bundle), NOW, settings())

    for name in ("mrr", "ltv"):
        lines: Any = found[name]["lines"]
        exact = sum((Fraction(line["amount"]) for line in lines), Fraction(0))
        assert exact == Fraction(str(found[name]["exact"])) == facts.exact[name]
        assert found[name]["value"] == to_json(facts.get(name))


@given(st.fractions())
def test_numbers_are_written_exactly(number: Fraction) -> None:
    """What is written reads back as the same number, without a fraction bar where a decimal does."""
    text = written(number)
    denominator = number.denominator
    for prime in (2, 5):
        while denominator % prime == 0:
            denominator //= prime

    assert Fraction(text) == number
    assert ("/" in text) is (denominator != 1)


@quick
@given(strategies.customers, st.integers(0, 3))
def test_nothing_changes_before_it_says_it_does(bundle: Json, days: int) -> None:
    """Until the instant a stored value names, what is read later is what would be derived later."""
    chosen = settings(subtract_repeating=True, subtract_once=True)
    now = stored(chosen, **bundle)
    until = now.values.get("valid_until")
    later = NOW + timedelta(days=days) * 0.6
    after = stored(chosen, later, **bundle)

    if until is None or later < until:  # type: ignore[operator]  # an instant
        assert at(after, later).values == at(now, later).values


@quick
@given(strategies.customers)
def test_currency_at_rate_one(bundle: Json) -> None:
    """The same customer in a currency worth exactly one dollar has the same amounts."""
    abroad = _in_euro(bundle)
    home, away = stored(**bundle), stored(settings("usd", {"eur": "1"}), **abroad)

    for name in MONEY:
        assert away.get(name) == home.get(name)


def test_amounts_are_decimals_with_the_currency_s_places() -> None:
    """Stored money is a decimal of two places for dollars."""
    amount = stored(subscriptions=[subscription()]).get("mrr")

    assert isinstance(amount, Decimal)
    assert amount.as_tuple().exponent == -2


# helpers


def _in_euro(value: Json) -> Json:
    """Return a bundle with dollars and euros exchanged."""
    swapped = {"usd": "eur", "eur": "usd"}

    def swap(node: object) -> object:
        if isinstance(node, dict):
            return {key: swap(child) for key, child in node.items()}
        if isinstance(node, list):
            return [swap(child) for child in node]
        return swapped.get(node, node) if isinstance(node, str) else node

    made = swap(value)
    assert isinstance(made, dict)
    return made

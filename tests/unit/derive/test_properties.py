"""What holds for every customer: agreement with the reference, and laws of money, order and explanation."""

import json
import random
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from engine.core.facts import Facts, to_json
from stripe_sync.catalog import STRIPE_FACTS
from stripe_sync.derive import GivenRates, at, derive, explain
from stripe_sync.derive.explain import written
from stripe_sync.objects import bundle_from_json
from tests.unit.derive import agreement
from tests.unit.derive.agreement import Case
from tests.unit.derive.build import Json, item, price, seconds, stored, subscription
from tests.unit.derive.customers import Maker
from tests.unit.derive.reference import UNKNOWN
from web.cli.facts import command

MONEY = ("mrr", "arr", "ltv", "ltv_off_stripe", "amount_due", "refunded", "balance")
quick = hypothesis_settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
seeds = st.integers(0, 10**6)
cases = seeds.map(agreement.case_of)


def facts_of(case: Case, document: Json | None = None, **more: Any) -> Facts:
    """Return the facts of a case, or of another bundle in its place, as they are read."""
    chosen = replace(case.settings, **more)
    return at(derive(bundle_from_json(case.document if document is None else document), case.now, chosen), case.now)


@pytest.mark.parametrize("block", range(40))
def test_agrees_with_the_reference(block: int) -> None:
    """Every fact of a thousand made customers is what the slow reference says; `make torture` asks many more."""
    for seed in range(block * 25, block * 25 + 25):
        case, expected = agreement.answered(seed)
        assert agreement.differences(case, expected) == {}, f"seed {seed}: {case.options()}"


@quick
@given(cases, st.randoms(use_true_random=False))
def test_order_of_objects_does_not_matter(case: Case, chance: random.Random) -> None:
    """The lists of a bundle may come in any order; only discounts, and items of equal amount, have one that counts."""
    shuffled = {
        kind: chance.sample(found, len(found)) if isinstance(found, list) else found
        for kind, found in case.document.items()
    }
    shuffled["subscription_items"] = case.document["subscription_items"]
    expected, found = facts_of(case), facts_of(case, shuffled)

    assert (found.values, found.reasons) == (expected.values, expected.reasons)


@quick
@given(cases)
def test_ended_subscription_adds_no_money(case: Case) -> None:
    """One canceled subscription more changes no amount and no living fact."""
    ended = subscription(item(price(99_999)), id="sub_ended", status="canceled", ended_at=seconds(-3), created=5)
    more = {**case.document, "subscriptions": [*case.document["subscriptions"], ended]}
    before, after = facts_of(case), facts_of(case, more)

    for name in {*before.values, *before.reasons} - {"status", "ended_at", "last_plan"}:
        if not name.startswith("days_since") and name != "recent_events":
            assert (after.get(name), after.reasons.get(name)) == (before.get(name), before.reasons.get(name))


@quick
@given(seeds, st.integers(0, 60), st.integers(1, 60))
def test_revenue_scales_with_quantity(seed: int, quantity: int, factor: int) -> None:
    """Per-unit revenue of a multiple of the quantity is that multiple of the revenue, whatever percentage comes off."""
    maker = Maker(seed)
    of = {**price(maker.minor(), interval=maker.chance.choice(("day", "week", "month", "year")))}
    own = [{"id": "di", "end": None, "source": {"coupon": {"duration": "forever", "percent_off": 12.5}}}]
    one = stored(subscriptions=[subscription(item(of, quantity, discounts=own))])
    many = stored(subscriptions=[subscription(item(of, quantity * factor, discounts=own))])

    assert many.exact["mrr"] == one.exact["mrr"] * factor


@quick
@given(seeds, st.integers(2, 5), st.data())
def test_splitting_a_subscription_keeps_its_revenue(seed: int, count: int, data: st.DataObject) -> None:
    """Two subscriptions with the items of one bring in the same, where no discount lies over all items."""
    maker = Maker(seed)
    maker.odd = 0
    items = [maker.item("usd", "sub_a") for _ in range(count)]
    cut = data.draw(st.integers(1, count - 1))
    lists: Json = {"prices": maker.prices, "coupons": maker.coupons}
    whole = stored(subscriptions=[subscription(*items)], **lists)
    parts = [subscription(*items[:cut], id="sub_1"), subscription(*items[cut:], id="sub_2")]
    split = stored(subscriptions=parts, **lists)

    assert split.exact["mrr"] == whole.exact["mrr"]


@quick
@given(cases)
def test_no_number_lies_beyond_its_bounds(case: Case) -> None:
    """What the catalog says a number is at least and at most, it is."""
    found = facts_of(case)
    for spec in STRIPE_FACTS:
        value = found.get(spec.name)
        if isinstance(value, int | Decimal):
            assert spec.minimum is None or value >= spec.minimum
            assert spec.maximum is None or value <= spec.maximum


@quick
@given(cases)
def test_explanations_add_up(case: Case) -> None:
    """The lines of an explanation sum to its exact value, which rounds to the fact; where one is unknown, both are."""
    bundle = bundle_from_json(case.document)
    facts = derive(bundle, case.now, case.settings)
    found = explain(bundle, case.now, case.settings)

    for name in ("mrr", "ltv"):
        assert found[name]["value"] == to_json(facts.get(name))
        if name in facts.exact:
            lines: Any = found[name]["lines"]
            exact = sum((Fraction(line["amount"]) for line in lines), Fraction(0))
            assert exact == Fraction(str(found[name]["exact"])) == facts.exact[name]
            assert exact + Fraction(str(found[name]["rounding"])) == Fraction(str(found[name]["value"]))
            # What is left for the line "rounding" is at most half of the smallest unit shown.
            shown = Fraction(str(found[name]["value"]))
            assert abs(shown - exact) <= Fraction(1, 2) * Fraction(10) ** -_places(str(found[name]["value"]))
    for line in found["mrr"]["lines"]:  # type: ignore[union-attr]  # a list
        _check_line(line)


def _check_line(line: Any) -> None:
    """One item's line adds up by itself: its gross less the discounts, without tax, for a month, converted."""
    taken = sum((Fraction(each["taken"]) for each in line["discounts"]), Fraction(0))
    left = (Fraction(line["gross"]) - taken) * Fraction(line["without_tax"]) * Fraction(line["a_month"])
    assert left * Fraction(line["rate"] or 0) == Fraction(line["amount"])
    assert left >= 0


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
@given(seeds)
def test_currency_at_rate_one(seed: int) -> None:
    """The same customer in a currency worth exactly one dollar, and written alike, has the same amounts."""
    maker = Maker(seed)
    maker.currency = "usd"
    document = maker.customer()
    for each in document["subscriptions"]:
        each["status"] = "active"
    case = Case(document=document, question=agreement.case_of(seed).question)
    at_par = GivenRates(into="usd", rates=dict.fromkeys(("eur", "gbp", "jpy", "isk", "kwd", "ugx"), Fraction(1)))
    home = facts_of(case, reporting_currency="usd", rates=at_par)
    away = facts_of(case, _exchanged(document), reporting_currency="usd", rates=at_par)

    for name in (*MONEY, "plan_price", "last_invoice_amount", "last_payment_amount"):
        assert (away.get(name), away.reasons.get(name)) == (home.get(name), home.reasons.get(name))


def test_amounts_are_decimals_with_the_currency_s_places() -> None:
    """Stored money is a decimal of two places for dollars."""
    amount = stored(subscriptions=[subscription()]).get("mrr")

    assert isinstance(amount, Decimal)
    assert amount.as_tuple().exponent == -2


def test_failing_case_can_be_asked_again_on_the_command_line(tmp_path: Path) -> None:
    """What a difference prints is taken by `ochre facts derive` and gives the same facts."""
    case = agreement.case_of(7)
    options, _, given = case.options().partition(" --settings ")
    bundle, chosen = tmp_path / "bundle.json", tmp_path / "settings.json"
    bundle.write_text(json.dumps(case.document))
    chosen.write_text(given.removeprefix("<(echo '").removesuffix("')"))
    result = CliRunner().invoke(command, ["derive", str(bundle), *options.split(), "--settings", str(chosen)])
    printed = json.loads(result.stdout)["facts"]
    ours = {name: None if value == UNKNOWN else value for name, value in agreement.derived(case).items()}

    assert printed == {name: ours[name] for name in printed}


# helpers


def _exchanged(value: Any) -> Any:
    """Return a bundle with dollars and euros exchanged."""
    swapped = {"usd": "eur", "eur": "usd", "USD": "EUR", "EUR": "USD"}
    if isinstance(value, dict):
        return {swapped.get(key, key): _exchanged(child) for key, child in value.items()}
    if isinstance(value, list):
        return [_exchanged(child) for child in value]
    return swapped.get(value, value) if isinstance(value, str) else value


def _places(shown: str) -> int:
    return len(shown.partition(".")[2])

"""The catalog is whole, consistent, and what is generated from it is current."""

from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest

from engine.core.facts import Combine, FactSpec, FactType, Source
from stripe_sync.catalog import HIDDEN, NEEDS, STORED, STRIPE_FACTS, inputs_of
from stripe_sync.objects import KINDS
from web.facts import CATALOG, as_markdown, describe

ROOT = Path(__file__).parents[3]
CONTRACT = """
customer match account customer_id email country currency customer_since livemode plan product_id price_id last_plan
plan_interval plan_interval_count quantity plan_price mrr arr ltv ltv_off_stripe status subscription_status
subscription_id subscriptions on_trial trial_ends_at trial_days_left period_start period_end cancels cancels_at
collection_paused ended_at discounted delinquent balance open_invoices overdue_invoices amount_due days_overdue
last_invoice_status last_invoice_at last_invoice_amount charge_failed charge_failed_at failure_code payments
last_payment_at last_payment_amount refunded last_refund_at disputes open_disputes card_brand card_last4
card_expires_at card_expired card_days_left days_since_invoice_created days_since_subscription_created
days_since_charged days_since_charge_refunded days_since_subscription_deleted recent_events synced_at sync_age
""".split()  # noqa: SIM905 - as words it reads like the promise it repeats
PYTHON_TYPES: dict[FactType, tuple[type, ...]] = {
    FactType.BOOLEAN: (bool,),
    FactType.STRING: (str,),
    FactType.NUMBER: (int, Decimal),
    FactType.MONEY: (Decimal,),
    FactType.DATETIME: (datetime,),
    FactType.STRINGS: (tuple,),
    FactType.MAPPING: (dict,),
}


def test_every_promised_fact_is_declared() -> None:
    """The catalog has exactly the facts that are promised, in that order."""
    assert [spec.name for spec in STRIPE_FACTS] == CONTRACT


PROMISED = """
boolean any: customer discounted delinquent charge_failed
boolean best: on_trial cancels collection_paused card_expired
boolean none: livemode
string none: match
string best: account customer_id email country currency plan product_id price_id plan_interval subscription_status
string best: subscription_id card_brand card_last4
string latest: last_plan last_invoice_status failure_code
string worst: status
datetime earliest: customer_since
datetime best: trial_ends_at period_start period_end cancels_at card_expires_at
datetime latest: ended_at last_invoice_at charge_failed_at last_payment_at last_refund_at
datetime oldest: synced_at
number best: plan_interval_count quantity trial_days_left card_days_left
number sum: subscriptions open_invoices overdue_invoices payments disputes open_disputes
number greatest: days_overdue
number least: days_since_invoice_created days_since_subscription_created days_since_charged
number least: days_since_charge_refunded days_since_subscription_deleted
number oldest: sync_age
money best: plan_price
money sum: mrr arr ltv ltv_off_stripe balance amount_due refunded
money latest: last_invoice_amount last_payment_amount
array of string union: recent_events
"""


def test_types_and_combinations_are_as_promised() -> None:
    """Each fact has the type, and combines over several customers, as it was promised; the command says the same."""
    promised = {
        name: tuple(kind.rsplit(" ", 1))
        for kind, names in (line.split(": ") for line in PROMISED.strip().splitlines())
        for name in names.split()
    }

    assert {spec.name: (spec.type.value, spec.combine.value) for spec in STRIPE_FACTS} == promised
    described = {name: describe(CATALOG.get(name)) for name in promised}
    assert {name: each["type"] for name, each in described.items()} == {name: of for name, (of, _) in promised.items()}


def test_stripe_facts_answer_to_their_prefixed_names() -> None:
    """Each Stripe fact also answers to `stripe_` and its name, and the customer's id to `stripe_id`."""
    assert CATALOG.get("stripe_mrr") is CATALOG.get("mrr")
    assert CATALOG.get("stripe_id") is CATALOG.get("stripe_customer_id") is CATALOG.get("customer_id")
    assert CATALOG.find("stripe_subject") is None


@pytest.mark.parametrize("spec", list(CATALOG), ids=lambda spec: spec.name)
def test_declaration_is_consistent(spec: FactSpec) -> None:
    """A definition is one sentence, the example has the fact's type, and stands in its closed set."""
    assert spec.definition[0].isupper()
    assert spec.definition.endswith(".")
    assert isinstance(spec.example, PYTHON_TYPES[spec.type])
    assert spec.closed_set is None or spec.example in spec.closed_set
    if spec.source is Source.STRIPE and spec.name not in {"match", "livemode"}:
        assert spec.combine is not Combine.NONE


def test_clock_facts_stand_on_stored_instants() -> None:
    """Each clock fact reads stored values that exist; no clock fact is stored; every hidden instant is used."""
    stored = {each.name for each in STORED}
    clocks = [spec for spec in STRIPE_FACTS if spec.clock is not None]
    used = {name for spec in clocks if spec.clock is not None for name in inputs_of(spec.clock)}

    assert used <= stored
    assert not {spec.name for spec in clocks} & stored
    assert {each.name for each in HIDDEN} - used == {"valid_until"}


def test_every_stored_value_says_what_it_needs() -> None:
    """Each stored value names the kinds it is made of; only what the link itself says needs none."""
    assert {each.name for each in STORED} - set(NEEDS) == {"customer", "match", "valid_until"}
    assert set().union(*NEEDS.values()) <= KINDS


def test_page_of_facts_is_current() -> None:
    """`docs/facts.md` is what the catalog says now; write it anew with `ochre facts catalog --format markdown`."""
    assert (ROOT / "docs" / "facts.md").read_text() == as_markdown(CATALOG)


def test_description_says_what_programs_need() -> None:
    """The JSON of a fact has its names, type, meaning, values and reasons."""
    found = describe(CATALOG.get("status"))

    assert found["names"] == ["status", "stripe_status"]
    assert found["values"] == [
        "unpaid",
        "past_due",
        "incomplete",
        "paused",
        "trialing",
        "active",
        "canceled",
        "none",
    ]
    assert found["several_customers"] == "worst"
    assert describe(CATALOG.get("customer"))["reasons"] == []
    assert "no_rate" in str(describe(CATALOG.get("mrr"))["reasons"])

"""Facts speak only when the objects they are made of are all there."""

from decimal import Decimal

import pytest

from engine.core.facts import Reason
from stripe_sync.catalog import NEEDS, STORED, STRIPE_FACTS
from stripe_sync.derive import CustomerFacts, at, derive
from stripe_sync.objects import KINDS, Bundle
from tests.unit.derive.build import NOW, Json, charge, facts, invoice, settings, stored, subscription


@pytest.mark.parametrize("kind", sorted(set().union(*NEEDS.values())))
def test_fact_is_not_synced_until_its_kinds_are_complete(kind: str) -> None:
    """Whatever part of a kind is there already, facts that need it stay unknown: never a partial sum."""
    bundle: Json = {"subscriptions": [subscription()], "charges": [charge()], "invoices": [invoice()]}
    found = stored(settings(complete=KINDS - {kind}), **bundle)
    waiting = {name for name, reason in found.reasons.items() if reason is Reason.NOT_SYNCED}

    assert waiting == {name for name, kinds in NEEDS.items() if kind in kinds} - {"account", "synced_at"}


def test_first_page_gives_no_false_zero() -> None:
    """With customers alone, MRR and LTV are unknown and not 0."""
    found = facts(settings(complete=frozenset({"customers"})))

    assert found.reasons["mrr"] is found.reasons["ltv"] is found.reasons["on_trial"] is Reason.NOT_SYNCED
    assert found.get("delinquent") is False


def test_every_stored_value_is_written() -> None:
    """Each stored value but those of the link gets a value or a reason, and nothing else is written."""
    for found in (stored(), stored(subscriptions=[subscription()], charges=[charge()], invoices=[invoice()])):
        names = {each.name for each in STORED}

        assert {*found.values, *found.reasons} == names - {"account", "match", "synced_at"}
        assert not set(found.values) & set(found.reasons)


def test_every_fact_is_read() -> None:
    """At an instant each fact has a value or a reason, and hidden instants are gone."""
    found = at(stored().with_values({"match": "email", "account": "acct_1", "synced_at": NOW}), NOW)

    assert {*found.values, *found.reasons} == {spec.name for spec in STRIPE_FACTS}


def test_without_customer_object() -> None:
    """A bundle without customer is nobody's, or not there yet while customers still come in."""
    nobody = derive(Bundle(subscriptions=[subscription()]), NOW, settings())
    assert dict(nobody.values) == {"customer": False, "match": "none"}
    assert stored().get("customer") is True
    not_yet = derive(Bundle(), NOW, settings(complete=frozenset()))

    assert isinstance(nobody, CustomerFacts)
    assert nobody.reasons["mrr"] is Reason.NO_CUSTOMER
    assert not_yet.reasons["mrr"] is Reason.NOT_SYNCED


def test_nothing_there() -> None:
    """A linked customer with nothing: counts and sums are 0, flags false, `status` none, the rest has no value."""
    found = facts()
    kinds = {spec.name: spec.type.value for spec in STRIPE_FACTS}

    assert {kinds[name] for name, reason in found.reasons.items() if reason is Reason.NOT_APPLICABLE} <= {
        "string",
        "datetime",
        "number",
        "money",
    }
    zeros = "mrr arr ltv ltv_off_stripe balance amount_due refunded subscriptions open_invoices overdue_invoices"
    counts = "days_overdue payments disputes open_disputes"
    assert {found.get(name) for name in f"{zeros} {counts}".split()} == {Decimal(0)}
    flags = "on_trial cancels collection_paused discounted delinquent charge_failed card_expired"
    assert {found.get(name) for name in flags.split()} == {False}
    assert found.get("status") == "none"

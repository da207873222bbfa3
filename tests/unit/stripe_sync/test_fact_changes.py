"""What is kept of facts, and when it is the same as before."""

from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

import pytest

from engine.core.facts import Note, Reason
from stripe_sync.derive import Rate
from stripe_sync.fact_changes import StoredFacts, is_kept
from tests.unit.derive.build import NOW, charge, invoice, seconds, stored, subscription

LATER = NOW + timedelta(hours=1)
FACTS = stored(subscriptions=[subscription()], invoices=[invoice("open", due_date=seconds(2))], charges=[charge()])
KEPT = StoredFacts(facts=FACTS, rates={"eur": Rate(Fraction("1.1"), date(2026, 11, 1))}, customers=(("con", "cus_a"),))


def test_same_again() -> None:
    """The same facts a little later are kept, whatever is told of how fresh they are."""
    again = replace(KEPT, facts=replace(FACTS, as_of=LATER, values={**FACTS.values, "synced_at": LATER}))

    assert is_kept(KEPT, again, LATER)


@pytest.mark.parametrize(
    "change",
    [
        {"values": {**FACTS.values, "payments": 7}},
        {"values": {name: value for name, value in FACTS.values.items() if name != "payments"}},
        {"reasons": {**FACTS.reasons, "plan": Reason.UNSUPPORTED}},
        {"reasons": dict.fromkeys(FACTS.reasons, Reason.NOT_SYNCED)},
        {"notes": (Note(fact="mrr", code="tax_included", message="…"),)},
    ],
)
def test_other_facts(change: dict[str, Any]) -> None:
    """Another value, reason or note is not the same."""
    assert not is_kept(KEPT, replace(KEPT, facts=replace(FACTS, as_of=LATER, **change)), LATER)


@pytest.mark.parametrize(
    "change",
    [
        {"reporting_currency": "eur"},
        {"rates": {"eur": Rate(Fraction("1.1"), date(2026, 11, 2))}},  # the same rate, of another day
        {"rates": {}},
        {"customers": (("con", "cus_b"),)},
        {"last_values": {"mrr": "1.00"}},
    ],
)
def test_made_of_something_else(change: dict[str, Any]) -> None:
    """Facts that come to the same by other rates or customers are not kept as they were."""
    assert not is_kept(KEPT, replace(KEPT, facts=replace(FACTS, as_of=LATER), **change), LATER)


def test_flipped_by_the_clock() -> None:
    """What the clock made another meanwhile is another, and is due at another instant."""
    assert FACTS.values["invoice_due_dates"]
    due = NOW + timedelta(days=2, seconds=1)  # when the invoice is overdue

    assert is_kept(KEPT, replace(KEPT, facts=replace(FACTS, as_of=due)), due - timedelta(seconds=1))
    assert not is_kept(KEPT, replace(KEPT, facts=replace(FACTS, as_of=due)), due)

"""Charges, invoices and disputes that are too many to be listed: their sums give the same facts."""

from decimal import Decimal

import pytest

from engine.core.facts import Reason
from stripe_sync.derive import CustomerFacts, at, derive, explain
from stripe_sync.objects import Bundle, ChargeSum, Rest, bundle_from_json
from tests.unit.derive.build import NOW, Json, charge, codes, customer, invoice, seconds, settings

OLDER: list[Json] = [
    charge(5000, id="ch_1", created=seconds(-9), amount_refunded=1000),
    charge(700, id="ch_2", created=seconds(-8), currency="eur"),
    charge(900, "failed", id="ch_3", created=seconds(-7), amount_refunded=30),
    charge(100, "succeeded", captured=False, id="ch_4", created=seconds(-6), amount_refunded=100),
]
LISTED: list[Json] = [charge(2000, id="ch_5"), charge(3000, id="ch_6", created=seconds(-2))]
INVOICES: list[Json] = [
    invoice(id="in_1", created=seconds(-9), amount_paid_off_stripe=400),
    invoice(id="in_2", created=seconds(-8), amount_paid_off_stripe=50, currency="eur"),
]
DISPUTES: list[Json] = [
    {"id": f"du_{status}", "charge": "ch_1", "status": status, "amount": 5, "currency": "usd"}
    for status in ("won", "warning_closed", "needs_response")
]
SUMS = Rest(
    charges=(
        ChargeSum(currency="usd", payments=1, captured=5000, refunded=1000, refunded_otherwise=130),
        ChargeSum(currency="eur", payments=1, captured=700),
    ),
    off_stripe={"usd": 400, "eur": 50},
    disputes={"won": 1, "warning_closed": 1, "needs_response": 1},
)
CHOSEN = settings(rates={"eur": "1.1"})


def found(rest: Rest | None, **lists: list[Json]) -> CustomerFacts:
    """Return the facts of a bundle with sums."""
    return derive(Bundle(customer=customer(), rest=rest, **lists), NOW, CHOSEN)


def test_sums_stand_for_what_is_not_listed() -> None:
    """Every fact is the same, whether the older charges, invoices and disputes are listed or added up."""
    last = invoice(id="in_3")
    whole = found(None, charges=[*OLDER, *LISTED], invoices=[*INVOICES, last], disputes=DISPUTES)
    summed = found(SUMS, charges=LISTED, invoices=[last])

    assert (summed.values, summed.reasons, summed.exact) == (whole.values, whole.reasons, whole.exact)
    assert summed.get("payments") == 4
    assert summed.get("refunded") == Decimal("11.30")
    assert (summed.get("disputes"), summed.get("open_disputes")) == (2, 1)


def test_explanation_has_a_line_for_the_sums() -> None:
    """What is added up stands in the explanation, and its lines add up all the same."""
    bundle = Bundle(customer=customer(), rest=SUMS, charges=LISTED)
    lines = explain(bundle, NOW, CHOSEN)["ltv"]

    assert isinstance(lines["lines"], list)
    assert [each["charges"] for each in lines["lines"] if isinstance(each, dict)] == [1, 1, 1, 1]
    assert lines["value"] == str(at(derive(bundle, NOW, CHOSEN), NOW).get("ltv")) == "97.70"  # 50 + 40 + 7 * 1.1


def test_sums_that_do_not_tell() -> None:
    """Invoices that do not say what was paid outside are noted; a dispute nobody knows is one all the same."""
    silent = found(Rest(untold_off_stripe=2, disputes={"lunar": 3, "prevented": 9}))

    assert codes(silent, "ltv_off_stripe") == {"not_expanded"}
    assert (silent.get("disputes"), silent.get("open_disputes")) == (3, 0)
    without_rate = found(Rest(charges=[ChargeSum(currency="gbp", payments=1, captured=5, refunded_otherwise=1)]))
    assert without_rate.reasons["ltv"] is without_rate.reasons["refunded"] is Reason.NO_RATE


@pytest.mark.parametrize("rest", [None, Rest()])
def test_no_sums(rest: Rest | None) -> None:
    """Without sums the lists are all there is; a document has none."""
    assert found(rest, charges=LISTED).get("ltv") == Decimal("50.00")
    assert bundle_from_json({"customer": customer(), "rest": {"charges": []}}).rest is None

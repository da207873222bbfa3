"""Revenue collected, payments, refunds, disputes and failures."""

from datetime import timedelta
from decimal import Decimal

import pytest

from engine.core.facts import Reason
from tests.unit.derive.build import NOW, Json, charge, facts, invoice, seconds, settings


def refund(amount: int, **more: object) -> Json:
    """Return a refund of the charge `ch_a`."""
    made = {"id": "re_a", "object": "refund", "charge": "ch_a", "amount": amount, "status": "succeeded"}
    return {**made, "created": seconds(-0.5), "currency": "usd", **more}


def dispute(status: str, amount: int = 5000, **more: object) -> Json:
    """Return a dispute of the charge `ch_a`."""
    made = {"id": "du_a", "object": "dispute", "charge": "ch_a", "status": status, "amount": amount}
    return {**made, "currency": "usd", **more}


@pytest.mark.parametrize(
    ("bundle", "expected"),
    [
        ({}, "0.00"),
        ({"charges": [charge(5000)]}, "50.00"),
        ({"charges": [charge(5000, amount_refunded=2000)]}, "30.00"),
        ({"charges": [charge(5000, "failed")]}, "0.00"),
        ({"charges": [charge(5000, "pending")]}, "0.00"),
        ({"charges": [charge(5000, captured=False)]}, "0.00"),  # an authorisation is no revenue
        # A partial capture releases the rest, which Stripe may count as refunded: the refunds themselves decide.
        ({"charges": [charge(5000, amount_captured=3000, amount_refunded=2000)]}, "30.00"),
        (
            {
                "charges": [charge(5000, amount_captured=3000, amount_refunded=2500)],
                "refunds": [
                    refund(2000, reason="expired_uncaptured_charge"),
                    refund(500),
                    refund(700, status="failed"),
                    refund(800, status="canceled"),
                ],
            },
            "25.00",
        ),
        # Only lost disputes cost anything, and never more than what remained.
        ({"charges": [charge(5000)], "disputes": [dispute("lost")]}, "0.00"),
        ({"charges": [charge(5000)], "disputes": [dispute("lost", 2000)]}, "30.00"),
        ({"charges": [charge(5000, amount_refunded=2000)], "disputes": [dispute("lost")]}, "0.00"),
        ({"charges": [charge(5000)], "disputes": [dispute("lost", 4000), dispute("lost", 4000, id="du_b")]}, "0.00"),
        ({"charges": [charge(5000)], "disputes": [dispute("won")]}, "50.00"),
        ({"charges": [charge(5000)], "disputes": [dispute("under_review")]}, "50.00"),
        ({"charges": [charge(5000)], "disputes": [dispute("warning_closed")]}, "50.00"),
        ({"charges": [charge(5000)], "disputes": [dispute("prevented")]}, "50.00"),
        ({"charges": [charge(5000)], "disputes": [dispute("lost", charge="ch_other")]}, "50.00"),
        ({"charges": [charge(5000)], "disputes": [dispute("lost", charge={"id": "ch_a"})]}, "0.00"),
        (
            {
                "charges": [charge(5000, payment_intent="pi_a")],
                "disputes": [dispute("lost", charge=None, payment_intent="pi_a")],
            },
            "0.00",  # some methods of payment name the intent only
        ),
    ],
)
def test_revenue_collected(bundle: Json, expected: str) -> None:
    """Captured charges, less what went back."""
    assert facts(**bundle).get("ltv") == Decimal(expected)


def test_hard_case_of_five_charges() -> None:
    """Of a refunded, a plain, a failed, an uncaptured and a pending charge, the first two count: 80.00."""
    charges = [
        charge(5000, amount_refunded=2000, id="ch_1"),
        charge(5000, id="ch_2"),
        charge(5000, "failed", id="ch_3"),
        charge(5000, captured=False, id="ch_4"),
        charge(5000, "pending", id="ch_5"),
    ]
    found = facts(charges=charges)

    assert found.get("ltv") == Decimal("80.00")
    assert (found.get("payments"), found.get("refunded")) == (2, Decimal("20.00"))


def test_currencies_are_converted_apart_and_rounded_once() -> None:
    """Each currency is summed exactly; without a rate there is no total, and never a raw sum."""
    charges = [charge(333, currency="eur"), charge(333, currency="eur", id="ch_b"), charge(1000, currency="jpy")]
    rates = {"eur": "1.1055", "jpy": "0.00671"}

    # 6.66 * 1.1055 = 7.36263 and 1000 * 0.00671 = 6.71
    assert facts(settings(rates=rates), charges=charges).get("ltv") == Decimal("14.07")
    assert facts(settings(rates={"eur": "1.1055"}), charges=charges).reasons["ltv"] is Reason.NO_RATE


def test_sum_of_nothing_needs_no_rate() -> None:
    """A charge refunded whole is zero in every currency."""
    assert facts(charges=[charge(500, currency="xyz", amount_refunded=500)]).get("ltv") == Decimal("0.00")


def test_dispute_in_another_currency_is_brought_to_the_charge_s() -> None:
    """A dispute of 10.00 euro takes 11.00 of a dollar charge."""
    bundle: Json = {"charges": [charge(5000)], "disputes": [dispute("lost", 1000, currency="eur")]}

    assert facts(settings(rates={"eur": "1.10"}), **bundle).get("ltv") == Decimal("39.00")
    assert facts(**bundle).reasons["ltv"] is Reason.NO_RATE


@pytest.mark.parametrize(
    ("bundle", "failed", "code", "days"),
    [
        ({}, False, None, None),
        ({"charges": [charge()]}, False, None, None),
        ({"charges": [charge(status="failed")]}, True, "card_declined", 1),
        (
            {"charges": [charge(status="failed"), charge(status="pending", id="ch_b", created=seconds(0))]},
            True,  # what is pending has not settled anything
            "card_declined",
            1,
        ),
        ({"charges": [charge(status="failed"), charge(id="ch_b", created=seconds(0))]}, False, None, None),
        ({"charges": [charge(), charge(status="failed", id="ch_b")]}, True, "card_declined", 1),  # same second
        ({"invoices": [invoice("open", attempt_count=1)]}, True, None, 1),  # no charge was even made
        ({"invoices": [invoice("open")]}, False, None, None),
        ({"invoices": [invoice("paid", attempt_count=2)]}, False, None, None),
        (
            {"charges": [charge(created=seconds(-2))], "invoices": [invoice("open", attempt_count=1)]},
            True,  # a later invoice, tried in vain
            None,
            1,
        ),
        (
            {"charges": [charge(created=seconds(0))], "invoices": [invoice("open", attempt_count=1)]},
            False,  # since then something was paid
            None,
            None,
        ),
        (
            {
                "charges": [charge(status="pending", id="py_a")],
                "invoices": [invoice("open", attempt_count=1)],
                "invoice_payments": [{"invoice": "in_a", "payment": {"type": "charge", "charge": "py_a"}}],
            },
            False,  # the bank takes days: tried, not failed
            None,
            None,
        ),
    ],
)
def test_failure(bundle: Json, failed: bool, code: str | None, days: int | None) -> None:  # noqa: FBT001 - a table
    """The latest settled charge tells, or a later open invoice that was tried in vain."""
    found = facts(**bundle)

    assert (found.get("charge_failed"), found.get("failure_code")) == (failed, code)
    assert found.get("charge_failed_at") == (None if days is None else NOW - timedelta(days=days))


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        ([], (0, 0)),
        (["warning_needs_response", "warning_under_review", "warning_closed", "prevented"], (0, 0)),
        (["needs_response", "under_review", "won", "lost"], (4, 2)),
        (["appeal_needs_response", "appeal_under_review"], (2, 2)),
        (["lunar"], (1, 0)),  # a status nobody knows is a dispute all the same
    ],
)
def test_disputes(statuses: list[str], expected: tuple[int, int]) -> None:
    """Inquiries and prevented disputes are none."""
    found = facts(disputes=[dispute(status, id=f"du_{status}") for status in statuses])

    assert (found.get("disputes"), found.get("open_disputes")) == expected


def test_last_payment_and_refund() -> None:
    """The latest captured charge, what was captured of it, and the latest refund that did not fail."""
    charges = [
        charge(5000, created=seconds(-4)),
        charge(7000, created=seconds(-2), amount_captured=6000, id="ch_b"),
        charge(900, "failed", created=seconds(-1), id="ch_c"),
    ]
    refunds = [refund(100, created=seconds(-3)), refund(100, created=seconds(-1), status="failed", id="re_b")]
    found = facts(charges=charges, refunds=refunds)

    assert (found.get("last_payment_at"), found.get("last_payment_amount")) == (
        NOW - timedelta(days=2),
        Decimal("60.00"),
    )
    assert found.get("last_refund_at") == NOW - timedelta(days=3)
    assert (found.get("days_since_charged"), found.get("days_since_charge_refunded")) == (2, 3)
    assert found.get("recent_events") == ("charged", "charge_refunded")

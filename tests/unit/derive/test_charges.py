"""Revenue collected, payments, refunds, disputes and failures."""

from datetime import timedelta
from decimal import Decimal

import pytest

from engine.core.facts import Reason
from tests.unit.derive.build import NOW, Json, charge, codes, customer, facts, invoice, seconds, settings


def refund(amount: int, **more: object) -> Json:
    """Return a refund of the charge `ch_a`."""
    made = {"id": "re_a", "object": "refund", "charge": "ch_a", "amount": amount, "status": "succeeded"}
    return {**made, "created": seconds(-0.5), "currency": "usd", **more}


def dispute(status: str, amount: int | None = 5000, **more: object) -> Json:
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
        (
            {
                "charges": [charge(5000, amount_captured=3000, amount_refunded=2000)],
                "refunds": [refund(100, status="pending"), refund(100, status="requires_action", id="re_b")],
            },
            "29.00",  # pending counts as long as it has not failed; one that waits for somebody is not on its way
        ),
        (
            # The refunds decide for a partial capture also where the charge itself says nothing was refunded.
            {"charges": [charge(5000, amount_captured=3000)], "refunds": [refund(500)]},
            "25.00",
        ),
        (
            {"charges": [charge(5000, amount_captured=3000, refunds={"data": [refund(500)]})]},
            "25.00",  # refunds that came inside the charge
        ),
        # A whole capture: the charge's own sum counts, and falls again when a refund fails.
        ({"charges": [charge(5000, amount_refunded=2000)], "refunds": [refund(2000)]}, "30.00"),
        ({"charges": [charge(5000)], "refunds": [refund(2000, status="failed")]}, "50.00"),
        ({"charges": [charge(5000, amount_captured=None)]}, "50.00"),  # old objects have only the amount
        ({"charges": [charge(5000, currency="USD")]}, "50.00"),
        ({"charges": [charge(5000, deleted=True)]}, "0.00"),
        # Only lost disputes cost anything, and never more than what remained.
        ({"charges": [charge(5000)], "disputes": [dispute("lost")]}, "0.00"),
        ({"charges": [charge(5000)], "disputes": [dispute("lost", 2000)]}, "30.00"),
        ({"charges": [charge(5000, amount_refunded=2000)], "disputes": [dispute("lost")]}, "0.00"),
        ({"charges": [charge(5000)], "disputes": [dispute("lost", 4000), dispute("lost", 4000, id="du_b")]}, "0.00"),
        ({"charges": [charge(5000)], "disputes": [dispute("won")]}, "50.00"),
        ({"charges": [charge(5000)], "disputes": [dispute("under_review")]}, "50.00"),
        ({"charges": [charge(5000)], "disputes": [dispute("warning_closed")]}, "50.00"),
        ({"charges": [charge(5000)], "disputes": [dispute("prevented")]}, "50.00"),
        ({"charges": [charge(5000)], "disputes": [dispute("needs_response")]}, "50.00"),  # withdrawn, not final
        ({"charges": [charge(5000)], "disputes": [dispute("appeal_under_review")]}, "50.00"),
        ({"charges": [charge(5000)], "disputes": [dispute("lunar")]}, "50.00"),
        ({"charges": [charge(5000)], "disputes": [dispute("lost", 9000)]}, "0.00"),
        ({"charges": [charge(5000, amount_refunded=6000)], "disputes": [dispute("lost")]}, "-10.00"),  # as refunded
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


def test_credit_notes_and_balances_are_no_cash() -> None:
    """A credit note's refund is in its charge already, a credit to the balance is none, and neither is the balance."""
    bundle: Json = {
        "charges": [charge(5000, amount_refunded=2000)],
        "invoices": [invoice("paid", total=5000, amount_paid=5000)],
        "credit_notes": [{"id": "cn_a", "status": "issued", "amount": 2000, "currency": "usd", "invoice": "in_a"}],
        "customer": customer(balance=-700),
    }

    assert facts(**bundle).get("ltv") == Decimal("30.00")
    assert facts(**bundle).get("ltv_off_stripe") == Decimal("0.00")


@pytest.mark.parametrize(
    "objects",
    [
        {"charges": [charge(5000, currency=None)]},
        {"charges": [charge(None, amount_captured=None)]},  # type: ignore[arg-type]  # on purpose
        {"charges": [charge(5000)], "disputes": [dispute("lost", currency=None)]},
        {"charges": [charge(5000)], "disputes": [dispute("lost", amount=None)]},
    ],
)
def test_amount_nobody_told_makes_the_sum_unknown(objects: Json) -> None:
    """A charge or a lost dispute without an amount leaves the total unknown, with a note; it is not left out."""
    found = facts(**objects)

    assert found.reasons["ltv"] is Reason.UNSUPPORTED
    assert codes(found, "ltv") == {"no_amount"}


def test_refunded_is_what_the_charges_say() -> None:
    """The sum of `amount_refunded` of all charges, failed ones too, converted; unknown without a currency."""
    charges = [charge(amount_refunded=100), charge(status="failed", amount_refunded=50), charge(amount_refunded=None)]
    assert facts(charges=charges).get("refunded") == Decimal("1.50")
    assert facts(charges=[charge(amount_refunded=5, currency=None)]).reasons["refunded"] is Reason.UNSUPPORTED
    assert facts(charges=[charge(amount_refunded=0, currency=None)]).get("refunded") == Decimal("0.00")


@pytest.mark.parametrize(
    ("attempts", "paid_by", "failed"),
    [
        (1, {"type": "charge", "charge": "py_a"}, False),
        (1, {"type": "payment_intent", "payment_intent": "pi_a"}, False),
        (1, {"type": "charge", "charge": {"id": "py_a"}}, False),
        (2, {"type": "charge", "charge": "py_a"}, True),  # the first attempt has failed
        (1, {"type": "charge", "charge": "py_other"}, True),
        (1, {}, True),
    ],
)
def test_pending_payment_of_an_invoice(attempts: int, paid_by: Json, *, failed: bool) -> None:
    """An invoice whose only attempt is on its way through a bank has not failed."""
    found = facts(
        charges=[charge(status="pending", id="py_a", payment_intent="pi_a")],
        invoices=[invoice("open", attempt_count=attempts)],
        invoice_payments=[{"invoice": "in_a", "payment": paid_by}],
    )

    assert found.get("charge_failed") is failed


def test_later_of_failed_charge_and_invoice_dates_the_failure() -> None:
    """A charge that failed and a later invoice tried in vain: the invoice's instant, the charge's code."""
    tried = invoice("open", attempt_count=2, created=seconds(-5), status_transitions={"finalized_at": seconds(-0.5)})
    found = facts(charges=[charge(status="failed")], invoices=[tried])

    assert found.get("charge_failed_at") == NOW - timedelta(days=0.5)
    assert found.get("failure_code") == "card_declined"
    same = facts(charges=[charge()], invoices=[invoice("open", attempt_count=2)])
    assert same.get("charge_failed") is False  # of the same second is not later
    draft = invoice("open", attempt_count=2, created=seconds(-0.25), status_transitions={"finalized_at": None})
    assert facts(charges=[charge()], invoices=[draft]).get("charge_failed_at") == NOW - timedelta(days=0.25)


def test_refund_that_names_only_the_payment() -> None:
    """Refunds may name the payment intent and no charge; of several the latest that stands counts."""
    refunds = [refund(5, charge=None, payment_intent="pi_a", created=seconds(-3)), refund(5, charge="ch_other")]
    refunds.append(refund(5, created=seconds(-4), status="canceled"))
    found = facts(charges=[charge(payment_intent="pi_a")], refunds=refunds)

    assert found.get("last_refund_at") == NOW - timedelta(days=3)


def test_old_charge_says_only_its_amount() -> None:
    """Before partial captures a payment had one amount; what is lost of it is told the same way."""
    assert facts(charges=[charge(5000, amount_captured=None)]).get("last_payment_amount") == Decimal("50.00")
    nothing = charge(5000, amount_captured=3000, amount_refunded=None)
    refunds = [refund(None), refund(500, id="re_b")]  # type: ignore[arg-type]  # on purpose
    assert facts(charges=[nothing], refunds=refunds).get("ltv") == Decimal("25.00")


def test_dispute_without_status_is_one() -> None:
    """A dispute that does not say how it stands is counted, and is not open."""
    found = facts(disputes=[dispute("lost"), {"id": "du_x"}])

    assert (found.get("disputes"), found.get("open_disputes")) == (2, 0)


def test_refunded_stays_unknown_whatever_follows() -> None:
    """One charge without a currency makes the sum unknown, also when a good one comes after it."""
    charges = [charge(amount_refunded=5, currency=None), charge(amount_refunded=5, id="ch_b")]

    assert facts(charges=charges).reasons["refunded"] is Reason.UNSUPPORTED
    assert facts(charges=charges).get("refunded") is None


@pytest.mark.parametrize(
    ("rates", "expected"),
    [
        ({"eur": "1.10", "gbp": "1.32"}, "54.79"),  # 49.84 pounds at 1.32 are 65.7888, less 11.00
        ({"eur": "1.10"}, None),
        ({"gbp": "1.32"}, None),
    ],
)
def test_dispute_between_two_foreign_currencies(rates: dict[str, str], expected: str | None) -> None:
    """By way of the reporting currency; both rates are needed."""
    bundle: Json = {"charges": [charge(4984, currency="gbp")], "disputes": [dispute("lost", 1000, currency="eur")]}
    found = facts(settings(rates=rates), **bundle)

    assert found.get("ltv") == (None if expected is None else Decimal(expected))
    assert (found.reasons.get("ltv") is Reason.NO_RATE) is (expected is None)
    none_lost: Json = {"charges": [charge(5000)], "disputes": [dispute("lost", 0, currency="xyz")]}
    assert facts(**none_lost).get("ltv") == Decimal("50.00")

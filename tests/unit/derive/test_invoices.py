"""Invoices: open, overdue, due and last."""

from datetime import timedelta
from decimal import Decimal

import pytest

from engine.core.facts import Reason
from tests.unit.derive.build import NOW, Json, codes, facts, invoice, seconds, settings


@pytest.mark.parametrize(
    ("invoices", "expected"),
    [
        ([], (0, 0, 0)),
        ([invoice("paid", due_date=seconds(-5))], (0, 0, 0)),
        ([invoice("draft", due_date=seconds(-5))], (0, 0, 0)),
        ([invoice("uncollectible", due_date=seconds(-5))], (0, 0, 0)),
        ([invoice("open", due_date=seconds(-5.5))], (1, 1, 5)),
        ([invoice("open", due_date=seconds(0))], (1, 0, 0)),  # due this second is not overdue yet
        ([invoice("open", due_date=seconds(5))], (1, 0, 0)),
        ([invoice("open", due_date=seconds(5), attempt_count=3)], (1, 0, 0)),  # there is time left all the same
        ([invoice("open")], (1, 0, 0)),  # charged automatically, not tried yet
        ([invoice("open", attempt_count=1)], (1, 1, 1)),  # due when it was finalized, a day ago
        ([invoice("open", due_date=seconds(-2)), invoice("open", due_date=seconds(-9))], (2, 2, 9)),
    ],
)
def test_open_and_overdue(invoices: list[Json], expected: tuple[int, int, int]) -> None:
    """Overdue is open and past its due date, or tried in vain without one."""
    found = facts(invoices=invoices)

    assert (found.get("open_invoices"), found.get("overdue_invoices"), found.get("days_overdue")) == expected


def test_time_alone_makes_an_invoice_overdue() -> None:
    """The same objects read later count one overdue invoice more."""
    invoices = [invoice("open", due_date=seconds(2))]
    later = NOW + timedelta(days=4)

    assert facts(invoices=invoices).get("overdue_invoices") == 0
    assert facts(now=later, invoices=invoices).get("overdue_invoices") == 1
    assert facts(now=later, invoices=invoices).get("days_overdue") == 2


def test_amount_due_is_what_remains_of_open_invoices() -> None:
    """Partly paid invoices count what remains; amounts of other currencies are converted."""
    invoices = [
        invoice("open", amount_remaining=700),
        invoice("open", amount_remaining=1000, currency="eur"),
        invoice("paid", amount_remaining=0),
        invoice("uncollectible", amount_remaining=5000),
    ]

    assert facts(settings(rates={"eur": "1.105"}), invoices=invoices).get("amount_due") == Decimal("18.05")
    assert facts(invoices=invoices).reasons["amount_due"] is Reason.NO_RATE


@pytest.mark.parametrize(
    ("invoices", "expected"),
    [
        ([invoice("paid", id="in_1"), invoice("draft", id="in_2", created=seconds(-0.5))], "paid"),  # was sent last
        ([invoice("draft", created=seconds(-3)), invoice("draft", created=seconds(-2), id="in_2")], "draft"),
        (
            [
                invoice("open", created=seconds(-9), status_transitions={"finalized_at": seconds(-2)}),
                invoice("paid", created=seconds(-5), status_transitions={"finalized_at": seconds(-4)}),
            ],
            "open",  # finalized last, though created first
        ),
        ([invoice("void", id="in_2"), invoice("paid", id="in_1")], "void"),  # same second: the greater id
    ],
)
def test_last_invoice(invoices: list[Json], expected: str) -> None:
    """The latest invoice is the one finalized last; drafts only where there is nothing else."""
    assert facts(invoices=invoices).get("last_invoice_status") == expected


def test_last_invoice_s_amount_and_instant() -> None:
    """The amount is the invoice's total, also when a credit paid it; the instant its finalization."""
    found = facts(invoices=[invoice("paid", total=5000, starting_balance=-5000, amount_due=0, amount_paid=0)])

    assert found.get("last_invoice_amount") == Decimal("50.00")
    assert found.get("last_invoice_at") == NOW - timedelta(days=1)
    assert found.get("ltv") == Decimal("0.00")  # a credit is no cash


def test_last_invoice_with_an_unknown_status() -> None:
    """A status nobody knows is no value, and no other invoice takes its place."""
    found = facts(invoices=[invoice("paid"), invoice("lunar", created=seconds(0), id="in_z")])

    assert found.reasons["last_invoice_status"] is Reason.UNSUPPORTED
    assert codes(found, "last_invoice_status") == {"unknown_status"}


def test_paid_outside_stripe_stands_apart() -> None:
    """What was paid outside Stripe is added up apart and is no part of the revenue collected."""
    found = facts(invoices=[invoice(amount_paid_off_stripe=400), invoice(amount_paid_off_stripe=600)])

    assert (found.get("ltv_off_stripe"), found.get("ltv")) == (Decimal("10.00"), Decimal("0.00"))


def test_invoice_that_does_not_say_what_was_paid_outside() -> None:
    """Without the field, which only an expanded invoice has, the fact says that it may be incomplete."""
    bare = {key: value for key, value in invoice().items() if key != "amount_paid_off_stripe"}

    assert codes(facts(invoices=[bare]), "ltv_off_stripe") == {"not_expanded"}
    assert codes(facts(invoices=[{**bare, "amount_paid": 0}]), "ltv_off_stripe") == set()


@pytest.mark.parametrize(
    ("notes", "expected"),
    [
        ([{"status": "issued", "currency": "usd", "out_of_band_amount": 300}], "7.00"),
        ([{"status": "void", "currency": "usd", "out_of_band_amount": 300}], "10.00"),
        ([{"status": "issued", "currency": "usd", "out_of_band_amount": None, "amount": 500}], "10.00"),
        (
            [{"status": "issued", "currency": "usd", "out_of_band_amount": 1300}],
            "-3.00",
        ),  # paid by card, refunded in cash
        ([{"status": "issued", "currency": "eur", "out_of_band_amount": 100}], "8.90"),
        ([{"status": "issued", "currency": None, "out_of_band_amount": 100}], None),
    ],
)
def test_credit_given_back_outside_stripe(notes: list[Json], expected: str | None) -> None:
    """The out-of-band part of a credit note lowers what was paid outside Stripe, and nothing else."""
    found = facts(settings(rates={"eur": "1.1"}), invoices=[invoice(amount_paid_off_stripe=1000)], credit_notes=notes)

    assert found.get("ltv_off_stripe") == (None if expected is None else Decimal(expected))
    assert found.get("ltv") == Decimal("0.00")


def test_invoice_that_does_not_say_since_when_it_is_due() -> None:
    """Tried, without any date: it counts as overdue, for nobody knows how long."""
    undated = invoice("open", attempt_count=1, created=None, status_transitions=None)
    found = facts(invoices=[undated, invoice("open", id="in_b", due_date=seconds(-3))])

    assert found.get("overdue_invoices") == 2
    assert found.reasons["days_overdue"] is Reason.UNSUPPORTED
    assert codes(found, "days_overdue") == {"no_date"}
    created = {**undated, "created": seconds(-4)}
    assert facts(invoices=[created]).get("days_overdue") == 4


def test_invoice_without_amount_is_unknown() -> None:
    """An open invoice that does not say what remains leaves the sum unknown; a paid one does no harm."""
    silent = invoice("open", amount_remaining=None)

    assert facts(invoices=[silent, invoice("open")]).reasons["amount_due"] is Reason.UNSUPPORTED
    assert codes(facts(invoices=[silent]), "amount_due") == {"no_amount_remaining"}
    assert facts(invoices=[invoice("paid", amount_remaining=None)]).get("amount_due") == Decimal("0.00")


def test_draft_was_made_and_never_sent() -> None:
    """A draft alone is the latest invoice, dated by its creation."""
    found = facts(invoices=[invoice("draft", created=seconds(-3))])

    assert found.get("last_invoice_at") == NOW - timedelta(days=3)
    assert found.get("days_since_invoice_created") == 3
    assert facts(invoices=[invoice(None)]).reasons["last_invoice_status"] is Reason.NOT_APPLICABLE  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "lists",
    [
        {"invoices": [invoice(amount_paid_off_stripe=5, currency=None)]},
        {"credit_notes": [{"status": "issued", "currency": None, "out_of_band_amount": 100}]},
    ],
)
def test_amount_outside_stripe_without_a_currency(lists: Json) -> None:
    """What was paid or given back outside Stripe in no currency makes the sum unknown, and says so."""
    assert facts(**lists).reasons["ltv_off_stripe"] is Reason.UNSUPPORTED

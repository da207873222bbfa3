"""The default card: which one, its brand, and until when it is good."""

from datetime import UTC, datetime, timedelta

import pytest

from engine.core.facts import FactValue, Reason
from tests.unit.derive.build import NOW, Json, charge, codes, customer, facts, seconds, subscription


def method(last4: str, **more: object) -> Json:
    """Return a payment method with a card."""
    card = {"brand": "visa", "last4": last4, "exp_month": 12, "exp_year": 2026, **more}
    return {"id": f"pm_{last4}", "object": "payment_method", "type": "card", "card": card}


def default(of: object) -> Json:
    """Return a customer with a default payment method."""
    return customer(invoice_settings={"default_payment_method": of})


DEBIT = {"id": "pm_debit", "object": "payment_method", "type": "sepa_debit", "sepa_debit": {"last4": "9999"}}
OLD_CARD = {"id": "card_1", "object": "card", "brand": "American Express", "last4": "0005", "exp_month": 1}
OLD_WAY = {"type": "card", "card": {"brand": "visa", "last4": "0066", "exp_month": 5, "exp_year": 2030}}
PAID_WITH = {"type": "card", "card": {"brand": "visa", "last4": "0077", "exp_month": 5, "exp_year": 2030}}


@pytest.mark.parametrize(
    ("bundle", "last4"),
    [
        ({}, None),
        ({"customer": default(method("0001"))}, "0001"),
        ({"customer": default("pm_0001"), "payment_methods": [method("0001")]}, "0001"),
        (
            {
                "customer": default(method("0001")),
                "subscriptions": [subscription(default_payment_method=method("0002"))],
            },
            "0002",  # the subscription's own comes first
        ),
        (
            {
                "customer": default(method("0001")),
                "subscriptions": [subscription(default_source={**OLD_CARD, "exp_year": 2030})],
            },
            "0005",
        ),
        ({"customer": customer(default_source={**OLD_CARD, "exp_year": 2030})}, "0005"),
        ({"customer": customer(default_source="card_1", sources={"data": [OLD_CARD]})}, "0005"),
        ({"customer": default(DEBIT), "charges": [charge(payment_method_details=PAID_WITH)]}, None),  # a debit decides
        ({"charges": [charge(payment_method_details=PAID_WITH)]}, "0077"),  # nothing is named: the latest charge
        (
            {
                "charges": [
                    charge(payment_method_details=PAID_WITH),
                    charge(payment_method_details={"type": "sepa_debit"}, id="ch_b", created=seconds(0)),
                ]
            },
            None,  # the latest was no card
        ),
        (
            {
                "charges": [
                    charge(payment_method_details=PAID_WITH),
                    charge(payment_method_details=None, id="ch_b", created=seconds(0)),
                ]
            },
            "0077",  # the latest does not tell
        ),
        (
            {"customer": default(method("0001")), "payment_methods": [{**method("0009"), "id": "pm_0001"}]},
            "0009",  # the listed one is kept current, the copy inside the customer is as old as the customer
        ),
        ({"customer": customer(default_source={"object": "bank_account", "id": "ba_1", "last4": "6789"})}, None),
        (
            {"customer": customer(default_source={"object": "source", "id": "src_1", "card": OLD_CARD})},
            "0005",  # a source of the old kind wraps its card
        ),
        (
            {
                "customer": default("pm_x"),
                "charges": [
                    charge(payment_method="pm_x", payment_method_details=PAID_WITH),
                    charge(payment_method="pm_x", payment_method_details=OLD_WAY, id="ch_0", created=seconds(-9)),
                ],
            },
            "0077",  # as the latest charge with it says
        ),
        (
            {"customer": default("pm_x"), "charges": [charge(payment_method="pm_x", payment_method_details=PAID_WITH)]},
            "0077",  # not in the mirror, but a charge was made with it
        ),
        (
            {"customer": default(method("0001")), "subscriptions": [subscription(status="canceled")]},
            "0001",
        ),
    ],
)
def test_default_card(bundle: Json, last4: str | None) -> None:
    """Stripe's own order decides which card is the default one."""
    found = facts(**bundle)

    assert found.get("card_last4") == last4
    assert found.get("card_expired") is False


def test_method_that_is_named_and_not_known() -> None:
    """An id that leads nowhere leaves the card unknown; no other card takes its place."""
    found = facts(customer=default("pm_gone"), charges=[charge(payment_method_details=PAID_WITH)])

    assert found.reasons["card_last4"] is found.reasons["card_expired"] is Reason.UNSUPPORTED
    assert codes(found, "card_brand") == codes(found, "card_expired") == {"payment_method_missing"}


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("visa", "visa"),
        ("Visa", "visa"),
        ("MasterCard", "mastercard"),
        ("American Express", "amex"),
        ("Diners Club", "diners"),
        ("UnionPay", "unionpay"),
        ("union_pay", "unionpay"),
        ("Eftpos Australia", "eftpos_au"),
        ("JCB", "jcb"),
        ("amex", "amex"),
        ("discover", "discover"),
        (" Visa ", "visa"),
        ("eftpos_au", "eftpos_au"),
        ("Newcard", "newcard"),
        ("", None),
    ],
)
def test_brands_are_spelled_one_way(written: str, expected: str | None) -> None:
    """Old and new objects spell brands differently; facts do not."""
    assert facts(customer=default(method("0001", brand=written))).get("card_brand") == expected


@pytest.mark.parametrize(
    ("month", "year", "expected"),
    [
        (12, 2026, (datetime(2027, 1, 1, tzinfo=UTC), False, 42)),
        (11, 2026, (datetime(2026, 12, 1, tzinfo=UTC), False, 11)),  # good to the end of its month
        (10, 2026, (datetime(2026, 11, 1, tzinfo=UTC), True, 0)),
        (13, 2026, (None, False, None)),
        (0, 2026, (None, False, None)),
        (1, 2027, (datetime(2027, 2, 1, tzinfo=UTC), False, 73)),
        (1, 1900, (datetime(1900, 2, 1, tzinfo=UTC), True, 0)),
        (1, 1899, (None, False, None)),
        (12, 9000, (datetime(9001, 1, 1, tzinfo=UTC), False, 2547243)),
        (12, 9001, (None, False, None)),
        (None, 2026, (None, False, None)),
    ],
)
def test_expiry(month: int | None, year: int, expected: tuple[FactValue | None, bool, int | None]) -> None:
    """A card expires with its month."""
    found = facts(customer=default(method("0001", exp_month=month, exp_year=year)))

    assert (found.get("card_expires_at"), found.get("card_expired"), found.get("card_days_left")) == expected


def test_card_expires_by_time_alone() -> None:
    """The same objects read in the next month tell of an expired card."""
    later = NOW + timedelta(days=60)

    assert seconds() < int(later.timestamp())
    assert facts(now=later, customer=default(method("0001"))).get("card_expired") is True

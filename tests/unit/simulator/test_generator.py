"""The generated merchant: the same for a seed, realistic, and with amounts that add up."""

from collections import Counter, defaultdict

import pytest

from stripe_sync.simulator.generator import IMPORT_AGE, PLAIN, generate
from stripe_sync.simulator.generator.past import Rows
from stripe_sync.simulator.records import Record
from tests.unit.simulator.conftest import NOW


@pytest.fixture(name="rows", scope="module")
def _rows() -> Rows:
    """The records of a merchant of 1,000 customers."""
    return generate("money", 1000, NOW)


def test_a_seed_gives_the_same_records() -> None:
    """The same seed, size and time give exactly the same records."""
    assert generate("a", 60, NOW) == generate("a", 60, NOW)


def test_another_seed_gives_other_records() -> None:
    """Another seed gives other ids."""
    ids = [{row["id"] for row in generate(seed, 30, NOW)["customer"]} for seed in ("a", "b")]

    assert not ids[0] & ids[1]


def test_time_moves_a_merchant_without_changing_it() -> None:
    """A later start gives the same ids and amounts, all moved by as much."""
    early, late = generate("a", 60, NOW), generate("a", 60, NOW + 86_400)

    assert _ids_and_ages(early, 0) == _ids_and_ages(late, 86_400)


def _ids_and_ages(rows: Rows, moved: int) -> dict[str, list[tuple[str, int]]]:
    kinds = {kind: [(row["id"], row["created"] - moved) for row in records] for kind, records in rows.items()}
    return {kind: rows for kind, rows in kinds.items() if kind != "payment_method"}


def test_a_larger_merchant_begins_with_the_smaller() -> None:
    """The customers of a small merchant are the first ones of a larger one with the same seed."""
    small, large = generate("a", 20, NOW)["customer"], generate("a", 60, NOW)["customer"]

    assert small == large[:20]


def test_ids_are_unique(rows: Rows) -> None:
    """No two objects of a kind share an id."""
    for records in rows.values():
        assert len({record["id"] for record in records}) == len(records)


def test_nothing_is_in_the_future_or_older_than_its_customer(rows: Rows) -> None:
    """Everything was created before now, and what a customer has is not older than the customer."""
    since = {customer["id"]: customer["created"] for customer in rows["customer"]}
    for kind in ("subscription", "invoice", "charge", "refund", "dispute", "payment_method"):
        for record in rows[kind]:
            assert record["created"] <= NOW, (kind, record)
            if "customer" in record:
                assert record["created"] >= since[record["customer"]], (kind, record)


def test_invoices_add_up(rows: Rows) -> None:
    """Totals are lines less discounts, and what is due is paid or remains."""
    for invoice in rows["invoice"]:
        discounts = sum(part["amount"] for part in invoice["discount_amounts"])
        assert invoice["subtotal"] == sum(line["amount"] for line in invoice["lines"])
        assert invoice["total"] == invoice["subtotal"] - discounts
        assert invoice["total"] >= 0
        assert invoice["amount_due"] == max(0, invoice["total"] + invoice["starting_balance"])
        assert invoice["amount_due"] == invoice["amount_paid"] + invoice["amount_remaining"]
        assert (invoice["amount_remaining"] == 0) or invoice["status"] != "paid"


def test_paid_invoices_were_paid_by_charges(rows: Rows) -> None:
    """What was paid on an invoice is what its payments' charges captured, or was paid outside Stripe."""
    charges: dict[str, list[Record]] = defaultdict(list)
    for charge in rows["charge"]:
        charges[charge["payment_intent"]].append(charge)
    paid: Counter[str] = Counter()
    for payment in rows["invoice_payment"]:
        if payment["status"] == "paid":
            paid[payment["invoice"]] += payment["amount_paid"]
            if payment["payment_intent"]:
                captured = sum(charge["amount_captured"] for charge in charges[payment["payment_intent"]])
                assert captured == payment["amount_paid"]
    for invoice in rows["invoice"]:
        assert paid[invoice["id"]] == invoice["amount_paid"], invoice


def test_refunds_add_up(rows: Rows) -> None:
    """A charge's refunded amount is that of its refunds that did not fail, and never more than was captured."""
    refunded: Counter[str] = Counter()
    for refund in rows["refund"]:
        if refund["status"] != "failed":
            refunded[refund["charge"]] += refund["amount"]
    for charge in rows["charge"]:
        assert charge["amount_refunded"] == refunded[charge["id"]]
        assert charge["amount_refunded"] <= charge["amount_captured"] <= charge["amount"]
        assert charge["refunded"] == (0 < charge["amount_refunded"] == charge["amount_captured"])


def test_disputes_and_charges_agree(rows: Rows) -> None:
    """Exactly the charges that have a dispute say so."""
    disputed = {dispute["charge"] for dispute in rows["dispute"]}

    assert disputed == {charge["id"] for charge in rows["charge"] if charge["disputed"]}


def test_references_lead_somewhere(rows: Rows) -> None:
    """Every id in a record is the id of a record."""
    known = {kind: {record["id"] for record in records} for kind, records in rows.items()}
    fields = ("customer", "subscription", "invoice", "charge", "payment_intent", "price", "product", "coupon")
    for kind, records in rows.items():
        for record in records:
            for field in fields:
                if record.get(field) is not None:
                    assert record[field] in known[field], (kind, field, record)


def test_currencies_agree_along_a_bill(rows: Rows) -> None:
    """A subscription's items are priced in its currency, or have an option in it; its invoices use it."""
    prices = {price["id"]: price for price in rows["price"]}
    currency = {row["id"]: row["currency"] for row in rows["subscription"]}
    for item in rows["subscription_item"]:
        price = prices[item["price"]]
        offered = {price["currency"], *(price["currency_options"] or {})}
        assert currency[item["subscription"]] in offered
    for invoice in rows["invoice"]:
        if invoice["subscription"]:
            assert invoice["currency"] == currency[invoice["subscription"]]


def test_every_status_and_oddity_occurs(rows: Rows) -> None:
    """The merchant has what facts must get right: statuses, discounts, trials, tiers, currencies, twins, hostility."""
    statuses = {row["status"] for row in rows["subscription"]}
    assert statuses == {
        "active", "past_due", "trialing", "unpaid", "paused", "canceled", "incomplete", "incomplete_expired",
    }  # fmt: skip
    assert {row["status"] for row in rows["invoice"]} >= {"paid", "open", "void", "uncollectible"}
    assert {row["status"] for row in rows["charge"]} == {"succeeded", "failed", "pending"}
    assert {row["status"] for row in rows["refund"]} == {"succeeded", "failed"}
    assert len({row["status"] for row in rows["dispute"]}) >= 8
    assert {row["currency"] for row in rows["charge"]} >= {"usd", "eur", "gbp", "jpy", "kwd"}
    assert any(row["amount_paid_off_stripe"] for row in rows["invoice"])
    assert any(row["pause_collection"] for row in rows["subscription"])
    assert any(row["cancel_at_period_end"] for row in rows["subscription"])
    assert any(row["discount"] for row in rows["customer"])
    assert any(not row["captured"] and row["status"] == "succeeded" for row in rows["charge"])
    assert any("<script>" in (row["name"] or "") for row in rows["customer"])
    assert any(len(row["items"]) > 10 for row in rows["subscription"])
    assert rows["credit_note"]


def test_addresses_repeat_only_where_meant(rows: Rows) -> None:
    """Some customers share an address, also in other capitals; the plain ones at the beginning never do."""
    spelled = [row["email"] for row in rows["customer"] if row["email"]]
    folded = Counter(email.lower() for email in spelled)

    assert 10 < sum(count > 1 for count in folded.values()) < 100
    assert len(set(spelled)) > len(folded)
    assert all(folded[email] == 1 for email in spelled[:PLAIN])


def test_a_quarter_was_imported_within_an_hour(rows: Rows) -> None:
    """Creation dates are skewed: an import put many customers into one hour."""
    imported = [row for row in rows["customer"] if 0 <= NOW - IMPORT_AGE - row["created"] < 3600]

    assert 0.15 < len(imported) / len(rows["customer"]) < 0.35

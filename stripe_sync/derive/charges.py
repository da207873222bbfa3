"""Facts of charges, refunds and disputes: what was paid, what went back, and whether the latest attempt failed."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from stripe_sync.catalog import FIRST
from stripe_sync.derive.collected import by_payment, collected_lines, is_payment, refunds_of
from stripe_sync.derive.invoices import amount_of, finalized_at, invoices_of, is_open, was_tried
from stripe_sync.derive.lookup import Lookup
from stripe_sync.derive.money import Amount, Missing, total
from stripe_sync.derive.read import at_path, instant, integer, living, newest_first, reference, text
from stripe_sync.derive.sheet import Sheet
from stripe_sync.objects import NO_REST, Bundle, Rest, StripeObject

SETTLED = frozenset({"succeeded", "failed"})
FAILED_REFUNDS = frozenset({"failed", "canceled"})
OPEN_DISPUTES = frozenset({"needs_response", "under_review"})


def charges_of(lookup: Lookup) -> tuple[StripeObject, ...]:
    """Return the customer's charges."""
    return lookup.charges


def write_charges(sheet: Sheet, lookup: Lookup) -> None:
    """Write down the facts of charges, refunds and disputes."""
    charges = charges_of(lookup)
    lines = collected_lines(charges, lookup, sheet.settings, sheet.now)
    if not isinstance(lines, Missing):
        sheet.write_money("ltv", total(Amount(line.collected, line.currency) for line in lines))
    else:
        sheet.write("ltv", lines)
    _write_payments(sheet, [each for each in charges if is_payment(each)], lookup.bundle.rest or NO_REST)
    _write_refunds(sheet, charges, lookup)
    _write_failure(sheet, charges, lookup)
    _write_disputes(sheet, lookup.bundle)


def _write_payments(sheet: Sheet, payments: Sequence[StripeObject], rest: Rest) -> None:
    last = max(payments, key=newest_first, default=None)
    sheet.write("payments", len(payments) + sum(each.payments for each in rest.charges))
    sheet.write("last_payment_at", None if last is None else instant(last, "created"))
    sheet.write("charged_at", None if last is None else instant(last, "created"))
    if last is None:
        sheet.write("last_payment_amount", None)
    else:
        field = "amount" if integer(last, "amount_captured") is None else "amount_captured"
        sheet.write_amount("last_payment_amount", amount_of(last, field))


def _write_refunds(sheet: Sheet, charges: Sequence[StripeObject], lookup: Lookup) -> None:
    rest = (lookup.bundle.rest or NO_REST).charges
    amounts = [Amount(each.refunded + each.refunded_otherwise, each.currency) for each in rest]
    for charge in charges:
        amount = amount_of(charge, "amount_refunded") if integer(charge, "amount_refunded") else None
        if isinstance(amount, Missing):
            sheet.write("refunded", amount)
            break
        if amount is not None:
            amounts.append(amount)
    else:
        sheet.write_money("refunded", total(amounts))
    listed = by_payment(lookup.bundle.refunds)
    made = [
        at
        for charge in charges
        for refund in refunds_of(charge, listed)
        if text(refund, "status") not in FAILED_REFUNDS and (at := instant(refund, "created"))
    ]
    sheet.write("last_refund_at", max(made, default=None))
    sheet.write("charge_refunded_at", max(made, default=None))


def _write_failure(sheet: Sheet, charges: Sequence[StripeObject], lookup: Lookup) -> None:
    """Write whether the latest attempt failed.

    An attempt that needs the customer, or finds no way to pay, leaves no charge; an open invoice later than the latest
    charge, tried and not paid, tells of it.
    """
    last = max((each for each in charges if text(each, "status") in SETTLED), key=newest_first, default=None)
    failed = last if last is not None and text(last, "status") == "failed" else None
    since = instant(last, "created") or FIRST
    awaiting = _invoices_awaiting_settlement(charges, lookup)
    tried = [
        at
        for invoice in invoices_of(lookup)
        if is_open(invoice) and was_tried(invoice) and reference(invoice) not in awaiting
        if (at := _attempted_at(invoice)) and at > since
    ]
    sheet.write("charge_failed", failed is not None or bool(tried))
    sheet.write("charge_failed_at", max(tried, default=None if failed is None else instant(failed, "created")))
    sheet.write("failure_code", None if failed is None else text(failed, "failure_code"))


def _attempted_at(invoice: StripeObject) -> datetime | None:
    return finalized_at(invoice) or instant(invoice, "created")


def _invoices_awaiting_settlement(charges: Sequence[StripeObject], lookup: Lookup) -> frozenset[str]:
    """Return the invoices whose only attempt is a payment still pending at a bank, which has not failed."""
    pending = {
        key
        for charge in charges
        if text(charge, "status") == "pending"
        for key in (reference(charge), reference(charge, "payment_intent"))
        if key
    }
    if not pending:
        return frozenset()
    once = {reference(invoice) for invoice in invoices_of(lookup) if integer(invoice, "attempt_count") == 1}
    found = set()
    for payment in lookup.bundle.invoice_payments:
        paid_by = at_path(payment, "payment")
        invoice_id = reference(payment, "invoice")
        if invoice_id in once and {reference(paid_by, "charge"), reference(paid_by, "payment_intent")} & pending:
            found.add(invoice_id or "")
    return frozenset(found)


def _write_disputes(sheet: Sheet, bundle: Bundle) -> None:
    counted = Counter(text(each, "status") or "" for each in living(bundle.disputes))
    counted.update((bundle.rest or NO_REST).disputes)
    real = {each: n for each, n in counted.items() if not each.startswith("warning_") and each != "prevented"}
    sheet.write("disputes", sum(real.values()))
    sheet.write(
        "open_disputes", sum(n for each, n in real.items() if each in OPEN_DISPUTES or each.startswith("appeal_"))
    )

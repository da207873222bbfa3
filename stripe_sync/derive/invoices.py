"""Facts of invoices: what is open, overdue and was last sent."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from engine.core.facts import format_instant
from stripe_sync.catalog import FIRST, INVOICE_STATUSES, LAST
from stripe_sync.derive.lookup import Lookup
from stripe_sync.derive.money import Amount, Exact, Missing, total
from stripe_sync.derive.prices import unreadable
from stripe_sync.derive.read import instant, integer, living, lower, newest_first, reference, text
from stripe_sync.derive.sheet import Sheet
from stripe_sync.objects import NO_REST, Bundle, StripeObject

UNTOLD = ("ltv_off_stripe", "not_expanded", "some invoices do not say what was paid outside Stripe")


def invoices_of(lookup: Lookup) -> tuple[StripeObject, ...]:
    """Return the customer's invoices, deleted drafts left out."""
    return lookup.invoices


def finalized_at(invoice: StripeObject) -> datetime | None:
    """Return when an invoice was finalized, or None for a draft."""
    return instant(invoice, "status_transitions", "finalized_at")


def was_tried(invoice: StripeObject) -> bool:
    """Return whether at least one payment of an invoice was attempted."""
    return (integer(invoice, "attempt_count") or 0) > 0


def is_open(invoice: StripeObject) -> bool:
    """Return whether an invoice awaits payment."""
    return text(invoice, "status") == "open"


def write_invoices(sheet: Sheet, lookup: Lookup) -> None:
    """Write down the facts of invoices."""
    invoices = invoices_of(lookup)
    awaiting = [each for each in invoices if is_open(each)]
    sheet.write("open_invoices", len(awaiting))
    sheet.write_money("amount_due", _sum(awaiting, "amount_remaining"))
    _write_overdue(sheet, awaiting)
    _write_last(sheet, invoices)
    _write_off_stripe(sheet, invoices, lookup.bundle)
    created = [made for each in invoices if (made := instant(each, "created"))]
    sheet.write("invoice_created_at", max(created, default=None))


def _sum(invoices: Sequence[StripeObject], field: str) -> dict[str, Exact] | Missing:
    amounts = []
    for invoice in invoices:
        amount = amount_of(invoice, field)
        if isinstance(amount, Missing):
            return amount
        amounts.append(amount)
    return total(amounts)


def amount_of(holder: StripeObject, field: str) -> Amount | Missing:
    """Return an amount field of an object that has a currency."""
    amount, currency = integer(holder, field), lower(holder, "currency")
    if amount is None or currency is None:
        return unreadable(f"no_{field}", f"{reference(holder)} has no {field} in a currency")
    return Amount(amount, currency)


def _write_overdue(sheet: Sheet, awaiting: Sequence[StripeObject]) -> None:
    """Write when each open invoice is or was due.

    One without a due date is overdue as soon as a payment was tried, whatever the clock says, so it counts from the
    first instant there is; the days run from its finalization.
    """
    counted: list[datetime] = []
    running: list[datetime] = []
    undated: Missing | None = None
    for invoice in awaiting:
        due = instant(invoice, "due_date")
        if due is not None:
            counted.append(due)
            running.append(due)
        elif was_tried(invoice):
            counted.append(FIRST)
            since = finalized_at(invoice) or instant(invoice, "created")
            if since is None:
                undated = unreadable("no_date", f"{reference(invoice)} does not say since when it is due")
            else:
                running.append(since)
    sheet.write("invoice_due_dates", tuple(format_instant(due) for due in sorted(counted)))
    sheet.write("overdue_since", undated or min(running, default=LAST))


def _write_last(sheet: Sheet, invoices: Sequence[StripeObject]) -> None:
    last = max(invoices, key=lambda each: (finalized_at(each) or FIRST, newest_first(each)), default=None)
    if last is None:
        sheet.write_all(("last_invoice_status", "last_invoice_at", "last_invoice_amount"), None)
        return
    status = text(last, "status")
    known = status is None or status in INVOICE_STATUSES
    sheet.write(
        "last_invoice_status", status if known else unreadable("unknown_status", f"Stripe sent the status {status!r}")
    )
    sheet.write("last_invoice_at", finalized_at(last) or instant(last, "created"))
    sheet.write_amount("last_invoice_amount", amount_of(last, "total"))


def _write_off_stripe(sheet: Sheet, invoices: Sequence[StripeObject], bundle: Bundle) -> None:
    """Write what was paid outside Stripe, less what credit notes say was given back there.

    The field of invoices is there only when it was asked for by name.
    """
    rest, told = bundle.rest or NO_REST, []
    if rest.untold_off_stripe:
        sheet.note(*UNTOLD)
    for invoice in invoices:
        if integer(invoice, "amount_paid_off_stripe") is not None:
            told.append(invoice)
        elif integer(invoice, "amount_paid"):
            sheet.note(*UNTOLD)
    given_back = [
        note
        for note in living(bundle.credit_notes)
        if text(note, "status") != "void" and integer(note, "out_of_band_amount")
    ]
    paid, back = _sum(told, "amount_paid_off_stripe"), _sum(given_back, "out_of_band_amount")
    if isinstance(paid, Missing):
        sheet.write("ltv_off_stripe", paid)
    elif isinstance(back, Missing):
        sheet.write("ltv_off_stripe", back)
    else:
        sheet.write_money("ltv_off_stripe", total(_off_stripe(paid, back, rest.off_stripe)))


def _off_stripe(paid: Mapping[str, Exact], back: Mapping[str, Exact], rest: Mapping[str, Exact]) -> Iterator[Amount]:
    for sums, sign in ((paid, 1), (back, -1), (rest, 1)):
        yield from (Amount(sign * minor, currency) for currency, minor in sums.items())

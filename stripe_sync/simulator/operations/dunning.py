"""Operations on payments that do not go through."""

from stripe_sync.simulator.answers import invalid
from stripe_sync.simulator.change import Change
from stripe_sync.simulator.operations import resolve
from stripe_sync.simulator.operations.billing import bill_next_period
from stripe_sync.simulator.operations.payments import decline
from stripe_sync.simulator.records import Record


def fail_payment(change: Change, args: Record) -> None:
    """Fail the next attempt at an invoice; of a subscription in good standing, the next period's."""
    reference = resolve.argument(args)
    invoice = resolve.find_open_invoice(change, reference)
    if invoice is None:
        if reference.startswith("in_"):
            raise invalid("id", f"Invoice {reference} is not open.", code="invoice_not_payable")
        invoice = bill_next_period(change, resolve.subscription(change, reference))
    decline(change, invoice, str(args.get("code", "card_declined")))

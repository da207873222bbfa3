"""From Stripe's objects to facts: pure, total and exact.

Theory of operation. `derive` takes everything known about one customer and writes each fact on a sheet, with a value
or with the reason it has none; what moves with the clock is written as the instants it moves over. `combine` makes the
facts of several customers of one end user into one. Both give what is stored; `at` turns that into what is read at an
instant. Nothing here reads a clock, a database or Stripe, and no object that Stripe may send makes it raise.
"""

from datetime import datetime

from engine.core.facts import Reason
from stripe_sync.derive.cards import write_card
from stripe_sync.derive.charges import write_charges
from stripe_sync.derive.clock import at
from stripe_sync.derive.combine import best_of, combine, without_customer
from stripe_sync.derive.customers import write_customer
from stripe_sync.derive.explain import explain
from stripe_sync.derive.invoices import write_invoices
from stripe_sync.derive.lookup import Lookup
from stripe_sync.derive.settings import DeriveSettings, FirstRate, GivenRates, NotedRates, Rate, RateSource, RateTable
from stripe_sync.derive.sheet import CustomerFacts, Sheet
from stripe_sync.derive.subscriptions import write_subscriptions
from stripe_sync.objects import Bundle

__all__ = [
    "CustomerFacts",
    "DeriveSettings",
    "FirstRate",
    "GivenRates",
    "NotedRates",
    "Rate",
    "RateSource",
    "RateTable",
    "at",
    "best_of",
    "combine",
    "derive",
    "explain",
    "without_customer",
]


def derive(bundle: Bundle, now: datetime, settings: DeriveSettings) -> CustomerFacts:
    """Return the stored facts of one customer at `now`.

    `match`, `account` and `synced_at` are no matter of Stripe's objects; whoever holds the link adds them.
    """
    if bundle.customer is None:
        known = "customers" in settings.complete
        nothing = without_customer(Reason.NO_CUSTOMER if known else Reason.NOT_SYNCED, "none", now)
        return CustomerFacts(
            as_of=now, values=nothing.values, reasons=nothing.reasons, standing=None if known else Reason.NOT_SYNCED
        )
    sheet = Sheet(settings, now)
    lookup = Lookup(bundle)
    sheet.write("customer", value=True)
    write_customer(sheet, bundle.customer)
    primary = write_subscriptions(sheet, lookup, bundle.customer)
    write_invoices(sheet, lookup)
    write_charges(sheet, lookup)
    write_card(sheet, lookup, bundle.customer, primary)
    return sheet.facts()

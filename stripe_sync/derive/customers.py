"""Facts that stand on the customer object itself."""

from stripe_sync.derive.money import Amount
from stripe_sync.derive.prices import unreadable
from stripe_sync.derive.read import flag, instant, integer, lower, reference, text
from stripe_sync.derive.sheet import Sheet
from stripe_sync.objects import StripeObject


def write_customer(sheet: Sheet, customer: StripeObject) -> None:
    """Write down what the customer object says."""
    country = text(customer, "address", "country")
    sheet.write("customer_id", reference(customer))
    sheet.write("email", text(customer, "email"))
    sheet.write("country", country.upper() if country else None)
    sheet.write("currency", lower(customer, "currency"))
    sheet.write("customer_since", instant(customer, "created"))
    sheet.write("livemode", flag(customer, "livemode"))
    sheet.write("delinquent", flag(customer, "delinquent"))
    _write_balance(sheet, customer)


def _write_balance(sheet: Sheet, customer: StripeObject) -> None:
    """Write the balance; it is in the customer's own currency, and 0 before they have one."""
    balance, currency = integer(customer, "balance") or 0, lower(customer, "currency")
    if balance == 0:
        sheet.write_money("balance", {})
    elif currency is None:
        sheet.write("balance", unreadable("no_currency", "the customer has a balance but no currency"))
    else:
        sheet.write_amount("balance", Amount(balance, currency))

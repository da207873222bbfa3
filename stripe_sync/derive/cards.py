"""Facts of the default card: which one Stripe would charge, and until when it is good.

Stripe's order: the subscription's payment method, its source of the old kind, the customer's payment method, their
source; failing all, what the latest charge was made with. The first that is there decides: where it is no card (a bank
debit), there is no default card.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from stripe_sync.catalog import LAST
from stripe_sync.derive.charges import charges_of
from stripe_sync.derive.lookup import Lookup
from stripe_sync.derive.money import Missing
from stripe_sync.derive.prices import unreadable
from stripe_sync.derive.read import at_path, by_id, integer, mapping, newest_first, objects, reference, text
from stripe_sync.derive.sheet import Sheet
from stripe_sync.objects import StripeObject

SHORT_BRANDS = {
    "american_express": "amex",
    "diners_club": "diners",
    "union_pay": "unionpay",
    "eftpos_australia": "eftpos_au",
}
DECEMBER = 12
FIRST_YEAR, LAST_YEAR = 1900, 9000
_NAMES = ("card_brand", "card_last4", "card_expires_at")


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """What is shown of a card."""

    brand: str | None
    last4: str | None
    expires_at: datetime | None
    """The first instant of the month after the one it is good for."""


def write_card(sheet: Sheet, lookup: Lookup, customer: StripeObject, primary: StripeObject | Missing | None) -> None:
    """Write down the facts of the default card."""
    card = primary if isinstance(primary, Missing) else default_card(lookup, customer, primary)
    if card is None or isinstance(card, Missing):
        sheet.write_all(_NAMES, card)
        sheet.write("card_good_until", card or LAST)
        return
    sheet.write("card_brand", card.brand)
    sheet.write("card_last4", card.last4)
    sheet.write("card_expires_at", card.expires_at)
    sheet.write("card_good_until", card.expires_at or LAST)


def default_card(lookup: Lookup, customer: StripeObject, primary: StripeObject | None) -> Card | Missing | None:
    """Return the default card, None if there is none, or why it is not known."""
    for named in _named(customer, primary):
        found = lookup.find("payment_methods", named) or _find_elsewhere(lookup, customer, reference(named) or "")
        if found is None:
            return unreadable("payment_method_missing", f"payment method {reference(named)} is not known")
        return _read(found)
    told = [each for each in charges_of(lookup) if mapping(each, "payment_method_details")]
    latest = max(told, key=newest_first, default=None)
    return None if latest is None else _read(latest["payment_method_details"])


def _named(customer: StripeObject, primary: StripeObject | None) -> Iterator[Any]:
    for found in (
        at_path(primary, "default_payment_method"),
        at_path(primary, "default_source"),
        at_path(customer, "invoice_settings", "default_payment_method"),
        at_path(customer, "default_source"),
    ):
        if reference(found) or mapping(found):
            yield found


def _find_elsewhere(lookup: Lookup, customer: StripeObject, method_id: str) -> StripeObject | None:
    """Return a payment method that is not listed; a charge made with it tells as much about the card."""
    known = by_id(objects(customer, "sources")).get(method_id)
    if known is not None:
        return known
    made_with = [each for each in charges_of(lookup) if reference(each, "payment_method") == method_id]
    return mapping(max(made_with, key=newest_first, default=None), "payment_method_details")


def _read(method: StripeObject) -> Card | None:
    """Return the card of a payment method, of details of a charge, or of an object of the old kind."""
    card = mapping(method, "card") or (method if text(method, "object") == "card" else None)
    if card is None:
        return None
    return Card(
        brand=_brand(text(card, "brand")),
        last4=text(card, "last4"),
        expires_at=_end_of_month(integer(card, "exp_year"), integer(card, "exp_month")),
    )


def _brand(written: str | None) -> str | None:
    if written is None:
        return None
    plain = written.strip().lower().replace(" ", "_")
    return SHORT_BRANDS.get(plain, plain) or None


def _end_of_month(year: int | None, month: int | None) -> datetime | None:
    if year is None or month is None or not 1 <= month <= DECEMBER or not FIRST_YEAR <= year <= LAST_YEAR:
        return None
    return datetime(year + month // DECEMBER, month % DECEMBER + 1, 1, tzinfo=UTC)

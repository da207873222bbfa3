"""Total revenue collected, as one line per charge; of a customer with very many, one per currency for most of them.

A charge that succeeded and was captured brought in what was captured, less what went back: refunds, and disputes that
were lost, the latter never more than what remained. Credit notes and balances are not looked at: their money is
already in the charges, or never moved.

A partial capture releases the rest of the authorisation, which Stripe may count as refunded; for those charges the
refund objects themselves are added up instead.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from stripe_sync.currencies import scale
from stripe_sync.derive.lookup import Lookup
from stripe_sync.derive.money import Amount, Exact, Missing, find_rate
from stripe_sync.derive.prices import unreadable
from stripe_sync.derive.read import flag, integer, living, lower, objects, reference, text
from stripe_sync.derive.settings import DeriveSettings
from stripe_sync.objects import NO_REST, Rest, StripeObject

MONEY_GOES_BACK = frozenset({"succeeded", "pending"})
"""Statuses of refunds that count; Stripe lowers `amount_refunded` again when a pending one fails."""
RELEASED = "expired_uncaptured_charge"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargeLine:
    """What one charge brought in, or many of one currency together, in minor units of that currency."""

    charge_id: str | None
    """None where it is many."""
    count: int = 1
    currency: str
    captured: Exact
    refunded: Exact
    lost: Exact

    @property
    def collected(self) -> Exact:
        """Return what the line adds to the total."""
        return self.captured - self.refunded - self.lost


def is_payment(charge: StripeObject) -> bool:
    """Return whether a charge took money."""
    return text(charge, "status") == "succeeded" and flag(charge, "captured")


def collected_lines(
    charges: Sequence[StripeObject], lookup: Lookup, settings: DeriveSettings, now: datetime
) -> tuple[ChargeLine, ...] | Missing:
    """Return a line for each payment that is listed and for each sum of others, or why the total can't be known."""
    refunds = by_payment(lookup.bundle.refunds)
    disputes = by_payment(lookup.bundle.disputes)
    lines = []
    for charge in charges:
        if not is_payment(charge):
            continue
        currency = lower(charge, "currency")
        captured = captured_of(charge)
        if currency is None or captured is None:
            return unreadable("no_amount", f"charge {reference(charge)} has no amount in a currency")
        refunded = _refunded(charge, captured, refunds)
        lost = _lost(of_charge(charge, disputes), currency, settings, now)
        if isinstance(lost, Missing):
            return lost
        lines.append(
            ChargeLine(
                charge_id=reference(charge),
                currency=currency,
                captured=captured,
                refunded=refunded,
                lost=min(lost, max(captured - refunded, 0)),
            )
        )
    return (*lines, *_summed(lookup.bundle.rest or NO_REST))


def _summed(rest: Rest) -> Iterable[ChargeLine]:
    return (
        ChargeLine(
            charge_id=None,
            count=each.payments,
            currency=each.currency,
            captured=each.captured,
            refunded=each.refunded,
            lost=0,
        )
        for each in rest.charges
        if each.payments
    )


def captured_of(charge: StripeObject) -> int | None:
    """Return what was captured of a charge; old objects have only the amount."""
    captured = integer(charge, "amount_captured")
    return integer(charge, "amount") if captured is None else captured


def by_payment(found: Iterable[StripeObject]) -> Mapping[str, Sequence[StripeObject]]:
    """Return refunds or disputes by the id of their charge; some name the payment intent only."""
    grouped = defaultdict(list)
    for each in living(found):
        payment_id = reference(each, "charge") or reference(each, "payment_intent")
        if payment_id:
            grouped[payment_id].append(each)
    return grouped


def of_charge(charge: StripeObject, grouped: Mapping[str, Sequence[StripeObject]]) -> Sequence[StripeObject]:
    """Return those that belong to a charge."""
    if not grouped:
        return ()
    own = grouped.get(reference(charge) or "", ())
    return (*own, *grouped.get(reference(charge, "payment_intent") or "", ()))


def refunds_of(charge: StripeObject, listed: Mapping[str, Sequence[StripeObject]]) -> Sequence[StripeObject]:
    """Return the refunds of a charge: those listed, else those that came inside it."""
    return of_charge(charge, listed) or objects(charge, "refunds")


def _refunded(charge: StripeObject, captured: int, refunds: Mapping[str, Sequence[StripeObject]]) -> int:
    authorised = integer(charge, "amount")
    if authorised is None or captured >= authorised:
        return integer(charge, "amount_refunded") or 0
    return sum(
        integer(refund, "amount") or 0
        for refund in refunds_of(charge, refunds)
        if text(refund, "status") in MONEY_GOES_BACK and text(refund, "reason") != RELEASED
    )


def _lost(disputes: Sequence[StripeObject], currency: str, settings: DeriveSettings, now: datetime) -> Exact | Missing:
    """Return what lost disputes took, in minor units of the charge's currency."""
    lost: Exact = 0
    for dispute in disputes:
        if text(dispute, "status") != "lost":
            continue
        amount, disputed = integer(dispute, "amount"), lower(dispute, "currency")
        if amount is None or disputed is None:
            return unreadable("no_amount", f"dispute {reference(dispute)} has no amount in a currency")
        taken = _in_currency(Amount(amount, disputed), currency, settings, now)
        if isinstance(taken, Missing):
            return taken
        lost += taken
    return lost


def _in_currency(amount: Amount, currency: str, settings: DeriveSettings, now: datetime) -> Exact | Missing:
    """Return an amount in minor units of another currency, by way of the reporting currency."""
    if amount.currency == currency or amount.minor == 0:
        return amount.minor
    theirs = find_rate(amount.currency, settings, now)
    ours = find_rate(currency, settings, now)
    if isinstance(theirs, Missing):
        return theirs
    if isinstance(ours, Missing):
        return ours
    return amount.minor * theirs.value / ours.value * scale(currency) / scale(amount.currency)

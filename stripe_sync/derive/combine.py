"""Several customers of one end user, as one.

Laws of this module
- Test and live never add up: with a live customer among them, test ones are left out.
- "Best" facts come from one customer: the one whose primary subscription would be the primary one among all of theirs
  (the better status, then the higher MRR, then the newer, then by id); where nobody has one, the newest customer.
- Facts that belong together (the latest invoice's status, time and amount) come from one customer.
- What is unknown for one customer is unknown for all, wherever it could change the answer.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from fractions import Fraction
from types import MappingProxyType

from engine.core.facts import Combine, Facts, FactType, FactValue, Note, Reason
from stripe_sync.catalog import FIRST, LAST, STATUSES, STORED, Stored
from stripe_sync.derive.money import Missing, rounded
from stripe_sync.derive.sheet import CustomerFacts, Standing

_TOGETHER: Mapping[str, str] = MappingProxyType(
    {
        "last_invoice_status": "last_invoice_at",
        "last_invoice_amount": "last_invoice_at",
        "failure_code": "charge_failed_at",
        "last_payment_amount": "last_payment_at",
        "last_plan": "ended_at",
    }
)
"""Facts taken from the customer whose instant, the second one, is the latest."""
_ONLY_IF_NONE_LIVE = frozenset({"ended_at", "last_plan"})

Outcome = FactValue | Reason


def combine(per_customer: Sequence[CustomerFacts], now: datetime) -> Facts:
    """Return the stored facts of an end user linked to all of these customers."""
    chosen = _one_mode(per_customer)
    if not chosen:
        return without_customer(Reason.NO_CUSTOMER, "none", now)
    if len(chosen) == 1:
        return chosen[0]
    best = _best(chosen)
    values: dict[str, FactValue] = {}
    reasons: dict[str, Reason] = {}
    for stored in STORED:
        outcome = _combine_one(stored, chosen, best)
        if isinstance(outcome, Reason):
            reasons[stored.name] = outcome
        else:
            values[stored.name] = outcome
    return Facts(as_of=now, values=values, reasons=reasons, notes=_notes(chosen))


def best_of(per_customer: Sequence[CustomerFacts]) -> CustomerFacts | None:
    """Return the facts of the best customer, or None if there is none; where that can't be told, the newest's."""
    chosen = _one_mode(per_customer)
    found = _best(chosen) if chosen else None
    return max(chosen, key=_newest) if isinstance(found, Reason) else found


def without_customer(reason: Reason, match: str, now: datetime) -> Facts:
    """Return the facts of an end user with no linked customer: only `customer` and `match` speak."""
    known: dict[str, FactValue] = {"customer": False, "match": match}
    return Facts(
        as_of=now,
        values=known,
        reasons={stored.name: reason for stored in STORED if stored.name not in known},
    )


def _one_mode(per_customer: Sequence[CustomerFacts]) -> Sequence[CustomerFacts]:
    """Return the customers that count: those that exist, and of these the live ones if there are any.

    One that is not read yet may turn out live, so it counts beside a live one, and leaves unknown what it could change.
    """
    there = [each for each in per_customer if each.reasons.get("customer_id") is not Reason.NO_CUSTOMER] or per_customer
    if any(each.values.get("livemode") is True for each in there):
        return [each for each in there if each.values.get("livemode") is not False]
    return there


def _best(chosen: Sequence[CustomerFacts]) -> CustomerFacts | Reason:
    """Return the best customer, or why it can't be told."""
    for each in chosen:
        if isinstance(each.standing, Reason):
            return each.standing
    best = min((each.standing.rank for each in chosen if isinstance(each.standing, Standing)), default=None)
    if best is None:
        return max(chosen, key=_newest)
    ranked: list[tuple[tuple[Fraction, tuple[int, str], tuple[datetime, str]], CustomerFacts]] = []
    candidates = [each for each in chosen if isinstance(each.standing, Standing) and each.standing.rank == best]
    if len(candidates) == 1:
        return candidates[0]
    for each in candidates:
        assert isinstance(each.standing, Standing)
        if isinstance(each.standing.monthly, Missing):
            return each.standing.monthly.reason
        ranked.append(((each.standing.monthly, each.standing.newest, _newest(each)), each))
    return max(ranked, key=lambda pair: pair[0])[1]


def _newest(facts: Facts) -> tuple[datetime, str]:
    since, customer_id = facts.values.get("customer_since"), facts.values.get("customer_id")
    return (since if isinstance(since, datetime) else FIRST, customer_id if isinstance(customer_id, str) else "")


def _combine_one(stored: Stored, chosen: Sequence[CustomerFacts], best: CustomerFacts | Reason) -> Outcome:
    name = stored.name
    if name in _ONLY_IF_NONE_LIVE and any(each.values.get("subscriptions", 0) != 0 for each in chosen):
        return Reason.NOT_APPLICABLE
    if name in _TOGETHER:
        latest = _latest_by(_TOGETHER[name], chosen)
        return latest if isinstance(latest, Reason) else _outcome(name, latest)
    if stored.combine is Combine.NONE:
        return _outcome(name, max(chosen, key=_newest))
    if stored.combine is Combine.BEST:
        return best if isinstance(best, Reason) else _outcome(name, best)
    return _reduce(stored, chosen)


def _reduce(stored: Stored, chosen: Sequence[CustomerFacts]) -> Outcome:
    name = stored.name
    unknown = _unknown(name, chosen)
    known = [each.values[name] for each in chosen if name in each.values]
    if stored.combine is Combine.ANY and True in known:
        return True
    if stored.combine is Combine.LATEST and LAST in known:
        return LAST  # nothing unknown could be later
    if unknown is not None:
        return unknown
    if stored.type is FactType.MONEY and stored.combine is Combine.SUM:
        return _sum_of_money(name, chosen)
    return _REDUCERS[stored.combine](known) if known else Reason.NOT_APPLICABLE


def _outcome(name: str, facts: Facts) -> Outcome:
    return facts.values[name] if name in facts.values else facts.reasons.get(name, Reason.NOT_APPLICABLE)


def _unknown(name: str, chosen: Sequence[CustomerFacts]) -> Reason | None:
    """Return the reason for which a customer's value is not known, though there may be one; of several the first."""
    reasons = {each.reasons.get(name) for each in chosen}
    return next((reason for reason in Reason if reason in reasons and reason is not Reason.NOT_APPLICABLE), None)


def _latest_by(instant: str, chosen: Sequence[CustomerFacts]) -> CustomerFacts | Reason:
    unknown = _unknown(instant, chosen)
    if unknown is not None:
        return unknown
    dated = [(when, each) for each in chosen if isinstance(when := each.values.get(instant), datetime)]
    return max(dated, key=lambda pair: (pair[0], _newest(pair[1])))[1] if dated else Reason.NOT_APPLICABLE


def _instants(known: Sequence[FactValue]) -> list[datetime]:
    return [value for value in known if isinstance(value, datetime)]


def _sum(known: Sequence[FactValue]) -> FactValue:
    if all(isinstance(value, tuple) for value in known):
        return tuple(sorted(element for value in known if isinstance(value, tuple) for element in value))
    return sum(value for value in known if isinstance(value, int))


def _sum_of_money(name: str, chosen: Sequence[CustomerFacts]) -> Outcome:
    """Add the exact amounts and round once: two customers of 8.325 bring in 16.65, not 16.66."""
    currency = chosen[0].currency
    amount = rounded(sum((each.exact.get(name, Fraction(0)) for each in chosen), Fraction(0)), currency)
    return amount.reason if isinstance(amount, Missing) else amount


def _worst(known: Sequence[FactValue]) -> FactValue:
    return min((value for value in known if isinstance(value, str)), key=STATUSES.index)


_REDUCERS: Mapping[Combine, Callable[[Sequence[FactValue]], FactValue]] = MappingProxyType(
    {
        Combine.ANY: lambda known: True in known,
        Combine.SUM: _sum,
        Combine.WORST: _worst,
        Combine.EARLIEST: lambda known: min(_instants(known)),
        Combine.OLDEST: lambda known: min(_instants(known)),
        Combine.LATEST: lambda known: max(_instants(known)),
    }
)
"""How known values become one; the other combinations belong to clock facts, over instants combined like this."""


def _notes(chosen: Sequence[CustomerFacts]) -> tuple[Note, ...]:
    return tuple(dict.fromkeys(note for each in chosen for note in each.notes))

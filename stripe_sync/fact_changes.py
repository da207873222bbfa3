"""What is kept of an end user's facts, and what counts as a change of them. Pure.

Laws of this module
- A change is told once: between what stood there and what stands there now, each at its own instant. Facts that move
  with every second or day, and how fresh the data is, are no changes; a flag or a count that the clock flips is one.
- The first facts of an end user are no change, nor is a fact that was not synced before: it became known, in Stripe
  nothing happened. Neither is an amount that only a new exchange rate made another.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from engine.core.facts import CountPassed, Facts, FactType, FactValue, HasPassed, IsAhead, JsonValue, Reason
from engine.ids import EndUserId
from stripe_sync.catalog import STRIPE_FACTS
from stripe_sync.derive import Rate, at
from stripe_sync.derive.clock import next_flip

_FRESHNESS = frozenset({"synced_at", "sync_age"})
_TOLD = tuple(
    spec
    for spec in STRIPE_FACTS
    if spec.name not in _FRESHNESS and (spec.clock is None or isinstance(spec.clock, IsAhead | HasPassed | CountPassed))
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFacts:
    """What is kept for one end user."""

    facts: Facts
    """Stored values and instants, no clock facts."""
    reporting_currency: str = "usd"
    rates: Mapping[str, Rate] = field(default_factory=dict)
    """The rates the amounts were converted with, by currency."""
    customers: tuple[tuple[str, str], ...] = ()
    """Pairs of connection and customer id the facts are made of."""
    last_values: Mapping[str, JsonValue] | None = None
    """The values before the connection was gone, for people to look at; None while there is one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FactChange:
    """One fact of one end user that is another than it was."""

    end_user_id: EndUserId
    fact: str
    old: FactValue | None
    new: FactValue | None


def changes(
    end_user_id: EndUserId, old: Facts, new: Facts, now: datetime, at_old_rates: Facts | None = None
) -> Iterator[FactChange]:
    """Yield what changed from one writing of an end user's facts to the next, in the catalog's order.

    `at_old_rates` is `new` once more, converted with the rates of `old`, where those differ.
    """
    if _is_still(old, new, now):
        return
    before, after = at(old, old.as_of), at(new, now)
    for spec in _TOLD:
        was, is_ = before.values.get(spec.name), after.values.get(spec.name)
        if was == is_ or (was is None and before.reasons.get(spec.name) is Reason.NOT_SYNCED):
            continue
        steady = at_old_rates is not None and spec.type is FactType.MONEY
        if steady and at_old_rates is not None and at_old_rates.values.get(spec.name) == was:
            continue
        yield FactChange(end_user_id=end_user_id, fact=spec.name, old=was, new=is_)


def is_kept(old: StoredFacts, new: StoredFacts, now: datetime) -> bool:
    """Return whether what is kept at `now` is what was kept before, but for how fresh it is."""
    return (
        _is_still(old.facts, new.facts, now)
        and (old.facts.reasons, old.facts.notes) == (new.facts.reasons, new.facts.notes)
        and (old.reporting_currency, old.customers) == (new.reporting_currency, new.customers)
        and (old.rates, old.last_values) == (new.rates, new.last_values)
    )


def _is_still(old: Facts, new: Facts, now: datetime) -> bool:
    """Return whether nothing that is stored is another, and the clock has flipped nothing since."""
    flip = next_flip(old, old.as_of)
    return (
        (flip is None or flip > now)
        and old.reasons.keys() - _FRESHNESS == new.reasons.keys() - _FRESHNESS
        and all(old.values.get(name) == value for name, value in new.values.items() if name not in _FRESHNESS)
        and old.values.keys() - _FRESHNESS == new.values.keys() - _FRESHNESS
    )

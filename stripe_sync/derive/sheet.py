"""The sheet on which one customer's facts are written down.

Laws of this module
- A name is written once, with a value or with the reason it has none.
- What needs a kind of object that is not complete yet is `not_synced`, whatever was worked out from the part.
- `None` stands for "nothing there" (`not_applicable`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from types import MappingProxyType

from engine.core.facts import Facts, FactValue, Note, Reason
from stripe_sync.catalog import HIDDEN, LAST, NEEDS, STORED, STRIPE_FACTS, inputs_of
from stripe_sync.derive.money import Amount, Exact, Missing, convert, rounded, without_conversion
from stripe_sync.derive.settings import DeriveSettings
from stripe_sync.objects import KINDS


def _facts_over() -> Mapping[str, tuple[str, ...]]:
    hidden = {stored.name for stored in HIDDEN}
    over = {stored.name: [] if stored.name in hidden else [stored.name] for stored in STORED}
    for spec in STRIPE_FACTS:
        for name in () if spec.clock is None else inputs_of(spec.clock):
            over[name].append(spec.name)
    return MappingProxyType({name: tuple(facts) for name, facts in over.items()})


_FACTS_OVER = _facts_over()
"""The facts that a stored value gives: itself unless it is hidden, and those that move with the clock over it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a customer's primary subscription ranks, among those of other customers of one end user."""

    rank: int
    """Of its status, 0 the best."""
    monthly: Fraction | Missing
    """Its MRR in the reporting currency."""
    newest: tuple[int, str]
    """When it was created, and its id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerFacts(Facts):
    """The stored facts of one customer; its amounts also unrounded, so that several customers round once."""

    currency: str = "usd"
    """The reporting currency."""
    exact: Mapping[str, Fraction] = field(default_factory=dict)
    """Money facts in major units of it."""
    standing: Standing | Reason | None = None
    """Of the primary subscription; None where none is live, a reason where that is not known."""

    def with_values(self, known: Mapping[str, FactValue]) -> "CustomerFacts":
        """Return the facts with these values, which others know, in place of what stood there."""
        reasons = {name: reason for name, reason in self.reasons.items() if name not in known}
        return CustomerFacts(
            as_of=self.as_of,
            values={**self.values, **known},
            reasons=reasons,
            notes=self.notes,
            currency=self.currency,
            exact=self.exact,
            standing=self.standing,
        )


class Sheet:
    """Collects values, reasons and notes; a note names a fact, never a hidden instant."""

    def __init__(self, settings: DeriveSettings, now: datetime) -> None:
        self.settings = settings
        self.now = now
        self._is_all_there = settings.complete >= KINDS
        self._values: dict[str, FactValue] = {}
        self._reasons: dict[str, Reason] = {}
        self._notes: dict[tuple[str, str], Note] = {}
        self._exact: dict[str, Fraction] = {}
        self._valid_until: datetime | None = None
        self._standing: Standing | Reason | None = None

    def write(self, name: str, value: FactValue | Missing | None) -> None:
        """Write down what is known about `name`."""
        if not self._is_all_there and not NEEDS.get(name, frozenset()) <= self.settings.complete:
            self._reasons[name] = Reason.NOT_SYNCED
        elif isinstance(value, Missing):
            self._reasons[name] = value.reason
            for fact in _FACTS_OVER[name]:
                self.note(fact, value.code, value.message)
        elif value is None:
            self._reasons[name] = Reason.NOT_APPLICABLE
        else:
            self._values[name] = value

    def write_all(self, names: Iterable[str], value: Missing | None) -> None:
        """Write the same absence for several names."""
        for name in names:
            self.write(name, value)

    def write_money(self, name: str, sums: dict[str, Exact] | Missing) -> None:
        """Write sums per currency as one amount in the reporting currency."""
        into = self.settings.reporting_currency
        if isinstance(sums, Missing):
            self.write(name, sums)
        elif not sums or (len(sums) == 1 and into in sums):
            self._exact[name], value = without_conversion(sums.get(into, 0), into)
            self.write(name, value)
        elif isinstance(exact := convert(sums, self.settings, self.now), Missing):
            self.write(name, exact)
        else:
            self._exact[name] = exact
            self.write(name, rounded(exact, into))

    def write_amount(self, name: str, amount: Amount | Missing | None) -> None:
        """Write a single amount, converted and rounded."""
        if isinstance(amount, Amount):
            self.write_money(name, {amount.currency: amount.minor})
        else:
            self.write(name, amount)

    def note(self, fact: str, code: str, message: str) -> None:
        """Add a note to `fact`; the same note twice stands once."""
        self._notes.setdefault((fact, code), Note(fact=fact, code=code, message=message))

    def changes_at(self, instant: datetime) -> None:
        """Remember that a stored value may be another from `instant` on, without anything happening at Stripe."""
        if self.now < instant < LAST and (self._valid_until is None or instant < self._valid_until):
            self._valid_until = instant

    def rank(self, standing: Standing | Missing | None) -> None:
        """Remember how the primary subscription ranks."""
        if not NEEDS["subscription_id"] <= self.settings.complete:
            self._standing = Reason.NOT_SYNCED
        else:
            self._standing = standing.reason if isinstance(standing, Missing) else standing

    def facts(self) -> CustomerFacts:
        """Return everything that was written."""
        self.write("valid_until", self._valid_until)
        return CustomerFacts(
            as_of=self.now,
            values=self._values,
            reasons=self._reasons,
            notes=tuple(self._notes.values()),
            currency=self.settings.reporting_currency,
            exact=self._exact,
            standing=self._standing,
        )

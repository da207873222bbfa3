"""How many customers of a workspace have a value for each Stripe fact, in one query."""

from dataclasses import dataclass, field

from sqlalchemy import Table, func, select
from sqlalchemy.orm import Session

from engine.core.facts import ElapsedDays, ElapsedSeconds, FactSpec, HasPassed, RemainingDays
from engine.ids import WorkspaceId
from stripe_sync.catalog import STRIPE_FACTS
from stripe_sync.fact_tables import DbEndUserFacts

_TABLE: Table = DbEndUserFacts.__table__


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownCounts:
    """Counts of end users with a Stripe customer; satisfies `rules.analysis.ports.FactStatistics`."""

    customers: int
    by_fact: dict[str, int] = field(default_factory=dict)

    def known(self, fact: str) -> int | None:
        """Return for how many of them `fact` has a value, or None if it isn't counted."""
        return self.by_fact.get(fact)


def known_counts(workspace_id: WorkspaceId, session: Session) -> KnownCounts:
    """Return how many end users have a customer, and for how many of them each fact has a value."""
    columns = {spec.name: name for spec in STRIPE_FACTS if (name := _column(spec)) is not None}
    counts = [func.count(_TABLE.c[name]).label(f"known_{fact}") for fact, name in columns.items()]
    query = select(func.count().label("customers"), *counts).where(
        _TABLE.c.workspace_id == workspace_id, _TABLE.c.customer.is_(True)
    )
    row = session.execute(query).one()._mapping  # noqa: SLF001  # SQLAlchemy's public way to read a row by label
    return KnownCounts(customers=row["customers"], by_fact={fact: row[f"known_{fact}"] for fact in columns})


def _column(spec: FactSpec) -> str | None:
    """Return the column that is null where the fact has no value, or None if no single one says so."""
    match spec.clock:
        case None:
            name = spec.name
        case ElapsedDays(since=name) | ElapsedSeconds(since=name) | RemainingDays(until=name) | HasPassed(instant=name):
            pass
        case _:
            return None
    return name if name in _TABLE.c else None

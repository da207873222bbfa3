"""Counts of customers that have a value for each fact, on real databases."""

from datetime import UTC, datetime
from decimal import Decimal

from engine.core.facts import Facts
from engine.ids import EndUserId, WorkspaceId
from engine.storage import Database
from stripe_sync import fact_repository
from stripe_sync.fact_statistics_repository import known_counts

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
WORKSPACE = WorkspaceId("ws_counted")


def test_customers_and_their_known_facts_are_counted(database: Database) -> None:
    """Only end users with a customer count; a clock fact counts by the instant it hangs on."""
    people = {
        "eu_1": {"customer": True, "mrr": Decimal(5), "trial_ends_at": NOW},
        "eu_2": {"customer": True, "mrr": Decimal(0)},
        "eu_3": {"customer": False},
    }
    with database.workspace(WORKSPACE) as session:
        for person, values in people.items():
            facts = Facts(as_of=NOW, values=values)  # type: ignore[arg-type]  # each is a value of its fact
            fact_repository.write(WORKSPACE, session, EndUserId(person), facts, NOW)
        counts = known_counts(WORKSPACE, session)

    assert (counts.customers, counts.known("mrr"), counts.known("plan")) == (2, 2, 0)
    assert (counts.known("trial_days_left"), counts.known("on_trial"), counts.known("subject")) == (1, None, None)

"""How numbers were made, of every customer of a simulated merchant: the lines add up to what people see."""

from collections import Counter
from collections.abc import Iterator
from fractions import Fraction

import pytest
from sqlalchemy import text

from engine.core.facts import to_json
from engine.faults import NotFound
from engine.ids import EndUserId
from engine.workspace import repository as workspaces
from engine.workspace.models import ChurnAt, OnAmbiguous, WorkspaceSettings
from stripe_sync.derive.money import rounded
from stripe_sync.explanation import EXPLAINED, MONEY
from tests.integration.stripe_sync.office import ADMIN, FACTS, Office

OTHER = WorkspaceSettings(
    reporting_currency="chf",
    subtract_repeating=True,
    subtract_once=True,
    churn_at=ChurnAt.CANCELLATION,
    on_ambiguous=OnAmbiguous.BEST,
)


@pytest.mark.parametrize("settings", [WorkspaceSettings(), OTHER], ids=["defaults", "others"])
def test_every_explanation_makes_its_number(synced: Office, settings: WorkspaceSettings) -> None:
    """Whatever the customer and the settings, value and lines agree exactly; every line opens a record."""
    with synced.database.workspace(synced.workspace_id) as session:
        workspaces.update_settings(synced.workspace_id, session, settings)
        FACTS.settings_changed(synced.workspace_id, session, synced.clock.now())
    FACTS.drain_due(synced.database, synced.clock)
    lines: Counter[str] = Counter()
    for end_user_id in people(synced):
        check(synced, end_user_id, lines)

    assert lines["mrr"] > 5
    assert lines["ltv"] > 20
    assert (lines["converted"] > 0) is (settings.reporting_currency == "chf")


def test_customers_linked_together_make_one_number(synced: Office) -> None:
    """An end user with five customers has the lines of all, rounded once together, in another currency than theirs."""
    end_user_id = people(synced)[0]
    customers = sorted(synced.simulator.objects("customer"), key=lambda each: str(each["id"]))[:5]
    with synced.database.workspace(synced.workspace_id) as session:
        workspaces.update_settings(synced.workspace_id, session, OTHER)
        for each in customers:
            refused = synced.service.link_customer(
                synced.workspace_id, session, end_user_id, each["id"], member_id=ADMIN, now=synced.clock.now()
            )
            assert refused is None
    lines: Counter[str] = Counter()
    check(synced, end_user_id, lines)

    assert lines["mrr"] > 1
    assert lines["status"] > 1


# helpers


def people(office: Office) -> list[EndUserId]:
    """Return every end user for whom facts are kept."""
    with office.database.workspace(office.workspace_id, readonly=True) as session:
        rows = session.execute(text("SELECT end_user_id FROM end_user_facts ORDER BY end_user_id"))
        return [EndUserId(row.end_user_id) for row in rows]


def check(office: Office, end_user_id: EndUserId, lines: Counter[str]) -> None:
    """Compare all explanations of one end user with the facts."""
    now = office.clock.now()
    with office.database.workspace(office.workspace_id) as session:
        for fact in EXPLAINED:
            told = office.service.explain(office.workspace_id, session, end_user_id, fact, now)
            facts = FACTS.read(office.workspace_id, session, end_user_id, now)
            assert not isinstance(told, NotFound)
            assert told["value"] == to_json(facts.get(fact)), (end_user_id, fact)
            assert told["current"]
            assert all(line["url"].startswith(office.config.dashboard_base) for line in told["lines"])
            lines[fact] += len(told["lines"])
            if fact in MONEY and told["value"] is not None:
                amounts = list(_amounts(told["lines"]))
                assert Fraction(told["exact"]) == sum(amounts, Fraction(0))
                assert Fraction(told["exact"]) + Fraction(told["rounding"]) == Fraction(told["value"])
                assert to_json(rounded(Fraction(told["exact"]), told["currency"])) == told["value"]  # type: ignore[arg-type]  # not too large
                lines["converted"] += sum(line["rate_source"] == "published" for line in told["lines"])


def _amounts(found: list[dict[str, str]]) -> Iterator[Fraction]:
    return (Fraction(line["amount"]) for line in found)

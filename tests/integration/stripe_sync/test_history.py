"""What became of a person's facts stays on their timeline, beside what Stripe's objects tell."""

from engine.router import Router
from engine.workspace.service import references
from rules.service import RulesetService
from stripe_sync import history_repository
from tests.integration.stripe_sync.office import OWNER, Office
from web.facts import CATALOG
from web.outbox import OutboxDrain
from web.privacy import PrivacyService


def test_changes_of_plan_and_status_are_on_the_timeline(synced: Office) -> None:
    """Each change is told once, with what was and what is, however often the outbox is drained."""
    customer_id, email = synced.new_customer()
    synced.simulator.control("create_subscription", id=customer_id)
    _arrive(synced, customer_id)
    before = _told(synced, email)

    synced.simulator.control("fail_payment", id=customer_id)
    _arrive(synced, customer_id)
    _arrive(synced, customer_id)

    assert ("status_changed", "active", "past_due") not in before
    assert _told(synced, email).count(("status_changed", "active", "past_due")) == 1


def test_history_ends_with_its_person(synced: Office) -> None:
    """An erasure takes it along."""
    customer_id, email = synced.new_customer()
    synced.simulator.control("create_subscription", id=customer_id)
    _arrive(synced, customer_id)
    synced.simulator.control("fail_payment", id=customer_id)
    _arrive(synced, customer_id)
    end_user_id = synced.end_user(email)
    assert end_user_id is not None

    PrivacyService(synced.database, synced.clock).erase(synced.workspace_id, end_user_id, actor=OWNER)

    with synced.database.workspace(synced.workspace_id, readonly=True) as session:
        assert history_repository.newest(synced.workspace_id, session, end_user_id, 10) == []


# helpers


def _arrive(office: Office, customer_id: str) -> None:
    """Deliver what happened, and draw its consequences."""
    office.deliver(*office.events(customer_id))
    office.settle()
    rulesets = RulesetService(office.clock, CATALOG, references)
    router = Router(office.database, office.clock, rulesets, office.service, office.wakes)
    privacy = PrivacyService(office.database, office.clock)
    OutboxDrain(office.database, office.clock, router, office.service, privacy).drain()


def _told(office: Office, email: str) -> list[tuple[str, object, object]]:
    timeline = office.panel(email)["timeline"]
    return [(entry["type"], entry.get("old"), entry.get("new")) for entry in timeline]

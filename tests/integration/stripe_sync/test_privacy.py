"""An end user's data: exported whole, erased so that nothing brings it back, and purged with age."""

import json
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import inspect, text

from engine.faults import NotFound
from engine.ids import EndUserId
from engine.inbox.models import NewConversation, Sender
from engine.router import Routed, Router
from engine.workspace import repository as workspaces
from engine.workspace import settings as workspace_settings
from engine.workspace.models import WorkspaceSettings
from engine.workspace.service import references
from rules.service import RulesetService
from tests.integration.stripe_sync.office import OWNER, Office
from web.facts import CATALOG
from web.outbox import OutboxDrain
from web.privacy import PrivacyService

SECRET_TEXT = "my secret trouble"


@pytest.fixture
def privacy(synced: Office) -> PrivacyService:
    """Return the service over the office's database."""
    return PrivacyService(synced.database, synced.clock)


def test_export_holds_everything(synced: Office, privacy: PrivacyService) -> None:
    """Conversations with messages and decisions, facts, links, Stripe's objects and the events about them."""
    customer_id, email = _customer_who_wrote(synced)
    export = _export(synced, privacy, email)

    written = json.dumps(export)
    assert SECRET_TEXT in written
    assert export["end_user"]["email"] == email
    (customer,) = export["stripe"]["customers"]
    assert customer["id"] == customer_id
    kinds = {name for name, objects in customer["objects"].items() if objects}
    assert kinds >= {"customers", "subscriptions", "invoices", "charges", "refunds"}
    assert {event["type"] for event in customer["events"]} >= {"customer.created", "charge.refunded"}
    assert json.loads(written) == export


def test_erased_person_is_nowhere(synced: Office, privacy: PrivacyService) -> None:
    """No table but the audit names them, and what they wrote is gone; everybody else's is there as before."""
    customer_id, email = _customer_who_wrote(synced)
    other_id, other = _customer_who_wrote(synced)
    end_user_id = _id(synced, email)

    counts = privacy.erase(synced.workspace_id, end_user_id, actor=OWNER)
    _drain(synced, privacy)

    assert not isinstance(counts, NotFound)
    assert counts["conversations"] == 1
    assert counts["customers"] == 1
    for name, rows in _dump(synced).items():
        for trace in (email, customer_id, end_user_id):
            assert trace not in rows or name in {"audit", "audit_entries"} or name.startswith("outbox"), (name, trace)
    assert customer_id not in _dump(synced)["stripe_events"]
    assert privacy.erase(synced.workspace_id, end_user_id, actor=OWNER) == NotFound(kind="end user", id=end_user_id)
    assert synced.panel(other)["customer"]["id"] == other_id


def test_nothing_brings_an_erased_person_back(synced: Office, privacy: PrivacyService) -> None:
    """Neither events, nor a re-sync, nor new objects of theirs, nor a look-up when they write in again."""
    customer_id, email = _customer_who_wrote(synced)
    privacy.erase(synced.workspace_id, _id(synced, email), actor=OWNER)
    _drain(synced, privacy)

    for operation in ("update_customer", "create_invoice", "pay_invoice", "create_subscription", "refund", "dispute"):
        arguments = {"name": "Back Again"} if operation == "update_customer" else {}
        synced.simulator.control(operation, id=customer_id, **arguments)
        synced.deliver(*synced.events(customer_id))
        synced.settle()
    synced.service.resync(synced.workspace_id, member_id=OWNER, connection_id=synced.connection.id)
    synced.service.run_backfills()
    synced.settle()

    assert synced.backfill()["status"] == "complete"
    assert synced.end_user(email) is None
    for name, rows in _dump(synced).items():
        if name not in {"audit", "audit_entries", "outbox"}:
            assert customer_id not in rows, name
    synced.clock.advance(timedelta(minutes=20))
    synced.service.look_up(synced.workspace_id, email)
    assert synced.panel(email)["state"] in {"not_found", "stale"}
    assert synced.facts(email).get("customer") is False


def test_customer_of_several_people_stays(synced: Office, privacy: PrivacyService) -> None:
    """Erasing one of two people of a company leaves the company's customer to the other."""
    customer_id, email = _customer_who_wrote(synced)
    colleague = synced.write_in(f"colleague-of-{email}")
    with synced.database.workspace(synced.workspace_id) as session:
        synced.service.link_customer(
            synced.workspace_id, session, colleague, customer_id, member_id=OWNER, now=synced.clock.now()
        )

    counts = privacy.erase(synced.workspace_id, _id(synced, email), actor=OWNER)

    assert not isinstance(counts, NotFound)
    assert counts["customers"] == 0
    assert synced.panel(f"colleague-of-{email}")["customer"]["id"] == customer_id


def test_old_texts_are_purged(synced: Office, privacy: PrivacyService) -> None:
    """After each workspace's own days the texts are gone, and that something happened stays."""
    customer_id, email = _customer_who_wrote(synced)
    _drain(synced, privacy)
    with synced.database.workspace(synced.workspace_id) as session:
        chosen = workspace_settings.parse({"retention_payload_days": 3, "retention_message_days": 10})
        assert isinstance(chosen, WorkspaceSettings)
        workspaces.update_settings(synced.workspace_id, session, chosen)
    assert privacy.purge() == 0

    synced.clock.advance(timedelta(days=4))
    assert privacy.purge() > 0
    assert customer_id not in _dump(synced)["stripe_events"]
    assert "customer.created" in _dump(synced)["stripe_events"]
    assert SECRET_TEXT in _dump(synced)["messages"]

    synced.clock.advance(timedelta(days=7))
    assert privacy.purge() > 0
    assert SECRET_TEXT not in _dump(synced)["messages"]
    export = _export(synced, privacy, email)
    (conversation,) = export["conversations"]
    assert conversation["messages"][0]["body"] == ""
    assert conversation["subject"] is None
    assert conversation["decisions"][0]["facts"] == {}
    assert conversation["decisions"][0]["ruleset_version"] == 0
    assert privacy.purge() == 0


# helpers


def _customer_who_wrote(office: Office) -> tuple[str, str]:
    """Make a customer with a history in Stripe who has written in; return their id and address."""
    customer_id, email = office.new_customer()
    for operation in ("create_subscription", "create_invoice", "pay_invoice", "refund"):
        office.simulator.control(operation, id=customer_id)
    office.deliver(*office.events(customer_id))
    office.settle()
    routed = _router(office).receive(
        office.workspace_id,
        NewConversation(
            external_id=email, channel="email", sender=Sender(email=email), subject="Help", body=SECRET_TEXT
        ),
    )
    assert isinstance(routed, Routed), routed
    return customer_id, email


def _export(office: Office, privacy: PrivacyService, email: str) -> dict[str, Any]:
    export = privacy.export(office.workspace_id, _id(office, email))
    assert not isinstance(export, NotFound)
    return dict(export)


def _router(office: Office) -> Router:
    rulesets = RulesetService(office.clock, CATALOG, references)
    return Router(office.database, office.clock, rulesets, office.service, office.wakes)


def _drain(office: Office, privacy: PrivacyService) -> None:
    OutboxDrain(office.database, office.clock, _router(office), office.service, privacy).drain()


def _id(office: Office, email: str) -> EndUserId:
    found = office.end_user(email)
    assert found is not None
    return found


def _dump(office: Office) -> dict[str, str]:
    """Return everything every table holds, as text, by table."""
    found: dict[str, Any] = {}
    with office.database.system(readonly=True) as session:
        for name in inspect(session.connection()).get_table_names():
            rows = session.execute(text(f'SELECT * FROM "{name}"')).all()
            found[name] = repr([tuple(row) for row in rows])
    return found

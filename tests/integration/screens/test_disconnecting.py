"""What disconnecting means: said before, true afterwards, and undone by connecting again."""

from collections.abc import Sequence

from flask import Flask
from flask.testing import FlaskClient

from engine.audit import repository as audit
from engine.audit.repository import AuditEntry
from engine.ids import ConnectionId
from engine.workspace.models import Role
from rules.check import check
from tests.integration.screens.conftest import Browser, text_of
from tests.integration.screens.test_barred_members import (  # noqa: F401 - fixtures
    API,
    Customer,
    customer,
    services,
    settings,
)
from tests.integration.web.conftest import Tenant
from tests.stripe_simulator import Simulator
from web.facts import CATALOG
from web.screens.rules_using import using_stripe

STRIPE = "/settings/integrations/stripe"


def test_every_rule_that_looks_at_stripe_is_named() -> None:
    """Also one that says itself what to do without the fact, and one that asks whether there is a customer at all."""
    conditions = {
        "Plain": "mrr > 1",
        "With a default": "(mrr ?? 0) > 1 or stripe_plan == 'Pro'",
        "Of nobody": "not customer",
        "Asks for null": "status == null",
        "Words": 'subject =~~ "help"',
        "How matched": 'match == "manual"',
    }
    rules = [
        f"  - name: {name}\n    when: |\n      {when}\n    then: {{priority: high}}\n"
        for name, when in conditions.items()
    ]
    draft = "  - name: Later\n    when: mrr > 1\n    then: {priority: low}\n    mode: draft\n"
    text = f"version: 1\nrules:\n{''.join(rules)}{draft}fallback: {{assign_team: support}}\n"
    checked = check(text, CATALOG).ruleset
    assert checked is not None

    assert {rule.name: rule.facts for rule in using_stripe(checked)} == {
        "Plain": ("mrr",),
        "With a default": ("mrr", "plan"),
        "Of nobody": ("customer",),
        "Asks for null": ("status",),
    }


def test_the_sync_goes_on_when_who_connected_leaves(
    client: FlaskClient,
    ours: Tenant,
    customer: Customer,  # noqa: F811
) -> None:
    """Background jobs act under whoever connected; when they are let out or demoted an owner takes their place."""
    stripe, headers = ours.services.stripe, ours.bearer()
    connection_id = ConnectionId(stripe.status(ours.workspace_id)["connections"][0]["id"])

    def works() -> bool:
        stripe.resync(ours.workspace_id, member_id=ours.admin.id, connection_id=connection_id)
        stripe.run_backfills()
        return bool(stripe.status(ours.workspace_id)["connections"][0]["backfill"]["status"] == "complete")

    promoted = client.patch(f"{API}/members/{ours.admin.id}", json={"role": "owner"}, headers=headers)
    demoted = client.patch(f"{API}/members/{ours.owner.id}", json={"role": "agent"}, headers=ours.bearer(Role.ADMIN))
    assert (promoted.status_code, demoted.status_code) == (200, 200)
    assert works()
    assert "stripe.handed_over" in [entry.action for entry in _audit(ours)]


def test_disconnecting_keeps_last_values_and_says_where_to_revoke(
    app: Flask,
    client: FlaskClient,
    ours: Tenant,
    customer: Customer,  # noqa: F811
    simulator: Simulator,
) -> None:
    """The panel is gone, rules see nothing, the last values are there to look at, Stripe's list of keys is linked."""
    admin, path = Browser(app, ours, Role.ADMIN), f"{API}/end-users/{customer.end_user_id}"
    (connection,) = client.get(f"{API}/integrations/stripe", headers=ours.bearer()).get_json()["connections"]
    before = client.get(path, headers=ours.bearer()).get_json()
    asked = admin.read(f"{STRIPE}/{connection['id']}/disconnect")
    admin.post(f"{STRIPE}/{connection['id']}/disconnect", page=f"{STRIPE}/{connection['id']}/disconnect")
    after = client.get(path, headers=ours.bearer()).get_json()
    barred = client.get(path, headers=ours.bearer(Role.AGENT)).get_json()
    panel = client.get(f"{API}/conversations/{customer.conversation_id}/panel", headers=ours.bearer()).get_json()

    assert "Pays a lot uses mrr" in text_of(asked)
    assert f'href="{simulator.url}/{simulator.account}/apikeys"' in asked
    assert f'href="{simulator.url}/{simulator.account}/apikeys"' in admin.read(STRIPE)
    assert before["last_values"] is None
    assert after["facts"].keys() == {"match"}
    assert after["reasons"]["mrr"] == after["reasons"]["customer"] == "stale"
    assert after["last_values"]["mrr"] == before["facts"]["mrr"]
    assert barred["last_values"] == after["last_values"]
    assert (panel["state"], panel["customer"]) == ("not_connected", None)
    exported = ours.services.privacy.export(ours.workspace_id, before["id"])
    assert isinstance(exported, dict)
    assert exported["stripe"]["last_values"]["mrr"] == before["facts"]["mrr"]  # type: ignore[index,call-overload]  # JSON


# helpers


def _audit(tenant: Tenant) -> Sequence[AuditEntry]:
    with tenant.services.database.workspace(tenant.workspace_id, readonly=True) as session:
        return audit.entries(tenant.workspace_id, session)

"""A member barred from billing data: agents work on, and what customers pay is nowhere for them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from engine.workspace import repository as workspaces
from engine.workspace.models import Role
from stripe_sync.connect.models import Connection
from tests.integration.screens.conftest import Browser, text_of
from tests.integration.web.conftest import Tenant, environment, message, publish
from tests.stripe_simulator import Simulator
from web.auth.models import Scope
from web.billing import FACTS
from web.settings import Settings, load
from web.wiring import Services, build

API = "/api/v1"
RULES = """\
version: 1
rules:
  - name: Pays a lot
    when: mrr > 1
    then: {assign_team: senior, add_tags: [senior]}
    stop: true
  - name: Broken
    when: 1 / (payments - payments) > 1 and mrr > 100000
    then: {priority: urgent}
fallback: {assign_team: support}
"""


@pytest.fixture
def settings(tmp_path: Path, sqlite_url: str, simulator: Simulator) -> Settings:
    """Return settings whose Stripe is the simulator."""
    bases = {f"STRIPE_{name}_BASE": simulator.url for name in ("API", "CONNECT", "APPS", "DASHBOARD")}
    return load(environment(tmp_path, DATABASE_URL=sqlite_url, **bases))


@pytest.fixture
def services(settings: Settings) -> Iterator[Services]:
    """Return the real parts, on the real clock, as the simulator is."""
    services = build(settings)
    yield services
    services.database.dispose()


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """Somebody who pays and has written in."""

    id: str
    email: str
    conversation_id: str
    end_user_id: str


@pytest.fixture
def customer(client: FlaskClient, ours: Tenant, simulator: Simulator) -> Customer:
    """Connect the simulated account, publish rules, and let somebody who pays write in."""
    connection = ours.services.stripe.connect_restricted_key(
        ours.workspace_id,
        member_id=ours.owner.id,
        api_key=simulator.api_key,
        webhook_secret=simulator.webhook_secret,
    )
    assert isinstance(connection, Connection), connection
    ours.services.stripe.run_backfills()
    publish(ours, RULES)
    found = _who_pays(client, ours)
    body = message(sender={"email": found["email"], "name": "Somebody"})
    routed = client.post(f"{API}/conversations", json=body, headers=ours.bearer()).get_json()
    assert routed["decision"]["matched"] == ["Pays a lot"], routed
    return Customer(
        id=found["customers"][0],
        email=found["email"],
        conversation_id=routed["conversation"]["id"],
        end_user_id=found["id"],
    )


@pytest.fixture
def barred(ours: Tenant, client: FlaskClient) -> Tenant:
    """Return our workspace after its admin barred the agent, over the API."""
    answer = client.patch(
        f"{API}/members/{ours.agent.id}", json={"sees_billing": False}, headers=ours.bearer(Role.ADMIN)
    )
    assert answer.status_code == 200
    assert answer.get_json()["sees_billing"] is False
    return ours


def test_the_panel_is_forbidden(client: FlaskClient, customer: Customer, barred: Tenant) -> None:
    """The panel has its shape and nothing in it but where the conversation went; without the scope it is a 403."""
    path = f"{API}/conversations/{customer.conversation_id}/panel"
    open_ = client.get(path, headers=barred.bearer(Role.ADMIN)).get_json()
    closed = client.get(path, headers=barred.bearer(Role.AGENT)).get_json()
    unscoped = client.get(path, headers=barred.bearer(Role.AGENT, Scope.CONVERSATIONS_READ))

    assert (open_["state"], open_["customer"]["id"]) == ("linked", customer.id)
    assert closed["state"] == "forbidden"
    assert set(closed) == set(open_)
    assert not any(value for name, value in closed.items() if name not in {"state", "why"})
    assert any("“Pays a lot” matched" in said for said in closed["why"]["sentences"])
    assert unscoped.status_code == 403


def test_the_drafter_is_told_nothing(client: FlaskClient, customer: Customer, barred: Tenant) -> None:
    """The context names every fact as unknown, says why, and its text has no number in it."""
    path = f"{API}/conversations/{customer.conversation_id}/context"
    context = client.get(path, headers=barred.bearer(Role.AGENT)).get_json()

    assert context["state"] == "forbidden"
    assert set(context["facts"].values()) == {None}
    assert set(context["unknown"].values()) == {"billing data is closed to whoever asks"}
    assert "Billing data is closed" in context["text"]
    assert "USD" not in context["text"]


def test_decisions_keep_what_was_done_and_hide_what_was_known(
    client: FlaskClient, customer: Customer, barred: Tenant
) -> None:
    """Facts of the conversation and actions stay; facts from Stripe, reasons, errors and traces are gone."""
    headers = barred.bearer(Role.AGENT)
    path = f"{API}/conversations/{customer.conversation_id}/decisions"
    (stored,) = client.get(path, headers=headers).get_json()["data"]
    fresh = client.post(
        f"{API}/conversations", json=message("c2", sender={"email": customer.email}), headers=headers
    ).get_json()["decision"]
    again = client.post(
        f"{API}/conversations", json=message("c2", sender={"email": customer.email}), headers=headers
    ).get_json()["decision"]

    for decision in (stored, fresh, again):
        assert decision["matched"] == ["Pays a lot"]
        assert decision["actions"]["assign_team"] == "senior"
        assert decision["facts"]["channel"] == "email"
        assert not FACTS & set(decision["facts"])
        assert not FACTS & set(decision["reasons"])
        assert decision["trace"] == decision["errors"] == []


def test_end_users_are_people_without_bills(client: FlaskClient, customer: Customer, barred: Tenant) -> None:
    """Names and addresses stay; customers and facts do not, nor may a condition ask for them, nor a file be made."""
    headers = barred.bearer(Role.AGENT)
    row = client.get(f"{API}/end-users/{customer.end_user_id}", headers=headers).get_json()
    listed = client.get(f"{API}/end-users?limit=200", headers=headers).get_json()["data"]
    by_attribute = client.get(f"{API}/end-users", query_string={"when": 'attributes["tier"] == null'}, headers=headers)

    assert (row["email"], row["billing"]) == (customer.email, "forbidden")
    for each in (row, *listed):
        assert not any(each[name] for name in ("customers", "facts", "reasons", "exported"))
    assert by_attribute.status_code == 200
    for when in ("mrr > 1", 'attributes["tier"] == null or stripe_status == "active"', "customer"):
        assert client.get(f"{API}/end-users", query_string={"when": when}, headers=headers).status_code == 403
    assert client.get(f"{API}/end-users.csv", headers=headers).status_code == 403


def test_no_answer_to_a_barred_member_names_their_customer(
    app: Flask, client: FlaskClient, customer: Customer, barred: Tenant
) -> None:
    """Whatever an agent can open, by token or browser: no customer id and no link into Stripe is in it."""
    conversation, headers = f"/conversations/{customer.conversation_id}", barred.bearer(Role.AGENT)
    for path in (
        f"{API}{conversation}",
        f"{API}{conversation}/panel/explain?fact=mrr",
        f"{API}{conversation}/decisions",
        f"{API}/end-users/{customer.end_user_id}/facts/mrr/explain",
        f"{API}/integrations/stripe/customers?q={customer.email}",
    ):
        answer = client.get(path, headers=headers)
        assert answer.status_code == (403 if "explain" in path or "customers?" in path else 200), path
        assert customer.id not in answer.get_data(as_text=True), path
    for method, path in (("PUT", f"{API}{conversation}/customer"), ("DELETE", f"{API}{conversation}/customer")):
        answer = client.open(path, method=method, json={"customer_id": customer.id}, headers=headers)
        assert answer.status_code == 403, path

    browser = Browser(app, barred, Role.AGENT)
    for path in (conversation, f"{conversation}/panel", f"{conversation}/decisions/1", "/inbox"):
        page = browser.read(path)
        assert customer.id not in page, path
        assert "dashboard" not in page, path
    for path in (f"{conversation}/customer", f"{conversation}/how/mrr"):
        assert browser.get(path).status_code == 403


def test_pages_say_that_billing_is_closed(app: Flask, customer: Customer, barred: Tenant) -> None:
    """The panel and the trace say why they are empty; where the conversation went stands there all the same."""
    browser = Browser(app, barred, Role.AGENT)
    page = browser.read(f"/conversations/{customer.conversation_id}")
    trace = text_of(browser.read(f"/conversations/{customer.conversation_id}/decisions/1"))

    assert 'data-state="forbidden"' in page
    assert "Billing is closed to you" in text_of(page)
    assert "“Pays a lot” matched" in text_of(page)
    assert "Your membership does not include billing data" in trace
    assert "Senior" in trace or "senior" in trace
    assert "mrr" not in trace


def test_an_admin_closes_and_opens_on_the_page(app: Flask, ours: Tenant, customer: Customer) -> None:
    """The button beside an agent works both ways, is audited, and admins have none."""
    admin = Browser(app, ours, Role.ADMIN)
    path = "/settings/members"
    agent = Browser(app, ours, Role.AGENT)
    html = admin.read(path)
    assert len(re.findall(r'action="/settings/members/', html)) == 1

    for wanted, state in (("no", "forbidden"), ("yes", "linked")):
        answer = admin.post(f"{path}/{ours.agent.id}", page=path, sees_billing=wanted)
        assert answer.status_code == 303
        assert f"{path}?notice=member_changed" in answer.headers["Location"]
        shown = agent.read(f"/conversations/{customer.conversation_id}/panel")
        assert ('data-state="forbidden"' in shown) is (state == "forbidden")
    assert "sees_billing: False" in text_of(admin.read("/settings/audit"))
    refused = admin.post(f"{path}/{ours.owner.id}", page=path, sees_billing="no")
    assert refused.status_code == 409
    assert admin.post(f"{path}/mem_nobody", page=path, sees_billing="no").status_code == 404


def test_who_may_change_whom(client: FlaskClient, ours: Tenant, theirs: Tenant) -> None:
    """Admins change agents, owners everybody; nobody changes another workspace's; admins can't be barred."""

    def change(tenant: Tenant, caller: Role, member: str, **wanted: Any) -> int:
        return client.patch(f"{API}/members/{member}", json=wanted, headers=tenant.bearer(caller)).status_code

    assert change(ours, Role.AGENT, ours.agent.id, sees_billing=True) == 403
    assert change(ours, Role.ADMIN, ours.agent.id, role="admin") == 403
    assert change(ours, Role.ADMIN, ours.owner.id, active=False) == 403
    assert change(ours, Role.ADMIN, ours.admin.id, sees_billing=False) == 403
    assert change(ours, Role.OWNER, ours.admin.id, sees_billing=False) == 409
    assert change(theirs, Role.OWNER, ours.agent.id, sees_billing=False) == 404
    assert change(ours, Role.ADMIN, ours.agent.id, sees_billing="no") == 422
    assert change(ours, Role.ADMIN, ours.agent.id, sees_billing=False) == 200
    listed = client.get(f"{API}/members", headers=ours.bearer(Role.ADMIN)).get_json()["data"]
    assert {row["id"]: row["sees_billing"] for row in listed} == {
        ours.owner.id: True,
        ours.admin.id: True,
        ours.agent.id: False,
    }


def test_who_becomes_an_admin_is_barred_no_longer(client: FlaskClient, barred: Tenant) -> None:
    """Admins manage the integration, so closing billing to them would close nothing."""
    answer = client.patch(f"{API}/members/{barred.agent.id}", json={"role": "admin"}, headers=barred.bearer())
    back = client.patch(f"{API}/members/{barred.agent.id}", json={"role": "agent"}, headers=barred.bearer())

    assert answer.get_json()["sees_billing"] is True
    assert back.get_json()["sees_billing"] is True
    with barred.services.database.workspace(barred.workspace_id, readonly=True) as session:
        stored = workspaces.directory(barred.workspace_id, session).members_by_id[barred.agent.id]
    assert stored.sees_billing


# helpers


def _who_pays(client: FlaskClient, tenant: Tenant) -> dict[str, Any]:
    """Return an end user with one customer and an MRR."""
    found = client.get(
        f"{API}/end-users", query_string={"when": "mrr > 1 and email != null", "limit": 1}, headers=tenant.bearer()
    ).get_json()
    row: dict[str, Any] = found["data"][0]
    return row

"""Settings, exchange rates and explanations over HTTP."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from engine.audit import repository as audit
from engine.workspace.models import Role
from stripe_sync import fact_renewal_repository
from tests.integration.web.conftest import Tenant, message
from web.auth.models import Scope

URL = "/api/v1/settings"
DEFAULTS = {
    "reporting_currency": "usd",
    "timezone": "UTC",
    "on_ambiguous": "unknown",
    "subtract_repeating": False,
    "subtract_once": False,
    "churn_at": "period_end",
}


def audited(tenant: Tenant) -> list[tuple[str, str, str, dict[str, Any]]]:
    """Return actor, action, target and detail of what was audited about settings and rates, oldest first."""
    with tenant.services.database.workspace(tenant.workspace_id, readonly=True) as session:
        found = audit.entries(tenant.workspace_id, session)
    wanted = [entry for entry in reversed(found) if entry.action.startswith(("settings.", "rate."))]
    return [(entry.actor, entry.action, entry.target, dict(entry.detail)) for entry in wanted]


def is_renewing(tenant: Tenant) -> bool:
    """Return whether facts are being worked out again, and forget that they are."""
    with tenant.services.database.workspace(tenant.workspace_id) as session:
        asked = fact_renewal_repository.requested_at(tenant.workspace_id, session) is not None
        fact_renewal_repository.take(tenant.workspace_id, session, 100)
    return asked


def test_settings_are_read_and_changed(client: FlaskClient, ours: Tenant) -> None:
    """What is named changes, what is not stays, and the audit tells old and new and by whom."""
    admin = ours.bearer(Role.ADMIN)
    before = client.get(URL, headers=admin).get_json()
    change = {"reporting_currency": "EUR", "timezone": "Europe/Vienna", "subtract_once": True, "churn_at": "period_end"}
    after = client.patch(URL, headers=admin, json=change).get_json()

    assert {name: before[name] for name in DEFAULTS} == DEFAULTS
    assert before["facts"] == {"renewing": False, "since": None}
    expected = {**DEFAULTS, "reporting_currency": "eur", "timezone": "Europe/Vienna", "subtract_once": True}
    assert {name: after[name] for name in DEFAULTS} == expected
    assert after["facts"]["renewing"] is True
    detail = {
        "reporting_currency": ["usd", "eur"],
        "subtract_once": [False, True],
        "timezone": ["UTC", "Europe/Vienna"],
    }
    assert audited(ours) == [(ours.admin.id, "settings.changed", ours.workspace_id, detail)]


def test_only_what_facts_depend_on_has_them_worked_out_again(client: FlaskClient, ours: Tenant) -> None:
    """The time zone and business hours are no matter of money; saving the same again is none either."""
    admin = ours.bearer(Role.ADMIN)
    for change, expected in (
        ({"timezone": "Europe/Vienna"}, False),
        ({"business_hours": {"monday": [["10:00", "12:00"]]}}, False),
        ({"churn_at": "cancellation"}, True),
        ({"churn_at": "cancellation"}, False),
        ({"on_ambiguous": "best"}, True),
        ({}, False),
    ):
        assert client.patch(URL, headers=admin, json=change).status_code == 200
        assert is_renewing(ours) is expected, change
    assert len(audited(ours)) == 4


@pytest.mark.parametrize(
    ("change", "pointers"),
    [
        ({"reporting_currency": "xyz", "timezone": "Mars"}, ["/reporting_currency", "/timezone"]),
        ({"reporting_currency": None}, ["/reporting_currency"]),
        ({"subtract_once": "yes"}, ["/subtract_once"]),
        ({"churn_at": "never", "on_ambiguous": 1}, ["/churn_at", "/on_ambiguous"]),
        ({"rate_overrides": []}, ["/rate_overrides"]),
        ({"colour": "red"}, ["/colour"]),
    ],
)
def test_a_wrong_setting_is_named_and_nothing_is_saved(
    client: FlaskClient, ours: Tenant, change: dict[str, Any], pointers: list[str]
) -> None:
    """All faults come at once, each at its field."""
    answer = client.patch(URL, headers=ours.bearer(Role.ADMIN), json={"subtract_repeating": True, **change})

    assert answer.status_code == 422
    assert sorted(fault["pointer"] for fault in answer.get_json()["errors"]) == sorted(pointers)
    assert client.get(URL, headers=ours.bearer(Role.ADMIN)).get_json()["subtract_repeating"] is False
    assert audited(ours) == []


def test_a_rate_is_set_replaced_and_removed(client: FlaskClient, ours: Tenant) -> None:
    """An own rate stands beside the published one and wins; each change is audited and has facts worked out again."""
    admin = ours.bearer(Role.ADMIN)
    first = client.put(f"{URL}/rates/EUR", headers=admin, json={"rate": "1.10", "date": "2026-11-01"}).get_json()
    (row,) = first["rates"]

    assert (row["currency"], row["into"], row["rate"], row["date"]) == ("eur", "usd", "1.1", "2026-11-01")
    assert (row["source"], row["in_use"]) == ("override", False)
    assert row["published"] is not None
    assert is_renewing(ours)
    (row,) = client.put(f"{URL}/rates/eur", headers=admin, json={"rate": "1.20"}).get_json()["rates"]
    assert (row["rate"], row["date"]) == ("1.2", ours.services.clock.now().date().isoformat())
    client.put(f"{URL}/rates/eur", headers=admin, json={"rate": "1.20"})
    assert client.delete(f"{URL}/rates/eur", headers=admin).get_json()["rates"] == []
    assert is_renewing(ours)
    assert client.delete(f"{URL}/rates/eur", headers=admin).status_code == 404
    today = ours.services.clock.now().date().isoformat()
    assert audited(ours) == [
        (ours.admin.id, "rate.set", "eur to usd", {"rate": [None, "1.10"], "date": [None, "2026-11-01"]}),
        (ours.admin.id, "rate.set", "eur to usd", {"rate": ["1.10", "1.20"], "date": ["2026-11-01", today]}),
        (ours.admin.id, "rate.removed", "eur to usd", {"rate": "1.20", "date": today}),
    ]


def test_a_rate_waits_while_its_target_is_not_the_reporting_currency(client: FlaskClient, ours: Tenant) -> None:
    """After the reporting currency changed the old rate is still there, listed last, and can be removed."""
    admin = ours.bearer(Role.ADMIN)
    client.put(f"{URL}/rates/kwd", headers=admin, json={"rate": "3.25"})
    client.patch(URL, headers=admin, json={"reporting_currency": "eur"})
    listed = client.put(f"{URL}/rates/kwd", headers=admin, json={"rate": "3"}).get_json()["rates"]

    assert [(row["currency"], row["into"], row["rate"]) for row in listed] == [
        ("kwd", "eur", "3"),
        ("kwd", "usd", "3.25"),
    ]
    left = client.delete(f"{URL}/rates/kwd?into=usd", headers=admin).get_json()["rates"]
    assert [row["into"] for row in left] == ["eur"]


@pytest.mark.parametrize(
    ("currency", "body", "status", "pointer"),
    [
        ("xyz", {"rate": "1"}, 404, None),
        ("usd", {"rate": "1"}, 422, "/currency"),
        ("eur", {}, 422, "/rate"),
        ("eur", {"rate": 1.1}, 422, "/rate"),
        ("eur", {"rate": "0"}, 422, "/rate"),
        ("eur", {"rate": "-1"}, 422, "/rate"),
        ("eur", {"rate": "NaN"}, 422, "/rate"),
        ("eur", {"rate": "1e5"}, 422, "/rate"),
        ("eur", {"rate": "1.1234567890123"}, 422, "/rate"),
        ("eur", {"rate": "1234567890123"}, 422, "/rate"),
        ("eur", {"rate": "\u0661"}, 422, "/rate"),
        ("eur", {"rate": "1", "date": "yesterday"}, 422, "/date"),
        ("eur", {"rate": "1", "date": "2026-02-30"}, 422, "/date"),
        ("eur", {"rate": "1", "date": "2999-01-01"}, 422, "/date"),
    ],
)
def test_a_wrong_rate_is_refused(
    client: FlaskClient, ours: Tenant, currency: str, body: dict[str, Any], status: int, pointer: str | None
) -> None:
    """A rate is a positive decimal of bounded length, of a known currency that is not the target, not of the future."""
    answer = client.put(f"{URL}/rates/{currency}", headers=ours.bearer(Role.ADMIN), json=body)

    assert answer.status_code == status
    assert [fault["pointer"] for fault in answer.get_json().get("errors") or []] == ([pointer] if pointer else [])
    assert audited(ours) == []


def test_agents_and_other_scopes_are_kept_out(client: FlaskClient, ours: Tenant) -> None:
    """Settings need an admin and the integrations scopes, explanations the scope of facts."""
    reader = ours.bearer(Role.ADMIN, Scope.INTEGRATIONS_READ)
    body = client.post("/api/v1/conversations", json=message(), headers=ours.bearer()).get_json()["conversation"]
    explain = (
        f"/api/v1/conversations/{body['id']}/panel/explain?fact=mrr",
        f"/api/v1/end-users/{body['end_user_id']}/facts/mrr/explain",
    )

    assert client.get(URL, headers=ours.bearer(Role.AGENT)).status_code == 403
    assert client.get(URL, headers=reader).status_code == 200
    assert client.patch(URL, headers=reader, json={}).status_code == 403
    assert client.put(f"{URL}/rates/eur", headers=reader, json={"rate": "1"}).status_code == 403
    assert client.delete(f"{URL}/rates/eur", headers=reader).status_code == 403
    for path in explain:
        assert client.get(path, headers=reader).status_code == 403
        assert client.get(path, headers=ours.bearer(Role.AGENT, Scope.FACTS_READ)).status_code == 200


def test_an_explanation_over_http(client: FlaskClient, ours: Tenant, theirs: Tenant) -> None:
    """Both addresses tell the same; another workspace's are not there, and only some facts can be explained."""
    bearer = ours.bearer()
    body = client.post("/api/v1/conversations", json=message(), headers=bearer).get_json()["conversation"]
    panel, person = f"/api/v1/conversations/{body['id']}/panel/explain", f"/api/v1/end-users/{body['end_user_id']}"
    told = client.get(f"{panel}?fact=ltv", headers=bearer).get_json()

    assert told == client.get(f"{person}/facts/ltv/explain", headers=bearer).get_json()
    assert (told["fact"], told["value"], told["reason"], told["lines"]) == ("ltv", None, "not_connected", [])
    assert client.get(f"{panel}?fact=email", headers=bearer).status_code == 422
    assert client.get(panel, headers=bearer).status_code == 422
    assert client.get(f"{person}/facts/email/explain", headers=bearer).status_code == 422
    assert client.get(f"{panel}?fact=ltv", headers=theirs.bearer()).status_code == 404
    assert client.get(f"{person}/facts/ltv/explain", headers=theirs.bearer()).status_code == 404

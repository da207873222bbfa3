"""`/ruleset` and `/route`: draft, check, publish, restore, and deciding about given facts."""

import pytest
from flask.testing import FlaskClient

from engine.workspace.models import Role
from tests.integration.web.conftest import RULES, Tenant, message, publish
from web.auth.models import Scope

PATH = "/api/v1/ruleset"
FIVE_FAULTS = """\
version: 1
rules:
  - name: One
    when: mrrr > 5
    then: {priority: hihg}
  - name: One
    when: status == "late"
    then: {}
"""


@pytest.fixture
def bearer(ours: Tenant) -> dict[str, str]:
    """Return the credentials of an admin's script."""
    return ours.bearer(Role.ADMIN, Scope.RULES_READ, Scope.RULES_WRITE)


def test_a_draft_is_saved_checked_published_and_decides(
    client: FlaskClient, bearer: dict[str, str], ours: Tenant
) -> None:
    """The way of a ruleset: saved as text, published as version 1, deciding the next conversation."""
    text = RULES.replace("assign_team: billing", "route_to: now").replace("assign_team: ", "route_to: ")
    _queues(ours, "now", "senior", "support")
    saved = client.put(f"{PATH}/draft", json={"text": text}, headers=bearer)
    published = client.post(f"{PATH}/publish", headers=bearer)
    current = client.get(PATH, headers=bearer).get_json()
    routed = client.post("/api/v1/conversations", json=message(), headers=ours.bearer()).get_json()

    assert saved.get_json()["ok"], saved.get_json()["diagnostics"]
    assert published.status_code == 201
    assert published.get_json()["version"] == 1
    assert published.get_json()["compiled"] == published.get_json()["rules"]
    assert current["compiled"] == current["rules"]
    assert (current["version"], current["text"], current["published_by"]) == (1, text, "admin@ours.example")
    assert routed["conversation"]["queue"] == "now"
    assert routed["decision"]["ruleset_version"] == 1


def test_yaml_is_taken_as_it_is(client: FlaskClient, bearer: dict[str, str]) -> None:
    """A rule text may be the body itself, as application/yaml."""
    headers = {**bearer, "Content-Type": "application/yaml"}
    client.put(f"{PATH}/draft", data=RULES, headers=headers)

    assert client.get(f"{PATH}/draft", headers=bearer).get_json()["text"] == RULES


def test_saving_minds_what_others_saved(client: FlaskClient, bearer: dict[str, str]) -> None:
    """With If-Match a save on top of an old draft is refused, and the newer draft stays."""
    first = client.put(f"{PATH}/draft", json={"text": "a: 1"}, headers=bearer)
    etag = first.headers["ETag"]
    second = client.put(f"{PATH}/draft", json={"text": "b: 2"}, headers={**bearer, "If-Match": etag})
    third = client.put(f"{PATH}/draft", json={"text": "c: 3"}, headers={**bearer, "If-Match": etag})

    assert (second.status_code, third.status_code) == (200, 412)
    assert client.get(f"{PATH}/draft", headers=bearer).get_json()["text"] == "b: 2"


def test_the_check_reports_every_fault_with_its_place(client: FlaskClient, bearer: dict[str, str]) -> None:
    """All faults of a text come at once, each with line and column, and nothing is saved."""
    body = client.post(f"{PATH}/check", json={"text": FIVE_FAULTS}, headers=bearer).get_json()
    errors = [one for one in body["diagnostics"] if one["severity"] == "error"]

    assert not body["ok"]
    assert len(errors) >= 5
    assert all(one["line"] >= 1 and one["column"] >= 1 for one in errors)
    assert client.get(f"{PATH}/draft", headers=bearer).get_json()["text"] == ""


def test_a_draft_with_errors_is_not_published(client: FlaskClient, bearer: dict[str, str]) -> None:
    """Publishing a draft with errors is a 422 that carries the diagnostics, and no version comes of it."""
    client.put(f"{PATH}/draft", json={"text": FIVE_FAULTS}, headers=bearer)
    answer = client.post(f"{PATH}/publish", headers=bearer)

    assert answer.status_code == 422
    assert answer.get_json()["diagnostics"]
    assert client.get(f"{PATH}/versions", headers=bearer).get_json()["data"] == []
    assert client.get(PATH, headers=bearer).status_code == 404


def test_versions_are_listed_and_restored(client: FlaskClient, bearer: dict[str, str], ours: Tenant) -> None:
    """Versions are numbered from 1, come in pages, and one of them can be made the draft again."""
    publish(ours)
    with ours.services.database.workspace(ours.workspace_id) as session:
        for number in range(2, 5):
            text = RULES.replace("mrr > 1000", f"mrr > {number}")
            ours.services.rulesets.publish_text(ours.workspace_id, session, text, ours.owner.id)
    first = client.get(f"{PATH}/versions?limit=3", headers=bearer).get_json()
    rest = client.get(f"{PATH}/versions?after={first['next']}", headers=bearer).get_json()
    restored = client.post(f"{PATH}/versions/1/restore", headers=bearer)

    assert [one["version"] for one in first["data"]] == [4, 3, 2]
    assert ([one["version"] for one in rest["data"]], rest["next"]) == ([1], None)
    assert restored.get_json()["text"] == RULES
    assert client.get(PATH, headers=bearer).get_json()["version"] == 4
    assert client.post(f"{PATH}/versions/9/restore", headers=bearer).status_code == 404


def test_a_rule_text_may_be_large_and_not_larger(client: FlaskClient, bearer: dict[str, str]) -> None:
    """Rule texts pass the usual limit of a body, up to one of their own."""
    three_mib = "#" * (3 * 1024 * 1024)
    seventeen_mib = "#" * (17 * 1024 * 1024)

    assert client.post(f"{PATH}/check", json={"text": three_mib}, headers=bearer).status_code == 200
    assert client.post(f"{PATH}/check", json={"text": seventeen_mib}, headers=bearer).status_code == 413


def test_facts_are_routed_by_the_published_rules(client: FlaskClient, bearer: dict[str, str], ours: Tenant) -> None:
    """Given facts are decided about in the form of the decision line, and nothing is stored."""
    publish(ours)
    line = client.post("/api/v1/route", json={"facts": {"mrr": "1000.01", "subject": "hi"}}, headers=bearer).get_json()

    assert line["matched"] == ["Large accounts"]
    assert line["actions"]["assign_team"] == "senior"
    assert not line["fallback"]
    assert client.get("/api/v1/conversations", headers=ours.bearer()).get_json()["data"] == []


def test_facts_are_routed_by_a_text_or_the_draft(client: FlaskClient, bearer: dict[str, str]) -> None:
    """A ruleset sent along, or the draft, decides without being published."""
    text = "version: 1\nrules: []\nfallback: {priority: high, route_to: q}\n"
    unchecked = client.post("/api/v1/route", json={"facts": {}, "ruleset": {"text": text}}, headers=bearer)
    client.put(f"{PATH}/draft", json={"text": "nonsense"}, headers=bearer)
    draft = client.post("/api/v1/route", json={"facts": {}, "ruleset": "draft"}, headers=bearer)

    assert unchecked.status_code == 422  # there is no queue q
    assert draft.status_code == 422
    assert draft.get_json()["diagnostics"]


@pytest.mark.parametrize(
    "body",
    [
        {"facts": {"mrrr": 5}},
        {"facts": {"mrr": "much"}},
        {"facts": {"status": 5}},
        {"facts": []},
        {"facts": {}, "on": "never"},
        {"facts": {}, "at": "noon"},
        {"facts": {}, "ruleset": "newest"},
    ],
)
def test_bad_facts_are_refused(
    client: FlaskClient, bearer: dict[str, str], ours: Tenant, body: dict[str, object]
) -> None:
    """An unknown fact, a wrong type or an unknown choice is a 422."""
    publish(ours)

    assert client.post("/api/v1/route", json=body, headers=bearer).status_code == 422


def test_nothing_published_yet_is_a_404(client: FlaskClient, bearer: dict[str, str]) -> None:
    """Before the first version there is no published ruleset to read or to route by."""
    assert client.get(PATH, headers=bearer).status_code == 404
    assert client.post("/api/v1/route", json={"facts": {}}, headers=bearer).status_code == 404


def test_other_workspaces_have_their_own_rules(
    client: FlaskClient, bearer: dict[str, str], ours: Tenant, theirs: Tenant
) -> None:
    """What we draft and publish does not exist for another workspace."""
    publish(ours)
    stranger = theirs.bearer(Role.ADMIN, Scope.RULES_READ, Scope.RULES_WRITE)

    assert client.get(PATH, headers=bearer).status_code == 200
    assert client.get(PATH, headers=stranger).status_code == 404
    assert client.get(f"{PATH}/draft", headers=stranger).get_json()["text"] == ""
    assert client.get(f"{PATH}/versions", headers=stranger).get_json()["data"] == []


def _queues(tenant: Tenant, *names: str) -> None:
    from engine.workspace import service

    with tenant.services.database.workspace(tenant.workspace_id) as session:
        for name in names:
            service.create_queue(tenant.workspace_id, session, tenant.services.clock, name, actor=tenant.owner.id)


def test_an_explanation_names_the_nearest_change(client: FlaskClient, bearer: dict[str, str], ours: Tenant) -> None:
    """The published ruleset is explained, as a whole or one rule of it, with what would have made a rule match."""
    publish(ours)
    body = {"facts": {"subject": "Hello", "mrr": "940.00"}}
    told = client.post(f"{PATH}/explain", json=body, headers=bearer).get_json()
    one = client.post(f"{PATH}/explain", json={**body, "rule": "Large accounts"}, headers=bearer).get_json()
    (rule,) = one["rules"]

    assert [each["outcome"] for each in told["rules"]] == ["not_matched", "not_matched"]
    assert rule["nearest"]["text"] == "would match if mrr were above 1,000 USD; it is 940.00 USD"
    assert (told["fallback"], told["left_out"], told["actions"]["assign_team"]) == (True, 0, "support")
    assert told["sentences"] == ["No rule matched, so the fallback assigned it to team support."]
    assert client.post(f"{PATH}/explain", json={**body, "rule": "nobody"}, headers=bearer).status_code == 404


def test_an_unpublished_text_is_explained_for_admins(client: FlaskClient, bearer: dict[str, str]) -> None:
    """A text sent along is checked first; an unknown rule says what it lacks; wrong facts are named."""
    text = "version: 1\nrules:\n  - {name: Big, when: mrr > 1000, then: {note: big}}\nfallback: {priority: low}\n"
    broken = client.post(f"{PATH}/explain", json={"facts": {}, "ruleset": {"text": text}}, headers=bearer)
    whole = text.replace("fallback: {priority: low}", "fallback: {assign_agent: admin@ours.example}")
    told = client.post(f"{PATH}/explain", json={"facts": {}, "ruleset": {"text": whole}}, headers=bearer)
    wrong = client.post(f"{PATH}/explain", json={"facts": {"mrrr": 1}, "ruleset": {"text": whole}}, headers=bearer)
    unpublished = client.post(f"{PATH}/explain", json={"facts": {}}, headers=bearer)

    assert broken.status_code == 422
    assert broken.get_json()["diagnostics"][0]["code"]
    assert told.get_json()["rules"][0]["lacking"][0]["text"] == "MRR is unknown: no value was given"
    assert (wrong.status_code, unpublished.status_code) == (422, 404)

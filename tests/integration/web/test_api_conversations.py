"""`/conversations`: handing in, listing, reading, changing, adding messages."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from engine.workspace.models import Role
from tests.integration.web.conftest import Tenant, message, publish
from web.auth.models import Scope

PATH = "/api/v1/conversations"


@pytest.fixture
def bearer(ours: Tenant) -> dict[str, str]:
    """Return the credentials of a help desk, in a workspace with published rules."""
    publish(ours)
    return ours.bearer(Role.AGENT, Scope.CONVERSATIONS_READ, Scope.CONVERSATIONS_WRITE)


def test_it_works(client: FlaskClient, bearer: dict[str, str]) -> None:
    """A conversation is stored, decided and answered in the shape of the contracts."""
    answer = client.post(PATH, json=message(), headers=bearer)
    body = answer.get_json()

    assert answer.status_code == 201
    assert set(body) == {"conversation", "decision", "match_pending"}
    conversation = body["conversation"]
    assert conversation["external_id"] == "c1"
    assert conversation["sender"]["email"] == "ada@example.com"
    assert (conversation["team"], conversation["priority"], conversation["tags"]) == ("billing", "urgent", ["urgent"])
    assert conversation["assignee"] is None
    assert conversation["created_at"] == "2026-11-20T12:00:00Z"
    decision = body["decision"]
    assert decision["matched"] == ["Urgent words"]
    assert decision["unknown"] == {"Large accounts": ["mrr"]}
    assert decision["ruleset_version"] == 1
    assert decision["facts"]["sender_domain"] == "example.com"
    assert [rule["rule"] for rule in decision["trace"]] == ["Urgent words", "Large accounts"]


def test_the_same_again_answers_with_the_first_decision(client: FlaskClient, bearer: dict[str, str]) -> None:
    """The same external id is the same conversation: 200, the first decision, the present state, nothing new."""
    first = client.post(PATH, json=message(), headers=bearer).get_json()
    client.patch(f"{PATH}/{first['conversation']['id']}", json={"priority": "low"}, headers=bearer)
    again = client.post(PATH, json=message(body="Something else"), headers=bearer)

    assert again.status_code == 200
    assert again.get_json()["decision"]["id"] == first["decision"]["id"]
    assert again.get_json()["conversation"]["priority"] == "low"
    assert len(client.get(PATH, headers=bearer).get_json()["data"]) == 1


def test_other_inboxes_have_their_own_ids(client: FlaskClient, bearer: dict[str, str]) -> None:
    """An external id is one inbox's; in another it is another conversation."""
    client.post(PATH, json=message(), headers=bearer)

    assert client.post(PATH, json=message(inbox="sales"), headers=bearer).status_code == 201


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"sender": None}, "/sender"),
        ({"sender": "ada@example.com"}, "/sender"),
        ({"sender": {"email": "ada@example.com\r\nBcc: all@example.com"}}, "/sender/email"),
        ({"sender": {"email": "Ada <ada@example.com>"}}, "/sender/email"),
        ({"sender": {"verified": "yes"}}, "/sender/verified"),
        ({"body": "NUL \x00 byte"}, "/body"),
        ({"subject": "lone \ud800 surrogate"}, "/subject"),
        ({"attributes": {"tier": "\x00"}}, "/attributes/tier"),
        ({"attributes": {"stripe_mrr": 5}}, "/attributes/stripe_mrr"),
        ({"attributes": []}, "/attributes"),
        ({"created_at": "2026-11-21T12:00:00Z"}, "/created_at"),
        ({"created_at": "yesterday"}, "/created_at"),
        ({"created_at": 1700000000}, "/created_at"),
        ({"external_id": ""}, "/external_id"),
        ({"external_id": 7}, "/external_id"),
        ({"channel": None}, "/channel"),
        ({"sneder": {}}, "/sneder"),
    ],
)
def test_bad_fields_are_named(
    client: FlaskClient, bearer: dict[str, str], change: dict[str, Any], pointer: str
) -> None:
    """Each wrong field is a 422 that points at it, and nothing is stored."""
    answer = client.post(PATH, json=message(**change), headers=bearer)

    assert answer.status_code == 422
    assert answer.mimetype == "application/problem+json"
    assert pointer in [error["pointer"] for error in answer.get_json()["errors"]]
    assert client.get(PATH, headers=bearer).get_json()["data"] == []


def test_all_faults_are_named_at_once(client: FlaskClient, bearer: dict[str, str]) -> None:
    """A request with several faults is told all of them."""
    answer = client.post(
        PATH, json=message(external_id="", sender={"email": "nope"}, subject="x" * 3000), headers=bearer
    )

    pointers = {error["pointer"] for error in answer.get_json()["errors"]}
    assert pointers == {"/external_id", "/sender/email", "/subject"}


@pytest.mark.parametrize("email", ["  ADA@Example.COM ", "Ada@EXAMPLE.com", "ada@例え.jp"])
def test_odd_spellings_of_an_address_are_taken(client: FlaskClient, bearer: dict[str, str], email: str) -> None:
    """Case, space and Unicode in an address are no faults; it is kept as written but for the space around it."""
    answer = client.post(PATH, json=message(sender={"email": email}), headers=bearer)

    assert answer.status_code == 201
    assert answer.get_json()["conversation"]["sender"]["email"] == email.strip()


def test_a_sender_nobody_knows_is_fine(client: FlaskClient, bearer: dict[str, str]) -> None:
    """A conversation whose sender is an empty object is routed like any other."""
    assert client.post(PATH, json=message(sender={}), headers=bearer).status_code == 201


def test_an_instant_without_offset_is_utc(client: FlaskClient, bearer: dict[str, str]) -> None:
    """A created_at without an offset is taken as UTC."""
    answer = client.post(PATH, json=message(created_at="2026-11-19T10:00:00"), headers=bearer)

    assert answer.get_json()["conversation"]["created_at"] == "2026-11-19T10:00:00Z"


def test_lists_come_in_pages_and_can_be_filtered(client: FlaskClient, bearer: dict[str, str]) -> None:
    """Pages follow each other without gap or repetition, and filters narrow the list."""
    for number in range(5):
        subject = "urgent" if number % 2 else "calm"
        client.post(PATH, json=message(f"c{number}", subject=subject), headers=bearer)
    seen: list[str] = []
    after = ""
    while True:
        page = client.get(f"{PATH}?limit=2{after}", headers=bearer).get_json()
        seen += [row["external_id"] for row in page["data"]]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"
    urgent = client.get(f"{PATH}?tag=urgent", headers=bearer).get_json()["data"]
    billing = client.get(f"{PATH}?team=billing&status=open", headers=bearer).get_json()["data"]

    assert sorted(seen) == ["c0", "c1", "c2", "c3", "c4"]
    assert len(seen) == 5
    assert [row["external_id"] for row in urgent] == [row["external_id"] for row in billing] == ["c3", "c1"]


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "limit=x", "after=nonsense", "status=lost", "colour=red"])
def test_bad_queries_are_refused(client: FlaskClient, bearer: dict[str, str], query: str) -> None:
    """A parameter that is out of range or unknown is a 422."""
    assert client.get(f"{PATH}?{query}", headers=bearer).status_code == 422


def test_a_conversation_shows_its_messages(client: FlaskClient, bearer: dict[str, str]) -> None:
    """Messages are added in order, once each, and read back with their authors."""
    path = _created(client, bearer)
    first = client.post(f"{path}/messages", json={"external_id": "m1", "body": "Any news?"}, headers=bearer)
    again = client.post(f"{path}/messages", json={"external_id": "m1", "body": "Any news?"}, headers=bearer)
    reply = {"external_id": "m2", "body": "Soon.", "author": {"kind": "agent", "email": "agent@ours.example"}}
    client.post(f"{path}/messages", json=reply, headers=bearer)
    found = client.get(path, headers=bearer).get_json()["messages"]

    assert (first.status_code, again.status_code) == (201, 200)
    assert [one["body"] for one in found] == ["My card was declined.", "Any news?", "Soon."]
    assert [one["author"]["kind"] for one in found] == ["customer", "customer", "agent"]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"body": ""}, "/body"),
        ({"body": "x", "author": "robot"}, "/author"),
        ({"body": "x", "author": {"kind": "robot"}}, "/author/kind"),
        ({"body": "x", "created_at": "2027-01-01T00:00:00Z"}, "/created_at"),
        ({}, "/body"),
    ],
)
def test_bad_messages_are_refused(
    client: FlaskClient, bearer: dict[str, str], body: dict[str, Any], pointer: str
) -> None:
    """Each wrong field of a message is a 422 that points at it."""
    answer = client.post(f"{_created(client, bearer)}/messages", json=body, headers=bearer)

    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.get_json()["errors"]] == [pointer]


def test_people_change_conversations(client: FlaskClient, bearer: dict[str, str]) -> None:
    """What is sent is set, null takes away, and what is left out stays."""
    path = _created(client, bearer)
    wanted = {"status": "pending", "assignee": "AGENT@ours.example", "team": None, "attributes": {"tier": "gold"}}
    body = client.patch(path, json=wanted, headers=bearer).get_json()

    assert (body["status"], body["assignee"], body["team"]) == ("pending", "agent@ours.example", None)
    assert body["attributes"] == {"tier": "gold"}
    assert body["priority"] == "urgent"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"status": "lost"}, "/status"),
        ({"status": None}, "/status"),
        ({"priority": 1}, "/priority"),
        ({"assignee": "nobody@ours.example"}, "/assignee"),
        ({"team": "nowhere"}, "/team"),
        ({"queue": "nowhere"}, "/queue"),
        ({"tags": ["a", ""]}, "/tags/1"),
    ],
)
def test_bad_changes_are_refused(
    client: FlaskClient, bearer: dict[str, str], body: dict[str, Any], pointer: str
) -> None:
    """A change to something that does not exist is a 422, and nothing is changed."""
    path = _created(client, bearer)
    before = client.get(path, headers=bearer).get_json()
    answer = client.patch(path, json=body, headers=bearer)

    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.get_json()["errors"]] == [pointer]
    assert client.get(path, headers=bearer).get_json() == before


def test_decisions_are_explained(client: FlaskClient, bearer: dict[str, str]) -> None:
    """A conversation's decisions come with their facts, reasons and trace."""
    path = _created(client, bearer)
    (decision,) = client.get(f"{path}/decisions", headers=bearer).get_json()["data"]

    assert decision["matched"] == ["Urgent words"]
    assert decision["reasons"]["mrr"] == "not_connected"
    matched, unknown = decision["trace"]
    assert (matched["outcome"], unknown["outcome"]) == ("matched", "unknown")
    assert unknown["tree"]["parts"][0]["reason"] == "not_connected"


def test_the_panel_says_why(client: FlaskClient, bearer: dict[str, str], ours: Tenant) -> None:
    """The panel carries its state, and the sentences that say why the conversation is where it is."""
    path = _created(client, bearer)
    panel = client.get(f"{path}/panel", headers=ours.bearer(Role.AGENT, Scope.FACTS_READ)).get_json()

    assert panel["state"] == "not_connected"
    assert any("Urgent words" in sentence for sentence in panel["why"]["sentences"])


def test_the_context_holds_nothing_a_customer_wrote(client: FlaskClient, bearer: dict[str, str], ours: Tenant) -> None:
    """A drafter gets facts, their definitions and a text; no name, address, subject or message is in it."""
    path = _created(client, bearer)
    answer = client.get(f"{path}/context", headers=ours.bearer(Role.AGENT, Scope.CONTEXT_READ))
    body = answer.get_json()

    assert set(body) >= {"state", "facts", "text", "as_of", "definitions"}
    assert body["facts"]["mrr"] is None
    assert "Stripe is not connected" in body["text"]
    for written in ("Ada", "ada@example.com", "URGENT", "declined"):
        assert written not in answer.get_data(as_text=True)


def test_nobodys_conversation_is_a_404(client: FlaskClient, bearer: dict[str, str], ours: Tenant) -> None:
    """An id that was never given out is a 404 for every operation."""
    everything = ours.bearer()
    calls = [
        client.get(f"{PATH}/cnv_none", headers=everything),
        client.patch(f"{PATH}/cnv_none", json={}, headers=everything),
        client.post(f"{PATH}/cnv_none/messages", json={"body": "x"}, headers=everything),
        client.get(f"{PATH}/cnv_none/decisions", headers=everything),
        client.get(f"{PATH}/cnv_none/panel", headers=everything),
        client.get(f"{PATH}/cnv_none/context", headers=everything),
        client.put(f"{PATH}/cnv_none/customer", json={"customer_id": "cus_1"}, headers=everything),
        client.delete(f"{PATH}/cnv_none/customer", headers=everything),
    ]

    assert [call.status_code for call in calls] == [404] * len(calls)


def _created(client: FlaskClient, bearer: dict[str, str]) -> str:
    """Hand in a conversation and return its address."""
    body = client.post(PATH, json=message(), headers=bearer).get_json()
    return f"{PATH}/{body['conversation']['id']}"

"""`/end-users?when=`: people picked by a condition."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from engine.workspace.models import Role
from tests.integration.web.conftest import Tenant, message
from web.auth.models import Scope

PATH = "/api/v1/end-users"
TIERS = ("gold", "gold", "silver", "gold", "")


@pytest.fixture
def bearer(client: FlaskClient, ours: Tenant) -> dict[str, str]:
    """Return credentials for reading end users, of whom there are five with a tier each."""
    for number, tier in enumerate(TIERS):
        sender = {"email": f"p{number}@example.com", "attributes": {"tier": tier, "seats": number}}
        client.post("/api/v1/conversations", json=message(f"c{number}", sender=sender), headers=ours.bearer())
    return ours.bearer(Role.AGENT, Scope.END_USERS_READ)


@pytest.mark.parametrize(
    ("when", "found", "evaluated"),
    [
        ('attributes["tier"] == "gold"', [3, 1, 0], "sql"),
        ('attributes["tier"] in ["silver", "bronze"]', [2], "sql"),
        ('attributes["seats"] >= 3', [4, 3], "sql"),
        ('attributes["seats"] * 2 == 6', [3], "mixed"),
        ('attributes["tier"].as_upper == "GOLD" and attributes["seats"] < 2', [1, 0], "mixed"),
        ("customer == false", [4, 3, 2, 1, 0], "sql"),
        ("mrr > 0", [], "sql"),
        ("mrr == null", [4, 3, 2, 1, 0], "sql"),
        ("not (mrr > 0)", [], "sql"),
        ('match == "none"', [4, 3, 2, 1, 0], "sql"),
    ],
)
def test_people_are_picked_newest_first(
    client: FlaskClient, bearer: dict[str, str], when: str, found: list[int], evaluated: str
) -> None:
    """Those the condition is true of come newest first, whoever evaluates it."""
    page = _ask(client, bearer, when=when)

    assert [row["email"] for row in page["data"]] == [f"p{number}@example.com" for number in found]
    assert (page["next"], page["evaluated"]) == (None, evaluated)


@pytest.mark.parametrize("when", ["customer == false", 'attributes["seats"] * 1 >= 0'])
def test_pages_lead_on(client: FlaskClient, bearer: dict[str, str], when: str) -> None:
    """Following `next` gives everybody once, in SQL and where the interpreter judges."""
    seen: list[str] = []
    page = _ask(client, bearer, when=when, limit="2")
    while True:
        seen += [row["email"] for row in page["data"]]
        if page["next"] is None:
            break
        page = _ask(client, bearer, when=when, limit="2", after=page["next"])

    assert seen == [f"p{number}@example.com" for number in (4, 3, 2, 1, 0)]


def test_conversation_facts_are_refused(client: FlaskClient, bearer: dict[str, str]) -> None:
    """Nobody is writing in, so a subject can't be asked for; the answer says so, and where."""
    answer = client.get(PATH, query_string={"when": 'mrr > 5 and subject == "x"'}, headers=bearer)
    body = answer.get_json()

    assert answer.status_code == 422
    assert "conversation facts can't be used to filter people" in body["errors"][0]["message"]
    assert body["diagnostics"][0]["column"] == 13


@pytest.mark.parametrize(
    "query",
    [{"when": "plan == 5"}, {"when": ""}, {"when": "mrr > 5", "email": "a@b.c"}, {"when": "customer", "after": "x"}],
)
def test_what_is_wrong_is_refused(client: FlaskClient, bearer: dict[str, str], query: dict[str, str]) -> None:
    """A condition with errors, two filters at once or a foreign cursor is a 422."""
    answer = client.get(PATH, query_string=query, headers=bearer)

    assert answer.status_code == 422
    assert answer.get_json()["errors"]


def test_other_workspaces_have_other_people(client: FlaskClient, bearer: dict[str, str], theirs: Tenant) -> None:
    """A condition finds nobody of another workspace."""
    assert _ask(client, theirs.bearer(Role.AGENT, Scope.END_USERS_READ), when="customer == false")["data"] == []


def test_the_scope_is_needed(client: FlaskClient, ours: Tenant) -> None:
    """A token that may not read end users may not filter them."""
    answer = client.get(PATH, query_string={"when": "customer"}, headers=ours.bearer(Role.AGENT, Scope.FACTS_READ))

    assert answer.status_code == 403


# helpers


def _ask(client: FlaskClient, bearer: dict[str, str], **query: str) -> Any:
    answer = client.get(PATH, query_string=query, headers=bearer)
    assert answer.status_code == 200, answer.get_json()
    return answer.get_json()

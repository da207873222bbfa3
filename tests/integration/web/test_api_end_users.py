"""`/end-users`, `/facts` and `/integrations/stripe` where nothing is connected."""

import csv
import io

import pytest
from flask.testing import FlaskClient

from engine.workspace.models import Role
from tests.integration.web.conftest import Tenant, message
from web.auth.models import Scope
from web.facts import CATALOG

PATH = "/api/v1/end-users"


@pytest.fixture
def bearer(client: FlaskClient, ours: Tenant) -> dict[str, str]:
    """Return credentials for reading end users, of whom there are two."""
    for name in ("ada", "bob"):
        client.post(
            "/api/v1/conversations",
            json=message(name, sender={"email": f"{name}@example.com", "name": name, "attributes": {"tier": name}}),
            headers=ours.bearer(),
        )
    return ours.bearer(Role.AGENT, Scope.END_USERS_READ, Scope.FACTS_READ)


def test_end_users_are_listed_with_their_facts(client: FlaskClient, bearer: dict[str, str]) -> None:
    """Each end user comes with customers, facts, and why facts are missing."""
    page = client.get(f"{PATH}?limit=1", headers=bearer).get_json()
    rest = client.get(f"{PATH}?limit=1&after={page['next']}", headers=bearer).get_json()
    (row,) = page["data"]

    assert {row["email"], rest["data"][0]["email"]} == {"ada@example.com", "bob@example.com"}
    assert rest["next"] is None
    assert row["customers"] == []
    assert row["facts"]["customer"] is False
    assert row["reasons"]["mrr"] == "not_connected"
    assert row["attributes"] == {"tier": row["name"]}


def test_an_end_user_is_found_by_any_spelling_of_the_address(client: FlaskClient, bearer: dict[str, str]) -> None:
    """The filter compares addresses as everything else does."""
    found = client.get(PATH, query_string={"email": " ADA@Example.com"}, headers=bearer).get_json()["data"]
    (ada,) = found

    assert ada["email"] == "ada@example.com"
    assert client.get(f"{PATH}/{ada['id']}", headers=bearer).get_json() == ada
    assert client.get(f"{PATH}?email=eve@example.com", headers=bearer).get_json()["data"] == []


@pytest.mark.parametrize("query", ["email=nobody", "limit=1000", "after=x", "when=mrr%20%3E"])
def test_bad_queries_are_refused(client: FlaskClient, bearer: dict[str, str], query: str) -> None:
    """What is no address, no page, or not understood is a 422."""
    assert client.get(f"{PATH}?{query}", headers=bearer).status_code == 422


def test_other_workspaces_have_other_end_users(client: FlaskClient, bearer: dict[str, str], theirs: Tenant) -> None:
    """Nobody of ours is in another workspace's list, nor found there by address or id."""
    ids = [row["id"] for row in client.get(PATH, headers=bearer).get_json()["data"]]
    stranger = theirs.bearer()

    assert client.get(PATH, headers=stranger).get_json()["data"] == []
    assert client.get(f"{PATH}?email=ada@example.com", headers=stranger).get_json()["data"] == []
    assert [client.get(f"{PATH}/{id_}", headers=stranger).status_code for id_ in ids] == [404, 404]


def test_the_catalog_is_served(client: FlaskClient, bearer: dict[str, str]) -> None:
    """Every fact of the catalog is there with its type and meaning."""
    rows = client.get("/api/v1/facts", headers=bearer).get_json()["data"]

    assert [row["name"] for row in rows] == [spec.name for spec in CATALOG]
    assert all(row["definition"] and row["type"] for row in rows)


def test_nothing_is_connected_yet(client: FlaskClient, ours: Tenant) -> None:
    """A workspace without an account has an empty list of connections, and no customers to find."""
    admin = ours.bearer(Role.ADMIN)

    assert client.get("/api/v1/integrations/stripe", headers=admin).get_json() == {"connections": []}
    assert client.get("/api/v1/integrations/stripe/customers?q=ada", headers=admin).get_json()["data"] == []


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({"kind": "telepathy"}, ["/kind"]),
        ({"kind": "restricted_key"}, ["/api_key", "/webhook_secret"]),
        ({"kind": "restricted_key", "api_key": "rk_1"}, ["/webhook_secret"]),
        ({"kind": "oauth", "api_key": "rk_1"}, ["/api_key"]),
        ({"kind": "oauth", "livemode": "yes"}, ["/livemode"]),
    ],
)
def test_bad_wishes_to_connect_are_refused(
    client: FlaskClient, ours: Tenant, body: dict[str, object], pointers: list[str]
) -> None:
    """What does not fit the kind of credential is a 422 at its place."""
    answer = client.post("/api/v1/integrations/stripe/connect", json=body, headers=ours.bearer(Role.ADMIN))

    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.get_json()["errors"]] == pointers


def test_everybody_is_written_into_a_file(client: FlaskClient, bearer: dict[str, str], ours: Tenant) -> None:
    """A row a person, a column a fact with the prefix; a name that is a formula is only text."""
    hostile = message("eve", sender={"email": "eve@example.com", "name": "=HYPERLINK(1)"})
    client.post("/api/v1/conversations", json=hostile, headers=ours.bearer())
    answer = client.get(f"{PATH}.csv", headers=bearer)
    rows = list(csv.DictReader(io.StringIO(answer.get_data(as_text=True))))

    assert answer.mimetype == "text/csv"
    assert {row["email"] for row in rows} == {"ada@example.com", "bob@example.com", "eve@example.com"}
    assert {row["name"] for row in rows} == {"ada", "bob", "'=HYPERLINK(1)"}
    assert {row["stripe_customer"] for row in rows} == {"false"}
    assert {row["stripe_mrr"] for row in rows} == {""}
    assert {"stripe_id", "stripe_customer_id", "stripe_ltv"} <= rows[0].keys()
    assert "exported" in client.get(PATH, headers=bearer).get_json()["data"][0]


def test_a_file_of_those_a_condition_is_true_of(client: FlaskClient, bearer: dict[str, str]) -> None:
    """The condition filters the file as it filters the list; a wrong one is a 422."""
    query = {"when": 'attributes["tier"] == "ada"'}
    (row,) = csv.DictReader(io.StringIO(client.get(f"{PATH}.csv", query_string=query, headers=bearer).text))

    assert row["email"] == "ada@example.com"
    assert client.get(f"{PATH}.csv?when=mrr%20%3E", headers=bearer).status_code == 422


def test_an_owner_erases_and_an_admin_exports(client: FlaskClient, bearer: dict[str, str], ours: Tenant) -> None:
    """The export is whole; after the erasure nobody knows the person; others may do neither."""
    ada = client.get(f"{PATH}?email=ada@example.com", headers=bearer).get_json()["data"][0]["id"]
    admin = ours.bearer(Role.ADMIN)

    assert client.get(f"{PATH}/{ada}/export", headers=bearer).status_code == 403
    export = client.get(f"{PATH}/{ada}/export", headers=admin).get_json()
    assert export["end_user"]["email"] == "ada@example.com"
    assert len(export["conversations"]) == 1
    assert client.delete(f"{PATH}/{ada}", headers=admin).status_code == 403
    assert client.delete(f"{PATH}/{ada}", headers=ours.bearer(Role.OWNER)).get_json()["erased"]["conversations"] == 1
    assert client.get(f"{PATH}/{ada}", headers=bearer).status_code == 404
    assert client.get(f"{PATH}/{ada}/export", headers=admin).status_code == 404
    assert client.get(f"{PATH}?email=bob@example.com", headers=bearer).get_json()["data"]

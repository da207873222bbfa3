"""OAuth: codes that work once, modes, refresh tokens, and the end of a connection."""

from urllib.parse import urlencode

import pytest

from stripe_sync.simulator.answers import Answer
from stripe_sync.simulator.records import Record
from stripe_sync.simulator.stripe import SimulatedStripe
from tests.unit.simulator.conftest import NOW


def _post(
    stripe: SimulatedStripe, path: str, fields: dict[str, str], *, key: str | None = None, now: float = NOW
) -> Answer:
    headers = {"authorization": f"Bearer {key or stripe.platform_key}"}
    return stripe.request("POST", path, body=urlencode(fields), headers=headers, now=now)


def _code(stripe: SimulatedStripe, scope: str = "read_only") -> str:
    client_id = stripe.oauth.application.client_ids[True]
    args = {"account": stripe.default_account.id, "client_id": client_id, "scope": scope}
    return str(stripe.perform("authorize", args, NOW)["code"])


def _token(stripe: SimulatedStripe, code: str, *, now: float = NOW, key: str | None = None) -> Answer:
    return _post(stripe, "/oauth/token", {"grant_type": "authorization_code", "code": code}, key=key, now=now)


def _ask(stripe: SimulatedStripe, key: str, **headers: str) -> Answer:
    given = {"authorization": f"Bearer {key}", **headers}
    return stripe.request("GET", "/v1/account", headers=given, now=NOW)


def _error(answer: Answer) -> tuple[int, str]:
    return answer.status, str(answer.body["error"])


def test_a_code_becomes_a_token_that_reads(stripe: SimulatedStripe) -> None:
    """A code is exchanged for a token of the account, in the mode of the secret key."""
    body = _token(stripe, _code(stripe)).body

    assert (body["stripe_user_id"], body["scope"], body["livemode"]) == (stripe.default_account.id, "read_only", True)
    assert body["token_type"] == "bearer"
    assert _ask(stripe, body["access_token"]).body["id"] == stripe.default_account.id


def test_the_mode_follows_the_secret_key(stripe: SimulatedStripe) -> None:
    """A test key gets a test token, whose world is the test one."""
    body = _token(stripe, _code(stripe), key=stripe.oauth.application.secret_keys[False]).body

    assert body["livemode"] is False
    customers = stripe.request(
        "GET", "/v1/customers", headers={"authorization": f"Bearer {body['access_token']}"}, now=NOW
    )
    assert customers.body["data"] == []


def test_a_code_used_twice_revokes_its_tokens(stripe: SimulatedStripe) -> None:
    """The second use of a code fails and takes back what the first one gave."""
    code = _code(stripe)
    token = _token(stripe, code).body["access_token"]

    assert _error(_token(stripe, code)) == (400, "invalid_grant")
    assert _ask(stripe, token).body["error"]["code"] == "account_invalid"


def test_a_code_expires(stripe: SimulatedStripe) -> None:
    """A code is good for five minutes."""
    assert _error(_token(stripe, _code(stripe), now=NOW + 301)) == (400, "invalid_grant")


def test_another_key_is_not_the_platform(stripe: SimulatedStripe) -> None:
    """Only the platform's secret key may exchange codes."""
    account_key = stripe.default_account.keys[True]

    assert _error(_token(stripe, _code(stripe), key=account_key)) == (401, "invalid_client")
    assert _error(_token(stripe, _code(stripe), key="sk_live_wrong")) == (401, "invalid_client")


def test_refreshing(stripe: SimulatedStripe) -> None:
    """A refresh token gives another access token, of no greater scope."""
    first = _token(stripe, _code(stripe)).body
    fields = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    again = _post(stripe, "/oauth/token", fields)
    greater = _post(stripe, "/oauth/token", {**fields, "scope": "read_write"})

    assert again.body["access_token"] != first["access_token"]
    assert _ask(stripe, again.body["access_token"]).status == 200
    assert _error(greater) == (400, "invalid_scope")


def test_app_refresh_tokens_rotate(stripe: SimulatedStripe) -> None:
    """A Stripe App's refresh token works once, and gives the next."""
    first = _post(stripe, "/v1/oauth/token", {"grant_type": "authorization_code", "code": _code(stripe)}).body

    def refresh(token: str) -> Answer:
        return _post(stripe, "/v1/oauth/token", {"grant_type": "refresh_token", "refresh_token": token})

    second = refresh(first["refresh_token"]).body
    assert second["refresh_token"] != first["refresh_token"]
    assert _ask(stripe, second["access_token"]).status == 200
    assert _error(refresh(first["refresh_token"])) == (400, "invalid_grant")


def test_deauthorizing(stripe: SimulatedStripe) -> None:
    """Deauthorizing revokes the tokens, tells the platform, and can be done once."""
    token = _token(stripe, _code(stripe)).body["access_token"]
    fields = {"client_id": stripe.oauth.application.client_ids[True], "stripe_user_id": stripe.default_account.id}
    assert _post(stripe, "/oauth/deauthorize", fields).body == {"stripe_user_id": stripe.default_account.id}

    assert _ask(stripe, token).status == 403
    assert _error(_post(stripe, "/oauth/deauthorize", fields)) == (401, "invalid_client")
    newest = list(stripe.world().collections["event"])[-1]
    assert (newest["type"], newest["data"]["object"]["object"]) == ("account.application.deauthorized", "application")


def test_the_account_header_needs_a_connection(stripe: SimulatedStripe) -> None:
    """The platform's key reaches an account by header while it is connected, and no longer."""
    account: Record = {"stripe-account": stripe.default_account.id}
    assert _ask(stripe, stripe.platform_key, **account).status == 403
    _token(stripe, _code(stripe))
    assert _ask(stripe, stripe.platform_key, **account).body["id"] == stripe.default_account.id
    stripe.perform("disconnect", {}, NOW)
    assert _ask(stripe, stripe.platform_key, **account).body["error"]["code"] == "account_invalid"


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"grant_type": "password"}, (400, "unsupported_grant_type")),
        ({"grant_type": "authorization_code", "code": "ac_none"}, (400, "invalid_grant")),
        ({"grant_type": "refresh_token", "refresh_token": "rt_none"}, (400, "invalid_grant")),
        ({}, (400, "unsupported_grant_type")),
    ],
)
def test_bad_requests_for_tokens(stripe: SimulatedStripe, fields: dict[str, str], error: tuple[int, str]) -> None:
    """Bad requests get the OAuth error of their kind."""
    assert _error(_post(stripe, "/oauth/token", fields)) == error

"""Who may ask, and what the API says to those who may not."""

import base64

import pytest

from stripe_sync.simulator.accounts import AccountPlan
from stripe_sync.simulator.faults import merged
from stripe_sync.simulator.stripe import SimulatedStripe
from tests.unit.simulator.conftest import NOW, ask, make_stripe


def _status(stripe: SimulatedStripe, authorization: str | None, **headers: str) -> tuple[int, str | None]:
    given = {**headers, **({"authorization": authorization} if authorization else {})}
    answer = stripe.request("GET", "/v1/account", headers=given, now=NOW)
    return answer.status, answer.body.get("error", {}).get("code")


def test_keys_are_taken_as_bearer_and_as_basic(merchant: SimulatedStripe) -> None:
    """A key works in both forms Stripe takes."""
    key = merchant.default_account.keys[True]

    assert _status(merchant, f"Bearer {key}") == (200, None)
    assert _status(merchant, "Basic " + base64.b64encode(f"{key}:".encode()).decode()) == (200, None)


@pytest.mark.parametrize("authorization", [None, "Bearer", "Bearer sk_live_wrong", "Basic ???", "Digest x"])
def test_bad_keys_are_401(merchant: SimulatedStripe, authorization: str | None) -> None:
    """No key, or one that nobody issued, is a 401."""
    assert _status(merchant, authorization)[0] == 401


def test_errors_do_not_repeat_the_key(merchant: SimulatedStripe) -> None:
    """A refused key is shown with its middle left out."""
    answer = merchant.request(
        "GET", "/v1/account", headers={"authorization": "Bearer sk_live_0123456789abcdef"}, now=NOW
    )

    assert "0123456789ab" not in str(answer.body)


@pytest.mark.parametrize("method", ["POST", "DELETE", "PUT"])
def test_nothing_can_be_written(merchant: SimulatedStripe, method: str) -> None:
    """Every method but GET is refused, and counted."""
    answer = ask(merchant, "/v1/customers", method=method)

    assert (answer.status, answer.body["error"]["code"]) == (403, "insufficient_permissions")
    assert merchant.requests[f"{method} /v1/customers"] >= 1


@pytest.mark.parametrize(
    "path", ["/v1/nonsense", "/v1", "/v1/customers/cus_x/colour", "/v1/discounts", "/v1/customers/cus_none"]
)
def test_unknown_paths_and_objects_are_404(merchant: SimulatedStripe, path: str) -> None:
    """What is not there is a 404 in Stripe's form."""
    answer = ask(merchant, path)

    assert (answer.status, answer.body["error"]["type"]) == (404, "invalid_request_error")


def test_rate_limits_name_their_limiter_and_pass() -> None:
    """Past the rate an account gets 429 with the reason; a moment later it may ask again."""
    stripe = make_stripe(3, rate=5)
    answers = [ask(stripe, "/v1/customers", now=NOW) for _ in range(7)]

    assert [answer.status for answer in answers] == [200] * 5 + [429] * 2
    assert answers[-1].headers == {"Stripe-Rate-Limited-Reason": "global-rate"}
    assert ask(stripe, "/v1/customers", now=NOW + 0.25).status == 200


def test_rate_limits_are_per_account() -> None:
    """One account's requests do not use up another's."""
    plans = [AccountPlan(customers=1), AccountPlan(customers=1)]
    stripe = SimulatedStripe(seed="two", now=NOW, plans=plans, rate=1)
    keys = [account.keys[True] for account in stripe.accounts.values()]
    statuses = [
        stripe.request("GET", "/v1/account", headers={"authorization": f"Bearer {key}"}, now=NOW).status
        for key in (keys[0], keys[0], keys[1])
    ]

    assert statuses == [200, 429, 200]


def test_accounts_and_modes_are_apart() -> None:
    """Two merchants, and the two modes of one, share no object."""
    plans = [AccountPlan(customers=5, test_customers=3), AccountPlan(customers=4)]
    stripe = SimulatedStripe(seed="apart", now=NOW, plans=plans)
    seen: list[set[str]] = []
    for account in stripe.accounts.values():
        for key in account.keys.values():
            body = stripe.request(
                "GET", "/v1/customers", query="limit=100", headers={"authorization": f"Bearer {key}"}, now=NOW
            ).body
            seen.append({shape["id"] for shape in body["data"]})

    assert [len(ids) for ids in seen] == [5, 3, 4, 0]
    assert len(set.union(*seen)) == 12


@pytest.mark.parametrize(
    ("status", "kind"), [(500, "api_error"), (401, "invalid_request_error"), (429, "invalid_request_error")]
)
def test_a_status_can_be_forced(stripe: SimulatedStripe, status: int, kind: str) -> None:
    """A fault answers everything with one status until it is taken back."""
    stripe.faults = merged(stripe.faults, {"status": status})
    answer = ask(stripe, "/v1/customers")
    assert (answer.status, answer.body["error"]["type"]) == (status, kind)

    stripe.faults = merged(stripe.faults, {"status": None})
    assert ask(stripe, "/v1/customers").status == 200


def test_the_rate_can_be_forced(stripe: SimulatedStripe) -> None:
    """A rate of 0 refuses everything."""
    stripe.faults = merged(stripe.faults, {"rate": 0})

    assert ask(stripe, "/v1/customers").status == 429


def test_expired_app_tokens_are_401(stripe: SimulatedStripe) -> None:
    """A Stripe App's access token works for an hour."""
    account, application = stripe.default_account, stripe.oauth.application
    code = stripe.perform(
        "authorize", {"account": account.id, "client_id": application.client_ids[True], "scope": "read_only"}, NOW
    )["code"]
    args = {"grant_type": "authorization_code", "code": code, "key": stripe.platform_key}
    token = stripe.perform("app_token", args, NOW)
    headers = {"authorization": f"Bearer {token['access_token']}"}

    assert stripe.request("GET", "/v1/account", headers=headers, now=NOW + 3599).status == 200
    assert stripe.request("GET", "/v1/account", headers=headers, now=NOW + 3600).status == 401

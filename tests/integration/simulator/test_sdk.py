"""Stripe's own Python library talks to the simulator over HTTP."""

from decimal import Decimal
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from stripe import InvalidRequestError, PermissionError, RateLimitError  # noqa: A004 - the library's name
from stripe.oauth_error import InvalidClientError, InvalidGrantError

from tests.integration.simulator.conftest import Simulator, Start


def test_auto_paging_lists_everything(simulator: Simulator) -> None:
    """The library's own paging gives every customer once, newest first."""
    customers = list(simulator.client().v1.customers.list({"limit": 40}).auto_paging_iter())

    assert len({customer.id for customer in customers}) == 150
    assert [customer.created for customer in customers] == sorted((c.created for c in customers), reverse=True)


def test_every_list_is_read(simulator: Simulator) -> None:
    """Every kind of object can be listed and retrieved by the library."""
    v1 = simulator.client().v1
    for service in (
        v1.customers, v1.subscriptions, v1.products, v1.prices, v1.coupons, v1.invoices, v1.invoice_payments,
        v1.charges, v1.refunds, v1.disputes, v1.payment_methods, v1.credit_notes, v1.payment_intents,
    ):  # fmt: skip
        found = service.list({"limit": 3})
        assert found.data, service
        assert service.retrieve(found.data[0].id).id == found.data[0].id
    subscription = v1.subscriptions.list({"limit": 1}).data[0]
    items = v1.subscription_items.list({"subscription": subscription.id})
    assert items.data[0].id == subscription.items.data[0].id
    assert v1.accounts.retrieve_current().id == simulator.ready["account"]


def test_shapes_as_the_library_reads_them(simulator: Simulator) -> None:
    """Periods stand on items, decimals are decimals, discounts are ids or objects."""
    found = simulator.client().v1.subscriptions.list(
        {"status": "all", "limit": 100, "expand": ["data.discounts.source.coupon", "data.default_payment_method"]}
    )
    for subscription in found.data:
        item = subscription.items.data[0]
        assert item.current_period_end > item.current_period_start
        assert item.price.unit_amount_decimal is None or isinstance(item.price.unit_amount_decimal, Decimal)
        for discount in subscription.discounts:
            assert not isinstance(discount, str)
            assert not isinstance(discount.source.coupon, str)
            assert discount.source.coupon is not None


def test_errors_are_the_librarys(simulator: Simulator) -> None:
    """Refusals come out as the library's exceptions."""
    client = simulator.client()
    with pytest.raises(InvalidRequestError) as missing:
        client.v1.customers.retrieve("cus_none")
    with pytest.raises(PermissionError):
        client.v1.customers.create({"email": "a@post.example"})
    with pytest.raises(InvalidRequestError) as cursor:
        client.v1.customers.list({"starting_after": "cus_none"})

    assert (missing.value.code, missing.value.http_status) == ("resource_missing", 404)
    assert (cursor.value.param, cursor.value.http_status) == ("starting_after", 400)


def test_deleted_customers_answer_200(simulator: Simulator) -> None:
    """The library sees a deleted customer as deleted."""
    simulator.control("create_customer", id="cus_gone")
    simulator.control("delete_customer", id="cus_gone")

    assert simulator.client().v1.customers.retrieve("cus_gone").deleted is True


def test_rate_limits_are_the_librarys(start: Start) -> None:
    """Past the rate the library raises its own error, with Stripe's header."""
    simulator = start("--customers", "1", "--rate", "2")
    client = simulator.client()
    with pytest.raises(RateLimitError) as refused:
        for _ in range(10):
            client.v1.customers.list()

    assert refused.value.headers is not None
    assert refused.value.headers["stripe-rate-limited-reason"] == "global-rate"
    assert simulator.look("stats")["rate_limited"] == 1


def test_headers_of_every_answer(simulator: Simulator) -> None:
    """Answers carry an id, a date and the version."""
    response = requests.get(
        f"{simulator.url}/v1/account", headers={"Authorization": f"Bearer {simulator.ready['api_key']}"}, timeout=10
    )

    assert response.headers["Request-Id"].startswith("req_")
    assert response.headers["Stripe-Version"] == "2026-10-28.endive"
    assert "Date" in response.headers


def _authorize(simulator: Simulator, decision: str = "authorize") -> dict[str, str]:
    """Go through the page a browser shows and return what the redirect carries."""
    link = simulator.client().oauth.authorize_url(
        {"scope": "read_only", "state": "s1", "redirect_uri": "http://127.0.0.1:1/callback?a=b"}
    )
    page = requests.get(link, timeout=10)
    assert page.status_code == 200
    assert "Authorize access" in page.text
    assert "<script" not in page.text
    answer = requests.post(link, data={"decision": decision}, allow_redirects=False, timeout=10)
    assert answer.status_code == 303
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["location"]).query).items()}


def test_oauth_from_link_to_deauthorization(start: Start) -> None:
    """A merchant connects, we read with the token, and deauthorizing ends it."""
    simulator = start("--customers", "3")
    platform = simulator.client(simulator.ready["secret_key"])
    carried = _authorize(simulator)
    token = platform.oauth.token({"grant_type": "authorization_code", "code": carried["code"]})

    assert (carried["state"], carried["scope"], carried["a"]) == ("s1", "read_only", "b")
    assert token.stripe_user_id == simulator.ready["account"]
    assert token.scope == "read_only"
    assert token.access_token is not None
    client = simulator.client(token.access_token)
    assert len(client.v1.customers.list().data) == 3
    headers = {"stripe_account": simulator.ready["account"]}
    assert len(platform.v1.customers.list({}, headers).data) == 3  # type: ignore[arg-type]  # a plain mapping

    assert platform.oauth.deauthorize({"stripe_user_id": simulator.ready["account"]}).stripe_user_id
    with pytest.raises(PermissionError):
        client.v1.customers.list()
    with pytest.raises(InvalidClientError):
        platform.oauth.deauthorize({"stripe_user_id": simulator.ready["account"]})


def test_a_code_is_good_once(start: Start) -> None:
    """Using a code again is the library's error, and ends the connection."""
    simulator = start("--customers", "1")
    platform = simulator.client(simulator.ready["secret_key"])
    code = _authorize(simulator)["code"]
    token = platform.oauth.token({"grant_type": "authorization_code", "code": code})
    with pytest.raises(InvalidGrantError):
        platform.oauth.token({"grant_type": "authorization_code", "code": code})
    assert token.access_token is not None
    with pytest.raises(PermissionError):
        simulator.client(token.access_token).v1.customers.list()


def test_denying(simulator: Simulator) -> None:
    """A merchant who denies sends the browser back with an error and the state."""
    carried = _authorize(simulator, decision="deny")

    assert (carried["error"], carried["state"]) == ("access_denied", "s1")
    assert "code" not in carried

"""The one door to Stripe against a hostile server: nothing but reads leaves, and nothing that comes back hurts."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import ClassVar

import pytest
from typing_extensions import override

from stripe_sync.gateway import API_VERSION, Gateway, GatewayError, Trouble
from stripe_sync.kinds import KINDS
from stripe_sync.settings import PlatformKeys, StripeConfig
from stripe_sync.transport import ReadOnlyTransport, WriteRefusedError
from tests.clock import FrozenClock

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
PLATFORM = PlatformKeys(client_id="ca_1", secret_key="sk_live_platform")
MERCHANT = "sk_live_merchants_own_token"


@dataclass(slots=True)
class Script:
    """What the server says next, and what it was asked."""

    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict)
    asked: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)


class Handler(BaseHTTPRequestHandler):
    """Answers everything from the script."""

    script: ClassVar[Script]

    def do_GET(self) -> None:
        """Answer."""
        self.script.asked.append((self.command, self.path, dict(self.headers)))
        self.send_response_only(self.script.status)
        for name, value in self.script.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(self.script.body)))
        self.end_headers()
        self.wfile.write(self.script.body)

    do_POST = do_GET  # noqa: N815  the name the library looks for
    do_DELETE = do_GET  # noqa: N815  the name the library looks for

    @override
    def log_message(self, format: str, *args: object) -> None:
        """Stay silent."""


@pytest.fixture
def server() -> Iterator[tuple[str, Script]]:
    """Run a server that says what a test tells it to."""
    with _serve() as running:
        yield running


@contextmanager
def _serve() -> Iterator[tuple[str, Script]]:
    script = Script()
    handler = type("Scripted", (Handler,), {"script": script})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        thread = Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{running.server_address[1]}", script
        running.shutdown()
        thread.join()


@pytest.mark.parametrize("method", ["post", "delete", "put", "patch", "POST", "head"])
@pytest.mark.parametrize("path", ["/v1/customers", "/v1/customers/cus_1", "/oauth/token", "/v1/oauth/token"])
def test_nothing_but_reads_leaves(server: tuple[str, Script], method: str, path: str) -> None:
    """With a merchant's token every other verb is refused before a socket is opened, on every path."""
    base, script = server
    transport = ReadOnlyTransport(_config(base))

    with pytest.raises(WriteRefusedError):
        transport.send(method, base + path, {"Authorization": f"Bearer {MERCHANT}"}, b"")

    assert script.asked == []


@pytest.mark.parametrize(
    ("method", "path", "more"),
    [
        ("post", "/v1/customers", {}),
        ("post", "/oauth/token", {"Stripe-Account": "acct_1"}),
        ("post", "/oauth/token?x=1", {}),
        ("post", "/oauth/authorize", {}),
        ("delete", "/oauth/token", {}),
        ("get", "/oauth/authorize", {}),
    ],
)
def test_our_own_key_may_not_write_either(
    server: tuple[str, Script], method: str, path: str, more: dict[str, str]
) -> None:
    """The platform's key opens exactly three addresses, and not on behalf of an account."""
    base, script = server

    with pytest.raises(WriteRefusedError):
        ReadOnlyTransport(_config(base)).send(
            method, base + path, {"Authorization": f"Bearer {PLATFORM.secret_key}", **more}, b""
        )

    assert script.asked == []


def test_other_hosts_are_refused(server: tuple[str, Script]) -> None:
    """A read of another host is none of ours."""
    base, script = server
    transport = ReadOnlyTransport(_config("http://127.0.0.1:1"))

    with pytest.raises(WriteRefusedError):
        transport.send("get", f"{base}/v1/customers", {}, None)

    assert script.asked == []


def test_the_three_writes_go_through_with_our_own_key(server: tuple[str, Script]) -> None:
    """Exchanging codes and deauthorizing work, authenticated as the platform."""
    base, script = server
    gateway = _gateway(base)

    gateway.exchange_code(PLATFORM, "ac_1")
    gateway.exchange_app_code(PLATFORM, "ac_1")
    gateway.deauthorize(PLATFORM, "acct_1")

    assert [(verb, path) for verb, path, _ in script.asked] == [
        ("POST", "/oauth/token"),
        ("POST", "/v1/oauth/token"),
        ("POST", "/oauth/deauthorize"),
    ]
    assert {headers["Authorization"] for _, _, headers in script.asked} == {"Bearer sk_live_platform"}


def test_redirects_are_not_followed(server: tuple[str, Script]) -> None:
    """A redirect, to wherever, is an answer that is not Stripe's."""
    base, script = server
    with _serve() as (elsewhere, other):
        script.status, script.headers = 307, {"Location": f"{elsewhere}/v1/customers"}

        assert _trouble(base) is Trouble.NONSENSE
        assert other.asked == []


def test_version_is_pinned_and_nothing_retried(server: tuple[str, Script]) -> None:
    """Each call is one request of the pinned version."""
    base, script = server
    script.status, script.body = 500, b'{"error": {"message": "no", "type": "api_error"}}'

    assert _trouble(base) is Trouble.UNAVAILABLE
    ((_, _, headers),) = script.asked
    assert headers["Stripe-Version"] == API_VERSION


@pytest.mark.parametrize(
    ("status", "error", "trouble"),
    [
        (401, {"message": "Invalid API Key"}, Trouble.UNAUTHORIZED),
        (403, {"code": "account_invalid"}, Trouble.UNAUTHORIZED),
        (403, {"message": "no permission"}, Trouble.FORBIDDEN),
        (404, {"code": "resource_missing", "param": "id"}, Trouble.NOT_FOUND),
        (400, {"code": "resource_missing", "param": "starting_after"}, Trouble.CURSOR_GONE),
        (400, {"message": "bad"}, Trouble.INVALID),
        (402, {}, Trouble.INVALID),
        (409, {}, Trouble.UNAVAILABLE),
        (429, {"code": "rate_limit"}, Trouble.RATE_LIMITED),
        (429, {"code": "lock_timeout"}, Trouble.RATE_LIMITED),
        (503, {}, Trouble.UNAVAILABLE),
    ],
)
def test_errors_are_told_apart(
    server: tuple[str, Script], status: int, error: dict[str, str], trouble: Trouble
) -> None:
    """Each of Stripe's errors has one meaning here."""
    base, script = server
    script.status, script.body = status, json.dumps({"error": error}).encode()

    assert _trouble(base) is trouble


def test_a_429_says_which_limit_spoke(server: tuple[str, Script]) -> None:
    """Stripe's reason header comes through, as does its absence in a bare 429."""
    base, script = server
    script.status, script.headers = 429, {"Stripe-Rate-Limited-Reason": "endpoint-rate"}
    script.body = b'{"error": {"code": "rate_limit"}}'

    with pytest.raises(GatewayError) as caught:
        _gateway(base).get(MERCHANT, "/v1/customers")
    script.body, script.headers = b"slow down", {}

    assert caught.value.limit_reason == "endpoint-rate"
    assert not caught.value.is_permanent
    assert _trouble(base) is Trouble.RATE_LIMITED


@pytest.mark.parametrize("status", [200, 400, 500])
@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"\xff\xfe\x00", b"null", b"[]", b'"x"', b"{", b'{"error": 1}', b'{"error": null}', b"[" * 9999],
)
def test_nonsense_is_survived(server: tuple[str, Script], status: int, body: bytes) -> None:
    """Whatever stands where Stripe's answer should be is an error of ours, never a crash."""
    base, script = server
    script.status, script.body = status, body

    with pytest.raises(GatewayError):
        _gateway(base).list_kind(MERCHANT, KINDS["customers"])


@pytest.mark.parametrize(
    "body",
    [
        {"data": [], "has_more": True},  # would be asked for ever
        {"data": [{"object": "customer"}], "has_more": False},
        {"data": [None], "has_more": False},
        {"data": {}, "has_more": False},
        {"data": [], "has_more": "no"},
    ],
)
def test_pages_that_are_none(server: tuple[str, Script], body: dict[str, object]) -> None:
    """A list that cannot be a page is nonsense, and is tried again later."""
    base, script = server
    script.body = json.dumps(body).encode()

    with pytest.raises(GatewayError) as caught:
        _gateway(base).list_kind(MERCHANT, KINDS["customers"])

    assert caught.value.trouble is Trouble.NONSENSE
    assert not caught.value.is_permanent


def test_oauth_error_that_crashes_the_library(server: tuple[str, Script]) -> None:
    """An OAuth error with a name nobody knows is an ordinary refusal here."""
    base, script = server
    script.status, script.body = 400, b'{"error": "brand_new_error", "error_description": "of ac_secretcode"}'

    with pytest.raises(GatewayError) as caught:
        _gateway(base).exchange_code(PLATFORM, "ac_1")

    assert caught.value.code == "brand_new_error"
    assert caught.value.is_permanent
    assert "ac_secretcode" not in str(caught.value)


def test_deauthorizing_what_is_not_connected_is_fine(server: tuple[str, Script]) -> None:
    """Stripe's 401 for an account that is not connected counts as done."""
    base, script = server
    script.status, script.body = 401, b'{"error": "invalid_client", "error_description": "not connected"}'

    _gateway(base).deauthorize(PLATFORM, "acct_1")

    assert len(script.asked) == 1


def test_errors_hold_no_secret(server: tuple[str, Script]) -> None:
    """Neither the message nor the chain of an error holds a token."""
    base, script = server
    script.status, script.body = 401, json.dumps({"error": {"message": f"Invalid API Key: {MERCHANT}"}}).encode()

    with pytest.raises(GatewayError) as caught:
        _gateway(base).get(MERCHANT, "/v1/customers")

    assert MERCHANT not in repr((caught.value, caught.value.args, caught.value.__cause__))
    assert caught.value.__suppress_context__


def test_nobody_there() -> None:
    """A connection that fails is worth another try."""
    assert _trouble("http://127.0.0.1:1") is Trouble.UNAVAILABLE


def test_amounts_and_clock_come_as_stripe_sent_them(server: tuple[str, Script]) -> None:
    """Decimal strings stay strings, ids may be odd, and the date tells how far apart the clocks are."""
    base, script = server
    script.body = b'{"id": "25 OFF/x", "unit_amount_decimal": "12.5000", "created": 1}'
    script.headers = {"Date": "Fri, 20 Nov 2026 12:01:00 GMT"}

    answer = _gateway(base).fetch(MERCHANT, KINDS["coupons"], "25 OFF/x")

    assert answer.body["unit_amount_decimal"] == "12.5000"
    assert script.asked[0][1].startswith("/v1/coupons/25%20OFF%2Fx?")
    assert answer.clock_offset is not None
    assert abs(answer.clock_offset - timedelta(seconds=60)) <= timedelta(seconds=1)


# helpers


def _config(base: str) -> StripeConfig:
    return StripeConfig(public_url="http://ochre", api_base=base, connect_base=base, live=PLATFORM)


def _gateway(base: str) -> Gateway:
    return Gateway(_config(base), FrozenClock(NOW))


def _trouble(base: str) -> Trouble:
    with pytest.raises(GatewayError) as caught:
        _gateway(base).get(MERCHANT, "/v1/customers")
    return caught.value.trouble

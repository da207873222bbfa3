"""Bad requests, and what answers say about them: problems with the right status, and nothing that leaks."""

import io
import json
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from engine.workspace.models import Role
from tests.clock import FrozenClock
from tests.integration.web.conftest import Tenant, environment, message, new_tenant
from web.app import create_app
from web.auth import cookies
from web.settings import Settings, load
from web.wiring import Services, build

PATH = "/api/v1/conversations"
JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b'{"a": NaN}', 400),
        (b'{"a": 1e999}', 400),
        (b'{"a": ' + b"9" * 5000 + b"}", 400),
        (b"[" * 100_000, 400),
        (b"\xff\xfe", 400),
        (b'"{}"', 422),
        (b"[]", 422),
        (b"null", 422),
        (b'{"\\u0000": 1}', 422),
        (b'{"external_id": "\\ud800"}', 422),
        (b'{"external_id": "a", "attributes": {"x": [[[["\\u0000"]]]]}}', 422),
    ],
)
def test_bodies_that_are_no_request(client: FlaskClient, ours: Tenant, body: bytes, status: int) -> None:
    """What is not JSON is a 400, what is not a sound object a 422, and both are problems."""
    answer = client.post(PATH, data=body, headers={**ours.bearer(), **JSON})

    assert answer.status_code == status
    assert answer.mimetype == "application/problem+json"
    assert answer.get_json()["status"] == status


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "application/yaml", ""])
def test_other_media_types_are_refused(client: FlaskClient, ours: Tenant, content_type: str) -> None:
    """A body that says it is something else than JSON is a 415."""
    answer = client.post(PATH, data=json.dumps(message()), headers={**ours.bearer(), "Content-Type": content_type})

    assert answer.status_code == 415


def test_a_body_over_the_limit_is_refused(client: FlaskClient, ours: Tenant) -> None:
    """More than 1 MiB is a 413."""
    large = json.dumps(message(body="x" * (1024 * 1024))).encode()

    assert client.post(PATH, data=large, headers={**ours.bearer(), **JSON}).status_code == 413


@pytest.mark.parametrize("filler", [b"x", b" "])
def test_a_body_of_unsaid_size_is_refused_over_the_limit(client: FlaskClient, ours: Tenant, filler: bytes) -> None:
    """A body in chunks is never cut to what is allowed, not even where the rest would not matter."""
    large = json.dumps(message()).encode() + filler * (1024 * 1024)
    sent = client.post(
        PATH,
        input_stream=io.BytesIO(large),
        headers={**ours.bearer(), **JSON},
        environ_overrides={"wsgi.input_terminated": True},
    )

    assert sent.status_code == 413


def test_a_nul_byte_in_the_address_is_refused(client: FlaskClient, ours: Tenant) -> None:
    """Text that no database keeps is a 422 in parameters too, and simply unknown in a path."""
    assert client.get("/api/v1/end-users?email=a%00b", headers=ours.bearer()).status_code == 422
    assert client.get(f"{PATH}?q=%00", headers=ours.bearer()).status_code == 422
    assert client.get(f"{PATH}?a%00b=1", headers=ours.bearer()).status_code == 422
    assert client.get(f"{PATH}/a%00b", headers=ours.bearer()).status_code == 404


def test_unknown_addresses_and_methods(client: FlaskClient, ours: Tenant) -> None:
    """Nothing there is a 404, an unknown method a 405 that says which ones are known."""
    missing = client.get("/api/v1/nothing", headers=ours.bearer())
    method = client.delete(PATH, headers=ours.bearer())

    assert (missing.status_code, missing.mimetype) == (404, "application/problem+json")
    assert (method.status_code, method.mimetype) == (405, "application/problem+json")
    assert {"GET", "POST"} <= set(method.headers["Allow"].split(", "))


def test_a_bug_gives_nothing_away(services: Services, settings: Settings, ours: Tenant) -> None:
    """An unforeseen error is a 500 that carries the request id, and not a word of the error."""
    app = create_app(services, settings)
    _explode.__dict__.update(app.view_functions["api_facts.list_facts"].__dict__)
    app.view_functions["api_facts.list_facts"] = _explode
    answer = app.test_client().get("/api/v1/facts", headers={**ours.bearer(), "X-Request-Id": "support-case-17"})

    assert answer.status_code == 500
    assert answer.get_json()["request_id"] == "support-case-17"
    assert answer.headers["X-Request-Id"] == "support-case-17"
    assert "hunter2" not in answer.get_data(as_text=True)


def test_an_insane_request_id_is_replaced(client: FlaskClient) -> None:
    """A request id that could forge log lines is not taken over."""
    answer = client.get("/healthz", headers={"X-Request-Id": "x" * 500})

    assert answer.headers["X-Request-Id"].startswith("req_")


def test_a_database_that_is_away_is_a_503(tmp_path: Path, clock: FrozenClock) -> None:
    """Without a database nothing is acknowledged: 503, as a problem, also for whoever shows a token."""
    settings = load(environment(tmp_path, DATABASE_URL="postgresql://nobody@127.0.0.1:1/nothing"))
    client = create_app(build(settings, clock), settings).test_client()
    token = "ochre_" + "a" * 43
    from web.auth.tokens import make_token

    answer = client.post(PATH, json=message(), headers={"Authorization": f"Bearer {make_token(token)}"})

    assert answer.status_code == 503
    assert answer.mimetype == "application/problem+json"
    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").status_code == 503


def test_guessing_tokens_is_slowed_down_and_good_ones_are_not(client: FlaskClient, ours: Tenant) -> None:
    """After many unknown tokens from one address more get a 429; good ones, and other addresses, do not notice."""
    bad = {"Authorization": "Bearer ochre_nobodysnobodysnobodysnobodys000000"}
    statuses = [client.get(PATH, headers=bad).status_code for _ in range(300)]
    refused = client.get(PATH, headers=bad)
    elsewhere = client.get(PATH, headers=bad, environ_overrides={"REMOTE_ADDR": "192.0.2.7"})

    assert statuses == [401] * 60 + [429] * 240
    assert refused.mimetype == "application/problem+json"
    assert refused.headers["Retry-After"] == "300"
    assert client.get(PATH, headers=ours.bearer()).status_code == 200
    assert elsewhere.status_code == 401


def test_conversations_are_taken_while_redis_is_away(tmp_path: Path, sqlite_url: str, clock: FrozenClock) -> None:
    """With Redis down a conversation is still acknowledged, and readiness says that only the workers are missing."""
    settings = load(environment(tmp_path, DATABASE_URL=sqlite_url, REDIS_URL="redis://127.0.0.1:1/0"))
    services = build(settings, clock)
    client = create_app(services, settings).test_client()
    tenant = new_tenant(services, "ours")

    assert client.post(PATH, json=message(), headers=tenant.bearer()).status_code == 201
    assert client.get("/readyz").status_code == 200
    assert client.get("/readyz?require=worker").status_code == 503
    services.database.dispose()


def test_browsers_are_told_what_pages_may_do(client: FlaskClient) -> None:
    """Every answer forbids framing, sniffing, inline scripts and storing."""
    headers = client.get("/healthz").headers
    policy = headers["Content-Security-Policy"]

    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
    assert "Strict-Transport-Security" not in headers


def test_over_tls_cookies_insist_on_it(tmp_path: Path, sqlite_url: str, clock: FrozenClock) -> None:
    """With an https address the cookie is host-bound and secure, and browsers are told to stay on TLS."""
    settings = load(environment(tmp_path, DATABASE_URL=sqlite_url, PUBLIC_URL="https://ochre.example"))
    app = create_app(build(settings, clock), settings)
    from flask import Response

    with app.test_request_context():
        response = Response()
        cookies.write(response, settings, "secret")
    cookie = response.headers["Set-Cookie"]

    assert cookie.startswith("__Host-ochre_session=secret;")
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(cookie.split("; "))
    assert "Strict-Transport-Security" in app.test_client().get("/healthz").headers


def test_metrics_count_routes_and_not_ids(client: FlaskClient, ours: Tenant) -> None:
    """Requests are counted by their route's template; no id, address or token shows."""
    client.get(f"{PATH}/cnv_secretly", headers=ours.bearer(Role.AGENT))
    text = client.get("/metrics").get_data(as_text=True)

    assert 'route="/api/v1/conversations/<id>"' in text
    assert "cnv_secretly" not in text


# helpers


def _explode() -> str:
    raise RuntimeError("the password is hunter2")

"""`/webhooks/stripe`: signed deliveries in, acknowledgement out, nothing lost and nothing trusted."""

import hashlib
import hmac
import json
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from tests.clock import FrozenClock
from tests.integration.web.conftest import environment
from web.app import create_app
from web.settings import Settings, load
from web.wiring import build

PATH = "/webhooks/stripe"
SECRET = "whsec_of_the_connect_endpoint"
EVENT = {
    "id": "evt_1",
    "object": "event",
    "type": "customer.updated",
    "account": "acct_nobody",
    "livemode": False,
    "created": 1795176000,
    "api_version": "2026-10-28.endive",
    "data": {"object": {"id": "cus_1", "object": "customer"}},
}


@pytest.fixture
def settings(tmp_path: Path, sqlite_url: str) -> Settings:
    """Return settings with the endpoint's secret."""
    return load(environment(tmp_path, DATABASE_URL=sqlite_url, STRIPE_WEBHOOK_SECRETS=f"whsec_old,{SECRET}"))


def sign(body: bytes, at: int, secret: str = SECRET) -> dict[str, str]:
    """Return the header with which Stripe signs `body` at that second."""
    signature = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return {"Stripe-Signature": f"t={at},v1={signature}", "Content-Type": "application/json"}


def test_a_signed_event_is_acknowledged(client: FlaskClient, clock: FrozenClock) -> None:
    """A delivery signed with any of our secrets is a 200, also for an account nobody has connected."""
    body = json.dumps(EVENT).encode()
    answer = client.post(PATH, data=body, headers=sign(body, int(clock.now().timestamp())))

    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("secret", "skew", "tampered"),
    [
        ("whsec_wrong", 0, b""),
        (SECRET, -3600, b""),  # replayed
        (SECRET, 3600, b""),  # from the future
        (SECRET, 0, b" "),  # changed on the way
    ],
)
def test_a_bad_signature_is_refused(
    client: FlaskClient, clock: FrozenClock, secret: str, skew: int, tampered: bytes
) -> None:
    """Wrong, stale, future and tampered deliveries are a 400."""
    body = json.dumps(EVENT).encode()
    headers = sign(body, int(clock.now().timestamp()) + skew, secret)
    answer = client.post(PATH, data=body + tampered, headers=headers)

    assert answer.status_code == 400
    assert answer.mimetype == "application/problem+json"


def test_an_unsigned_delivery_is_refused(client: FlaskClient) -> None:
    """Without a signature nothing is looked at."""
    assert client.post(PATH, json=EVENT).status_code == 400


def test_signed_nonsense_is_acknowledged(client: FlaskClient, clock: FrozenClock) -> None:
    """What Stripe signed and we cannot read is a 200, since a repetition would be no better."""
    body = b"{not json"

    assert client.post(PATH, data=body, headers=sign(body, int(clock.now().timestamp()))).status_code == 200


def test_an_unknown_connection_of_its_own_is_refused(client: FlaskClient, clock: FrozenClock) -> None:
    """The address of a connection that does not exist has no secret to sign with."""
    body = json.dumps(EVENT).encode()
    answer = client.post(f"{PATH}/con_nobody", data=body, headers=sign(body, int(clock.now().timestamp())))

    assert answer.status_code == 400


def test_a_large_delivery_is_refused(client: FlaskClient, clock: FrozenClock) -> None:
    """More than 1 MiB is a 413 before anything is verified."""
    body = b"x" * (1024 * 1024 + 1)

    assert client.post(PATH, data=body, headers=sign(body, int(clock.now().timestamp()))).status_code == 413


def test_a_database_that_is_away_acknowledges_nothing(tmp_path: Path, clock: FrozenClock) -> None:
    """A good event that cannot be stored is a 503, so that Stripe delivers it again."""
    settings = load(
        environment(tmp_path, DATABASE_URL="postgresql://nobody@127.0.0.1:1/nothing", STRIPE_WEBHOOK_SECRETS=SECRET)
    )
    client = create_app(build(settings, clock), settings).test_client()
    body = json.dumps(EVENT).encode()

    assert client.post(PATH, data=body, headers=sign(body, int(clock.now().timestamp()))).status_code == 503


def test_outcomes_are_counted(client: FlaskClient, clock: FrozenClock) -> None:
    """Each outcome has its own count, by a closed set of names."""
    body = json.dumps(EVENT).encode()
    client.post(PATH, data=body, headers=sign(body, int(clock.now().timestamp())))
    client.post(PATH, json=EVENT)
    text = client.get("/metrics").get_data(as_text=True)

    assert 'ochre_webhooks_total{outcome="unknown_account"} 1.0' in text
    assert 'ochre_webhooks_total{outcome="bad_signature"} 1.0' in text

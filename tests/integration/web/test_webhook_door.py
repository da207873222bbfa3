"""The door before the application: what it answers itself looks like every other answer, the rest it passes on."""

import json
import threading
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from typing_extensions import override

from engine.ports import Waker
from tests.clock import FrozenClock
from tests.integration.web.conftest import environment
from tests.integration.web.test_webhooks import EVENT, PATH, SECRET, sign
from web.settings import Settings, load
from web.waker import SoonWaker


@pytest.fixture
def settings(tmp_path: Path, sqlite_url: str) -> Settings:
    """Return settings with the endpoint's secret."""
    return load(environment(tmp_path, DATABASE_URL=sqlite_url, STRIPE_WEBHOOK_SECRETS=SECRET))


def test_its_answers_carry_what_all_answers_carry(client: FlaskClient, clock: FrozenClock) -> None:
    """An acknowledged delivery has the headers of every answer, and an id of its own."""
    body = json.dumps(EVENT).encode()
    taken = client.post(PATH, data=body, headers=sign(body, int(clock.now().timestamp())))
    refused = client.post(PATH, data=body)

    assert taken.json == {"received": "ignored"}
    assert {*refused.headers.keys()} <= {*taken.headers.keys()}
    for name in ("Content-Security-Policy", "X-Content-Type-Options", "Cache-Control"):
        assert taken.headers[name] == refused.headers[name]
    assert taken.headers["X-Request-Id"].startswith("req_")


@pytest.mark.parametrize("header", ["Origin", "Sec-Fetch-Site"])
def test_browsers_are_left_to_the_gate(client: FlaskClient, clock: FrozenClock, header: str) -> None:
    """A delivery that says it comes from another site's page is refused, however well it is signed."""
    body = json.dumps(EVENT).encode()
    value = "https://evil.example" if header == "Origin" else "cross-site"
    answer = client.post(PATH, data=body, headers={**sign(body, int(clock.now().timestamp())), header: value})

    assert answer.status_code == 403


def test_a_large_delivery_is_refused(client: FlaskClient, clock: FrozenClock) -> None:
    """What is larger than a request may be is a 413, as everywhere."""
    body = b" " * (2 * 1024 * 1024)
    answer = client.post(PATH, data=body, headers=sign(body, int(clock.now().timestamp())))

    assert answer.status_code == 413


class Slow(Waker):
    """A waker that takes its time."""

    def __init__(self) -> None:
        self.topics: list[str] = []
        self.may_go = threading.Event()
        self.is_done = threading.Event()

    @override
    def wake(self, topic: str) -> None:
        """Note the topic when allowed to."""
        self.may_go.wait(10)
        self.topics.append(topic)
        if topic == "last":
            self.is_done.set()


def test_nobody_waits_for_a_wake_up() -> None:
    """Wakes return at once, gather while one is told, and none is lost."""
    slow = Slow()
    soon = SoonWaker(slow)
    for _ in range(100):
        soon.wake("stripe_events")
    soon.wake("last")
    slow.may_go.set()

    assert slow.is_done.wait(10)
    assert 1 <= slow.topics.count("stripe_events") <= 3

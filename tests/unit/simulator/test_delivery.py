"""Webhook delivery: who gets what and when, and every fault it can suffer."""

import random

import pytest
from stripe import SignatureVerificationError, WebhookSignature

from stripe_sync.simulator.delivery import RETRY_AFTER_S, Attempt, Deliveries, Endpoint, signature
from stripe_sync.simulator.faults import Faults, merged
from stripe_sync.simulator.stripe import SimulatedStripe
from tests.unit.simulator.conftest import NOW, ask

PLATFORM = Endpoint(url="http://127.0.0.1:1/hook", secret="whsec_platform")


def _with_endpoint(stripe: SimulatedStripe, endpoint: Endpoint = PLATFORM, **faults: float) -> Deliveries:
    stripe.deliveries.endpoints.append(endpoint)
    stripe.faults = merged(stripe.faults, faults) if faults else stripe.faults
    return stripe.deliveries


def _events(attempts: list[Attempt]) -> list[str]:
    return [attempt.event["id"] for attempt in attempts]


def test_events_are_due_at_once_in_order(stripe: SimulatedStripe) -> None:
    """Without faults every event is due when it happens, in the order it happened."""
    deliveries = _with_endpoint(stripe)
    events = [
        event["id"]
        for name in ("a", "b", "c")
        for event in stripe.perform("create_customer", {"name": name}, NOW)["events"]
    ]

    assert _events(deliveries.due(NOW)) == events
    assert deliveries.due(NOW + 10**6) == []


def test_connect_endpoints_are_told_the_account(stripe: SimulatedStripe) -> None:
    """A platform's webhook names its account at the top; an account's own does not."""
    deliveries = _with_endpoint(stripe)
    own = Endpoint(url="http://127.0.0.1:1/own", secret="whsec_own", connect=False, account=stripe.default_account.id)
    _with_endpoint(stripe, own)
    _with_endpoint(stripe, Endpoint(url="http://127.0.0.1:1/x", secret="whsec_x", connect=False, account="acct_other"))
    stripe.perform("create_customer", {}, NOW)
    platform, mine = deliveries.due(NOW)

    assert platform.payload()["account"] == stripe.default_account.id
    assert "account" not in mine.payload()
    assert platform.payload()["api_version"] == "2026-10-28.endive"
    assert platform.payload()["pending_webhooks"] == 2


def test_nothing_goes_out_after_the_end_of_a_connection(stripe: SimulatedStripe) -> None:
    """After the account is disconnected the platform hears of that, and of nothing more."""
    deliveries = _with_endpoint(stripe)
    client_id = stripe.oauth.application.client_ids[True]
    code = stripe.perform(
        "authorize", {"account": stripe.default_account.id, "client_id": client_id, "scope": "read_only"}, NOW
    )["code"]
    stripe.perform("token", {"grant_type": "authorization_code", "code": code, "key": stripe.platform_key}, NOW)
    stripe.perform("disconnect", {}, NOW)
    stripe.perform("create_customer", {}, NOW)

    types = [attempt.event["type"] for attempt in deliveries.due(NOW)]
    assert types == ["account.application.authorized", "account.application.deauthorized"]


def test_failures_come_back_for_three_days(stripe: SimulatedStripe) -> None:
    """What is not acknowledged is tried again after longer and longer pauses, then given up."""
    deliveries = _with_endpoint(stripe)
    stripe.perform("create_customer", {}, NOW)
    now, tries = float(NOW), 0
    while deliveries.next_due() is not None:
        now = max(now, deliveries.next_due() or now)
        for attempt in deliveries.due(now):
            tries += 1
            deliveries.report(attempt, acknowledged=False, now=now)

    assert tries == len(RETRY_AFTER_S) + 1
    assert 2.5 * 86_400 < now - NOW < 3.5 * 86_400
    assert list(RETRY_AFTER_S) == sorted(RETRY_AFTER_S)


def test_undelivered_events_can_be_asked_for(stripe: SimulatedStripe) -> None:
    """`delivery_success=false` lists what nobody has acknowledged yet."""
    deliveries = _with_endpoint(stripe)
    stripe.perform("create_customer", {}, NOW)
    stripe.perform("create_customer", {}, NOW)
    first, second = deliveries.due(NOW)
    deliveries.report(first, acknowledged=True, now=NOW)
    deliveries.report(second, acknowledged=False, now=NOW)

    missing = ask(stripe, "/v1/events", "delivery_success=false").body["data"]
    assert [(shape["id"], shape["pending_webhooks"]) for shape in missing] == [(second.event["id"], 1)]
    assert len(ask(stripe, "/v1/events", "delivery_success=true").body["data"]) == 1


def test_dropped_webhooks_never_come(stripe: SimulatedStripe) -> None:
    """What is dropped is lost, and counted, and stays undelivered."""
    deliveries = _with_endpoint(stripe, drop=1)
    stripe.perform("create_customer", {}, NOW)

    assert deliveries.due(NOW + 10**6) == []
    assert deliveries.dropped == 1
    assert len(ask(stripe, "/v1/events", "delivery_success=false").body["data"]) == 1


def test_repeated_webhooks_come_twice(stripe: SimulatedStripe) -> None:
    """What is repeated comes a second time soon after."""
    deliveries = _with_endpoint(stripe, repeat=1)
    stripe.perform("create_customer", {}, NOW)
    found = _events(deliveries.due(NOW + 5))

    assert len(found) == 2
    assert len(set(found)) == 1


def test_delayed_webhooks_come_later(stripe: SimulatedStripe) -> None:
    """A delay holds every webhook back by as much."""
    deliveries = _with_endpoint(stripe, delay_ms=1500)
    stripe.perform("create_customer", {}, NOW)

    assert deliveries.due(NOW + 1) == []
    assert len(deliveries.due(NOW + 1.5)) == 1


def test_reordered_webhooks_overtake_each_other(stripe: SimulatedStripe) -> None:
    """Reordering delivers everything once, in another order."""
    deliveries = _with_endpoint(stripe, reorder=1)
    events = [stripe.perform("create_customer", {}, NOW)["events"][0]["id"] for _ in range(20)]
    found = _events(deliveries.due(NOW + 5))

    assert found != events
    assert sorted(found) == sorted(events)


def test_faults_are_a_matter_of_the_seed() -> None:
    """The same seed loses the same webhooks."""

    def lost(seed: int) -> list[bool]:
        rng = random.Random(seed)
        return [rng.random() < Faults(drop=0.5).drop for _ in range(20)]

    assert lost(1) == lost(1)
    assert lost(1) != lost(2)


def test_the_signature_is_stripes() -> None:
    """Stripe's own library takes our signature, and no other."""
    body = '{"a": "ü"}'
    header = signature("whsec_test", body.encode(), NOW)

    assert WebhookSignature.verify_header(body, header, "whsec_test", tolerance=None)
    with pytest.raises(SignatureVerificationError):
        WebhookSignature.verify_header(body, header, "whsec_other", tolerance=None)

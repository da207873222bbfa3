"""Webhooks that the simulator really sends."""

import pytest
from stripe import SignatureVerificationError, Webhook

from tests.integration.simulator.conftest import Listener, Start


def test_signed_webhooks_arrive(start: Start, listener: Listener) -> None:
    """Paying an invoice sends every event, signed so that Stripe's library takes it, naming the account."""
    simulator = start("--customers", "12", "--webhook-url", listener.url)
    past_due = simulator.look("examples")["past_due"]
    events = simulator.control("pay_invoice", id=past_due)["events"]
    bodies = listener.wait_for(len(events))

    assert sorted(body["type"] for body in bodies) == sorted(event["type"] for event in events)
    assert {body["account"] for body in bodies} == {simulator.ready["account"]}
    assert {body["api_version"] for body in bodies} == {"2026-10-28.endive"}
    secret = simulator.ready["webhook_secret"]
    for body, signature in listener.received:
        event = Webhook.construct_event(body, signature, secret)
        assert event.livemode is True
    with pytest.raises(SignatureVerificationError):
        Webhook.construct_event(*listener.received[0], "whsec_other")
    assert simulator.look("stats")["webhooks"]["delivered"] == len(events)


def test_refused_webhooks_come_again(start: Start, listener: Listener) -> None:
    """A webhook answered with an error is sent again after a pause."""
    simulator = start("--customers", "1", "--webhook-url", listener.url)
    listener.refusals.append(500)
    simulator.control("create_customer", email="a@post.example")
    listener.wait_for(1)
    simulator.control("clock", advance_s=3)
    first, second = listener.wait_for(2)

    assert first["id"] == second["id"]
    assert simulator.look("stats")["webhooks"]["failed"] == 1


def test_endpoints_of_an_accounts_own(start: Start, listener: Listener) -> None:
    """An endpoint can be added while it runs; an account's own gets no top-level account."""
    simulator = start("--customers", "1")
    simulator.control("webhook_endpoints", url=listener.url, connect=False, secret="whsec_own")
    simulator.control("create_customer")
    (body,) = listener.wait_for(1)

    assert "account" not in body
    assert Webhook.construct_event(*listener.received[0], "whsec_own").id == body["id"]


def test_faults_over_http(start: Start, listener: Listener) -> None:
    """Faults are set and taken back over the control API."""
    simulator = start("--customers", "1", "--webhook-url", listener.url)
    assert simulator.control("faults", drop=True)["drop"] == 1
    simulator.control("create_customer")
    assert simulator.control("faults", drop=0, repeat=1)["repeat"] == 1
    simulator.control("create_customer")
    bodies = listener.wait_for(2)

    assert len({body["id"] for body in bodies}) == 1
    assert simulator.look("stats")["webhooks"]["dropped"] == 1

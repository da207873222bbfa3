"""Events from Stripe: verified on the raw bytes, stored, acknowledged; the work comes after.

A 2xx means that the event is durable, or that it is one we never need. A bad signature is a 400; a database that is
away is a 503, so that Stripe delivers again.
"""

from typing import assert_never

from flask import Blueprint, Response, request

from engine.ids import ConnectionId
from stripe_sync.events.models import BadSignature, Ignored, Stored
from web.auth.access import public
from web.current import services
from web.errors import Problem

SIGNED = "Stripe signs every delivery, and the signature is checked"
TOPIC = "stripe_events"

blueprint = Blueprint("webhooks", __name__)


@blueprint.post("/webhooks/stripe")
@public(SIGNED)
def receive() -> Response:
    """Receive an event of a connected account."""
    return _receive(None)


@blueprint.post("/webhooks/stripe/<connection>")
@public(SIGNED)
def receive_for(connection: str) -> Response:
    """Receive an event of a connection that has its own key and secret."""
    return _receive(ConnectionId(connection))


def _receive(connection_id: ConnectionId | None) -> Response:
    parts = services()
    signature = request.headers.get("Stripe-Signature")
    received = parts.stripe.receive_event(request.get_data(cache=False), signature, connection_id=connection_id)
    match received:
        case BadSignature(reason=reason):
            parts.metrics.webhooks.labels("bad_signature").inc()
            raise Problem(400, f"The signature does not hold: {reason}")
        case Ignored(reason=reason):
            parts.metrics.webhooks.labels(reason).inc()
            return _acknowledged("ignored")
        case Stored(is_new=is_new):
            parts.metrics.webhooks.labels("stored" if is_new else "repeated").inc()
            if is_new:
                parts.waker.wake(TOPIC)
            return _acknowledged("stored")
    assert_never(received)


def _acknowledged(outcome: str) -> Response:
    return Response(f'{{"received":"{outcome}"}}', 200, mimetype="application/json")

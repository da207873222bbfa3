"""Deliveries to the platform's address enter here, before Flask: they come by the hundred a second, all alike.

What is stored, or needs no storing, is answered at once, with a measurement and without a log line of its own (the
event's row says more). Whatever else there is to say (a bad signature, a body too large, a database that is away) is
left to the application behind, which looks at the same request again and has the words for it.
"""

import time
from collections.abc import Callable, Iterable
from io import BytesIO
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from stripe_sync.events.models import BadSignature, Ignored, Stored
from web.auth.access import BODY_LIMIT
from web.observe import HEADER
from web.waker import SoonWaker
from web.wiring import Services

PATH = "/webhooks/stripe"
TOPIC = "stripe_events"
SENT_BY_BROWSERS = ("HTTP_ORIGIN", "HTTP_SEC_FETCH_SITE", "HTTP_AUTHORIZATION")
"""Where one of these is given the gate behind has to look."""

StartResponse = Callable[..., Any]
Application = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]


class WebhookDoor:
    """A WSGI application in front of another."""

    def __init__(self, behind: Application, services: Services, headers: Iterable[tuple[str, str]]) -> None:
        """Take deliveries; leave the rest to what is `behind`. `headers` go with every answer."""
        self._behind = behind
        self._services = services
        self._waker = SoonWaker(services.waker)
        self._headers = [("Content-Type", "application/json"), *headers]
        self._took = services.metrics.requests.labels("POST", PATH, "200")
        self._new, self._repeated = (services.metrics.webhooks.labels(outcome) for outcome in ("stored", "repeated"))

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        is_delivery = environ.get("PATH_INFO") == PATH and environ["REQUEST_METHOD"] == "POST"
        if not is_delivery or any(name in environ for name in SENT_BY_BROWSERS):
            return self._behind(environ, start_response)
        size = environ.get("CONTENT_LENGTH") or ""
        if not (size.isascii() and size.isdigit()) or int(size) > BODY_LIMIT:
            return self._behind(environ, start_response)
        began = time.perf_counter()
        body = environ["wsgi.input"].read(int(size))
        outcome = self._receive(body, environ.get("HTTP_STRIPE_SIGNATURE"))
        if outcome is None:
            environ["wsgi.input"] = BytesIO(body)
            return self._behind(environ, start_response)
        answer = b'{"received":"%b"}' % outcome
        request_id = self._services.clock.new_id("req")
        start_response("200 OK", [*self._headers, ("Content-Length", str(len(answer))), (HEADER, request_id)])
        self._took.observe(time.perf_counter() - began)
        return (answer,)

    def _receive(self, body: bytes, signature: str | None) -> bytes | None:
        """Return the outcome of a delivery that is acknowledged, or None."""
        parts = self._services
        try:
            received = parts.stripe.receive_event(body, signature, connection_id=None)
        except SQLAlchemyError:
            return None
        match received:
            case BadSignature():
                return None
            case Ignored(reason=reason):
                parts.metrics.webhooks.labels(reason).inc()
                return b"ignored"
            case Stored(is_new=is_new):
                (self._new if is_new else self._repeated).inc()
                if is_new:
                    self._waker.wake(TOPIC)
                return b"stored"

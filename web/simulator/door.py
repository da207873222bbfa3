"""What a request to the simulator gets: the API, the OAuth endpoints, the control API, pages.

Laws: the control API needs the control token; pages change something only by a form of our own site; nothing
here holds the lock while it waits.
"""

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote, urlsplit

import orjson

from stripe_sync.simulator.answers import Answer, OAuthError, StripeError, invalid
from stripe_sync.simulator.records import Record
from stripe_sync.simulator.shapes import API_VERSION
from web.simulator import control, oauth_page, pages
from web.simulator.host import Host

_JSON = "application/json"


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """One HTTP request; header names in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def path(self) -> str:
        """Return the decoded path."""
        return unquote(urlsplit(self.target).path)

    @property
    def query(self) -> str:
        """Return the raw query string."""
        return urlsplit(self.target).query

    def form(self) -> dict[str, str]:
        """Return the fields of query and form body; the body wins."""
        text = self.body.decode(errors="replace")
        fields = {**parse_qs(self.query, keep_blank_values=True), **parse_qs(text, keep_blank_values=True)}
        return {name: values[-1] for name, values in fields.items()}


@dataclass(frozen=True, kw_only=True, slots=True)
class Response:
    """One HTTP response."""

    status: int
    body: bytes
    content_type: str = _JSON
    headers: dict[str, str] = field(default_factory=dict)
    delay_s: float = 0.0
    """How long to wait before it is sent."""


class Door:
    """Answers requests for one host."""

    def __init__(self, host: Host, control_token: str, make_id: Callable[[str], str]) -> None:
        self._host = host
        self._control_token = control_token
        self._make_id = make_id

    def now(self) -> float:
        """Return the simulator's time."""
        return self._host.now()

    def answer(self, request: Request) -> Response:
        """Answer a request; never raises for a bad one."""
        path = request.path
        if path.startswith("/_control/"):
            return self._control(request, path.removeprefix("/_control/"))
        if path in {"/oauth/authorize", "/oauth/v2/authorize"}:
            return _page(oauth_page.answer(self._host, request.method, request.form(), dict(request.headers)))
        if path.startswith("/v1/") or path in {"/oauth/token", "/oauth/deauthorize"}:
            return self._api(request, path)
        return _page(pages.answer(self._host, request.method, path, request.form(), dict(request.headers)))

    def _api(self, request: Request, path: str) -> Response:
        answer = self._host.request(
            request.method,
            path,
            query=request.query,
            body=request.body.decode(errors="replace"),
            headers=request.headers,
        )
        if self._host.stripe.faults.nonsense:
            return Response(status=200, body=b"<html><body>Bad gatew", content_type="text/html")
        headers = {
            "Request-Id": self._make_id("req"),
            "Stripe-Version": request.headers.get("stripe-version", API_VERSION),
            **answer.headers,
        }
        if "stripe-account" in request.headers:
            headers["Stripe-Account"] = request.headers["stripe-account"]
        return Response(
            status=answer.status, body=orjson.dumps(answer.body), headers=headers, delay_s=self._host.latency_s()
        )

    def _control(self, request: Request, name: str) -> Response:
        given = request.headers.get("authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {self._control_token}".encode()):
            return _json(StripeError(401, "Send the control token: Authorization: Bearer <control_token>.").answer())
        try:
            body = control.answer(self._host, request.method, name, _arguments(request))
        except (StripeError, OAuthError) as error:
            return _json(error.answer())
        return Response(status=200, body=orjson.dumps(body))


def _arguments(request: Request) -> Record:
    if request.method == "GET":
        return dict(request.form())
    if not request.body.strip():
        return {}
    try:
        arguments = orjson.loads(request.body)
    except orjson.JSONDecodeError as error:
        raise invalid("body", f"The body is not JSON: {error}") from error
    if not isinstance(arguments, dict):
        raise invalid("body", "The body must be a JSON object.")
    return arguments


def _json(answer: Answer) -> Response:
    return Response(status=answer.status, body=orjson.dumps(answer.body), headers=dict(answer.headers))


def _page(page: pages.Page) -> Response:
    headers = {
        "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
        **page.headers,
    }
    return Response(status=page.status, body=page.body, content_type=page.content_type, headers=headers)

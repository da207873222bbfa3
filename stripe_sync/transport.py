"""The wall between us and Stripe: reads only, whatever the code above asks for.

Laws (design, law 2)
- Nothing but GET to the API host leaves this process, except exactly three requests: POST /oauth/token and
  POST /oauth/deauthorize to the connect host, POST /v1/oauth/token to the API host.
- Those three go out with one of our own platform keys and without an account header, never with a merchant's token.
- The check stands before any socket is opened. Redirects are not followed, proxies of the environment not used.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import local
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter

from stripe_sync.settings import StripeConfig

CONNECT_TIMEOUT_S = 3.0
READ_TIMEOUT_S = 20.0
MAX_BODY_BYTES = 64 * 1024 * 1024
_CHUNK = 64 * 1024


class WriteRefusedError(Exception):
    """Something tried to send more than a read to Stripe; a fault of ours, never retried."""


class ConnectionFailedError(Exception):
    """Stripe gave no answer: no connection, a time-out, a broken or endless body."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RawAnswer:
    """An HTTP answer, unread."""

    status: int
    headers: Mapping[str, str]
    body: bytes


Wire = Callable[[str, str, Mapping[str, str], bytes | None], RawAnswer]
"""Carries one request (method, URL, headers, body) that the wall has let through; raises ConnectionFailedError."""


class ReadOnlyTransport:
    """Sends requests to Stripe, and refuses all that are not reads."""

    def __init__(self, config: StripeConfig, wire: Wire | None = None) -> None:
        """Take the hosts and our own keys from `config`; send over `wire` where one is given, else over HTTP."""
        self._wire = wire or self._send
        self._api = _origin(config.api_base)
        self._writes = {
            (_origin(config.connect_base), "/oauth/token"),
            (_origin(config.connect_base), "/oauth/deauthorize"),
            (_origin(config.api_base), "/v1/oauth/token"),
        }
        keys = (config.live, config.test, config.app)
        self._own_authorizations = {f"Bearer {keys.secret_key}" for keys in keys if keys is not None}
        self._local = local()

    def send(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> RawAnswer:
        """Send one request; raise WriteRefusedError before any socket is opened, ConnectionFailedError after."""
        self._check(method, url, headers)
        try:
            return self._wire(method, url, headers, body)
        except requests.RequestException as error:
            # Only the kind of failure: messages of the library may hold addresses and headers.
            raise ConnectionFailedError(type(error).__name__) from None

    def _check(self, method: str, url: str, headers: Mapping[str, str]) -> None:
        parts = urlsplit(url)
        origin, verb = _origin(url), method.upper()
        if verb == "GET" and origin == self._api and parts.path.startswith("/v1/"):
            return
        sent = {name.lower(): value for name, value in headers.items()}
        is_ours = sent.get("authorization") in self._own_authorizations and "stripe-account" not in sent
        if verb == "POST" and (origin, parts.path) in self._writes and not parts.query and is_ours:
            return
        raise WriteRefusedError(f"{verb} {parts.path} is not a read that Ochre makes; it was not sent")

    def _send(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> RawAnswer:
        with self._session().request(
            method,
            url,
            headers=dict(headers),
            data=body,
            timeout=(CONNECT_TIMEOUT_S, READ_TIMEOUT_S),
            allow_redirects=False,
            stream=True,
        ) as response:
            content = bytearray()
            for chunk in response.iter_content(_CHUNK):
                content += chunk
                if len(content) > MAX_BODY_BYTES:
                    raise ConnectionFailedError("an answer without end")
            return RawAnswer(status=response.status_code, headers=response.headers, body=bytes(content))

    def _session(self) -> requests.Session:
        # Sessions are not made for several threads.
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = requests.Session()
            session.trust_env = False
            for scheme in ("http://", "https://"):
                session.mount(scheme, HTTPAdapter(max_retries=0, pool_maxsize=4))
            self._local.session = session
        return session


def _origin(url: str) -> tuple[str, str, int | None]:
    parts = urlsplit(url)
    return (parts.scheme.lower(), (parts.hostname or "").lower(), parts.port)

"""The one door to the `stripe` library.

Laws
- Every request goes through `ReadOnlyTransport`; the library never opens a socket of its own and never retries.
- What comes back is plain JSON as Stripe sent it, or a `GatewayError` that says whether trying again makes sense.
  The library's own exceptions stop here: they carry whole bodies and headers, which may hold secrets.
- The answer decides what went wrong, not the library's exception: it knows six OAuth errors and crashes on others.
"""

import hashlib
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Any
from urllib.parse import quote, urlencode

import stripe
from typing_extensions import override

from engine.ports import Clock
from stripe_sync import jsontext
from stripe_sync.kinds import Kind, StripeJson
from stripe_sync.settings import PlatformKeys, StripeConfig
from stripe_sync.transport import ConnectionFailedError, RawAnswer, ReadOnlyTransport, Wire, WriteRefusedError

API_VERSION = "2026-10-28.endive"
PAGE_SIZE = 100
_SECRETS = re.compile(r"\b(?:sk|rk|pk|whsec|ac|rt|ut|access|refresh)_[A-Za-z0-9_*]{3,}")


class Trouble(StrEnum):
    """What went wrong with a request to Stripe."""

    UNAUTHORIZED = "unauthorized"
    """The token is not, or no longer, good for the account."""
    FORBIDDEN = "forbidden"
    """The token is good, but not for this kind of object."""
    NOT_FOUND = "not_found"
    CURSOR_GONE = "cursor_gone"
    """The object a page was to start after no longer is in the list."""
    INVALID = "invalid"
    RATE_LIMITED = "rate_limited"
    UNAVAILABLE = "unavailable"
    """No answer, a server error, or a conflict that passes."""
    NONSENSE = "nonsense"
    """An answer that is not Stripe's."""


_RETRYABLE = frozenset({Trouble.RATE_LIMITED, Trouble.UNAVAILABLE, Trouble.NONSENSE})


class GatewayError(Exception):
    """A request to Stripe failed; the message holds no secret."""

    def __init__(
        self, trouble: Trouble, message: str, *, code: str | None = None, limit_reason: str | None = None
    ) -> None:
        super().__init__(f"{trouble.value}: {_SECRETS.sub('[secret]', message)}")
        self.trouble = trouble
        self.code = code
        """Stripe's own code, such as `resource_missing` or `invalid_grant`."""
        self.limit_reason = limit_reason
        """Which of Stripe's limits spoke, where it says so."""
        self.sent_at: datetime | None = None
        """When Stripe was asked, where it answered."""

    @property
    def is_permanent(self) -> bool:
        """Return whether trying again without a change makes no sense."""
        return self.trouble not in _RETRYABLE


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What Stripe said, and when it was asked."""

    body: StripeJson
    sent_at: datetime
    """By our clock, before the request left."""
    clock_offset: timedelta | None
    """Stripe's clock minus ours as this answer suggests; None without a date."""
    clock_slack: timedelta = timedelta(0)
    """How far off that may be: the date has whole seconds, and was written at some moment while we waited."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of a list, newest first."""

    objects: tuple[StripeJson, ...]
    has_more: bool
    sent_at: datetime
    clock_offset: timedelta | None
    clock_slack: timedelta = timedelta(0)


class _Wire(stripe.HTTPClient):
    """Carries one request of the library over our transport, and keeps the answer."""

    name = "ochre"

    def __init__(self, transport: ReadOnlyTransport) -> None:
        super().__init__()
        self._transport = transport
        self.answer: RawAnswer | None = None

    @override
    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,
        *,
        _usage: list[str] | None = None,
    ) -> tuple[str, int, Mapping[str, str]]:
        body = post_data.encode() if isinstance(post_data, str) else post_data
        self.answer = self._transport.send(method, url, headers or {}, body)
        # What the library would read of a success nobody looks at, and a page takes it longer than us to keep.
        text = "{}" if _is_success(self.answer) else self.answer.body.decode("utf-8", errors="replace")
        return text, self.answer.status, self.answer.headers

    @override
    def close(self) -> None:
        """Keep the transport's connections; it is shared."""


class Gateway:
    """Reads from Stripe."""

    def __init__(self, config: StripeConfig, clock: Clock, wire: Wire | None = None) -> None:
        """Read from the hosts of `config`; over `wire` where one is given, else over HTTP."""
        self._config = config
        self._clock = clock
        self._transport = ReadOnlyTransport(config, wire)
        # At lower levels the library logs the bodies of requests and answers, tokens among them.
        logging.getLogger("stripe").setLevel(logging.WARNING)

    def get(self, token: str, path: str, params: Mapping[str, Any] | None = None) -> Answer:
        """Read one path as the holder of `token`; raise GatewayError."""
        return self._call(token, "get", path, params or {}, base="api")

    def page(
        self, token: str, path: str, params: Mapping[str, Any] | None = None, *, starting_after: str | None = None
    ) -> Page:
        """Read one page of a list of objects with ids; raise GatewayError."""
        cursor = {} if starting_after is None else {"starting_after": starting_after}
        answer = self.get(token, path, {"limit": PAGE_SIZE, **(params or {}), **cursor})
        objects, has_more = answer.body.get("data"), answer.body.get("has_more")
        if not isinstance(objects, list) or not isinstance(has_more, bool) or not all(map(_has_id, objects)):
            raise GatewayError(Trouble.NONSENSE, f"{path} did not answer with a list of objects")
        if has_more and not objects:
            raise GatewayError(Trouble.NONSENSE, f"{path} promises more after an empty page")
        return Page(
            objects=tuple(objects),
            has_more=has_more,
            sent_at=answer.sent_at,
            clock_offset=answer.clock_offset,
            clock_slack=answer.clock_slack,
        )

    def list_kind(
        self, token: str, kind: Kind, params: Mapping[str, Any] | None = None, *, starting_after: str | None = None
    ) -> Page:
        """Read one page of everything of a kind; raise GatewayError."""
        expand = {"expand": [f"data.{path}" for path in kind.expand]} if kind.expand else {}
        return self.page(
            token, kind.path, {**kind.list_params, **expand, **(params or {})}, starting_after=starting_after
        )

    def fetch(self, token: str, kind: Kind, object_id: str) -> Answer:
        """Read one object, expanded as its list is; deleted ones come as `{id, deleted: true}`; raise GatewayError."""
        expand = {"expand": list(kind.expand)} if kind.expand else {}
        answer = self.get(token, f"{kind.path}/{quote(object_id, safe='')}", expand)
        if answer.body.get("id") != object_id:
            raise GatewayError(Trouble.NONSENSE, f"asked for {kind.object} {object_id} and got something else")
        return answer

    def authorize_url(self, keys: PlatformKeys, state: str) -> str:
        """Return the page where a merchant agrees to read-only access."""
        params = {
            "client_id": keys.client_id,
            "response_type": "code",
            "scope": "read_only",
            "state": state,
            "redirect_uri": self._config.callback_url,
            "stripe_landing": "login",
        }
        return f"{self._config.connect_base}/oauth/authorize?{urlencode(params)}"

    def authorize_app_url(self, keys: PlatformKeys, state: str) -> str:
        """Return the page where a merchant installs our Stripe App."""
        params = {"client_id": keys.client_id, "state": state, "redirect_uri": self._config.callback_url}
        return f"{self._config.apps_base}/oauth/v2/authorize?{urlencode(params)}"

    def exchange_code(self, keys: PlatformKeys, code: str) -> Answer:
        """Turn a Connect authorization code into a token, once; raise GatewayError."""
        params = {"grant_type": "authorization_code", "code": code}
        return self._call(keys.secret_key, "post", "/oauth/token", params, base="connect")

    def exchange_app_code(self, keys: PlatformKeys, code: str) -> Answer:
        """Turn a Stripe App's authorization code into an access and a refresh token, once; raise GatewayError."""
        params = {"grant_type": "authorization_code", "code": code}
        return self._call(keys.secret_key, "post", "/v1/oauth/token", params, base="api")

    def refresh_app_token(self, keys: PlatformKeys, refresh_token: str) -> Answer:
        """Trade a Stripe App's refresh token, which works once, for the next pair; raise GatewayError.

        The idempotency key follows from the token: asked again after an answer that was lost on the way or before it
        was stored, Stripe repeats that answer instead of refusing a token that was used.
        """
        key = f"ochre-refresh-{hashlib.sha256(refresh_token.encode()).hexdigest()}"
        # The library takes the idempotency key out of the parameters and makes a header of it.
        params = {"grant_type": "refresh_token", "refresh_token": refresh_token, "idempotency_key": key}
        return self._call(keys.secret_key, "post", "/v1/oauth/token", params, base="api")

    def deauthorize(self, keys: PlatformKeys, account_id: str) -> None:
        """End our access to an account; an account that is not connected is fine; raise GatewayError."""
        params = {"client_id": keys.client_id, "stripe_user_id": account_id}
        try:
            self._call(keys.secret_key, "post", "/oauth/deauthorize", params, base="connect")
        except GatewayError as error:
            if error.code != "invalid_client":
                raise

    def _call(self, key: str, method: str, path: str, params: Mapping[str, Any], *, base: str) -> Answer:
        wire = _Wire(self._transport)
        client = stripe.StripeClient(
            key,
            http_client=wire,
            stripe_version=API_VERSION,
            max_network_retries=0,
            base_addresses={"api": self._config.api_base, "connect": self._config.connect_base},
        )
        sent_at = self._clock.now()
        try:
            client.raw_request(method, path, base=base, **params)
        except WriteRefusedError:
            raise
        except ConnectionFailedError as error:
            raise GatewayError(Trouble.UNAVAILABLE, f"{path}: no answer ({error})") from None
        except Exception:
            if wire.answer is None:
                raise
            failure = _error_of(wire.answer, path)
            failure.sent_at = sent_at
            raise failure from None
        return self._answer(wire.answer, path, sent_at)

    def _answer(self, raw: RawAnswer | None, path: str, sent_at: datetime) -> Answer:
        body = None if raw is None else _json(raw.body)
        if raw is None or not isinstance(body, dict) or not _is_success(raw):
            raise GatewayError(Trouble.NONSENSE, f"{path} answered with something that is not Stripe's")
        date = _date(raw.headers.get("date"))
        # The date was cut to whole seconds somewhere between sending and receiving.
        waited = self._clock.now() - sent_at
        offset = None if date is None else date + timedelta(milliseconds=500) - (sent_at + waited / 2)
        slack = (waited + timedelta(seconds=1)) / 2
        return Answer(body=body, sent_at=sent_at, clock_offset=offset, clock_slack=slack)


def _is_success(raw: RawAnswer) -> bool:
    return 200 <= raw.status < 300  # noqa: PLR2004  HTTP's successes


def _error_of(raw: RawAnswer, path: str) -> GatewayError:
    """Return what an answer that is no success means."""
    body = _json(raw.body)
    error = body.get("error") if isinstance(body, dict) else None
    if isinstance(error, str):
        description = body.get("error_description") if isinstance(body, dict) else None
        trouble = Trouble.UNAVAILABLE if raw.status >= 500 else Trouble.INVALID  # noqa: PLR2004  server errors
        return GatewayError(trouble, f"{path}: {error}: {description}"[:300], code=error[:100])
    if not isinstance(error, dict):
        trouble = _trouble(raw.status, {}) if raw.status in {401, 403, 429} else Trouble.NONSENSE
        return GatewayError(trouble, f"{path} answered {raw.status} without Stripe's error body")
    code = error.get("code") if isinstance(error.get("code"), str) else None
    return GatewayError(
        _trouble(raw.status, error),
        f"{path} answered {raw.status}: {error.get('message')}"[:300],
        code=code,
        limit_reason=raw.headers.get("stripe-rate-limited-reason"),
    )


_OF_STATUS = {
    401: Trouble.UNAUTHORIZED,
    403: Trouble.FORBIDDEN,
    404: Trouble.NOT_FOUND,
    409: Trouble.UNAVAILABLE,
    429: Trouble.RATE_LIMITED,
}


def _trouble(status: int, error: Mapping[str, Any]) -> Trouble:
    code = error.get("code")
    if code == "resource_missing" and error.get("param") in {"starting_after", "ending_before"}:
        return Trouble.CURSOR_GONE
    if code == "account_invalid":
        return Trouble.UNAUTHORIZED
    if status >= 500:  # noqa: PLR2004  server errors
        return Trouble.UNAVAILABLE
    return _OF_STATUS.get(status, Trouble.INVALID)


def _json(body: bytes) -> Any:
    try:
        return jsontext.parse(body)
    except ValueError:
        return None


def _has_id(value: object) -> bool:
    return isinstance(value, dict) and isinstance(value.get("id"), str) and bool(value["id"])


def _date(text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        return parsedate_to_datetime(text).astimezone(UTC)
    except ValueError:
        return None

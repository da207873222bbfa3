"""The gate: before any view runs, find out who calls and whether the route is open to them.

Laws of this module
- It fails closed: a route without a declaration is refused, whoever calls.
- A bearer token speaks alone: when one is sent, no cookie is looked at.
- A request that rides on a cookie and changes something must come from our own page and carry its token.
"""

from urllib.parse import urlencode

import structlog
from flask import Flask, Response, current_app, g, redirect, request

from web.auth import cookies, csrf
from web.auth.access import BODY_LIMIT, Access, access_of
from web.auth.models import Principal
from web.auth.service import AuthService
from web.errors import Problem, is_for_machines
from web.settings import Settings

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
SIGN_IN_PATH = "/sign-in"
_EXTENSION = "ochre.gate"

log = structlog.get_logger(__name__)


class Gate:
    """Checks every request of one application."""

    def __init__(self, auth: AuthService, settings: Settings) -> None:
        self._auth = auth
        self._settings = settings

    def install(self, app: Flask) -> None:
        """Stand before every request of `app`."""
        app.extensions[_EXTENSION] = self
        app.before_request(self.check)

    def check(self) -> Response | None:
        """Let the request pass, answer it with the sign-in page, or raise the Problem that refuses it."""
        if request.url_rule is None:
            return None  # nothing is there; Flask says so
        access = access_of(current_app.view_functions[request.url_rule.endpoint])
        if access is None:
            raise Problem(403, "This address does not say who may use it, so nobody may.")
        limit_body(access.body_limit)
        if access.role is None:
            self._check_origin()
            return None
        caller = self._identify()
        if caller is None:
            return self._refuse_stranger()
        self._check_caller(caller, access)
        g.principal = caller
        structlog.contextvars.bind_contextvars(workspace=caller.workspace_id, member=caller.member_id)
        return None

    def csrf_token(self, caller: Principal) -> str:
        """Return the token that the forms of a signed-in member carry."""
        return csrf.csrf_token(caller.session_digest or "", self._settings.secret_keys)

    def _identify(self) -> Principal | None:
        header = request.headers.get("Authorization")
        if header is not None:
            scheme, _, text = header.partition(" ")
            caller = self._auth.find_token(text.strip()) if scheme.lower() == "bearer" else None
            if caller is None:
                raise self._refuse_token()
            return caller
        cookie = cookies.read(request, self._settings)
        return None if cookie is None else self._auth.find_sign_in(cookie)

    def _refuse_token(self) -> Problem:
        refused = self._auth.note_bad_token(request.remote_addr or "")
        if refused is None:
            return unauthorized("The token is unknown, mistyped or revoked.", invalid_token=True)
        return Problem(
            429,
            "Too many unknown tokens came from this address. Wait, and check the token.",
            headers={"Retry-After": str(int(refused.retry_after.total_seconds()))},
        )

    def _refuse_stranger(self) -> Response:
        if is_for_machines():
            raise unauthorized("Send an API token as `Authorization: Bearer …`.", invalid_token=False)
        target = request.full_path.rstrip("?") if request.method == "GET" else "/"
        return redirect(f"{SIGN_IN_PATH}?{urlencode({'next': target})}", 303)  # type: ignore[return-value]  # Flask's

    def _check_caller(self, caller: Principal, access: Access) -> None:
        assert access.role is not None
        if caller.token_id is None and request.method not in SAFE_METHODS:
            self._check_origin()
            if not csrf.is_right(csrf.sent_token(request), caller.session_digest or "", self._settings.secret_keys):
                raise Problem(403, "The page this came from is out of date. Reload it and try again.")
        if caller.may(access.role, access.scope):
            if access.billing and not caller.sees_billing:
                raise closed_billing()
            return
        if caller.token_id is not None and access.scope is not None and access.scope not in caller.scopes:
            raise Problem(
                403,
                f"This needs a token with the scope {access.scope}.",
                headers={"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{access.scope}"'},
            )
        if caller.token_id is not None and access.scope is None:
            raise Problem(403, "This address is for people, not for API tokens.")
        raise Problem(403, f"This needs the role {access.role} or a higher one.")

    def _check_origin(self) -> None:
        if request.method in SAFE_METHODS or request.headers.get("Authorization") is not None:
            return
        if not csrf.is_same_origin(request, self._settings.public_url):
            raise Problem(403, "This request came from another site's page.")


def principal() -> Principal:
    """Return the caller of the present request; only behind `@allow`."""
    found = g.principal
    assert isinstance(found, Principal)
    return found


def find_principal() -> Principal | None:
    """Return the caller of the present request if the gate asked who it was, as error pages want to know."""
    found = g.get("principal")
    return found if isinstance(found, Principal) else None


def present_csrf_token() -> str:
    """Return the token for a form on the present page, or an empty text on a page for strangers."""
    caller = find_principal()
    gate = current_app.extensions[_EXTENSION]
    assert isinstance(gate, Gate)
    return "" if caller is None else gate.csrf_token(caller)


def limit_body(limit: int = BODY_LIMIT) -> None:
    """Refuse a request that says it is larger than `limit` bytes, and one that turns out to be."""
    request.max_content_length = limit
    size = request.content_length
    if size is None:
        # In chunks: what lies beyond the limit would be cut off in silence, so read one byte more than is allowed.
        request.max_content_length = limit + 1
        size = len(request.get_data())
    if size > limit:
        raise Problem(413, f"The request is larger than the {limit // (1024 * 1024)} MiB this address takes.")


def closed_billing() -> Problem:
    """Return the answer for a member barred from billing data who asks for some."""
    return Problem(403, "Your membership does not include billing data. An admin can change that.")


def unauthorized(detail: str, *, invalid_token: bool) -> Problem:
    """Return the answer for a caller nobody knows."""
    challenge = 'Bearer error="invalid_token"' if invalid_token else "Bearer"
    return Problem(401, detail, headers={"WWW-Authenticate": challenge})

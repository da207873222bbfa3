"""Signing in and out.

Laws of this module
- A refusal never tells whether it was the address or the password.
- After signing in one lands on a page of ours: an address that leads elsewhere is ignored.
"""

from http import HTTPStatus
from typing import assert_never
from urllib.parse import urlsplit

from flask import Blueprint, Response, redirect, render_template, request

from engine.workspace.models import Role
from web.auth import cookies
from web.auth.access import allow, public
from web.auth.service import SignedIn, TooManyAttempts, WrongCredentials
from web.current import services
from web.screens.page import Notice, see_other

HOME = "/inbox"
MAX_LENGTH = 400

blueprint = Blueprint("sign_in", __name__)

WRONG = Notice(tone="bad", text="No active member has this e-mail address and password.")


@blueprint.get("/sign-in")
@public("one has to be able to sign in")
def show() -> Response:
    """Show the form, or lead on who is signed in already."""
    parts = services()
    cookie = cookies.read(request, parts.settings)
    target = safe_target(request.args.get("next", ""))
    if cookie is not None and parts.auth.find_sign_in(cookie) is not None:
        return see_other(target)
    return _form(target)


@blueprint.post("/sign-in")
@public("one has to be able to sign in")
def submit() -> Response:
    """Sign in, or say in one voice that it did not work."""
    parts = services()
    email, password = request.form.get("email", "")[:MAX_LENGTH], request.form.get("password", "")
    target = safe_target(request.form.get("next", ""))
    outcome = parts.auth.sign_in(email, password, request.remote_addr or "")
    match outcome:
        case SignedIn():
            answer = redirect(target, HTTPStatus.SEE_OTHER)
            cookies.write(answer, parts.settings, outcome.cookie)  # type: ignore[arg-type]  # Flask's own response
            return answer  # type: ignore[return-value]  # the same
        case WrongCredentials():
            return _form(target, email, WRONG, HTTPStatus.UNPROCESSABLE_ENTITY)
        case TooManyAttempts():
            minutes = max(1, -(-int(outcome.retry_after.total_seconds()) // 60))
            fault = Notice(tone="bad", text=f"Too many attempts. Wait {minutes} minutes and try again.")
            answer = _form(target, email, fault, HTTPStatus.TOO_MANY_REQUESTS)
            answer.headers["Retry-After"] = str(int(outcome.retry_after.total_seconds()))
            return answer
        case _:
            assert_never(outcome)


@blueprint.post("/sign-out")
@allow(Role.AGENT)
def leave() -> Response:
    """End the sign-in of this browser."""
    parts = services()
    cookie = cookies.read(request, parts.settings)
    if cookie is not None:
        parts.auth.sign_out(cookie)
    answer = see_other("/sign-in")
    cookies.clear(answer, parts.settings)
    return answer


def safe_target(wanted: str) -> str:
    """Return `wanted` if it is a path of ours, else the inbox."""
    parts = urlsplit(wanted.replace("\\", "/"))
    is_path = wanted.startswith("/") and not wanted.replace("\\", "/").startswith("//")
    if not is_path or parts.scheme or parts.netloc or not wanted.isprintable() or parts.path.startswith("/sign-"):
        return HOME
    return wanted


def _form(target: str, email: str = "", fault: Notice | None = None, status: int = HTTPStatus.OK) -> Response:
    html = render_template("sign_in.html", next=target, email=email, fault=fault)
    return Response(html, status, mimetype="text/html")

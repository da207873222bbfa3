"""The page on which a merchant connects their account, or does not.

The form posts back to the address it came from; the answer is a redirect to the application with a code, or with
`error=access_denied`.
"""

from collections.abc import Mapping
from urllib.parse import urlencode, urlsplit

from stripe_sync.simulator.answers import OAuthError
from web.simulator.host import Host
from web.simulator.page import Page, is_foreign_form, problem, redirect, render

_DENIED = "The user denied your request"


def answer(host: Host, method: str, form: Mapping[str, str], headers: Mapping[str, str]) -> Page:
    """Show the page, or act on its form."""
    redirect_uri = form.get("redirect_uri", "")
    if not _is_address(redirect_uri):
        return problem(400, "Invalid redirect_uri: it must be the address of your application.")
    scope = form.get("scope") or "read_only"
    state = {"state": form["state"]} if "state" in form else {}
    try:
        host.stripe.oauth.check(form.get("client_id", ""), form.get("response_type", "code"), scope)
    except OAuthError as error:
        return problem(error.status, error.description)
    if method != "POST":
        accounts = [{"id": account.id, "name": account.name} for account in host.stripe.accounts.values()]
        return render("authorize.html", accounts=accounts, scope=scope, application=host.stripe.oauth.application.name)
    if is_foreign_form(headers):
        return problem(403, "This form was sent from another site.")
    return _decide(host, form, redirect_uri, scope, state)


def _decide(host: Host, form: Mapping[str, str], redirect_uri: str, scope: str, state: dict[str, str]) -> Page:
    if form.get("decision", "authorize") != "authorize":
        refusal = {"error": "access_denied", "error_description": _DENIED, **state}
        return redirect(_with(redirect_uri, refusal))
    account = form.get("account") or host.stripe.default_account.id
    if account not in host.stripe.accounts:
        return problem(400, f"There is no account {account}.")
    granted = host.perform("authorize", {"account": account, "client_id": form["client_id"], "scope": scope})
    return redirect(_with(redirect_uri, {"code": granted["code"], "scope": scope, **state}))


def _is_address(text: str) -> bool:
    parts = urlsplit(text)
    return parts.scheme in {"http", "https"} and bool(parts.netloc) and text.isprintable() and text.isascii()


def _with(address: str, fields: Mapping[str, str]) -> str:
    return address + ("&" if urlsplit(address).query else "?") + urlencode(fields)

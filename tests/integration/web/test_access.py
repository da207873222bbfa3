"""Every route, as everybody: generated from the application's own table of routes, so that no new one is forgotten."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from engine.inbox.models import NewConversation, Sender
from engine.router import Routed
from engine.workspace.models import Role
from tests.integration.web.conftest import Tenant
from web.auth import cookies
from web.auth.access import Access, access_of, check_declarations, declared_routes
from web.auth.models import ROLE_SCOPES, Scope, includes
from web.openapi import new_app

UNSAFE = {"POST", "PUT", "PATCH", "DELETE"}
REFUSALS = {401, 403}
FORM = {"body": "Hello", "kind": "reply", "status": "closed", "priority": "high", "customer_id": "cus_1", "tags": "x"}
"""Fields that between them fill every form of a page about a conversation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One method of one address, and what it demands."""

    method: str
    rule: str
    access: Access
    parameters: frozenset[str] = field(default_factory=frozenset)

    @property
    def is_api(self) -> bool:
        """Return whether programs are meant to call it."""
        return self.rule.startswith("/api/")

    def path(self, values: dict[str, str] | None = None) -> str:
        """Return the address with its parameters filled in."""
        path = self.rule
        for name in self.parameters:
            value = (values or {}).get(name, "1")
            for converter in ("", "int:", "path:", "string:"):
                path = path.replace(f"<{converter}{name}>", value)
        assert "<" not in path
        return path


def routes(app: Flask) -> Iterator[Route]:
    """Yield every route but the automatic answers to OPTIONS and HEAD."""
    for rule, access in declared_routes(app):
        assert access is not None
        for method in sorted((rule.methods or set()) - {"OPTIONS", "HEAD"}):
            yield Route(method=method, rule=rule.rule, access=access, parameters=frozenset(rule.arguments))


def call(
    client: FlaskClient, route: Route, headers: dict[str, str], path: str | None = None, **more: Any
) -> TestResponse:
    """Send a request as a program would."""
    return client.open(path or route.path(), method=route.method, headers=headers, **more)


def call_signed_in(
    app: Flask, tenant: Tenant, role: Role, route: Route, path: str | None = None, **more: Any
) -> TestResponse:
    """Send a request as a browser would in which the member with `role` is signed in, with the token of our forms."""
    client = app.test_client()
    settings = tenant.services.settings
    cookie = tenant.cookie(role)
    client.set_cookie(cookies.name(settings), cookie, domain="localhost")
    caller = tenant.services.auth.find_sign_in(cookie)
    assert caller is not None
    headers = {"X-CSRF-Token": app.extensions["ochre.gate"].csrf_token(caller), "Origin": "http://localhost"}
    return client.open(path or route.path(), method=route.method, headers=headers, **more)


def test_strangers_reach_only_what_is_public(app: Flask, client: FlaskClient) -> None:
    """Without credentials the API says 401, pages lead to the sign-in page, and public routes answer."""
    for route in routes(app):
        answer = call(client, route, {})
        where = f"{route.method} {route.rule}"
        if route.access.role is None:
            assert answer.status_code not in REFUSALS, where
            assert not answer.headers.get("Location", "").startswith("/sign-in?"), where
        elif route.is_api:
            assert answer.status_code == 401, where
            assert answer.headers["WWW-Authenticate"] == "Bearer", where
            assert answer.mimetype == "application/problem+json", where
        else:
            assert answer.status_code == 303, where
            assert answer.headers["Location"].startswith("/sign-in?"), where


@pytest.mark.parametrize("role", list(Role))
def test_members_reach_what_their_role_allows(app: Flask, ours: Tenant, role: Role) -> None:
    """A signed-in member is refused exactly where the route asks for a higher role."""
    for route in routes(app):
        if route.access.role is None:
            continue
        answer = call_signed_in(app, ours, role, route)
        is_allowed = includes(role, route.access.role)
        assert (answer.status_code not in REFUSALS) is is_allowed, f"{route.method} {route.rule}: {answer.status_code}"
        assert answer.status_code < 500, f"{route.method} {route.rule}: {answer.get_data(as_text=True)}"


@pytest.mark.parametrize("role", list(Role))
def test_tokens_reach_what_their_scope_allows(app: Flask, client: FlaskClient, ours: Tenant, role: Role) -> None:
    """A token with the one scope passes if its member's role does, and never reaches a page for people."""
    headers = {scope: ours.bearer(role, scope) for scope in ROLE_SCOPES[role]}
    everything = ours.bearer(role)
    for route in routes(app):
        where = f"{route.method} {route.rule}"
        if route.access.role is None:
            continue
        scope = route.access.scope
        if scope is None:
            assert call(client, route, everything).status_code == 403, where
        elif scope in headers:
            answer = call(client, route, headers[scope])
            assert (answer.status_code not in REFUSALS) is includes(role, route.access.role), where
            assert answer.status_code < 500, f"{where}: {answer.get_data(as_text=True)}"
        else:
            assert call(client, route, everything).status_code == 403, where


def test_tokens_without_the_scope_are_refused(app: Flask, client: FlaskClient, ours: Tenant) -> None:
    """An owner's token with every scope but the one is refused, and told which one it lacks."""
    headers = {
        lacking: ours.bearer(Role.OWNER, *(scope for scope in Scope if scope is not lacking)) for lacking in Scope
    }
    for route in routes(app):
        if route.access.scope is None:
            continue
        answer = call(client, route, headers[route.access.scope])
        assert answer.status_code == 403, f"{route.method} {route.rule}"
        assert route.access.scope in answer.get_data(as_text=True)


def test_unknown_tokens_are_refused_everywhere(app: Flask, client: FlaskClient, ours: Tenant) -> None:
    """A token nobody made is a 401 with a challenge, also where a cookie would have done."""
    bad = {"Authorization": "Bearer ochre_nobodysnobodysnobodysnobodys000000"}
    for number, route in enumerate(routes(app)):
        if route.access.role is None:
            continue
        elsewhere = {"REMOTE_ADDR": f"192.0.2.{number}"}  # so many from one address would be told to wait
        answer = call(client, route, bad, environ_overrides=elsewhere)
        assert answer.status_code == 401, f"{route.method} {route.rule}"


def test_requests_on_a_cookie_need_our_forms_token(app: Flask, ours: Tenant) -> None:
    """A change that rides on a cookie is refused without the token, with a wrong one, and from another site."""
    settings = ours.services.settings
    cookie = ours.cookie(Role.OWNER)
    caller = ours.services.auth.find_sign_in(cookie)
    assert caller is not None
    right = app.extensions["ochre.gate"].csrf_token(caller)
    forged: tuple[dict[str, str], ...] = (
        {},
        {"X-CSRF-Token": "wrong"},
        {"X-CSRF-Token": right, "Origin": "https://evil.example"},
        {"X-CSRF-Token": right, "Sec-Fetch-Site": "cross-site"},
    )
    client = app.test_client()
    client.set_cookie(cookies.name(settings), cookie, domain="localhost")
    for route in routes(app):
        if route.access.role is None or route.method not in UNSAFE:
            continue
        for headers in forged:
            assert call(client, route, headers).status_code == 403, f"{route.method} {route.rule} {headers}"


def test_other_workspaces_see_nothing_of_ours(app: Flask, client: FlaskClient, ours: Tenant, theirs: Tenant) -> None:
    """Whoever belongs to another workspace gets a 404 for every object of ours, whatever they may do at home."""
    values = _objects(ours)
    bodies: dict[tuple[str, str], dict[str, Any]] = {
        ("POST", "/api/v1/conversations/<id>/messages"): {"external_id": "m2", "body": "Hello", "author": "customer"},
        ("PATCH", "/api/v1/conversations/<id>"): {"status": "closed"},
        ("PUT", "/api/v1/conversations/<id>/customer"): {"customer_id": "cus_1"},
        ("PUT", "/api/v1/settings/rates/<currency>"): {"rate": "1.10"},
    }
    queries = {"/api/v1/conversations/<id>/panel/explain": "?fact=mrr"}
    stranger = theirs.bearer(Role.OWNER)
    with ours.services.database.workspace(ours.workspace_id, readonly=True) as session:
        before = _snapshot(ours, session)
    for route in routes(app):
        if route.access.role is None or not route.parameters:
            continue
        where = f"{route.method} {route.rule}"
        path = route.path(_values_for(route, values)) + queries.get(route.rule, "")
        if route.is_api:
            body = bodies.get((route.method, route.rule), {})
            answer = call(client, route, stranger, path, json=body if route.method in UNSAFE else None)
            own = call(client, route, ours.bearer(Role.OWNER), path) if route.method == "GET" else None
            assert own is None or own.status_code == 200, f"{where} is not covered: add its object to this test"
        else:
            answer = call_signed_in(app, theirs, Role.OWNER, route, path, data=FORM if route.method in UNSAFE else None)
        assert answer.status_code == 404, f"{where}: {answer.status_code} {answer.get_data(as_text=True)[:200]}"
    with ours.services.database.workspace(ours.workspace_id, readonly=True) as session:
        assert _snapshot(ours, session) == before


def test_an_application_with_a_silent_route_does_not_start() -> None:
    """A route that does not say who may call it stops the application from starting, and is refused at run time."""
    app = new_app()
    app.add_url_rule("/api/v1/forgotten", "forgotten", lambda: "")

    assert access_of(app.view_functions["forgotten"]) is None
    with pytest.raises(RuntimeError, match="/api/v1/forgotten"):
        check_declarations(app)


# helpers


def _objects(tenant: Tenant) -> dict[str, str]:
    """Make one object of every kind that addresses name, and return their ids by kind."""
    draft = NewConversation(
        external_id="c1", channel="email", sender=Sender(email="ada@example.com"), body="Hello", subject="Hello"
    )
    routed = tenant.services.router.receive(tenant.workspace_id, draft)
    assert isinstance(routed, Routed)
    return {
        "conversation": routed.conversation.id,
        "end_user": routed.conversation.end_user_id,
        "number": "1",
        "fact": "mrr",
    }


def _values_for(route: Route, objects: dict[str, str]) -> dict[str, str]:
    kind = "end_user" if "/end-users/" in route.rule else "conversation"
    return {name: objects.get(name, objects[kind]) for name in route.parameters}


def _snapshot(tenant: Tenant, session: Any) -> Any:
    from engine.inbox import repository
    from engine.inbox.models import Filter

    page = repository.conversations(tenant.workspace_id, session, Filter())
    return [(row, repository.messages(tenant.workspace_id, session, row.id)) for row in page.rows]

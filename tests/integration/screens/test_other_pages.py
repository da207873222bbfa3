"""Signing in, settings, errors, and what all pages have in common."""

import re
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from flask.testing import FlaskClient

from engine.workspace import service as workspaces
from engine.workspace.models import Role
from tests.integration.screens.conftest import ORIGIN, Browser, receive, text_of
from tests.integration.web.conftest import Tenant
from web.auth.access import allow
from web.auth.throttle import PER_EMAIL
from web.auth.tokens import digest

PAGES = (
    "/inbox",
    "/rules",
    "/settings/integrations",
    "/settings/integrations/stripe",
    "/settings/members",
    "/settings/teams",
    "/settings/tokens",
    "/settings/audit",
    "/settings/general",
    "/docs/api",
    "/nowhere",
)


@pytest.fixture
def password(ours: Tenant) -> str:
    """Return the password of our agent."""
    password = "correct horse battery"
    with ours.services.database.workspace(ours.workspace_id) as session:
        ours.services.auth.set_password(ours.workspace_id, session, ours.agent.id, password)
    return password


def test_signing_in_leads_where_one_wanted_to_go(client: FlaskClient, ours: Tenant, password: str) -> None:
    """A stranger is sent to the form, and from there to the page they had asked for."""
    asked = client.get("/inbox?q=card")
    form = client.get(asked.headers["Location"])
    target = re.search(r'name="next" value="([^"]*)"', form.get_data(as_text=True))
    assert target is not None
    fields = {"email": ours.agent.email, "password": password, "next": target[1]}
    signed_in = client.post("/sign-in", data=fields, headers=ORIGIN)

    assert (asked.status_code, signed_in.status_code) == (303, 303)
    assert signed_in.headers["Location"] == "/inbox?q=card"
    assert "HttpOnly" in signed_in.headers["Set-Cookie"]
    assert client.get("/inbox").status_code == 200


def test_a_wrong_password_is_refused_in_general_words(client: FlaskClient, ours: Tenant, password: str) -> None:
    """The page does not tell whether the address exists, and keeps what was typed but the password."""
    fields = {"email": ours.agent.email, "password": "wrong wrong wrong", "next": "/inbox"}
    known = client.post("/sign-in", data=fields, headers=ORIGIN)
    stranger = client.post("/sign-in", data={**fields, "email": "no@example.com"}, headers=ORIGIN)

    assert known.status_code == stranger.status_code == 422
    assert known.get_data(as_text=True).replace(ours.agent.email, "") == stranger.get_data(as_text=True).replace(
        "no@example.com", ""
    )
    assert "wrong wrong" not in known.get_data(as_text=True)


def test_guessing_is_told_to_wait(client: FlaskClient, ours: Tenant) -> None:
    """After too many attempts the page says how long to wait."""
    fields = {"email": "nobody@example.com", "password": "x", "next": ""}
    for _ in range(10):
        ours.services.auth._attempts.count([(PER_EMAIL, digest("nobody@example.com"))])

    refused = client.post("/sign-in", data=fields, headers=ORIGIN)

    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) > 0
    assert "Too many attempts" in refused.get_data(as_text=True)


def test_signing_out_ends_it(agent: Browser) -> None:
    """After signing out the old cookie opens nothing."""
    answer = agent.post("/sign-out", page="/inbox")
    assert answer.headers["Location"] == "/sign-in"
    assert agent.get("/inbox").status_code == 303


@pytest.fixture
def pages(admin: Browser, ours: Tenant) -> dict[str, str]:
    """Return every page that needs no record of its own, by its address."""
    receive(ours)
    return {path: admin.get(path).get_data(as_text=True) for path in PAGES}


def test_pages_hold_no_inline_script_or_style(pages: dict[str, str]) -> None:
    """The content security policy forbids both, so no page may try; every page has a title and one heading."""
    for path, html in pages.items():
        assert not re.search(r"<script(?![^>]*\bsrc=)", html), path
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=", html), path
        assert re.search(r"<title>[^<]+ · Ochre</title>", html), path
        assert len(re.findall(r"<h1[ >]", html)) == 1, path
        assert '<html lang="en">' in html, path


def test_every_field_has_a_label_and_every_picture_a_text(pages: dict[str, str]) -> None:
    """Whoever hears the page instead of seeing it knows what each field is."""
    for html in pages.values():
        labelled = set(re.findall(r'<label[^>]* for="([^"]+)"', html))
        for field in re.findall(r"<(?:input|select|textarea)\b[^>]*>", html):
            if 'type="hidden"' not in field and 'type="radio"' not in field:
                found = re.search(r'\bid="([^"]+)"', field)
                assert found is not None, field
                assert found[1] in labelled, field
        assert all(" alt=" in image for image in re.findall(r"<img\b[^>]*>", html))


def test_no_id_stands_twice(pages: dict[str, str]) -> None:
    """Labels and links find one element each."""
    for path, html in pages.items():
        ids = re.findall(r'\sid="([^"]+)"', html)
        assert len(ids) == len(set(ids)), path


def test_an_unknown_address_has_a_page_of_its_own(agent: Browser) -> None:
    """A 404 looks like the rest and leads back."""
    answer = agent.get("/nowhere")
    assert answer.status_code == 404
    assert "Nothing is here" in answer.get_data(as_text=True)


def test_a_fault_of_ours_tells_the_request_and_nothing_else(app: Flask, agent: Browser) -> None:
    """A 500 names the request's id; what went wrong stays in the log."""
    app.view_functions["inbox.show"] = allow(Role.AGENT)(_broken)
    app.testing = False
    answer = agent.get("/inbox")
    html = answer.get_data(as_text=True)
    assert answer.status_code == 500
    assert answer.headers["X-Request-Id"] in html
    assert "secret detail" not in html


def test_settings_show_who_and_what_there_is(admin: Browser, ours: Tenant) -> None:
    """Members, tokens without their text, and what was done."""
    token = ours.token(Role.ADMIN)
    assert ours.agent.email in admin.read("/settings/members")
    tokens = admin.read("/settings/tokens")
    assert "conversations:read" in tokens
    assert token not in tokens
    assert "token.created" in admin.read("/settings/audit")


def test_the_api_reference_lists_every_operation(agent: Browser) -> None:
    """What the description holds, the page shows."""
    words = text_of(agent.read("/docs/api"))
    assert "POST /api/v1/conversations" in words
    assert "external_id" in words


def test_static_files_are_found_by_their_fingerprint(client: FlaskClient) -> None:
    """Style, script and icon are there, and their addresses change with their content."""
    html = client.get("/sign-in").get_data(as_text=True)
    assets = re.findall(r'(?:href|src)="(/static/[^"]+)"', html)
    assert len(assets) >= 4
    for asset in assets:
        assert re.search(r"\?v=[0-9a-f]{10}$", asset)
        with client.get(asset) as answer:
            assert answer.status_code == 200
            assert "max-age=31536000" in answer.headers["Cache-Control"]


def _broken() -> str:
    raise RuntimeError("secret detail")


def test_times_are_in_the_workspaces_zone(agent: Browser, admin: Browser, ours: Tenant, published: None) -> None:
    """What a page says of a moment is told in the zone the workspace chose; the instant stands beside it."""
    routed = receive(ours)
    path = f"/conversations/{routed.conversation.id}"
    assert " UTC" in agent.read(f"{path}/decisions/1")
    with ours.services.database.workspace(ours.workspace_id) as session:
        chosen = {"timezone": "Asia/Tokyo"}
        workspaces.change_settings(ours.workspace_id, session, ours.services.clock, chosen, actor=ours.owner.id)

    local = routed.decision.created_at.astimezone(ZoneInfo("Asia/Tokyo"))
    told = f"{local.day} {local:%b %Y}, {local:%H:%M} JST"
    for page in (f"{path}/decisions/1", path, f"{path}/thread", "/inbox"):
        html = agent.read(page)
        assert f'title="{told}"' in html, page
        assert f'datetime="{routed.decision.created_at:%Y-%m-%dT%H:%M:%S}Z"' in html, page
        assert " UTC" not in html, page
    assert " JST" in admin.read("/settings/audit")

"""People at their browsers: signed-in test clients that read pages and send their forms."""

import re
from collections.abc import Callable
from html import unescape

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from engine.inbox.models import NewConversation, Sender
from engine.router import Routed
from engine.workspace import service as workspaces
from engine.workspace.models import Role, Team
from tests.clock import FrozenClock
from tests.integration.web.conftest import (  # noqa: F401 - fixtures
    Tenant,
    app,
    client,
    ours,
    services,
    settings,
    theirs,
)
from web.auth import cookies

ORIGIN = {"Origin": "http://localhost"}
_CSRF = re.compile(r'name="csrf_token" value="([^"]+)"')

RULESET = """\
version: 1
rules:
  - name: Words about money
    when: subject =~~ "invoice" and mrr > 1000
    then: {assign_team: billing}
  - name: Everything by e-mail
    when: channel == "email"
    then: {priority: high, add_tags: [mail]}
    stop: true
  - name: Never asked
    when: channel == "chat"
    then: {priority: low}
fallback: {assign_team: billing}
"""


class Browser:
    """A browser in which a member is signed in."""

    def __init__(self, application: Flask, tenant: Tenant, role: Role) -> None:
        self.client: FlaskClient = application.test_client()
        cookie = cookies.name(tenant.services.settings)
        self.client.set_cookie(cookie, tenant.cookie(role), domain="localhost")

    def get(self, path: str, **headers: str) -> TestResponse:
        """Open a page."""
        return self.client.get(path, headers=headers)

    def read(self, path: str) -> str:
        """Return the page at `path`, which must be there."""
        answer = self.get(path)
        assert answer.status_code == 200, answer.get_data(as_text=True)
        return answer.get_data(as_text=True)

    def post(self, path: str, *, page: str, **fields: str) -> TestResponse:
        """Send a form of `page` to `path`."""
        found = _CSRF.search(self.read(page))
        assert found is not None
        return self.client.post(path, data={"csrf_token": found[1], **fields}, headers=ORIGIN)


@pytest.fixture
def browse(app: Flask, ours: Tenant) -> Callable[[Role], Browser]:  # noqa: F811 - the fixtures above
    """Return a function that gives a browser in which our member with a role is signed in."""
    return lambda role: Browser(app, ours, role)


@pytest.fixture
def agent(browse: Callable[[Role], Browser]) -> Browser:
    """Return the browser of our agent."""
    return browse(Role.AGENT)


@pytest.fixture
def admin(browse: Callable[[Role], Browser]) -> Browser:
    """Return the browser of our admin."""
    return browse(Role.ADMIN)


@pytest.fixture
def billing(ours: Tenant, clock: FrozenClock) -> Team:  # noqa: F811 - the fixtures above
    """Return our team billing, which the ruleset of these tests needs."""
    with ours.services.database.workspace(ours.workspace_id) as session:
        team = workspaces.create_team(ours.workspace_id, session, clock, "billing", [], actor=ours.owner.id)
    assert isinstance(team, Team)
    return team


@pytest.fixture
def published(ours: Tenant, billing: Team) -> None:  # noqa: F811 - the fixtures above
    """Publish the ruleset of these tests."""
    with ours.services.database.workspace(ours.workspace_id) as session:
        ours.services.rulesets.publish_text(ours.workspace_id, session, RULESET, ours.owner.id)


def receive(tenant: Tenant, external_id: str = "1", **more: str) -> Routed:
    """Hand in a conversation."""
    draft = NewConversation(
        external_id=external_id,
        channel="email",
        sender=Sender(email=more.get("email", "ana@example.com"), name=more.get("name", "Ana")),
        subject=more.get("subject", "My invoice"),
        body=more.get("body", "Hello, I have a question."),
    )
    routed = tenant.services.router.receive(tenant.workspace_id, draft)
    assert isinstance(routed, Routed)
    return routed


def text_of(html: str) -> str:
    """Return the words of a page, as a person reads them."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", html)).split())

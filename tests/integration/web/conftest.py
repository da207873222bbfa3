"""An application over a real database, with two workspaces: ours, with a member of every role, and a stranger's."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from engine.audit.repository import SYSTEM
from engine.ids import WorkspaceId
from engine.workspace import service as workspaces
from engine.workspace.models import Member, Role
from rules.models import PublishedVersion
from tests.clock import FrozenClock
from web.app import create_app
from web.auth.models import Scope
from web.auth.service import NewToken
from web.settings import Settings, load
from web.wiring import Services, build

SECRET = "k" * 32


def environment(data_dir: Path, **more: str) -> dict[str, str]:
    """Return an environment that is complete; `more` adds to it without the prefix."""
    plain = {
        "DATA_DIR": str(data_dir),
        "SECRET_KEY": SECRET,
        "ENCRYPTION_KEYS": SECRET,
        "PUBLIC_URL": "http://localhost",
        **more,
    }
    return {f"OCHRE_{name}": value for name, value in plain.items()}


@pytest.fixture
def settings(tmp_path: Path, sqlite_url: str) -> Settings:
    """Return settings over a fresh SQLite database and no Redis."""
    return load(environment(tmp_path, DATABASE_URL=sqlite_url))


@pytest.fixture
def services(settings: Settings, clock: FrozenClock) -> Iterator[Services]:
    """Return the real parts over those settings, on a clock that stands still."""
    services = build(settings, clock)
    yield services
    services.database.dispose()


@pytest.fixture
def app(services: Services, settings: Settings) -> Flask:
    """Return the application."""
    return create_app(services, settings)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """Return a browser or program without any credentials."""
    return app.test_client()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """One workspace, its people, and how they prove who they are."""

    services: Services = field(repr=False)
    workspace_id: WorkspaceId
    owner: Member
    admin: Member
    agent: Member

    def member(self, role: Role) -> Member:
        """Return the member with that role."""
        return {Role.OWNER: self.owner, Role.ADMIN: self.admin, Role.AGENT: self.agent}[role]

    def token(self, role: Role = Role.OWNER, *scopes: Scope) -> str:
        """Return a new API token of the member with `role`, with `scopes`, or with all of theirs."""
        with self.services.database.workspace(self.workspace_id) as session:
            made = self.services.auth.create_token(
                self.workspace_id, session, self.member(role), "test", scopes or None
            )
        assert isinstance(made, NewToken)
        return made.text

    def bearer(self, role: Role = Role.OWNER, *scopes: Scope) -> dict[str, str]:
        """Return the header that carries such a token."""
        return {"Authorization": f"Bearer {self.token(role, *scopes)}"}

    def cookie(self, role: Role = Role.OWNER) -> str:
        """Return the cookie of a fresh sign-in of the member with `role`."""
        return self.services.auth._open(self.member(role)).cookie


def new_tenant(services: Services, name: str) -> Tenant:
    """Make a workspace with one member of every role; nobody has a password, since hashing takes its time."""
    made = workspaces.create_workspace(services.database, services.clock, name, f"owner@{name}.example")
    assert isinstance(made, tuple)
    workspace, owner = made
    members = {}
    with services.database.workspace(workspace.id) as session:
        for role in (Role.ADMIN, Role.AGENT):
            member = workspaces.add_member(
                workspace.id, session, services.clock, f"{role}@{name}.example", "", role, actor=SYSTEM
            )
            assert isinstance(member, Member)
            members[role] = member
    return Tenant(
        services=services,
        workspace_id=workspace.id,
        owner=owner,
        admin=members[Role.ADMIN],
        agent=members[Role.AGENT],
    )


@pytest.fixture
def ours(services: Services) -> Tenant:
    """Return our workspace."""
    return new_tenant(services, "ours")


@pytest.fixture
def theirs(services: Services) -> Tenant:
    """Return another workspace, whose members should see nothing of ours."""
    return new_tenant(services, "theirs")


RULES = """\
version: 1
rules:
  - name: Urgent words
    when: '"urgent" in subject.as_lower'
    then: {priority: urgent, add_tags: [urgent], assign_team: billing}
  - name: Large accounts
    when: mrr > 1000
    then: {assign_team: senior}
fallback: {assign_team: support}
"""


def publish(tenant: Tenant, text: str = RULES) -> None:
    """Publish `text` in the tenant's workspace, with the teams it names."""
    services = tenant.services
    with services.database.workspace(tenant.workspace_id) as session:
        for team in ("billing", "senior", "support"):
            workspaces.create_team(tenant.workspace_id, session, services.clock, team, actor=SYSTEM)
        published = services.rulesets.publish_text(tenant.workspace_id, session, text, tenant.owner.id)
    assert isinstance(published, PublishedVersion), published


def message(external_id: str = "c1", **more: object) -> dict[str, object]:
    """Return the body of a conversation that arrives; `more` replaces or adds fields."""
    plain = {
        "external_id": external_id,
        "channel": "email",
        "sender": {"email": "ada@example.com", "name": "Ada"},
        "subject": "It is URGENT",
        "body": "My card was declined.",
    }
    return {**plain, **more}

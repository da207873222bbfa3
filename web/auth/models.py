"""Roles, scopes, and the caller a request was found to come from. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from engine.ids import MemberId, WorkspaceId
from engine.workspace.models import Role

IDLE_LIMIT = timedelta(days=7)
"""A sign-in that nobody used for this long is over."""
ABSOLUTE_LIMIT = timedelta(days=30)
"""A sign-in is over after this long, used or not."""
TOUCH_EVERY = timedelta(minutes=10)
"""How exactly the last use of a sign-in or token is kept: a write per request would be too dear."""


class Scope(StrEnum):
    """What an API token may do."""

    CONVERSATIONS_READ = "conversations:read"
    CONVERSATIONS_WRITE = "conversations:write"
    CONTEXT_READ = "context:read"
    FACTS_READ = "facts:read"
    END_USERS_READ = "end_users:read"
    RULES_READ = "rules:read"
    RULES_WRITE = "rules:write"
    INTEGRATIONS_READ = "integrations:read"
    INTEGRATIONS_WRITE = "integrations:write"
    MEMBERS_WRITE = "members:write"


_AGENT_SCOPES = frozenset(
    {
        Scope.CONVERSATIONS_READ,
        Scope.CONVERSATIONS_WRITE,
        Scope.CONTEXT_READ,
        Scope.FACTS_READ,
        Scope.END_USERS_READ,
    }
)
ROLE_SCOPES = {
    Role.OWNER: frozenset(Scope),
    Role.ADMIN: frozenset(Scope),
    Role.AGENT: _AGENT_SCOPES,
}
_RANK = {Role.AGENT: 0, Role.ADMIN: 1, Role.OWNER: 2}


def includes(role: Role, least: Role) -> bool:
    """Return whether `role` may do what `least` may do."""
    return _RANK[role] >= _RANK[least]


def scopes_for(role: Role, granted: Iterable[str]) -> frozenset[Scope]:
    """Return the scopes of `granted` that a member with `role` may hold now; unknown ones are dropped."""
    known = {scope.value: scope for scope in Scope}
    return frozenset(known[name] for name in granted if name in known) & ROLE_SCOPES[role]


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """The member in whose name a request is made, through a sign-in or an API token."""

    workspace_id: WorkspaceId
    member_id: MemberId
    email: str
    name: str
    role: Role
    sees_billing: bool
    """False for a member barred from billing data; their tokens see no more than they do."""
    scopes: frozenset[Scope]
    session_digest: str | None = None
    """Set for a sign-in; forms are bound to it."""
    token_id: str | None = None
    """Set for an API token."""

    def may(self, role: Role, scope: Scope | None) -> bool:
        """Return whether this caller reaches a route that demands `role` and, of tokens, `scope`."""
        if not includes(self.role, role):
            return False
        if self.token_id is None:
            return True
        return scope is not None and scope in self.scopes


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """A member's sign-in on one browser."""

    id: str
    workspace_id: WorkspaceId
    member_id: MemberId
    created_at: datetime
    last_seen_at: datetime

    def is_over(self, now: datetime) -> bool:
        """Return whether it was idle or open for too long."""
        return now - self.last_seen_at > IDLE_LIMIT or now - self.created_at > ABSOLUTE_LIMIT


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiToken:
    """An API token as its owner sees it in a list; the token itself is shown once, when it is made."""

    id: str
    workspace_id: WorkspaceId
    member_id: MemberId
    name: str
    hint: str
    scopes: tuple[str, ...]
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None

"""Signing in, staying signed in, and API tokens, on both databases."""

from datetime import timedelta

import pytest

from engine.audit import repository as audit
from engine.audit.repository import SYSTEM
from engine.storage import Database
from engine.workspace import repository as workspaces
from engine.workspace import service as workspace_service
from engine.workspace.models import Member, MemberChange, Role, Workspace
from tests.clock import FrozenClock
from web.auth.members import MemberService
from web.auth.models import ABSOLUTE_LIMIT, IDLE_LIMIT, Scope
from web.auth.service import AuthService, NewToken, ScopesExceeded, SignedIn, TooManyAttempts, WrongCredentials
from web.auth.throttle import PER_EMAIL, Throttle
from web.auth.tokens import digest

PASSWORD = "correct horse battery"
ADDRESS = "192.0.2.1"


@pytest.fixture
def auth(database: Database, clock: FrozenClock) -> AuthService:
    """Return the service under test."""
    return AuthService(database, clock, Throttle(None))


@pytest.fixture
def workspace(database: Database, clock: FrozenClock, auth: AuthService) -> Workspace:
    """Return a workspace whose owner can sign in."""
    made = MemberService(database, clock, auth).create_workspace("Acme", "Olive@Acme.example", PASSWORD)
    assert isinstance(made, Workspace)
    return made


def test_the_right_password_signs_in(auth: AuthService, workspace: Workspace) -> None:
    """Address in any spelling and the password open a sign-in, which the cookie finds again."""
    signed_in = auth.sign_in(" OLIVE@acme.EXAMPLE ", PASSWORD, ADDRESS)

    assert isinstance(signed_in, SignedIn)
    assert signed_in.principal.role is Role.OWNER
    assert signed_in.principal.workspace_id == workspace.id
    assert auth.find_sign_in(signed_in.cookie) == signed_in.principal
    assert signed_in.cookie not in repr(signed_in)


def test_wrong_credentials_are_refused_in_one_voice(auth: AuthService, workspace: Workspace) -> None:
    """A wrong password, an unknown address and no address at all get the same answer."""
    attempts = [("olive@acme.example", "wrong password"), ("nobody@acme.example", PASSWORD), ("", "")]

    assert [auth.sign_in(email, password, ADDRESS) for email, password in attempts] == [WrongCredentials()] * 3


def test_guessing_is_slowed_down(auth: AuthService, workspace: Workspace) -> None:
    """After ten failures for one address even the right password must wait, and another address need not."""
    for _ in range(10):
        auth._attempts.count([(PER_EMAIL, digest("olive@acme.example"))])

    refused = auth.sign_in("olive@acme.example", PASSWORD, ADDRESS)
    assert refused == TooManyAttempts(retry_after=timedelta(minutes=15))
    assert auth.sign_in("other@acme.example", PASSWORD, ADDRESS) == WrongCredentials()


def test_every_sign_in_has_its_own_secret(auth: AuthService, workspace: Workspace) -> None:
    """Signing in again gives a new secret, and signing out ends that one alone."""
    first = auth.sign_in("olive@acme.example", PASSWORD, ADDRESS)
    second = auth.sign_in("olive@acme.example", PASSWORD, ADDRESS)
    assert isinstance(first, SignedIn)
    assert isinstance(second, SignedIn)
    auth.sign_out(first.cookie)

    assert auth.find_sign_in(first.cookie) is None
    assert auth.find_sign_in(second.cookie) is not None


def test_an_idle_sign_in_ends(auth: AuthService, workspace: Workspace, clock: FrozenClock) -> None:
    """A sign-in that nobody used for a week is over."""
    signed_in = auth.sign_in("olive@acme.example", PASSWORD, ADDRESS)
    assert isinstance(signed_in, SignedIn)
    clock.advance(IDLE_LIMIT + timedelta(seconds=1))

    assert auth.find_sign_in(signed_in.cookie) is None


def test_a_used_sign_in_lives_on_but_not_for_ever(auth: AuthService, workspace: Workspace, clock: FrozenClock) -> None:
    """Use keeps a sign-in alive until it reaches its absolute limit."""
    signed_in = auth.sign_in("olive@acme.example", PASSWORD, ADDRESS)
    assert isinstance(signed_in, SignedIn)
    for _ in range(ABSOLUTE_LIMIT // timedelta(days=6)):
        assert auth.find_sign_in(signed_in.cookie) is not None
        clock.advance(timedelta(days=6))
    clock.advance(timedelta(seconds=1))

    assert auth.find_sign_in(signed_in.cookie) is None


def test_a_deactivated_member_is_nobody(
    auth: AuthService, workspace: Workspace, database: Database, clock: FrozenClock
) -> None:
    """Sign-ins and tokens of a member who was let go stop working at once."""
    member, cookie, token = _agent_with_access(auth, workspace, database, clock)
    _change(workspace, database, clock, member, active=False)

    assert auth.find_sign_in(cookie) is None
    assert auth.find_token(token) is None


def test_a_token_carries_its_scopes(auth: AuthService, workspace: Workspace, database: Database) -> None:
    """A token speaks in its member's name with the scopes it was given, and its use is remembered."""
    owner = _owner(workspace, database)
    with database.workspace(workspace.id) as session:
        made = auth.create_token(workspace.id, session, owner, "script", [Scope.RULES_READ])
    assert isinstance(made, NewToken)
    found = auth.find_token(made.text)

    assert found is not None
    assert found.member_id == owner.id
    assert found.scopes == {Scope.RULES_READ}
    assert found.may(Role.ADMIN, Scope.RULES_READ)
    assert not found.may(Role.ADMIN, Scope.RULES_WRITE)
    assert made.text not in repr(made)


def test_nobody_makes_a_token_that_may_more_than_they(
    auth: AuthService, workspace: Workspace, database: Database, clock: FrozenClock
) -> None:
    """An agent cannot give a token a scope that belongs to admins."""
    member, _, _ = _agent_with_access(auth, workspace, database, clock)
    with database.workspace(workspace.id) as session:
        made = auth.create_token(workspace.id, session, member, "script", [Scope.RULES_WRITE])

    assert made == ScopesExceeded(scopes=(Scope.RULES_WRITE,))


def test_a_demoted_members_token_shrinks(
    auth: AuthService, workspace: Workspace, database: Database, clock: FrozenClock
) -> None:
    """What the member may no longer do, a token made earlier may no longer do either."""
    member, _, _ = _agent_with_access(auth, workspace, database, clock)
    _change(workspace, database, clock, member, role=Role.ADMIN)
    with database.workspace(workspace.id) as session:
        admin = workspaces.find_member(workspace.id, session, member.id)
        assert admin is not None
        made = auth.create_token(workspace.id, session, admin, "script", None)
    assert isinstance(made, NewToken)
    _change(workspace, database, clock, member, role=Role.AGENT)
    found = auth.find_token(made.text)

    assert found is not None
    assert Scope.RULES_WRITE not in found.scopes
    assert Scope.CONVERSATIONS_READ in found.scopes


def test_a_revoked_token_is_nobodys(
    auth: AuthService, workspace: Workspace, database: Database, clock: FrozenClock
) -> None:
    """Revoking works at once and once, and is audited."""
    member, _, token = _agent_with_access(auth, workspace, database, clock)
    found = auth.find_token(token)
    assert found is not None
    assert found.token_id is not None
    with database.workspace(workspace.id) as session:
        assert auth.revoke_token(workspace.id, session, member.id, found.token_id)
        assert not auth.revoke_token(workspace.id, session, member.id, found.token_id)
    with database.workspace(workspace.id, readonly=True) as session:
        actions = [entry.action for entry in audit.entries(workspace.id, session)]

    assert auth.find_token(token) is None
    assert actions[0] == "token.revoked"


def test_a_new_password_ends_old_sign_ins(auth: AuthService, workspace: Workspace, database: Database) -> None:
    """Whoever signed in with the old password is out."""
    signed_in = auth.sign_in("olive@acme.example", PASSWORD, ADDRESS)
    assert isinstance(signed_in, SignedIn)
    with database.workspace(workspace.id) as session:
        auth.set_password(workspace.id, session, signed_in.principal.member_id, "another password")

    assert auth.find_sign_in(signed_in.cookie) is None
    assert auth.sign_in("olive@acme.example", PASSWORD, ADDRESS) == WrongCredentials()


# helpers


def _owner(workspace: Workspace, database: Database) -> Member:
    with database.workspace(workspace.id, readonly=True) as session:
        (owner,) = workspaces.members(workspace.id, session)
    return owner


def _agent_with_access(
    auth: AuthService, workspace: Workspace, database: Database, clock: FrozenClock
) -> tuple[Member, str, str]:
    with database.workspace(workspace.id) as session:
        member = workspace_service.add_member(
            workspace.id, session, clock, "ann@acme.example", "Ann", Role.AGENT, actor=SYSTEM
        )
        assert isinstance(member, Member)
        token = auth.create_token(workspace.id, session, member, "script", None)
    assert isinstance(token, NewToken)
    return member, auth._open(member).cookie, token.text


def _change(
    workspace: Workspace,
    database: Database,
    clock: FrozenClock,
    member: Member,
    *,
    role: Role | None = None,
    active: bool | None = None,
) -> None:
    with database.workspace(workspace.id) as session:
        changed = workspace_service.change_member(
            workspace.id, session, clock, member.id, MemberChange(role=role, active=active), actor=SYSTEM
        )
    assert isinstance(changed, Member)

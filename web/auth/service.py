"""Signing in and out, and finding out who a cookie or an API token belongs to.

Laws of this module
- A member who was deactivated is nobody, at once; one who was demoted has the lesser role's scopes, at once.
- What is not right is refused in one voice: nothing tells whether it was the address or the password.
- A sign-in always gets a new secret, so that nobody can be given one that somebody else knows.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import timedelta

from sqlalchemy.orm import Session

from engine.audit import repository as audit
from engine.email_address import normalize
from engine.ids import MemberId, WorkspaceId
from engine.ports import Clock
from engine.storage import Database
from engine.workspace import repository as workspaces
from engine.workspace.models import Member
from web.auth import passwords, repository, throttle, tokens
from web.auth.models import ABSOLUTE_LIMIT, IDLE_LIMIT, ROLE_SCOPES, TOUCH_EVERY, ApiToken, Principal, Scope, SignIn
from web.auth.models import scopes_for as scopes_for_role
from web.auth.throttle import Throttle

MAX_COOKIE_LENGTH = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """A sign-in that succeeded."""

    cookie: str = field(repr=False)
    """The secret the browser keeps."""
    principal: Principal


@dataclass(frozen=True, slots=True, kw_only=True)
class WrongCredentials:
    """Indicate that no active member has this address and password."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TooManyAttempts:
    """Indicate that this address was guessed at too often lately."""

    retry_after: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class NewToken:
    """An API token that was just made, with the text that is shown this once."""

    text: str = field(repr=False)
    token: ApiToken


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopesExceeded:
    """Indicate that a member asked for a token that may do more than they may."""

    scopes: tuple[str, ...]


class AuthService:
    """Knows who is who."""

    def __init__(self, database: Database, clock: Clock, attempts: Throttle) -> None:
        self._database = database
        self._clock = clock
        self._attempts = attempts

    def sign_in(self, email: str, password: str, network_address: str) -> SignedIn | WrongCredentials | TooManyAttempts:
        """Sign a member in by e-mail address and password.

        An address that is a member of several workspaces enters the one whose password was given.
        """
        normalized = normalize(email) or ""
        keys = [(throttle.PER_EMAIL, tokens.digest(normalized)), (throttle.PER_ADDRESS, network_address)]
        wait = self._attempts.wait(keys)
        if wait is not None:
            return TooManyAttempts(retry_after=wait)
        member = self._find_by_password(normalized, password)
        if member is None:
            self._attempts.count(keys)
            return WrongCredentials()
        return self._open(member)

    def find_sign_in(self, cookie: str) -> Principal | None:
        """Return the member whose browser holds `cookie`, or None if that sign-in is over."""
        if len(cookie) > MAX_COOKIE_LENGTH:
            return None
        now = self._clock.now()
        digest = tokens.digest(cookie)
        with self._database.system(readonly=True) as session:
            sign_in = repository.system_find_sign_in(session, digest)
            if sign_in is None or sign_in.is_over(now):
                return None
            member = workspaces.find_member(sign_in.workspace_id, session, sign_in.member_id)
        if member is None or not member.active:
            return None
        if now - sign_in.last_seen_at > TOUCH_EVERY:
            with self._database.workspace(sign_in.workspace_id) as session:
                repository.touch_sign_in(sign_in.workspace_id, session, sign_in.id, now)
        return _principal(member, session_digest=digest)

    def sign_out(self, cookie: str) -> None:
        """End the sign-in of the browser that holds `cookie`."""
        with self._database.system() as session:
            repository.system_delete_sign_in(session, tokens.digest(cookie))

    def find_token(self, text: str) -> Principal | None:
        """Return the member in whose name the API token `text` speaks, or None if it is not, or no longer, good."""
        if not tokens.is_token(text):
            return None
        now = self._clock.now()
        with self._database.system(readonly=True) as session:
            found = repository.system_find_token_and_member(session, tokens.digest(text))
        if found is None:
            return None
        token, member = found
        if token.revoked_at is not None or not member.active:
            return None
        if token.last_used_at is None or now - token.last_used_at > TOUCH_EVERY:
            with self._database.workspace(token.workspace_id) as session:
                repository.touch_token(token.workspace_id, session, token.id, now)
        principal = _principal(member, session_digest=None)
        return replace(principal, token_id=token.id, scopes=scopes_for_role(member.role, token.scopes))

    def note_bad_token(self, network_address: str) -> TooManyAttempts | None:
        """Count a token that was no good; return whether there were too many from that address lately.

        It is asked after the look-up only, so a good token is never locked out, whoever else guesses beside it.
        """
        keys = [(throttle.TOKENS_PER_ADDRESS, network_address)]
        wait = self._attempts.wait(keys)
        if wait is not None:
            return TooManyAttempts(retry_after=wait)
        self._attempts.count(keys)
        return None

    def create_token(
        self, workspace_id: WorkspaceId, session: Session, member: Member, name: str, scopes: Iterable[str] | None
    ) -> NewToken | ScopesExceeded:
        """Make an API token in a member's name, with `scopes`, or with all of the member's if None."""
        allowed = ROLE_SCOPES[member.role]
        wanted = frozenset(allowed if scopes is None else scopes)
        beyond = wanted - allowed
        if beyond:
            return ScopesExceeded(scopes=tuple(sorted(beyond)))
        now = self._clock.now()
        text = tokens.make_token(self._clock.new_secret())
        token = ApiToken(
            id=self._clock.new_id("tok"),
            workspace_id=workspace_id,
            member_id=member.id,
            name=name,
            hint=tokens.hint(text),
            scopes=tuple(scope for scope in Scope if scope in wanted),
            created_at=now,
            last_used_at=None,
            revoked_at=None,
        )
        repository.add_token(workspace_id, session, token, tokens.digest(text))
        audit.record(workspace_id, session, member.id, "token.created", token.id, {"scopes": list(token.scopes)}, now)
        return NewToken(text=text, token=token)

    def revoke_token(self, workspace_id: WorkspaceId, session: Session, actor: MemberId, token_id: str) -> bool:
        """Revoke an API token; return False if there is none to revoke."""
        now = self._clock.now()
        if not repository.revoke_token(workspace_id, session, token_id, now):
            return False
        audit.record(workspace_id, session, actor, "token.revoked", token_id, {}, now)
        return True

    def set_password(self, workspace_id: WorkspaceId, session: Session, member_id: MemberId, password: str) -> None:
        """Give a member a new password, and end every sign-in made with the old one."""
        stored = passwords.hash_password(password)
        repository.set_password(workspace_id, session, member_id, stored, self._clock.now())
        repository.delete_sign_ins_of(workspace_id, session, member_id)

    def forget_old_sign_ins(self) -> None:
        """Delete the sign-ins that are over."""
        now = self._clock.now()
        with self._database.system() as session:
            repository.system_delete_old_sign_ins(session, now - IDLE_LIMIT, now - ABSOLUTE_LIMIT)

    def _find_by_password(self, normalized: str, password: str) -> Member | None:
        with self._database.system(readonly=True) as session:
            candidates = [
                (member, repository.find_password(member.workspace_id, session, member.id))
                for member in workspaces.system_members_by_email(session, normalized)
                if member.active
            ]
        # Hashing takes its time, so no transaction is open while it runs; it also runs for an unknown address.
        if not candidates:
            passwords.is_right(None, password)
        return next((member for member, stored in candidates if passwords.is_right(stored, password)), None)

    def _open(self, member: Member) -> SignedIn:
        now = self._clock.now()
        cookie = self._clock.new_secret()
        sign_in = SignIn(
            id=self._clock.new_id("sig"),
            workspace_id=member.workspace_id,
            member_id=member.id,
            created_at=now,
            last_seen_at=now,
        )
        digest = tokens.digest(cookie)
        with self._database.workspace(member.workspace_id) as session:
            repository.add_sign_in(member.workspace_id, session, sign_in, digest)
            audit.record(member.workspace_id, session, member.id, "member.signed_in", member.id, {}, now)
        return SignedIn(cookie=cookie, principal=_principal(member, session_digest=digest))


def _principal(member: Member, session_digest: str | None) -> Principal:
    return Principal(
        workspace_id=member.workspace_id,
        member_id=member.id,
        email=member.email,
        name=member.name,
        role=member.role,
        sees_billing=member.sees_billing,
        scopes=ROLE_SCOPES[member.role],
        session_digest=session_digest,
    )

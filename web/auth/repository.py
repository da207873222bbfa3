"""SQL for passwords, sign-ins and API tokens, and nothing else.

Looking up a cookie or a token happens before the workspace is known; those functions are called `system_…`.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast

from sqlalchemy import BindParameter, CursorResult, Row, Table, and_, bindparam, delete, select, update
from sqlalchemy.orm import Session

from engine.ids import MemberId, WorkspaceId
from engine.storage import upsert
from engine.workspace.directory_repository import members_table
from engine.workspace.models import Member, Role
from web.auth.models import ApiToken, SignIn
from web.auth.tables import DbApiToken, DbPassword, DbSignIn

_TOKENS = cast("Table", DbApiToken.__table__)
_MEMBERS = members_table()
_DIGEST: BindParameter[str] = bindparam("digest")
_TOKEN_AND_MEMBER = (
    select(
        _TOKENS,
        _MEMBERS.c.email,
        _MEMBERS.c.email_normalized,
        _MEMBERS.c.name.label("member_name"),
        _MEMBERS.c.role,
        _MEMBERS.c.active,
        _MEMBERS.c.sees_billing,
        _MEMBERS.c.created_at.label("joined_at"),
    )
    .select_from(
        _TOKENS.join(
            _MEMBERS, and_(_MEMBERS.c.workspace_id == _TOKENS.c.workspace_id, _MEMBERS.c.id == _TOKENS.c.member_id)
        )
    )
    .where(_TOKENS.c.digest == _DIGEST)
)


def set_password(
    workspace_id: WorkspaceId, session: Session, member_id: MemberId, password_hash: str, now: datetime
) -> None:
    """Store the hash of a member's new password."""
    statement = upsert(session, DbPassword).values(
        member_id=member_id, workspace_id=workspace_id, password_hash=password_hash, changed_at=now
    )
    changes = {"password_hash": statement.excluded.password_hash, "changed_at": statement.excluded.changed_at}
    session.execute(statement.on_conflict_do_update(index_elements=["member_id"], set_=changes))


def find_password(workspace_id: WorkspaceId, session: Session, member_id: MemberId) -> str | None:
    """Return the hash of a member's password, or None if the member has none."""
    query = select(DbPassword.password_hash).where(
        DbPassword.workspace_id == workspace_id, DbPassword.member_id == member_id
    )
    return session.scalar(query)


def add_sign_in(workspace_id: WorkspaceId, session: Session, sign_in: SignIn, digest: str) -> None:
    """Store a new sign-in."""
    session.add(
        DbSignIn(
            id=sign_in.id,
            workspace_id=workspace_id,
            member_id=sign_in.member_id,
            digest=digest,
            created_at=sign_in.created_at,
            last_seen_at=sign_in.last_seen_at,
        )
    )


def system_find_sign_in(session: Session, digest: str) -> SignIn | None:
    """Return the sign-in whose cookie has `digest`, or None."""
    row = session.scalar(select(DbSignIn).where(DbSignIn.digest == digest))
    if row is None:
        return None
    return SignIn(
        id=row.id,
        workspace_id=WorkspaceId(row.workspace_id),
        member_id=MemberId(row.member_id),
        created_at=row.created_at,
        last_seen_at=row.last_seen_at,
    )


def touch_sign_in(workspace_id: WorkspaceId, session: Session, sign_in_id: str, now: datetime) -> None:
    """Remember that a sign-in was used."""
    session.execute(
        update(DbSignIn)
        .where(DbSignIn.workspace_id == workspace_id, DbSignIn.id == sign_in_id)
        .values(last_seen_at=now)
    )


def system_delete_sign_in(session: Session, digest: str) -> None:
    """End the sign-in whose cookie has `digest`, if there is one."""
    session.execute(delete(DbSignIn).where(DbSignIn.digest == digest))


def delete_sign_ins_of(workspace_id: WorkspaceId, session: Session, member_id: MemberId) -> None:
    """End every sign-in of a member."""
    session.execute(delete(DbSignIn).where(DbSignIn.workspace_id == workspace_id, DbSignIn.member_id == member_id))


def system_delete_old_sign_ins(session: Session, idle_since: datetime, created_before: datetime) -> None:
    """Delete the sign-ins of all workspaces that are over."""
    session.execute(
        delete(DbSignIn).where((DbSignIn.last_seen_at < idle_since) | (DbSignIn.created_at < created_before))
    )


def add_token(workspace_id: WorkspaceId, session: Session, token: ApiToken, digest: str) -> None:
    """Store a new API token."""
    session.add(
        DbApiToken(
            id=token.id,
            workspace_id=workspace_id,
            member_id=token.member_id,
            name=token.name,
            hint=token.hint,
            digest=digest,
            scopes=list(token.scopes),
            created_at=token.created_at,
        )
    )


def system_find_token_and_member(session: Session, digest: str) -> tuple[ApiToken, Member] | None:
    """Return the token with `digest`, also if it was revoked, and the member it speaks for; None without either."""
    row = session.execute(_TOKEN_AND_MEMBER, {"digest": digest}).first()
    if row is None:
        return None
    member = Member(
        id=MemberId(row.member_id),
        workspace_id=WorkspaceId(row.workspace_id),
        email=row.email,
        email_normalized=row.email_normalized,
        name=row.member_name,
        role=Role(row.role),
        active=row.active,
        created_at=row.joined_at,
        sees_billing=row.sees_billing,
    )
    return _api_token(row), member


def list_tokens(workspace_id: WorkspaceId, session: Session) -> Sequence[ApiToken]:
    """Return the tokens of a workspace that were not revoked, newest first."""
    query = (
        select(DbApiToken)
        .where(DbApiToken.workspace_id == workspace_id, DbApiToken.revoked_at.is_(None))
        .order_by(DbApiToken.created_at.desc(), DbApiToken.id.desc())
    )
    return [_api_token(row) for row in session.scalars(query)]


def touch_token(workspace_id: WorkspaceId, session: Session, token_id: str, now: datetime) -> None:
    """Remember that a token was used."""
    session.execute(
        update(DbApiToken)
        .where(DbApiToken.workspace_id == workspace_id, DbApiToken.id == token_id)
        .values(last_used_at=now)
    )


def revoke_token(workspace_id: WorkspaceId, session: Session, token_id: str, now: datetime) -> bool:
    """Revoke a token; return False if there is none to revoke."""
    result = session.execute(
        update(DbApiToken)
        .where(DbApiToken.workspace_id == workspace_id, DbApiToken.id == token_id, DbApiToken.revoked_at.is_(None))
        .values(revoked_at=now)
    )
    assert isinstance(result, CursorResult)
    return result.rowcount == 1


def _api_token(row: DbApiToken | Row[Any]) -> ApiToken:
    return ApiToken(
        id=row.id,
        workspace_id=WorkspaceId(row.workspace_id),
        member_id=MemberId(row.member_id),
        name=row.name,
        hint=row.hint,
        scopes=tuple(row.scopes),
        created_at=row.created_at,
        last_used_at=row.last_used_at,
        revoked_at=row.revoked_at,
    )

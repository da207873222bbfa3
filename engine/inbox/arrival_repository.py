"""The SQL of what is known when a conversation comes in, in one statement."""

from dataclasses import dataclass
from typing import cast

from sqlalchemy import BindParameter, Integer, Table, and_, bindparam, exists, func, literal, select
from sqlalchemy.orm import Session

from engine.ids import EndUserId, WorkspaceId
from engine.inbox.models import EndUser
from engine.inbox.tables import DbConversation, DbEndUser, DbRuleNames

_MINE: BindParameter[str] = bindparam("workspace_id")
_CONVERSATIONS = cast("Table", DbConversation.__table__)
_PEOPLE = cast("Table", DbEndUser.__table__)
_NAMES = cast("Table", DbRuleNames.__table__)
_THERE = exists().where(
    _CONVERSATIONS.c.workspace_id == _MINE,
    _CONVERSATIONS.c.inbox == bindparam("inbox"),
    _CONVERSATIONS.c.external_id == bindparam("external_id"),
)
_NAMED = select(func.max(_NAMES.c.ruleset_version)).where(_NAMES.c.workspace_id == _MINE).scalar_subquery()
_ONE = select(_THERE.label("is_stored"), _NAMED.label("named_through"), literal(1, Integer).label("one")).subquery()
_KNOWN = select(_ONE.c.is_stored, _ONE.c.named_through, _PEOPLE).select_from(
    _ONE.outerjoin(
        _PEOPLE,
        and_(
            _ONE.c.one == 1,
            _PEOPLE.c.workspace_id == _MINE,
            _PEOPLE.c.email_normalized == bindparam("email_normalized", type_=_PEOPLE.c.email_normalized.type),
        ),
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the database has about a conversation that comes in."""

    is_stored: bool
    """The conversation is there already."""
    end_user: EndUser | None
    """Who has the sender's address."""
    named_through: int | None
    """The newest ruleset version whose rules' names are stored."""


def find(
    workspace_id: WorkspaceId, session: Session, inbox: str, external_id: str, email_normalized: str | None
) -> Known:
    """Return what is known of a conversation and its sender."""
    asked = {
        "workspace_id": workspace_id,
        "inbox": inbox,
        "external_id": external_id,
        "email_normalized": email_normalized,
    }
    row = session.execute(_KNOWN, asked).one()
    end_user = None
    if row.id is not None:
        end_user = EndUser(
            id=EndUserId(row.id),
            email=row.email,
            email_normalized=row.email_normalized,
            name=row.name,
            attributes=row.attributes,
            created_at=row.created_at,
        )
    return Known(is_stored=bool(row.is_stored), end_user=end_user, named_through=row.named_through)

"""The SQL of conversations and their messages. End users and decisions have files of their own beside this one."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from sqlalchemy import Select, Table, delete, func, insert, or_, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from engine.core.actions import Priority
from engine.ids import ConversationId, EndUserId, MemberId, MessageId, QueueId, TeamId, WorkspaceId
from engine.inbox.end_user_repository import ensure_end_users, find_or_create_end_user
from engine.inbox.models import AuthorKind, Conversation, Filter, Message, Status
from engine.inbox.paging import Cursor, Page
from engine.inbox.tables import DbConversation, DbConversationTag, DbMessage
from engine.text import is_storable

__all__ = [
    "conversations",
    "ensure_end_users",
    "find_by_external_id",
    "find_conversation",
    "find_message",
    "find_message_by_external_id",
    "find_or_create_end_user",
    "insert_conversation",
    "insert_messages",
    "messages",
    "newest_inbound_message",
    "update_conversation",
    "written_message_count",
]

WRITTEN = (AuthorKind.CUSTOMER.value, AuthorKind.AGENT.value)
_CONVERSATIONS = cast("Table", DbConversation.__table__)
_CLAIM_POSTGRESQL = postgresql.insert(_CONVERSATIONS).on_conflict_do_nothing().returning(_CONVERSATIONS.c.id)
_CLAIM_SQLITE = sqlite.insert(_CONVERSATIONS).on_conflict_do_nothing().returning(_CONVERSATIONS.c.id)
_INSERT_MESSAGES = insert(cast("Table", DbMessage.__table__))
_INSERT_TAGS = insert(cast("Table", DbConversationTag.__table__))


def insert_conversation(workspace_id: WorkspaceId, session: Session, conversation: Conversation) -> bool:
    """Store a new conversation; return False, and do nothing, if its external id is there already.

    While another transaction is storing the same external id, this waits for its end.
    """
    row = {
        "id": conversation.id,
        "workspace_id": workspace_id,
        "inbox": conversation.inbox,
        "external_id": conversation.external_id,
        "channel": conversation.channel,
        "end_user_id": conversation.end_user_id,
        "sender_email": conversation.sender_email,
        "sender_name": conversation.sender_name,
        "sender_verified": conversation.sender_verified,
        "subject": conversation.subject,
        "created_at": conversation.created_at,
        "received_at": conversation.received_at,
        **_changing_columns(conversation),
    }
    claim = _CLAIM_POSTGRESQL if session.get_bind().dialect.name == "postgresql" else _CLAIM_SQLITE
    claimed = session.execute(claim, row).first()
    if claimed is None:
        return False
    _insert_tags(workspace_id, session, conversation)
    return True


def update_conversation(workspace_id: WorkspaceId, session: Session, before: Conversation, after: Conversation) -> None:
    """Store what can change about a conversation, as it is `after`, where that differs from `before`."""
    if _changing_columns(before) != _changing_columns(after):
        session.execute(
            update(DbConversation)
            .where(DbConversation.workspace_id == workspace_id, DbConversation.id == after.id)
            .values(_changing_columns(after))
        )
    if before.tags != after.tags:
        session.execute(
            delete(DbConversationTag).where(
                DbConversationTag.workspace_id == workspace_id, DbConversationTag.conversation_id == after.id
            )
        )
        _insert_tags(workspace_id, session, after)


def find_conversation(
    workspace_id: WorkspaceId, session: Session, conversation_id: ConversationId, *, lock: bool = False
) -> Conversation | None:
    """Return the conversation, or None; with `lock` nobody else changes it before this transaction ends."""
    if not is_storable(conversation_id):
        return None
    query = select(DbConversation).where(
        DbConversation.workspace_id == workspace_id, DbConversation.id == conversation_id
    )
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    return next(iter(_read(workspace_id, session, query)), None)


def find_by_external_id(
    workspace_id: WorkspaceId, session: Session, inbox: str, external_id: str
) -> Conversation | None:
    """Return the conversation an inbox knows by `external_id`, or None."""
    query = select(DbConversation).where(
        DbConversation.workspace_id == workspace_id,
        DbConversation.inbox == inbox,
        DbConversation.external_id == external_id,
    )
    return next(iter(_read(workspace_id, session, query)), None)


def conversations(
    workspace_id: WorkspaceId,
    session: Session,
    wanted: Filter,
    *,
    after: Cursor | None = None,
    limit: int = 50,
) -> Page[Conversation]:
    """Return a page of the conversations that are wanted, newest first."""
    query = _filtered(workspace_id, wanted)
    if after is not None:
        query = query.where(tuple_(DbConversation.created_at, DbConversation.id) < (after.at, after.id))
    query = query.order_by(DbConversation.created_at.desc(), DbConversation.id.desc()).limit(limit + 1)
    found = _read(workspace_id, session, query)
    shown = found[:limit]
    more = len(found) > limit
    return Page(shown, Cursor(shown[-1].created_at, shown[-1].id).encode() if more else None)


def insert_messages(workspace_id: WorkspaceId, session: Session, messages: Sequence[Message]) -> None:
    """Store new messages; raise IntegrityError if an external id is in the conversation already."""
    rows = [
        {
            "id": message.id,
            "workspace_id": workspace_id,
            "conversation_id": message.conversation_id,
            "external_id": message.external_id,
            "author_kind": message.author_kind.value,
            "author_name": message.author_name,
            "author_member_id": message.author_member_id,
            "body": message.body,
            "created_at": message.created_at,
            "received_at": message.received_at,
        }
        for message in messages
    ]
    if rows:
        session.execute(_INSERT_MESSAGES, rows)


def messages(workspace_id: WorkspaceId, session: Session, conversation_id: ConversationId) -> Sequence[Message]:
    """Return a conversation's messages and notes, oldest first."""
    query = _messages_of(workspace_id, conversation_id).order_by(DbMessage.created_at, DbMessage.id)
    return [_message(row) for row in session.scalars(query)]


def find_message(workspace_id: WorkspaceId, session: Session, message_id: MessageId) -> Message | None:
    """Return the message, or None."""
    row = session.scalar(select(DbMessage).where(DbMessage.workspace_id == workspace_id, DbMessage.id == message_id))
    return None if row is None else _message(row)


def find_message_by_external_id(
    workspace_id: WorkspaceId, session: Session, conversation_id: ConversationId, external_id: str
) -> Message | None:
    """Return the conversation's message that the help desk knows by `external_id`, or None."""
    row = session.scalar(_messages_of(workspace_id, conversation_id).where(DbMessage.external_id == external_id))
    return None if row is None else _message(row)


def newest_inbound_message(
    workspace_id: WorkspaceId, session: Session, conversation_id: ConversationId
) -> Message | None:
    """Return the newest message the customer wrote, or None."""
    query = _messages_of(workspace_id, conversation_id).where(DbMessage.author_kind == AuthorKind.CUSTOMER.value)
    row = session.scalar(query.order_by(DbMessage.created_at.desc(), DbMessage.id.desc()).limit(1))
    return None if row is None else _message(row)


def written_message_count(workspace_id: WorkspaceId, session: Session, conversation_id: ConversationId) -> int:
    """Return how many messages customer and agents have written; notes don't count."""
    query = select(func.count()).where(
        DbMessage.workspace_id == workspace_id,
        DbMessage.conversation_id == conversation_id,
        DbMessage.author_kind.in_(WRITTEN),
    )
    return session.scalar(query) or 0


def _filtered(workspace_id: WorkspaceId, wanted: Filter) -> Select[DbConversation]:
    query = select(DbConversation).where(DbConversation.workspace_id == workspace_id)
    equals = {
        DbConversation.status: wanted.status,
        DbConversation.team_id: wanted.team_id,
        DbConversation.assignee_id: wanted.assignee_id,
        DbConversation.queue_id: wanted.queue_id,
        DbConversation.end_user_id: wanted.end_user_id,
    }
    query = query.where(*(column == value for column, value in equals.items() if value is not None))
    if wanted.unassigned:
        query = query.where(DbConversation.assignee_id.is_(None), DbConversation.team_id.is_(None))
    if wanted.tag is not None:
        tagged = select(DbConversationTag.conversation_id).where(
            DbConversationTag.workspace_id == workspace_id, DbConversationTag.tag == wanted.tag
        )
        query = query.where(DbConversation.id.in_(tagged))
    if wanted.text:
        columns = (DbConversation.subject, DbConversation.sender_email, DbConversation.sender_name)
        query = query.where(or_(*(column.icontains(wanted.text, autoescape=True) for column in columns)))
    return query


def _read(workspace_id: WorkspaceId, session: Session, query: Select[DbConversation]) -> list[Conversation]:
    rows = list(session.scalars(query))
    tags: dict[str, list[str]] = {row.id: [] for row in rows}
    if rows:
        tagged = (
            select(DbConversationTag.conversation_id, DbConversationTag.tag)
            .where(DbConversationTag.workspace_id == workspace_id, DbConversationTag.conversation_id.in_(tags))
            .order_by(DbConversationTag.conversation_id, DbConversationTag.position)
        )
        for conversation_id, tag in session.execute(tagged):
            tags[conversation_id].append(tag)
    return [_conversation(row, tuple(tags[row.id])) for row in rows]


def _messages_of(workspace_id: WorkspaceId, conversation_id: ConversationId) -> Select[DbMessage]:
    return select(DbMessage).where(DbMessage.workspace_id == workspace_id, DbMessage.conversation_id == conversation_id)


def _insert_tags(workspace_id: WorkspaceId, session: Session, conversation: Conversation) -> None:
    rows = [
        {"workspace_id": workspace_id, "conversation_id": conversation.id, "tag": tag, "position": position}
        for position, tag in enumerate(conversation.tags)
    ]
    if rows:
        session.execute(_INSERT_TAGS, rows)


def _changing_columns(conversation: Conversation) -> Mapping[str, Any]:
    return {
        "status": conversation.status.value,
        "priority": conversation.priority.value,
        "assignee_id": conversation.assignee_id,
        "team_id": conversation.team_id,
        "queue_id": conversation.queue_id,
        "attributes": dict(conversation.attributes),
        "human_touched": sorted(conversation.human_touched),
        "match_pending": conversation.match_pending,
        "last_message_at": conversation.last_message_at,
    }


def _conversation(row: DbConversation, tags: tuple[str, ...]) -> Conversation:
    return Conversation(
        id=ConversationId(row.id),
        inbox=row.inbox,
        external_id=row.external_id,
        channel=row.channel,
        end_user_id=EndUserId(row.end_user_id),
        sender_email=row.sender_email,
        sender_name=row.sender_name,
        sender_verified=row.sender_verified,
        subject=row.subject,
        status=Status(row.status),
        priority=Priority(row.priority),
        tags=tags,
        assignee_id=None if row.assignee_id is None else MemberId(row.assignee_id),
        team_id=None if row.team_id is None else TeamId(row.team_id),
        queue_id=None if row.queue_id is None else QueueId(row.queue_id),
        attributes=row.attributes,
        human_touched=frozenset(row.human_touched),
        match_pending=row.match_pending,
        created_at=row.created_at,
        received_at=row.received_at,
        last_message_at=row.last_message_at,
    )


def _message(row: DbMessage) -> Message:
    return Message(
        id=MessageId(row.id),
        conversation_id=ConversationId(row.conversation_id),
        external_id=row.external_id,
        author_kind=AuthorKind(row.author_kind),
        author_name=row.author_name,
        author_member_id=None if row.author_member_id is None else MemberId(row.author_member_id),
        body=row.body,
        created_at=row.created_at,
        received_at=row.received_at,
    )

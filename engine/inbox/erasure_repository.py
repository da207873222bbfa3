"""The SQL of removing people's data: one end user at once, or everybody's old messages and facts in batches."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from engine.ids import ConversationId, EndUserId, WorkspaceId
from engine.inbox.tables import DbConversation, DbConversationTag, DbDecision, DbEndUser, DbMessage

BATCH = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasedInbox:
    """How much an erasure removed."""

    conversations: int
    messages: int
    decisions: int


def conversation_ids_of(workspace_id: WorkspaceId, session: Session, end_user_id: EndUserId) -> list[ConversationId]:
    """Return the conversations of an end user, oldest first."""
    query = (
        select(DbConversation.id)
        .where(DbConversation.workspace_id == workspace_id, DbConversation.end_user_id == end_user_id)
        .order_by(DbConversation.created_at, DbConversation.id)
    )
    return [ConversationId(id_) for id_ in session.scalars(query)]


def erase_end_user(workspace_id: WorkspaceId, session: Session, end_user_id: EndUserId) -> ErasedInbox:
    """Remove an end user, their conversations, the messages in them and the decisions about them."""
    ids = conversation_ids_of(workspace_id, session, end_user_id)
    counts = dict.fromkeys((DbMessage, DbDecision), 0)
    for start in range(0, len(ids), BATCH):
        some = ids[start : start + BATCH]
        for table in (DbMessage, DbDecision):
            gone = delete(table).where(table.workspace_id == workspace_id, table.conversation_id.in_(some))
            counts[table] += len(session.execute(gone.returning(table.id)).all())
        session.execute(
            delete(DbConversationTag).where(
                DbConversationTag.workspace_id == workspace_id, DbConversationTag.conversation_id.in_(some)
            )
        )
        session.execute(
            delete(DbConversation).where(DbConversation.workspace_id == workspace_id, DbConversation.id.in_(some))
        )
    session.execute(delete(DbEndUser).where(DbEndUser.workspace_id == workspace_id, DbEndUser.id == end_user_id))
    return ErasedInbox(conversations=len(ids), messages=counts[DbMessage], decisions=counts[DbDecision])


def blank_old_messages(workspace_id: WorkspaceId, session: Session, before: datetime) -> int:
    """Empty the bodies of up to `BATCH` messages received before an instant; return how many."""
    some = (
        select(DbMessage.id)
        .where(DbMessage.workspace_id == workspace_id, DbMessage.received_at < before, DbMessage.body != "")
        .limit(BATCH)
    )
    blank = (
        update(DbMessage)
        .where(DbMessage.workspace_id == workspace_id, DbMessage.id.in_(some.scalar_subquery()))
        .values(body="", author_name=None)
        .returning(DbMessage.id)
    )
    return len(session.execute(blank.execution_options(synchronize_session=False)).all())


def blank_old_conversations(workspace_id: WorkspaceId, session: Session, before: datetime) -> int:
    """Remove the subject and the sender's name from up to `BATCH` conversations whose last message is older."""
    some = (
        select(DbConversation.id)
        .where(
            DbConversation.workspace_id == workspace_id,
            DbConversation.last_message_at < before,
            or_(DbConversation.subject.is_not(None), DbConversation.sender_name.is_not(None)),
        )
        .limit(BATCH)
    )
    blank = (
        update(DbConversation)
        .where(DbConversation.workspace_id == workspace_id, DbConversation.id.in_(some.scalar_subquery()))
        .values(subject=None, sender_name=None)
        .returning(DbConversation.id)
    )
    return len(session.execute(blank.execution_options(synchronize_session=False)).all())


def blank_old_decisions(workspace_id: WorkspaceId, session: Session, before: datetime) -> int:
    """Empty the snapshots of facts of up to `BATCH` decisions made before an instant; return how many.

    What was decided stays; only what it was decided from is gone, so it can't be repeated.
    """
    some = (
        select(DbDecision.id)
        .where(DbDecision.workspace_id == workspace_id, DbDecision.created_at < before, DbDecision.facts != {})
        .limit(BATCH)
    )
    blank = (
        update(DbDecision)
        .where(DbDecision.workspace_id == workspace_id, DbDecision.id.in_(some.scalar_subquery()))
        .values(facts={}, reasons={})
        .returning(DbDecision.id)
    )
    return len(session.execute(blank.execution_options(synchronize_session=False)).all())

"""The SQL of excerpts: the beginning of the newest message of many conversations at once, for a list of them."""

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from engine.ids import ConversationId, WorkspaceId
from engine.inbox.repository import WRITTEN
from engine.inbox.tables import DbMessage


def newest_texts(
    workspace_id: WorkspaceId, session: Session, conversation_ids: Sequence[ConversationId], length: int
) -> dict[ConversationId, str]:
    """Return the first `length` characters of each conversation's newest message; notes are left out."""
    place = func.row_number().over(
        partition_by=DbMessage.conversation_id, order_by=(DbMessage.created_at.desc(), DbMessage.id.desc())
    )
    ranked = (
        select(DbMessage.conversation_id, func.substr(DbMessage.body, 1, length).label("text"), place.label("place"))
        .where(
            DbMessage.workspace_id == workspace_id,
            DbMessage.conversation_id.in_(conversation_ids),
            DbMessage.author_kind.in_(WRITTEN),
        )
        .subquery()
    )
    rows = session.execute(select(ranked.c.conversation_id, ranked.c.text).where(ranked.c.place == 1))
    return {ConversationId(id_): text for id_, text in rows}

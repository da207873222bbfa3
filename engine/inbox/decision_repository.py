"""The SQL of decisions."""

from collections.abc import Sequence
from typing import cast

from sqlalchemy import Table, func, insert, select
from sqlalchemy.orm import Session

from engine.core.outcome import AppliedEffect, Outcome
from engine.ids import ConversationId, DecisionId, MessageId, WorkspaceId
from engine.inbox import decision_codec as codec
from engine.inbox.models import DecisionRecord
from engine.inbox.tables import DbDecision, DbRuleNames
from engine.storage import upsert

_INSERT = insert(cast("Table", DbDecision.__table__))


def insert_decision(
    workspace_id: WorkspaceId,
    session: Session,
    record: DecisionRecord,
    rule_names: Sequence[str],
    *,
    named_through: int | None = None,
) -> None:
    """Store a decision; `rule_names` are all names of its ruleset version, in order.

    `named_through` is the newest version whose names are known to be stored; the database is asked for any other.
    """
    if record.ruleset_version != named_through:
        _ensure_rule_names(workspace_id, session, record.ruleset_version, rule_names)
    session.execute(
        _INSERT,
        {
            "id": record.id,
            "workspace_id": workspace_id,
            "conversation_id": record.conversation_id,
            "number": record.number,
            "ruleset_version": record.ruleset_version,
            "on_event": record.on,
            "message_id": record.message_id,
            "facts": dict(record.facts),
            "reasons": dict(record.reasons),
            "line": codec.encode_line(record.decision),
            "unknown": codec.encode_unknown(record.decision.unknown, rule_names),
            "owners": codec.encode_owners(record.decision),
            "effects": [effect.to_json() for effect in record.effects],
            "match_pending": record.match_pending,
            "created_at": record.created_at,
        },
    )


def decisions(workspace_id: WorkspaceId, session: Session, conversation_id: ConversationId) -> Sequence[DecisionRecord]:
    """Return a conversation's decisions, newest first."""
    query = (
        select(DbDecision)
        .where(DbDecision.workspace_id == workspace_id, DbDecision.conversation_id == conversation_id)
        .order_by(DbDecision.number.desc())
    )
    rows = list(session.scalars(query))
    names = _rule_names(workspace_id, session, {row.ruleset_version for row in rows})
    return [_record(row, names.get(row.ruleset_version, ())) for row in rows]


def first_decision(
    workspace_id: WorkspaceId, session: Session, conversation_id: ConversationId
) -> DecisionRecord | None:
    """Return a conversation's first decision, or None."""
    row = session.scalar(
        select(DbDecision).where(
            DbDecision.workspace_id == workspace_id,
            DbDecision.conversation_id == conversation_id,
            DbDecision.number == 1,
        )
    )
    if row is None:
        return None
    return _record(row, _rule_names(workspace_id, session, {row.ruleset_version}).get(row.ruleset_version, ()))


def next_number(workspace_id: WorkspaceId, session: Session, conversation_id: ConversationId) -> int:
    """Return the number of a conversation's next decision; hold the conversation's lock while using it."""
    newest = session.scalar(
        select(func.max(DbDecision.number)).where(
            DbDecision.workspace_id == workspace_id, DbDecision.conversation_id == conversation_id
        )
    )
    return (newest or 0) + 1


def _ensure_rule_names(workspace_id: WorkspaceId, session: Session, version: int, names: Sequence[str]) -> None:
    stored = session.scalar(
        select(DbRuleNames.ruleset_version).where(
            DbRuleNames.workspace_id == workspace_id, DbRuleNames.ruleset_version == version
        )
    )
    if stored is not None:
        return
    row = {"workspace_id": workspace_id, "ruleset_version": version, "names": list(names)}
    session.execute(upsert(session, DbRuleNames).values(row).on_conflict_do_nothing())


def _rule_names(workspace_id: WorkspaceId, session: Session, versions: set[int]) -> dict[int, Sequence[str]]:
    query = select(DbRuleNames.ruleset_version, DbRuleNames.names).where(
        DbRuleNames.workspace_id == workspace_id, DbRuleNames.ruleset_version.in_(versions)
    )
    return {version: tuple(names) for version, names in session.execute(query)}


def _record(row: DbDecision, names: Sequence[str]) -> DecisionRecord:
    return DecisionRecord(
        id=DecisionId(row.id),
        conversation_id=ConversationId(row.conversation_id),
        number=row.number,
        ruleset_version=row.ruleset_version,
        on=row.on_event,
        message_id=None if row.message_id is None else MessageId(row.message_id),
        facts=row.facts,
        reasons=row.reasons,
        decision=codec.decode(row.line, row.owners, row.unknown, names),
        effects=tuple(
            AppliedEffect(
                action=effect["action"],
                value=effect["value"],
                outcome=Outcome(effect["outcome"]),
                message=effect["message"],
            )
            for effect in row.effects
        ),
        match_pending=row.match_pending,
        created_at=row.created_at,
    )

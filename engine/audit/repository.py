"""Writing to the audit, and reading it. There is no function that changes or deletes, and there never is one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Table, insert, select
from sqlalchemy.orm import Session

from engine.audit.tables import DbAuditEntry
from engine.core.facts import JsonValue
from engine.ids import WorkspaceId

_INSERT = insert(cast("Table", DbAuditEntry.__table__))
SYSTEM = "system"
"""The actor of what nobody in particular did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One thing somebody did."""

    id: int
    actor: str
    """A member's id, or `system`."""
    action: str
    """What was done, such as `ruleset.published`."""
    target: str
    """The id or name of what it was done to."""
    detail: Mapping[str, Any]
    at: datetime


def record(  # noqa: PLR0917  who, what, to what, how, when: the order of the sentence
    workspace_id: WorkspaceId,
    session: Session,
    actor: str,
    action: str,
    target: str,
    detail: Mapping[str, JsonValue],
    now: datetime,
) -> None:
    """Record that `actor` did `action` to `target`; never put a secret or a message's text into `detail`."""
    said = {"actor": actor, "action": action, "target": target, "detail": dict(detail), "at": now}
    session.execute(_INSERT, {"workspace_id": workspace_id, **said})


def entries(
    workspace_id: WorkspaceId, session: Session, *, before: int | None = None, limit: int = 50
) -> Sequence[AuditEntry]:
    """Return the newest entries first, those older than entry `before` when given."""
    query = select(DbAuditEntry).where(DbAuditEntry.workspace_id == workspace_id)
    if before is not None:
        query = query.where(DbAuditEntry.id < before)
    rows = session.scalars(query.order_by(DbAuditEntry.id.desc()).limit(limit))
    return [
        AuditEntry(id=row.id, actor=row.actor, action=row.action, target=row.target, detail=row.detail, at=row.at)
        for row in rows
    ]

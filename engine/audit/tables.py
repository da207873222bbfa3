"""The audit table, and the triggers that keep it append-only."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from engine.storage import BigId, Json, UtcDateTime, new_metadata

metadata = new_metadata()


class Base(DeclarativeBase):
    """The table of the audit."""

    metadata = metadata


class DbAuditEntry(Base):
    """One thing somebody did."""

    __tablename__ = "audit"
    __table_args__ = (Index("ix_audit_workspace", "workspace_id", "id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    workspace_id: Mapped[str]
    actor: Mapped[str]
    action: Mapped[str]
    target: Mapped[str]
    detail: Mapped[dict[str, Any]] = mapped_column(Json)
    at: Mapped[datetime] = mapped_column(UtcDateTime)


APPEND_ONLY_TABLES = (DbAuditEntry.__tablename__,)


def append_only_sql(table: str, *, postgresql: bool) -> tuple[str, ...]:
    """Return the statements after which the database itself refuses to change or delete rows of `table`."""
    message = f"{table} is append-only"
    if not postgresql:
        return tuple(
            f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{message}'); END"
            for verb in ("UPDATE", "DELETE")
        )
    function, events = f"{table}_append_only()", "UPDATE OR DELETE OR TRUNCATE"
    body = f"BEGIN RAISE EXCEPTION '{message}'; END"
    return (
        f"CREATE FUNCTION {function} RETURNS trigger LANGUAGE plpgsql AS $$ {body} $$",
        f"CREATE TRIGGER {table}_append_only BEFORE {events} ON {table} EXECUTE FUNCTION {function}",
    )

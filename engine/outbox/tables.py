"""The table of the outbox."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from engine.storage import BigId, Json, UtcDateTime, new_metadata

metadata = new_metadata()


class Base(DeclarativeBase):
    """Tables of the outbox."""

    metadata = metadata


class DbOutboxEntry(Base):
    """One thing that happened and still has, or had, consequences to draw."""

    __tablename__ = "outbox"
    __table_args__ = (Index("ix_outbox_pending", "done_at", "available_at", "id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    workspace_id: Mapped[str]
    kind: Mapped[str]
    payload: Mapped[dict[str, Any]] = mapped_column(Json)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    available_at: Mapped[datetime] = mapped_column(UtcDateTime)
    attempts: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str | None]
    done_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

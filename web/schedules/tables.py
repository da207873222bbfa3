"""The table of schedules."""

from datetime import datetime

from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from engine.storage import UtcDateTime, new_metadata

metadata = new_metadata()


class Base(DeclarativeBase):
    """Tables of the schedules."""

    metadata = metadata


class DbSchedule(Base):
    """One topic and when it is due. It belongs to no workspace; its workspace is `*`, which no workspace sees."""

    __tablename__ = "schedules"

    topic: Mapped[str] = mapped_column(primary_key=True)
    workspace_id: Mapped[str]
    next_at: Mapped[datetime] = mapped_column(UtcDateTime)
    woken_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

"""SQL for schedules, and nothing else. Schedules belong to the whole system."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import CursorResult, func, select, update
from sqlalchemy.orm import Session

from engine.storage import ALL_WORKSPACES, upsert
from web.schedules.tables import DbSchedule


def system_declare(session: Session, topics: Sequence[str], now: datetime) -> None:
    """Make sure that every topic has a schedule; new ones are due at once."""
    for topic in topics:
        statement = upsert(session, DbSchedule).values(topic=topic, workspace_id=ALL_WORKSPACES, next_at=now)
        session.execute(statement.on_conflict_do_nothing())


def system_claim(session: Session, every: Mapping[str, timedelta], now: datetime) -> Sequence[str]:
    """Return the topics that are due and are now this caller's to wake; a second scheduler gets none of them."""
    due = session.scalars(select(DbSchedule.topic).where(DbSchedule.next_at <= now).order_by(DbSchedule.next_at))
    return [topic for topic in due.all() if topic in every and _claim(session, topic, now, now + every[topic])]


def system_last_wake(session: Session) -> datetime | None:
    """Return when a scheduler last woke anything, or None if none ever did."""
    return session.scalar(select(func.max(DbSchedule.woken_at)))


def _claim(session: Session, topic: str, now: datetime, next_at: datetime) -> bool:
    result = session.execute(
        update(DbSchedule)
        .where(DbSchedule.topic == topic, DbSchedule.next_at <= now)
        .values(next_at=next_at, woken_at=now)
    )
    assert isinstance(result, CursorResult)
    return result.rowcount == 1

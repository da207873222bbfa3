"""The SQL of runs and steps."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, exists, func, select, update
from sqlalchemy.orm import Session

from engine.ids import ConnectionId, WorkspaceId
from stripe_sync.backfill.models import Action, PlannedStep, Run, RunStatus, Step
from stripe_sync.backfill.spans import Span
from stripe_sync.kinds import KINDS
from stripe_sync.tables import DbBackfill, DbBackfillStep

ROOM = 1000
"""Positions between one planned step and the next, for the parts a list is cut into."""
_OPEN = (RunStatus.QUEUED.value, RunStatus.RUNNING.value)


def latest(workspace_id: WorkspaceId, session: Session, connection_id: ConnectionId) -> Run | None:
    """Return the newest run of a connection, or None if there never was one."""
    runs = newest(workspace_id, session, connection_id, 1)
    return runs[0] if runs else None


def newest(workspace_id: WorkspaceId, session: Session, connection_id: ConnectionId, limit: int) -> list[Run]:
    """Return the newest runs of a connection, newest first."""
    query = (
        select(DbBackfill)
        .where(DbBackfill.workspace_id == workspace_id, DbBackfill.connection_id == connection_id)
        .order_by(DbBackfill.number.desc())
        .limit(limit)
        .execution_options(populate_existing=True)
    )
    return [_run(row) for row in session.scalars(query)]


def insert_run(  # noqa: PLR0917  a run and its steps
    workspace_id: WorkspaceId,
    session: Session,
    connection_id: ConnectionId,
    run_id: str,
    number: int,
    steps: Sequence[PlannedStep],
    now: datetime,
) -> None:
    """Queue a run."""
    session.add(
        DbBackfill(
            id=run_id,
            workspace_id=workspace_id,
            connection_id=connection_id,
            number=number,
            status=RunStatus.QUEUED.value,
            queued_at=now,
            available_at=now,
            attempts=0,
        )
    )
    for position, step in enumerate(steps):
        session.add(
            DbBackfillStep(
                run_id=run_id,
                position=position * ROOM,
                workspace_id=workspace_id,
                action=step.action.value,
                kind=step.kind.name if step.kind else None,
                pages=0,
                objects=0,
            )
        )
    session.flush()


def system_due(session: Session, now: datetime) -> list[tuple[WorkspaceId, str]]:
    """Return the runs nobody works on and that are due, the longest waiting first."""
    query = (
        select(DbBackfill.workspace_id, DbBackfill.id)
        .where(DbBackfill.status.in_(_OPEN), DbBackfill.available_at <= now)
        .order_by(DbBackfill.available_at, DbBackfill.id)
    )
    return [(WorkspaceId(workspace_id), run_id) for workspace_id, run_id in session.execute(query)]


def claim(
    workspace_id: WorkspaceId, session: Session, run_id: str, lease: str, now: datetime, until: datetime
) -> Run | None:
    """Take a run that is due for oneself; None if somebody else did. It falls due again at `until`."""
    row = session.scalar(
        update(DbBackfill)
        .where(*_is(workspace_id, run_id), DbBackfill.status.in_(_OPEN), DbBackfill.available_at <= now)
        .values(
            status=RunStatus.RUNNING.value,
            lease=lease,
            available_at=until,
            started_at=func.coalesce(DbBackfill.started_at, now),
        )
        .returning(DbBackfill)
        .execution_options(populate_existing=True)
    )
    return None if row is None else _run(row)


def renew(workspace_id: WorkspaceId, session: Session, run_id: str, lease: str, until: datetime) -> bool:
    """Keep a claimed run for longer; False if it is no longer ours, then nothing more may be written for it."""
    row = session.execute(
        update(DbBackfill)
        .where(*_held(workspace_id, run_id, lease))
        .values(available_at=until, attempts=0, last_error=None)
        .returning(DbBackfill.id)
    ).first()
    return row is not None


def keep(workspace_id: WorkspaceId, session: Session, run_id: str, lease: str, until: datetime) -> bool:
    """Keep a claimed run for longer although nothing was done; False if it is no longer ours."""
    row = session.execute(
        update(DbBackfill)
        .where(*_held(workspace_id, run_id, lease))
        .values(available_at=until)
        .returning(DbBackfill.id)
    ).first()
    return row is not None


def set_stamp(workspace_id: WorkspaceId, session: Session, run_id: str, stamp: datetime) -> None:
    """Note Stripe's time at the first request of a run, once."""
    session.execute(
        update(DbBackfill).where(*_is(workspace_id, run_id), DbBackfill.stamp.is_(None)).values(stamp=stamp)
    )


def postpone(
    workspace_id: WorkspaceId, session: Session, run_id: str, error: str, *, attempts: int, until: datetime
) -> None:
    """Give a run back for later, with the reason."""
    session.execute(
        update(DbBackfill)
        .where(*_is(workspace_id, run_id))
        .values(lease=None, available_at=until, attempts=attempts, last_error=error[:500])
    )


def release(workspace_id: WorkspaceId, session: Session, run_id: str, lease: str, now: datetime) -> None:
    """Give a run back to whoever looks next."""
    session.execute(
        update(DbBackfill)
        .where(*_is(workspace_id, run_id), DbBackfill.lease == lease)
        .values(lease=None, available_at=now)
    )


def finish(workspace_id: WorkspaceId, session: Session, run_id: str, now: datetime, error: str | None = None) -> None:
    """End a run: complete, or failed with the reason."""
    status = RunStatus.COMPLETE if error is None else RunStatus.FAILED
    session.execute(
        update(DbBackfill)
        .where(*_is(workspace_id, run_id))
        .values(status=status.value, lease=None, finished_at=now, last_error=None if error is None else error[:500])
    )


def fail_open(
    workspace_id: WorkspaceId, session: Session, connection_id: ConnectionId, now: datetime, why: str
) -> None:
    """End whatever runs of a connection wait or run."""
    session.execute(
        update(DbBackfill)
        .where(
            DbBackfill.workspace_id == workspace_id,
            DbBackfill.connection_id == connection_id,
            DbBackfill.status.in_(_OPEN),
        )
        .values(status=RunStatus.FAILED.value, lease=None, finished_at=now, last_error=why)
    )


def steps(workspace_id: WorkspaceId, session: Session, run_id: str) -> tuple[Step, ...]:
    """Return a run's steps in order."""
    query = (
        select(DbBackfillStep)
        .where(DbBackfillStep.workspace_id == workspace_id, DbBackfillStep.run_id == run_id)
        .order_by(DbBackfillStep.position)
        .execution_options(populate_existing=True)
    )
    return tuple(
        Step(
            position=row.position,
            action=Action(row.action),
            kind=KINDS[row.kind] if row.kind else None,
            cursor=row.cursor,
            pages=row.pages,
            objects=row.objects,
            is_done=row.done_at is not None,
            created_from=row.created_from,
            created_before=row.created_before,
            oldest=row.oldest,
        )
        for row in session.scalars(query)
    )


def advance(  # noqa: PLR0913  which step, and how far
    workspace_id: WorkspaceId,
    session: Session,
    run_id: str,
    lease: str,
    position: int,
    *,
    cursor: str | None,
    pages: int,
    objects: int,
    oldest: int | None,
    done_at: datetime | None,
) -> bool:
    """Note how far a step is; `pages` and `objects` are added. False, and nothing is noted, if the run is not ours."""
    row = session.execute(
        update(DbBackfillStep)
        .where(*_is_step(workspace_id, run_id, position), exists().where(*_held(workspace_id, run_id, lease)))
        .values(
            cursor=cursor,
            pages=DbBackfillStep.pages + pages,
            objects=DbBackfillStep.objects + objects,
            oldest=func.coalesce(oldest, DbBackfillStep.oldest),
            done_at=done_at,
        )
        .returning(DbBackfillStep.position)
        .execution_options(synchronize_session=False)
    ).first()
    return row is not None


def split(workspace_id: WorkspaceId, session: Session, run_id: str, span: Span, at: int) -> int | None:
    """Let the step of a span end at `at`, and add one for the part before; return the new step's position.

    None, and nothing is changed, if there is no room before the next step.
    """
    taken = {each.position: each.kind for each in steps(workspace_id, session, run_id)}
    free = span.position + 1
    while free in taken:
        if taken[free] is not span.kind:
            return None
        free += 1
    session.execute(
        update(DbBackfillStep).where(*_is_step(workspace_id, run_id, span.position)).values(created_from=at)
    )
    session.add(
        DbBackfillStep(
            run_id=run_id,
            position=free,
            workspace_id=workspace_id,
            action=Action.LIST.value,
            kind=span.kind.name,
            created_from=span.created_from,
            created_before=at,
            pages=0,
            objects=0,
        )
    )
    session.flush()
    return free


def _is_step(workspace_id: WorkspaceId, run_id: str, position: int) -> tuple[ColumnElement[bool], ...]:
    return (
        DbBackfillStep.workspace_id == workspace_id,
        DbBackfillStep.run_id == run_id,
        DbBackfillStep.position == position,
    )


def _held(workspace_id: WorkspaceId, run_id: str, lease: str) -> tuple[ColumnElement[bool], ...]:
    return (*_is(workspace_id, run_id), DbBackfill.lease == lease, DbBackfill.status == RunStatus.RUNNING.value)


def _is(workspace_id: WorkspaceId, run_id: str) -> tuple[ColumnElement[bool], ...]:
    return (DbBackfill.workspace_id == workspace_id, DbBackfill.id == run_id)


def _run(row: DbBackfill) -> Run:
    return Run(
        id=row.id,
        workspace_id=WorkspaceId(row.workspace_id),
        connection_id=ConnectionId(row.connection_id),
        number=row.number,
        status=RunStatus(row.status),
        queued_at=row.queued_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        stamp=row.stamp,
        attempts=row.attempts,
        last_error=row.last_error,
    )

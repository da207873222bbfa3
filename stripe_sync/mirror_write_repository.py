"""The SQL that writes the mirror: batches, one statement each, behind the guard of `stripe_sync.apply`.

The guard is in the statement itself, so that two writers at once cannot undo each other's newer rows.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, assert_never

from sqlalchemy import ColumnElement, Table, and_, delete, false, or_, select, update
from sqlalchemy.orm import Session

from engine.ids import ConnectionId, WorkspaceId
from engine.storage import upsert
from stripe_sync import mirror_owner_repository
from stripe_sync.apply import TIE, Known, News, Source
from stripe_sync.erased_repository import without_erased
from stripe_sync.kinds import Kind, StripeJson, Use, reference, uses
from stripe_sync.mirror_tables import MIRROR, USES

CHUNK = 500
_KEYS = ("workspace_id", "connection_id", "id")


def write(  # noqa: PLR0913  a batch and everything that says how fresh it is
    workspace_id: WorkspaceId,
    session: Session,
    connection_id: ConnectionId,
    kind: Kind,
    objects: Collection[StripeJson],
    news: News,
    *,
    run_id: str | None = None,
    stamps: Mapping[str, datetime] | None = None,
) -> frozenset[str]:
    """Write objects of one kind where the guard allows; return the ids that were written.

    `run_id` marks every object, written or not, as seen by that run. `stamps` gives events, which know their own
    moment, a stamp by id in place of the common one. With `is_deleted` news objects become tombstones and keep
    their last payload. What was erased is left out.
    """
    table = MIRROR[kind.name]
    kept = without_erased(workspace_id, session, kind, _distinct(objects), news.stamp)
    rows = [_row(workspace_id, connection_id, kind, payload, news) for payload in kept]
    for row in rows:
        row["seen_run"] = run_id
        row["stamp"] = (stamps or {}).get(row["id"], news.stamp)
    written: set[str] = set()
    for start in range(0, len(rows), CHUNK):
        statement = upsert(session, table)
        changed = {name: statement.excluded[name] for name in rows[0] if name not in {*_KEYS, "seen_run"}}
        if news.is_deleted:
            changed = {name: changed[name] for name in ("stamp", "source", "deleted_at")}
        if run_id is not None:
            changed["seen_run"] = statement.excluded.seen_run
        guarded = statement.on_conflict_do_update(
            index_elements=list(_KEYS), set_=changed, where=_guard(table, news, statement.excluded.stamp)
        ).returning(table.c.id)
        written.update(session.scalars(guarded, rows[start : start + CHUNK]))
    if run_id is not None:
        _mark_seen(workspace_id, session, connection_id, kind, {row["id"] for row in rows} - written, run_id)
    if written and not news.is_deleted:
        mirror_owner_repository.name_customers(workspace_id, session, connection_id, kind, written)
        _replace_uses(workspace_id, session, connection_id, kind, [o for o in objects if o["id"] in written])
    return frozenset(written)


def _row(
    workspace_id: WorkspaceId,
    connection_id: ConnectionId,
    kind: Kind,
    payload: StripeJson,
    news: News,
) -> dict[str, Any]:
    return {
        "workspace_id": workspace_id,
        "connection_id": connection_id,
        "id": payload["id"],
        **{column.name: column.read(payload) for column in kind.columns},
        "source": news.source.value,
        "deleted_at": news.stamp if news.is_deleted else None,
        "payload": payload,
    }


def _distinct(objects: Iterable[StripeJson]) -> list[StripeJson]:
    # One statement may not touch a row twice; of the same object twice in a batch the last is taken.
    return [by_id[1] for by_id in sorted({payload["id"]: payload for payload in objects}.items())]


def _guard(table: Table, news: News, stamp: ColumnElement[datetime]) -> ColumnElement[bool]:
    """Return `judge(known, news).write` over the columns of a row that is there."""
    alive = table.c.deleted_at.is_(None)
    from_event = table.c.source == Source.EVENT.value
    match news.source:
        case Source.FETCH:
            return or_(_is_as_known(table, news.confirms), table.c.stamp < news.stamp - TIE)
        case Source.PAGE:
            from_page = table.c.source == Source.PAGE.value
            return and_(
                alive,
                or_(table.c.stamp < news.stamp - TIE, and_(from_page, table.c.stamp <= news.stamp)),
            )
        case Source.EVENT:
            if news.is_deleted:
                return and_(alive, table.c.stamp <= news.stamp + TIE)
            return and_(
                alive,
                or_(and_(from_event, table.c.stamp < stamp), and_(~from_event, table.c.stamp <= stamp)),
            )
    assert_never(news.source)


def _is_as_known(table: Table, known: Known | None) -> ColumnElement[bool]:
    if known is None:
        return false()
    is_deleted = table.c.deleted_at.is_not(None)
    return and_(
        table.c.stamp == known.stamp,
        table.c.source == known.source.value,
        is_deleted if known.is_deleted else ~is_deleted,
    )


def _mark_seen(
    workspace_id: WorkspaceId,
    session: Session,
    connection_id: ConnectionId,
    kind: Kind,
    ids: Collection[str],
    run_id: str,
) -> None:
    table = MIRROR[kind.name]
    for chunk in _chunks(ids):
        session.execute(
            update(table)
            .where(*_scope(table, workspace_id, connection_id), table.c.id.in_(chunk))
            .values(seen_run=run_id)
        )


def _replace_uses(
    workspace_id: WorkspaceId,
    session: Session,
    connection_id: ConnectionId,
    kind: Kind,
    objects: Sequence[StripeJson],
) -> None:
    if kind.name not in {"customers", "subscriptions"}:
        return
    wanted = {
        (payload["id"], use): payload["id"] if kind.name == "customers" else reference(payload, "customer")
        for payload in objects
        for use in uses(kind, payload)
    }
    present = set[tuple[str, Use]]()
    for chunk in _chunks({payload["id"] for payload in objects}):
        query = select(USES).where(*_scope(USES, workspace_id, connection_id), USES.c.owner_id.in_(chunk))
        present.update((row.owner_id, Use(row.kind, row.object_id)) for row in session.execute(query))
    for owner_id, use in present - set(wanted):
        session.execute(
            delete(USES).where(
                *_scope(USES, workspace_id, connection_id),
                USES.c.owner_id == owner_id,
                USES.c.kind == use.kind,
                USES.c.object_id == use.id,
            )
        )
    fresh = [
        {
            "workspace_id": workspace_id,
            "connection_id": connection_id,
            "owner_id": owner_id,
            "kind": use.kind,
            "object_id": use.id,
            "customer_id": customer_id,
        }
        for (owner_id, use), customer_id in sorted(wanted.items(), key=lambda item: (item[0][0], item[0][1].kind))
        if (owner_id, use) not in present
    ]
    if fresh:
        session.execute(upsert(session, USES).on_conflict_do_nothing(), fresh)


def unseen(  # noqa: PLR0913, PLR0917  whose, of which kind, by which run
    workspace_id: WorkspaceId,
    session: Session,
    connection_id: ConnectionId,
    kind: Kind,
    run_id: str,
    before: datetime,
    after: str | None,
    limit: int,
) -> list[str]:
    """Return the next objects, by id, that a run's list did not show although they are known from before it began."""
    table = MIRROR[kind.name]
    query = select(table.c.id).where(
        *_scope(table, workspace_id, connection_id),
        table.c.deleted_at.is_(None),
        table.c.stamp < before,
        or_(table.c.seen_run.is_(None), table.c.seen_run != run_id),
        table.c.id > (after or ""),
    )
    return list(session.scalars(query.order_by(table.c.id).limit(limit)))


def _scope(table: Table, workspace_id: WorkspaceId, connection_id: ConnectionId) -> tuple[ColumnElement[bool], ...]:
    return (table.c.workspace_id == workspace_id, table.c.connection_id == connection_id)


def _chunks(ids: Iterable[str]) -> Iterable[list[str]]:
    ordered = sorted(set(ids))
    return (ordered[start : start + CHUNK] for start in range(0, len(ordered), CHUNK))

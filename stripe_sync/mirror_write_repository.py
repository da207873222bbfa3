"""The SQL that writes the mirror: batches, one statement each, behind the guard of `stripe_sync.apply`.

The guard is in the statement itself, so that two writers at once cannot undo each other's newer rows. PostgreSQL gets
a batch as one text of JSON, which costs a fraction of a parameter for each cell; SQLite takes parameters.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, assert_never

import orjson
from sqlalchemy import (
    ColumnElement,
    Select,
    String,
    Table,
    and_,
    bindparam,
    cast,
    column,
    delete,
    false,
    func,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import ReturningInsert

from engine.ids import ConnectionId, WorkspaceId
from engine.storage import UtcDateTime, among_named, packed, upsert
from stripe_sync import mirror_owner_repository
from stripe_sync.apply import TIE, News, Source
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
    kept = without_erased(workspace_id, session, kind, _distinct(objects), news.stamp)
    rows = [_row(workspace_id, connection_id, kind, payload, news) for payload in kept]
    for row in rows:
        row["seen_run"] = run_id
        row["stamp"] = (stamps or {}).get(row["id"], news.stamp)
    written: set[str] = set()
    moments, dialect = _moments(news), session.get_bind().dialect.name
    for start in range(0, len(rows), CHUNK):
        guarded = _guarded(dialect, kind.name, tuple(rows[0]), _shape(news), run_id is not None)
        batch = rows[start : start + CHUNK]
        if dialect == "postgresql":
            written.update(session.scalars(guarded, {"rows": orjson.dumps(batch).decode(), **moments}))
        else:
            written.update(session.scalars(guarded, [{**row, **moments} for row in batch]))
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
        **{each.name: each.read(payload) for each in kind.columns},
        "source": news.source.value,
        "deleted_at": news.stamp if news.is_deleted else None,
        "payload": payload,
    }


def _distinct(objects: Iterable[StripeJson]) -> list[StripeJson]:
    # One statement may not touch a row twice; of the same object twice in a batch the last is taken.
    return [by_id[1] for by_id in sorted({payload["id"]: payload for payload in objects}.items())]


@dataclass(frozen=True, slots=True)
class _Shape:
    """What of news decides how the guard reads; the moments themselves are parameters."""

    source: Source
    is_deleted: bool
    confirms: bool | None
    """Whether what a fetch confirms is a tombstone; None where it confirms nothing."""


def _shape(news: News) -> _Shape:
    return _Shape(news.source, news.is_deleted, None if news.confirms is None else news.confirms.is_deleted)


def _moments(news: News) -> dict[str, object]:
    """Return the parameters of the guard."""
    found: dict[str, object] = {
        "news_stamp": news.stamp,
        "tie_begins": news.stamp - TIE,
        "tie_ends": news.stamp + TIE,
    }
    if news.confirms is not None:
        found |= {"known_stamp": news.confirms.stamp, "known_source": news.confirms.source.value}
    return found


@cache
def _guarded(
    dialect: str,
    name: str,
    columns: tuple[str, ...],
    shape: _Shape,
    has_run: bool,  # noqa: FBT001  a part of the key
) -> ReturningInsert[Any]:
    """Return the statement that writes a batch of one kind: built once for each form of news."""
    table = MIRROR[name]
    statement = postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)
    if dialect == "postgresql":
        cells = func.jsonb_to_recordset(cast(bindparam("rows", type_=String), postgresql.JSONB))
        source = cells.table_valued(*(column(each, table.c[each].type) for each in columns), name="given")
        statement = statement.from_select(columns, select(*source.render_derived(with_types=True).c))
    changed = {each: statement.excluded[each] for each in columns if each not in {*_KEYS, "seen_run"}}
    if shape.is_deleted:
        changed = {each: changed[each] for each in ("stamp", "source", "deleted_at")}
    if has_run:
        changed["seen_run"] = statement.excluded.seen_run
    return statement.on_conflict_do_update(
        index_elements=list(_KEYS), set_=changed, where=_guard(table, shape, statement.excluded.stamp)
    ).returning(table.c.id)


def _guard(table: Table, shape: _Shape, stamp: ColumnElement[datetime]) -> ColumnElement[bool]:
    """Return `judge(known, news).write` over the columns of a row that is there."""
    alive = table.c.deleted_at.is_(None)
    from_event = table.c.source == Source.EVENT.value
    is_clearly_older = table.c.stamp < bindparam("tie_begins", type_=UtcDateTime)
    match shape.source:
        case Source.FETCH:
            return or_(_is_as_known(table, shape), is_clearly_older)
        case Source.PAGE:
            from_page = table.c.source == Source.PAGE.value
            return and_(
                alive,
                or_(is_clearly_older, and_(from_page, table.c.stamp <= bindparam("news_stamp", type_=UtcDateTime))),
            )
        case Source.EVENT:
            if shape.is_deleted:
                return and_(alive, table.c.stamp <= bindparam("tie_ends", type_=UtcDateTime))
            return and_(
                alive,
                or_(and_(from_event, table.c.stamp < stamp), and_(~from_event, table.c.stamp <= stamp)),
            )
    assert_never(shape.source)


def _is_as_known(table: Table, shape: _Shape) -> ColumnElement[bool]:
    if shape.confirms is None:
        return false()
    is_deleted = table.c.deleted_at.is_not(None)
    return and_(
        table.c.stamp == bindparam("known_stamp", type_=UtcDateTime),
        table.c.source == bindparam("known_source"),
        is_deleted if shape.confirms else ~is_deleted,
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
        who = {"workspace": workspace_id, "connection": connection_id, "ids": packed(session, chunk)}
        used = session.execute(_used(session.get_bind().dialect.name), who)
        present.update((row.owner_id, Use(row.kind, row.object_id)) for row in used)
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


@cache
def _used(dialect: str) -> Select[Any]:
    """Return the query of what some owners use: built once, asked with every batch."""
    mine = (USES.c.workspace_id == bindparam("workspace"), USES.c.connection_id == bindparam("connection"))
    return select(USES).where(*mine, among_named(dialect, USES.c.owner_id, "ids"))


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


def system_analyze(session: Session) -> None:
    """Let PostgreSQL see what the mirror holds now: it plans by what it saw, which was little before a first run.

    SQLite plans by its indexes alone.
    """
    if session.get_bind().dialect.name == "postgresql":
        for table in (*MIRROR.values(), USES):
            planned = ", ".join(each.name for each in table.c if each.name != "payload")
            session.execute(text(f"ANALYZE {table.name} ({planned})"))


def _scope(table: Table, workspace_id: WorkspaceId, connection_id: ConnectionId) -> tuple[ColumnElement[bool], ...]:
    return (table.c.workspace_id == workspace_id, table.c.connection_id == connection_id)


def _chunks(ids: Iterable[str]) -> Iterable[list[str]]:
    ordered = sorted(set(ids))
    return (ordered[start : start + CHUNK] for start in range(0, len(ordered), CHUNK))

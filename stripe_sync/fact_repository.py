"""The SQL of end users' facts: read, store, and find those that the clock makes due.

What is stored and what is read back are stored facts: values and instants, no clock facts.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from functools import cache
from types import MappingProxyType
from typing import Any, cast

import orjson
from sqlalchemy import BindParameter, Row, Select, Table, Update, bindparam, exists, select, text
from sqlalchemy.dialects import sqlite
from sqlalchemy.orm import Session

from engine.core.facts import Facts, FactType, FactValue, Note, Reason, RecentNames
from engine.ids import EndUserId, WorkspaceId
from engine.storage import among_named, excluded, packed, to_micros, upsert
from stripe_sync.catalog import FIRST, STORED, STRIPE_FACTS
from stripe_sync.currencies import shown_decimals
from stripe_sync.derive import Rate, RateSource
from stripe_sync.derive.clock import next_flip, reason_of
from stripe_sync.fact_changes import FactChange, StoredFacts, changes
from stripe_sync.fact_tables import DbEndUserFacts, DbFactRenewal

CHUNK = 500
_TABLE: Table = DbEndUserFacts.__table__
_KEYS = ("workspace_id", "end_user_id")
_RECENT = {spec.name: spec.clock for spec in STRIPE_FACTS if isinstance(spec.clock, RecentNames)}
_NAMES = tuple(stored.name for stored in STORED)
_ALL_NAMES = tuple(column.name for column in _TABLE.c)
_COLUMNS = ", ".join(_ALL_NAMES)
_EXCLUDED = ", ".join(f"{name} = excluded.{name}" for name in _ALL_NAMES if name not in _KEYS)
_INSERT = (
    f"INSERT INTO {_TABLE.name} ({_COLUMNS}) SELECT {_COLUMNS}"  # noqa: S608 - names of our own table
    f" FROM json_populate_recordset(CAST(NULL AS {_TABLE.name}), CAST(:rows AS json)) ON CONFLICT"
)
_EMPTY: Mapping[str, object] = MappingProxyType(
    {"reasons": {}, "notes": [], "customers": [], "reporting_currency": "", "rates": {}, "as_of": FIRST}
)
"""The columns of a row in which no facts were written yet."""
_INSERT_EMPTY = text(
    f"INSERT INTO {_TABLE.name} (workspace_id, end_user_id, {', '.join(_EMPTY)})"  # noqa: S608 - names of our own table
    " SELECT :workspace_id, end_user_id, '{}', '[]', '[]', '', '{}', CAST(:first AS timestamptz)"
    " FROM unnest(CAST(:end_user_ids AS text[])) AS missing (end_user_id) ON CONFLICT DO NOTHING"
)
_INSERT_ONE = text(f"{_INSERT} DO NOTHING RETURNING end_user_id")
_INSERT_ONE_SQLITE = sqlite.insert(_TABLE).on_conflict_do_nothing().returning(_TABLE.c.end_user_id)
_REPLACE_ALL_SQLITE = sqlite.insert(_TABLE).on_conflict_do_update(
    index_elements=_KEYS, set_={column.name: excluded(column) for column in _TABLE.c if column.name not in _KEYS}
)
_RENEWALS = cast("Table", DbFactRenewal.__table__)
_WHO: BindParameter[str] = bindparam("end_user_id")
_MINE: BindParameter[str] = bindparam("workspace_id")
_READ_ONE = select(
    _TABLE,
    exists().where(_RENEWALS.c.workspace_id == _MINE, _RENEWALS.c.done_through < _WHO).label("awaits_renewal"),
).where(_TABLE.c.workspace_id == _MINE, _TABLE.c.end_user_id == _WHO)
_REPLACE_ALL = text(f"{_INSERT} ({', '.join(_KEYS)}) DO UPDATE SET {_EXCLUDED}")
_NOTHING: dict[str, object] = dict.fromkeys(_NAMES)
_DATED = frozenset(stored.name for stored in STORED if stored.type is FactType.DATETIME)
_MONEY = frozenset(stored.name for stored in STORED if stored.type is FactType.MONEY)


def read(workspace_id: WorkspaceId, session: Session, end_user_id: EndUserId) -> Facts | None:
    """Return the stored facts of an end user, or None if none were ever written."""
    found = read_many(workspace_id, session, [end_user_id]).get(end_user_id)
    return None if found is None else found.facts


def read_many(
    workspace_id: WorkspaceId, session: Session, end_user_ids: Collection[EndUserId]
) -> dict[EndUserId, StoredFacts]:
    """Return what is kept for end users; those without are left out."""
    return {
        EndUserId(row.end_user_id): _stored(row)
        for chunk in _chunks(end_user_ids)
        for row in session.execute(_kept(session.get_bind().dialect.name), _whose(workspace_id, session, chunk))
    }


def read_one(workspace_id: WorkspaceId, session: Session, end_user_id: EndUserId) -> tuple[StoredFacts | None, bool]:
    """Return what is kept for an end user, and whether a change of settings has not come to them yet."""
    row = session.execute(_READ_ONE, {"workspace_id": workspace_id, "end_user_id": end_user_id}).first()
    if row is None or row.as_of <= FIRST:
        return None, False
    return _stored(row), bool(row.awaits_renewal)


@cache
def _kept(dialect: str, *, only_written: bool = True, is_locked: bool = False) -> Select[Any]:
    """Return the query of what is kept for end users: built once for each form."""
    query = select(_TABLE).where(_TABLE.c.workspace_id == _MINE, among_named(dialect, _TABLE.c.end_user_id, "people"))
    if only_written:
        query = query.where(_TABLE.c.as_of > FIRST)
    return query.order_by(_TABLE.c.end_user_id).with_for_update() if is_locked else query


def _whose(workspace_id: WorkspaceId, session: Session, chunk: Collection[EndUserId]) -> dict[str, object]:
    """Return the parameters of `_kept`."""
    return {"workspace_id": workspace_id, "people": packed(session, chunk)}


def lock_many(
    workspace_id: WorkspaceId, session: Session, end_user_ids: Collection[EndUserId]
) -> dict[EndUserId, StoredFacts]:
    """Return what is kept for end users, and hold off others who would renew it until the transaction ends.

    Two transactions that each bring something new about one customer must not derive side by side: neither would see
    the other's. Whoever comes second waits here, and reads the mirror afterwards. End users without a row get one to
    wait at.
    """
    found: dict[EndUserId, StoredFacts] = {}
    for chunk in _chunks(end_user_ids):
        there = _lock(workspace_id, session, chunk)
        missing = [each for each in chunk if each not in there]
        if missing:
            # Whoever inserts a row at the same time is waited for here, and has written facts. Nobody else sees ours.
            _insert_empty(workspace_id, session, missing)
            there |= _lock(workspace_id, session, missing, only_written=True)
        found.update({key: kept for key, kept in there.items() if kept.facts.as_of > FIRST})
    return found


def _lock(
    workspace_id: WorkspaceId, session: Session, chunk: Collection[EndUserId], *, only_written: bool = False
) -> dict[EndUserId, StoredFacts]:
    query = _kept(session.get_bind().dialect.name, only_written=only_written, is_locked=True)
    rows = session.execute(query, _whose(workspace_id, session, chunk)).all()
    return {EndUserId(row.end_user_id): _stored(row) for row in rows}


def write(
    workspace_id: WorkspaceId, session: Session, end_user_id: EndUserId, facts: Facts, now: datetime
) -> tuple[FactChange, ...]:
    """Store the facts of one end user; return what changed."""
    before = read(workspace_id, session, end_user_id)
    store_many(workspace_id, session, {end_user_id: StoredFacts(facts=facts)}, now)
    return () if before is None else tuple(changes(end_user_id, before, facts, now))


def insert_one(
    workspace_id: WorkspaceId, session: Session, end_user_id: EndUserId, stored: StoredFacts, now: datetime
) -> bool:
    """Store the first facts of an end user; return False if there are some. Who is storing them is waited for."""
    row = _row(workspace_id, end_user_id, stored, now)
    if session.get_bind().dialect.name == "postgresql":
        _in_micros(row)
        return session.execute(_INSERT_ONE, {"rows": orjson.dumps([row]).decode()}).first() is not None
    return session.execute(_INSERT_ONE_SQLITE, row).first() is not None


def store_many(
    workspace_id: WorkspaceId, session: Session, news: Mapping[EndUserId, StoredFacts], now: datetime
) -> None:
    """Store the facts of end users in place of what was kept for them."""
    for chunk in _chunks(news):
        rows = [_row(workspace_id, end_user_id, news[end_user_id], now) for end_user_id in chunk]
        _replace(session, rows)


def keep_many(
    workspace_id: WorkspaceId, session: Session, contacts: Mapping[EndUserId, FactValue | None], now: datetime
) -> None:
    """Store that the facts of end users were worked out again and are the same, with when Stripe was last heard of."""
    together: dict[FactValue | None, list[EndUserId]] = {}
    for end_user_id, contact in contacts.items():
        together.setdefault(contact, []).append(end_user_id)
    statement = _renewed(session.get_bind().dialect.name)
    for contact, end_user_ids in together.items():
        who = {"workspace": workspace_id, "people": packed(session, end_user_ids)}
        session.execute(statement, {**who, "renewed_at": now, "contact": contact})


@cache
def _renewed(dialect: str) -> Update:
    """Return the statement of `keep_many`: built once, as it follows nearly every event."""
    mine = _TABLE.c.workspace_id == bindparam("workspace")
    which = (mine, among_named(dialect, _TABLE.c.end_user_id, "people"))
    return _TABLE.update().where(*which).values(as_of=bindparam("renewed_at"), synced_at=bindparam("contact"))


def _insert_empty(workspace_id: WorkspaceId, session: Session, end_user_ids: Sequence[EndUserId]) -> None:
    """Insert rows to wait at; those that are there stay as they are."""
    if session.get_bind().dialect.name == "postgresql":
        given = {"workspace_id": workspace_id, "end_user_ids": list(end_user_ids), "first": FIRST}
        session.execute(_INSERT_EMPTY, given)
        return
    rows = [{"workspace_id": workspace_id, "end_user_id": each, **_EMPTY} for each in end_user_ids]
    session.execute(upsert(session, _TABLE).on_conflict_do_nothing(), rows)


def _replace(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Insert rows, each in place of what has its keys.

    On PostgreSQL all of them travel in one parameter: a fraction of what a statement for each costs.
    """
    if session.get_bind().dialect.name == "postgresql":
        for row in rows:
            _in_micros(row)
        session.execute(_REPLACE_ALL, {"rows": orjson.dumps(rows).decode()})
        return
    session.execute(_REPLACE_ALL_SQLITE, rows)


def _in_micros(row: dict[str, Any]) -> None:
    """Put amounts as the database has them."""
    row.update({name: to_micros(row[name]) for name in _MONEY if row[name] is not None})


def forget(workspace_id: WorkspaceId, session: Session, end_user_ids: Collection[EndUserId]) -> None:
    """Remove everything kept for end users that are erased."""
    for chunk in _chunks(end_user_ids):
        session.execute(_TABLE.delete().where(_TABLE.c.workspace_id == workspace_id, _TABLE.c.end_user_id.in_(chunk)))


def system_due(session: Session, now: datetime, *, limit: int) -> dict[WorkspaceId, list[EndUserId]]:
    """Return end users of all workspaces for whom the clock has changed something, the longest due first."""
    query = (
        select(_TABLE.c.workspace_id, _TABLE.c.end_user_id)
        .where(_TABLE.c.due_at <= now)
        .order_by(_TABLE.c.due_at, _TABLE.c.end_user_id)
        .limit(limit)
    )
    due: dict[WorkspaceId, list[EndUserId]] = {}
    for row in session.execute(query):
        due.setdefault(WorkspaceId(row.workspace_id), []).append(EndUserId(row.end_user_id))
    return due


def _row(workspace_id: WorkspaceId, end_user_id: EndUserId, stored: StoredFacts, now: datetime) -> dict[str, Any]:
    facts = stored.facts
    reasons = {name: reason.value for name, reason in facts.reasons.items()}
    unknown = {name: reason_of(form, facts) for name, form in _RECENT.items() if name not in reasons}
    reasons.update({name: reason.value for name, reason in unknown.items() if reason is not None})
    values = {name: value for name, value in facts.values.items() if name in _NOTHING}
    for name in _DATED & values.keys():
        value = values[name]
        if isinstance(value, datetime) and value.microsecond:
            # Whole seconds, so that SQL and Python count days and seconds alike.
            values[name] = value.replace(microsecond=0)
    return {
        "workspace_id": workspace_id,
        "end_user_id": end_user_id,
        **_NOTHING,
        **values,
        "reasons": reasons,
        "notes": [{"fact": note.fact, "code": note.code, "message": note.message} for note in facts.notes],
        "customers": [list(pair) for pair in stored.customers],
        "reporting_currency": stored.reporting_currency,
        "rates": {
            currency: [
                str(rate.value),
                None if rate.published is None else rate.published.isoformat(),
                rate.source.value,
            ]
            for currency, rate in stored.rates.items()
        },
        "last_values": None if stored.last_values is None else dict(stored.last_values),
        "as_of": facts.as_of,
        "due_at": next_flip(facts, now),
    }


def _stored(row: Row[Any]) -> StoredFacts:
    cells = row._mapping  # noqa: SLF001 - SQLAlchemy's public way to read a row by name
    currency = cells["reporting_currency"]
    kept = zip(_NAMES, row[len(_KEYS) : len(_KEYS) + len(_NAMES)], strict=True)
    values = {name: _value(name, cell, currency) for name, cell in kept if cell is not None}
    facts = Facts(
        as_of=cells["as_of"].astimezone(UTC),
        values=values,
        reasons={name: Reason(reason) for name, reason in cells["reasons"].items()},
        notes=tuple(Note(**note) for note in cells["notes"]),
    )
    return StoredFacts(
        facts=facts,
        reporting_currency=currency,
        rates={code: _rate(*kept) for code, kept in cells["rates"].items()},
        customers=tuple((connection_id, customer_id) for connection_id, customer_id in cells["customers"]),
        last_values=cells["last_values"],
    )


def _rate(value: str, published: str | None, source: str = RateSource.PUBLISHED) -> Rate:
    day = None if published is None else date.fromisoformat(published)
    return Rate(Fraction(value), day, RateSource(source))


def _value(name: str, cell: Any, currency: str) -> FactValue:
    if name in _MONEY:
        assert isinstance(cell, Decimal)
        return cell.quantize(Decimal(1).scaleb(-shown_decimals(currency)))
    value: FactValue = tuple(cell) if isinstance(cell, list) else cell
    return value


def _chunks(end_user_ids: Collection[EndUserId]) -> Iterator[Sequence[EndUserId]]:
    ordered = sorted(set(end_user_ids))
    return (ordered[start : start + CHUNK] for start in range(0, len(ordered), CHUNK))

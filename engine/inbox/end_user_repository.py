"""The SQL of end users."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, cast

from sqlalchemy import Table, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from engine.core.facts import JsonValue
from engine.email_address import normalize
from engine.ids import EndUserId, WorkspaceId
from engine.inbox.models import EndUser
from engine.inbox.paging import Cursor, Page
from engine.inbox.tables import DbEndUser
from engine.storage import upsert
from engine.text import is_storable

BATCH = 500
_PEOPLE = cast("Table", DbEndUser.__table__)
_CREATE_POSTGRESQL = postgresql.insert(_PEOPLE).on_conflict_do_nothing().returning(_PEOPLE.c.id)
_CREATE_SQLITE = sqlite.insert(_PEOPLE).on_conflict_do_nothing().returning(_PEOPLE.c.id)

NewId = Callable[[str], str]
"""`Clock.new_id`."""


def find_or_create_end_user(
    workspace_id: WorkspaceId,
    session: Session,
    email: str | None,
    name: str | None,
    now: datetime,
    new_id: NewId,
) -> EndUser:
    """Return the end user with that address, made if there is none; without an address always a new one.

    Two callers at once get the same end user. A name is filled in where none was known. Raise ValueError if `email`
    is no address.
    """
    normalized = None if email is None else normalize(email)
    if email is not None and normalized is None:
        raise ValueError("that is no e-mail address")
    known = None if normalized is None else find_end_user_by_email(workspace_id, session, normalized)
    if known is not None:
        return named(workspace_id, session, known, name)
    found = create_end_user(workspace_id, session, email, name, now, new_id)
    if found is None:  # whoever lost the race reads the row of whoever won
        assert normalized is not None
        return named(workspace_id, session, _by_email(workspace_id, session, normalized), name)
    return found


def create_end_user(
    workspace_id: WorkspaceId, session: Session, email: str | None, name: str | None, now: datetime, new_id: NewId
) -> EndUser | None:
    """Return a new end user, or None if somebody has that address already; a maker at work is waited for."""
    normalized = None if email is None else normalize(email)
    made = _new_row(workspace_id, email, normalized, name, now, new_id)
    insert = _CREATE_POSTGRESQL if session.get_bind().dialect.name == "postgresql" else _CREATE_SQLITE
    if session.execute(insert, made).first() is None:
        return None
    return EndUser(**{key: value for key, value in made.items() if key != "workspace_id"})


def ensure_end_users(
    workspace_id: WorkspaceId,
    session: Session,
    people: Iterable[tuple[str, str | None]],
    now: datetime,
    new_id: NewId,
) -> dict[str, EndUserId]:
    """Return the id of the end user of each (address, name), made where missing, by normalised address.

    What is no address is left out. Rows are written in the order of addresses, so that two callers never lock each
    other out.
    """
    wanted: dict[str, tuple[str, str | None]] = {}
    for email, name in people:
        normalized = normalize(email)
        if normalized is not None:
            wanted.setdefault(normalized, (email, name))
    ids: dict[str, EndUserId] = {}
    for addresses in _batches(sorted(wanted)):
        ids.update(_ids_by_email(workspace_id, session, addresses))
        missing = [address for address in addresses if address not in ids]
        if missing:
            rows = [
                _new_row(workspace_id, wanted[address][0], address, wanted[address][1], now, new_id)
                for address in missing
            ]
            session.execute(upsert(session, DbEndUser).on_conflict_do_nothing(), rows)
            ids.update(_ids_by_email(workspace_id, session, missing))
    return ids


def find_end_user(workspace_id: WorkspaceId, session: Session, end_user_id: EndUserId) -> EndUser | None:
    """Return the end user, or None."""
    if not is_storable(end_user_id):
        return None
    query = select(DbEndUser).where(DbEndUser.workspace_id == workspace_id, DbEndUser.id == end_user_id)
    row = session.scalar(query)
    return None if row is None else _end_user(row)


def get_end_user(workspace_id: WorkspaceId, session: Session, end_user_id: EndUserId) -> EndUser:
    """Return the end user; raise LookupError if there is none."""
    found = find_end_user(workspace_id, session, end_user_id)
    if found is None:
        raise LookupError(f"there is no end user {end_user_id}")
    return found


def find_end_user_by_email(workspace_id: WorkspaceId, session: Session, email_normalized: str) -> EndUser | None:
    """Return the end user with that normalised address, or None."""
    query = select(DbEndUser).where(
        DbEndUser.workspace_id == workspace_id, DbEndUser.email_normalized == email_normalized
    )
    row = session.scalar(query)
    return None if row is None else _end_user(row)


def end_users_by_id(workspace_id: WorkspaceId, session: Session, ids: Sequence[EndUserId]) -> dict[EndUserId, EndUser]:
    """Return those of the end users that exist."""
    found: dict[EndUserId, EndUser] = {}
    for some in _batches(ids):
        query = select(DbEndUser).where(DbEndUser.workspace_id == workspace_id, DbEndUser.id.in_(some))
        found.update({EndUserId(row.id): _end_user(row) for row in session.scalars(query)})
    return found


def end_users(
    workspace_id: WorkspaceId, session: Session, *, after: Cursor | None = None, limit: int = 50
) -> Page[EndUser]:
    """Return a page of end users, newest first."""
    query = select(DbEndUser).where(DbEndUser.workspace_id == workspace_id)
    if after is not None:
        query = query.where(tuple_(DbEndUser.created_at, DbEndUser.id) < (after.at, after.id))
    query = query.order_by(DbEndUser.created_at.desc(), DbEndUser.id.desc()).limit(limit + 1)
    rows = [_end_user(row) for row in session.scalars(query)]
    shown = rows[:limit]
    more = len(rows) > limit
    return Page(shown, Cursor(shown[-1].created_at, shown[-1].id).encode() if more else None)


def end_users_table() -> Table:
    """Return the table, for a query that joins people with what another package knows of them."""
    return cast("Table", DbEndUser.__table__)


def set_end_user_attributes(
    workspace_id: WorkspaceId, session: Session, end_user_id: EndUserId, attributes: Mapping[str, JsonValue]
) -> None:
    """Replace the end user's attributes."""
    session.execute(
        update(DbEndUser)
        .where(DbEndUser.workspace_id == workspace_id, DbEndUser.id == end_user_id)
        .values(attributes=dict(attributes))
    )


def named(workspace_id: WorkspaceId, session: Session, found: EndUser, name: str | None) -> EndUser:
    """Return the end user with `name` filled in where none was known."""
    if found.name or not name:
        return found
    session.execute(
        update(DbEndUser)
        .where(DbEndUser.workspace_id == workspace_id, DbEndUser.id == found.id, DbEndUser.name.is_(None))
        .values(name=name)
        .execution_options(synchronize_session="fetch")
    )
    return get_end_user(workspace_id, session, found.id)


def _by_email(workspace_id: WorkspaceId, session: Session, normalized: str) -> EndUser:
    found = find_end_user_by_email(workspace_id, session, normalized)
    if found is None:
        raise LookupError("an end user vanished while being made")
    return found


def _ids_by_email(workspace_id: WorkspaceId, session: Session, addresses: Sequence[str]) -> dict[str, EndUserId]:
    query = select(DbEndUser.email_normalized, DbEndUser.id).where(
        DbEndUser.workspace_id == workspace_id, DbEndUser.email_normalized.in_(addresses)
    )
    return {email: EndUserId(id_) for email, id_ in session.execute(query) if email is not None}


def _new_row(
    workspace_id: WorkspaceId,
    email: str | None,
    normalized: str | None,
    name: str | None,
    now: datetime,
    new_id: NewId,
) -> dict[str, Any]:
    return {
        "id": new_id("usr"),
        "workspace_id": workspace_id,
        "email": None if email is None else email.strip(),
        "email_normalized": normalized,
        "name": name,
        "attributes": {},
        "created_at": now,
    }


def _batches(items: Sequence[str]) -> Iterator[list[str]]:
    rest = iter(items)
    while batch := list(islice(rest, BATCH)):
        yield batch


def _end_user(row: DbEndUser) -> EndUser:
    return EndUser(
        id=EndUserId(row.id),
        email=row.email,
        email_normalized=row.email_normalized,
        name=row.name,
        attributes=row.attributes,
        created_at=row.created_at,
    )

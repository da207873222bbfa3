"""The SQL of links, and what derivation and panel need to know about an end user's customers.

`subjects` is the one reader for facts: which customers an end user has, and what may be said about them.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Select, bindparam, delete, select
from sqlalchemy.orm import Session

from engine.ids import ConnectionId, EndUserId, WorkspaceId
from engine.storage import among_named, excluded, packed, upsert
from stripe_sync.connect.models import Connection
from stripe_sync.connect.repository import connections
from stripe_sync.kinds import KINDS
from stripe_sync.matching import LINKED, CustomerKey, Link, LinkKind, by_connection
from stripe_sync.own_kinds_repository import kinds_read
from stripe_sync.tables import DbLink

CHUNK = 500
_LINKS = DbLink.metadata.tables[DbLink.__tablename__]


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkedCustomer:
    """A customer of an end user, and the connection it is known through."""

    customer_id: str
    connection: Connection
    kind: LinkKind
    own_kinds: frozenset[str] = frozenset()
    """Kinds of which this customer's objects were read on their own."""

    @property
    def synced_kinds(self) -> frozenset[str]:
        """Return the kinds of object that are complete; facts that need another one are `not_synced`."""
        return self.connection.synced_kinds | self.own_kinds


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What the Stripe side knows of one end user's customers."""

    end_user_id: EndUserId
    match: str
    """`email`, `manual`, `ambiguous` or `none`, as the fact."""
    customers: tuple[LinkedCustomer, ...]
    """The linked ones; none unless `match` is `email` or `manual`."""
    candidates: tuple[LinkedCustomer, ...]
    """Those that fit when `match` is `ambiguous`."""
    duplicates: tuple[LinkedCustomer, ...]
    is_connected: bool
    """The workspace has an active connection, of whatever account."""

    @property
    def is_stale(self) -> bool:
        """Return whether customers are linked, and none of them can be read any more."""
        return bool(self.customers) and not any(customer.connection.is_active for customer in self.customers)


def subjects(
    workspace_id: WorkspaceId, session: Session, end_user_ids: Collection[EndUserId]
) -> dict[EndUserId, Subject]:
    """Return a subject for every end user asked for, also for those without any link."""
    links = links_of(workspace_id, session, end_user_ids)
    found = connections(workspace_id, session)
    return _subjects(workspace_id, session, {key: links.get(key, frozenset()) for key in end_user_ids}, found)


def subject_of(
    workspace_id: WorkspaceId,
    session: Session,
    end_user_id: EndUserId,
    links: frozenset[Link],
    found: Sequence[Connection],
) -> Subject:
    """Return the subject of one end user whose links were read just now, with the workspace's connections."""
    return _subjects(workspace_id, session, {end_user_id: links}, found)[end_user_id]


def _subjects(
    workspace_id: WorkspaceId,
    session: Session,
    links: Mapping[EndUserId, frozenset[Link]],
    found: Sequence[Connection],
) -> dict[EndUserId, Subject]:
    by_id = {connection.id: connection for connection in found}
    incomplete = {connection.id for connection in by_id.values() if not connection.synced_kinds >= KINDS.keys()}
    keys = {link.key for each in links.values() for link in each if link.key.connection_id in incomplete}
    own_kinds = kinds_read(workspace_id, session, keys, by_id)
    return {end_user_id: _subject(end_user_id, each, by_id, own_kinds) for end_user_id, each in links.items()}


def _subject(
    end_user_id: EndUserId,
    links: Iterable[Link],
    by_id: Mapping[ConnectionId, Connection],
    own_kinds: Mapping[CustomerKey, frozenset[str]],
) -> Subject:
    found = tuple(
        LinkedCustomer(
            customer_id=link.key.customer_id,
            connection=by_id[link.key.connection_id],
            kind=link.kind,
            own_kinds=own_kinds.get(link.key, frozenset()),
        )
        for link in sorted(links, key=lambda link: link.key)
        if link.key.connection_id in by_id
    )
    linked = tuple(customer for customer in found if customer.kind in LINKED)
    candidates = tuple(customer for customer in found if customer.kind is LinkKind.CANDIDATE)
    return Subject(
        end_user_id=end_user_id,
        match=_match(linked, candidates),
        customers=linked,
        candidates=() if linked else candidates,
        duplicates=tuple(customer for customer in found if customer.kind is LinkKind.DUPLICATE),
        is_connected=any(connection.is_active for connection in by_id.values()),
    )


def _match(linked: tuple[LinkedCustomer, ...], candidates: tuple[LinkedCustomer, ...]) -> str:
    if any(customer.kind is LinkKind.MANUAL for customer in linked):
        return "manual"
    if linked:
        return "email"
    return "ambiguous" if candidates else "none"


def links_of(
    workspace_id: WorkspaceId, session: Session, end_user_ids: Collection[EndUserId]
) -> dict[EndUserId, frozenset[Link]]:
    """Return the links of end users; those without any are left out."""
    found: dict[EndUserId, set[Link]] = {}
    ordered = sorted(end_user_ids)
    for start in range(0, len(ordered), CHUNK):
        who = {"workspace": workspace_id, "end_users": packed(session, ordered[start : start + CHUNK])}
        for row in session.execute(_of_end_users(session.get_bind().dialect.name), who).all():
            found.setdefault(EndUserId(row.end_user_id), set()).add(_link(row))
    return {end_user_id: frozenset(links) for end_user_id, links in found.items()}


@cache
def _of_end_users(dialect: str) -> Select[Any]:
    """Return the query of end users' links: built once, asked with everything that happens."""
    columns = (_LINKS.c.end_user_id, _LINKS.c.connection_id, _LINKS.c.customer_id, _LINKS.c.kind)
    mine = _LINKS.c.workspace_id == bindparam("workspace")
    return select(*columns).where(mine, among_named(dialect, _LINKS.c.end_user_id, "end_users"))


def end_users_of(
    workspace_id: WorkspaceId, session: Session, customers: Collection[CustomerKey]
) -> dict[CustomerKey, set[EndUserId]]:
    """Return the end users between whom and a customer there is anything, by customer."""
    found: dict[CustomerKey, set[EndUserId]] = {}
    query = _of_customers(session.get_bind().dialect.name)
    for connection_id, ids in by_connection(customers).items():
        for start in range(0, len(ids), CHUNK):
            chunk = packed(session, ids[start : start + CHUNK])
            who = {"workspace": workspace_id, "connection": connection_id, "customers": chunk}
            for row in session.execute(query, who):
                found.setdefault(_link(row).key, set()).add(EndUserId(row.end_user_id))
    return found


@cache
def _of_customers(dialect: str) -> Select[Any]:
    """Return the query of the links of one connection's customers: built once, asked with everything that happens."""
    mine = (_LINKS.c.workspace_id == bindparam("workspace"), _LINKS.c.connection_id == bindparam("connection"))
    return select(_LINKS).where(*mine, among_named(dialect, _LINKS.c.customer_id, "customers"))


def end_users_after(
    workspace_id: WorkspaceId, session: Session, connection_id: ConnectionId, after: str | None, limit: int
) -> list[EndUserId]:
    """Return the next end users, by id, that have anything to do with a connection's customers."""
    query = (
        select(DbLink.end_user_id)
        .distinct()
        .where(
            DbLink.workspace_id == workspace_id,
            DbLink.connection_id == connection_id,
            DbLink.end_user_id > (after or ""),
        )
        .order_by(DbLink.end_user_id)
        .limit(limit)
    )
    return [EndUserId(end_user_id) for end_user_id in session.scalars(query)]


def replace_links(
    workspace_id: WorkspaceId,
    session: Session,
    changes: Mapping[EndUserId, tuple[frozenset[Link], frozenset[Link]]],
    now: datetime,
) -> None:
    """Bring end users' links from what was read (first) to what they should be (second)."""
    gone = [
        (end_user_id, link.key)
        for end_user_id, (before, after) in changes.items()
        for link in before
        if link.key not in {other.key for other in after}
    ]
    for end_user_id, key in gone:
        session.execute(delete(DbLink).where(*_is_link(workspace_id, end_user_id, key)))
    put_links(
        workspace_id,
        session,
        [(end_user_id, link) for end_user_id, (before, after) in changes.items() for link in after - before],
        now,
    )


def put_links(
    workspace_id: WorkspaceId, session: Session, links: Collection[tuple[EndUserId, Link]], now: datetime
) -> None:
    """Store links, each in place of what was between the two."""
    if not links:
        return
    statement = upsert(session, DbLink.__table__)  # type: ignore[arg-type]  # declared as FromClause, is a Table
    statement = statement.on_conflict_do_update(
        index_elements=["workspace_id", "end_user_id", "connection_id", "customer_id"],
        set_={"kind": excluded(_LINKS.c.kind), "updated_at": excluded(_LINKS.c.updated_at)},
    )
    rows = [
        {
            "workspace_id": workspace_id,
            "end_user_id": end_user_id,
            "connection_id": link.key.connection_id,
            "customer_id": link.key.customer_id,
            "kind": link.kind.value,
            "updated_at": now,
        }
        for end_user_id, link in sorted(links, key=lambda pair: (pair[0], pair[1].key))
    ]
    session.execute(statement, rows)


def forget_customers(workspace_id: WorkspaceId, session: Session, customers: Collection[CustomerKey]) -> None:
    """Remove every link to customers that no longer exist, also those made or refused by hand."""
    for key in customers:
        session.execute(
            delete(DbLink).where(
                DbLink.workspace_id == workspace_id,
                DbLink.connection_id == key.connection_id,
                DbLink.customer_id == key.customer_id,
            )
        )


def _is_link(workspace_id: WorkspaceId, end_user_id: EndUserId, key: CustomerKey) -> tuple[Any, ...]:
    return (
        DbLink.workspace_id == workspace_id,
        DbLink.end_user_id == end_user_id,
        DbLink.connection_id == key.connection_id,
        DbLink.customer_id == key.customer_id,
    )


def _link(row: Any) -> Link:
    return Link(
        key=CustomerKey(connection_id=ConnectionId(row.connection_id), customer_id=row.customer_id),
        kind=LinkKind(row.kind),
    )

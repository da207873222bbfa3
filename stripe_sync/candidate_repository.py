"""The SQL of matching: which customers share an address, and what is known of their past."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import Row, Select, and_, bindparam, case, func, or_, select, tuple_
from sqlalchemy.orm import Session

from engine.ids import ConnectionId, WorkspaceId
from engine.storage import among, among_named, packed
from stripe_sync.connect.models import Connection
from stripe_sync.kinds import KINDS
from stripe_sync.matching import NO_LIVE_SUBSCRIPTION, SUBSCRIPTION_RANK, Candidate, CustomerKey, by_connection
from stripe_sync.mirror_tables import MIRROR
from stripe_sync.own_kinds_repository import kinds_read

CHUNK = 500
MAX_HITS = 50
HISTORY_KINDS = frozenset({"subscriptions", "charges"})
"""Kinds whose lists must be complete before anybody can be said to have no history."""
_CUSTOMERS = MIRROR[KINDS["customers"].name]


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerCard:
    """What identifies a customer to people."""

    key: CustomerKey
    email: str | None
    email_normalized: str | None
    name: str | None
    is_deleted: bool


def candidates(
    workspace_id: WorkspaceId,
    session: Session,
    emails: Collection[str],
    connections: Mapping[ConnectionId, Connection],
) -> dict[str, list[Candidate]]:
    """Return the living customers by normalised address."""
    found: dict[str, list[Row[*tuple[Any, ...]]]] = defaultdict(list)
    for chunk in _chunks(emails):
        query = select(
            _CUSTOMERS.c.connection_id, _CUSTOMERS.c.id, _CUSTOMERS.c.email_normalized, _CUSTOMERS.c.created
        ).where(
            _CUSTOMERS.c.workspace_id == workspace_id,
            _CUSTOMERS.c.connection_id.in_(connections),
            among(session, _CUSTOMERS.c.email_normalized, chunk),
            _CUSTOMERS.c.deleted_at.is_(None),
        )
        for row in session.execute(query):
            found[row.email_normalized].append(row)
    # The past only matters where there is a choice.
    contested = [_key(row) for rows in found.values() if len(rows) > 1 for row in rows]
    ranks = _subscription_ranks(workspace_id, session, contested)
    paying = _paying(workspace_id, session, contested)
    read = kinds_read(workspace_id, session, contested, connections)
    return {
        email: [_candidate(row, connections[_key(row).connection_id], ranks, paying, read) for row in rows]
        for email, rows in found.items()
    }


def _candidate(
    row: Row[*tuple[Any, ...]],
    connection: Connection,
    ranks: Mapping[CustomerKey, int],
    paying: Collection[CustomerKey],
    read: Mapping[CustomerKey, frozenset[str]],
) -> Candidate:
    key = _key(row)
    has_history = True if key in ranks or key in paying else None
    if has_history is None and connection.synced_kinds | read.get(key, frozenset()) >= HISTORY_KINDS:
        has_history = False
    return Candidate(
        key=key,
        is_active=connection.is_active,
        livemode=connection.livemode,
        has_history=has_history,
        rank=ranks.get(key, NO_LIVE_SUBSCRIPTION),
        created=row.created,
    )


def _subscription_ranks(
    workspace_id: WorkspaceId, session: Session, keys: Sequence[CustomerKey]
) -> dict[CustomerKey, int]:
    """Return the rank of each customer's best subscription; those who never had one are left out."""
    table = MIRROR["subscriptions"]
    rank = func.min(case(SUBSCRIPTION_RANK, value=table.c.status, else_=NO_LIVE_SUBSCRIPTION))
    found: dict[CustomerKey, int] = {}
    for pairs in _pairs(keys):
        query = (
            select(table.c.connection_id, table.c.customer_id, rank)
            .where(
                table.c.workspace_id == workspace_id,
                tuple_(table.c.connection_id, table.c.customer_id).in_(pairs),
                table.c.deleted_at.is_(None),
            )
            .group_by(table.c.connection_id, table.c.customer_id)
        )
        for connection_id, customer_id, best in session.execute(query):
            found[CustomerKey(connection_id=ConnectionId(connection_id), customer_id=customer_id)] = best
    return found


def _paying(workspace_id: WorkspaceId, session: Session, keys: Sequence[CustomerKey]) -> set[CustomerKey]:
    table = MIRROR["charges"]
    found: set[CustomerKey] = set()
    for pairs in _pairs(keys):
        query = (
            select(table.c.connection_id, table.c.customer_id)
            .distinct()
            .where(
                table.c.workspace_id == workspace_id,
                tuple_(table.c.connection_id, table.c.customer_id).in_(pairs),
                table.c.status == "succeeded",
            )
        )
        found.update(
            CustomerKey(connection_id=ConnectionId(connection_id), customer_id=customer_id)
            for connection_id, customer_id in session.execute(query)
        )
    return found


def cards(
    workspace_id: WorkspaceId, session: Session, keys: Collection[CustomerKey]
) -> dict[CustomerKey, CustomerCard]:
    """Return what identifies customers, deleted ones too; those the mirror never had are left out."""
    found: dict[CustomerKey, CustomerCard] = {}
    query = _identifying(session.get_bind().dialect.name)
    for connection_id, ids in by_connection(keys).items():
        for chunk in _chunks(ids):
            who = {"workspace": workspace_id, "connection": connection_id, "customers": packed(session, chunk)}
            found.update({card.key: card for card in map(_card, session.execute(query, who))})
    return found


@cache
def _identifying(dialect: str) -> Select[Any]:
    """Return the query of what identifies one connection's customers: built once, asked with everything that happens.

    Without their payloads, which say no more.
    """
    columns = [
        _CUSTOMERS.c[name] for name in ("connection_id", "id", "email", "email_normalized", "name", "deleted_at")
    ]
    mine = (_CUSTOMERS.c.workspace_id == bindparam("workspace"), _CUSTOMERS.c.connection_id == bindparam("connection"))
    return select(*columns).where(*mine, among_named(dialect, _CUSTOMERS.c.id, "customers"))


def find_by_id(workspace_id: WorkspaceId, session: Session, customer_id: str) -> list[CustomerCard]:
    """Return the living customers with exactly this id; two only if two connections of a workspace have it."""
    query = select(_CUSTOMERS).where(
        _CUSTOMERS.c.workspace_id == workspace_id, _CUSTOMERS.c.id == customer_id, _CUSTOMERS.c.deleted_at.is_(None)
    )
    return [_card(row) for row in session.execute(query.order_by(_CUSTOMERS.c.connection_id))]


def find_customers(workspace_id: WorkspaceId, session: Session, text: str, limit: int) -> list[CustomerCard]:
    """Return living customers whose id is `text`, or whose address or name contains it, exact ids first."""
    wanted = text.strip()
    if not wanted:
        return []
    pattern = f"%{_escaped(wanted.lower())}%"
    is_it = _CUSTOMERS.c.id == wanted
    query = (
        select(_CUSTOMERS)
        .where(
            and_(_CUSTOMERS.c.workspace_id == workspace_id, _CUSTOMERS.c.deleted_at.is_(None)),
            or_(
                is_it,
                func.lower(_CUSTOMERS.c.email).like(pattern, escape="\\"),
                func.lower(_CUSTOMERS.c.name).like(pattern, escape="\\"),
            ),
        )
        .order_by(is_it.desc(), _CUSTOMERS.c.created.desc(), _CUSTOMERS.c.id)
        .limit(min(limit, MAX_HITS))
    )
    return [_card(row) for row in session.execute(query)]


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _card(row: Row[*tuple[Any, ...]]) -> CustomerCard:
    return CustomerCard(
        key=_key(row),
        email=row.email,
        email_normalized=row.email_normalized,
        name=row.name,
        is_deleted=row.deleted_at is not None,
    )


def _key(row: Row[*tuple[Any, ...]]) -> CustomerKey:
    return CustomerKey(connection_id=ConnectionId(row.connection_id), customer_id=row.id)


def _pairs(keys: Sequence[CustomerKey]) -> list[list[tuple[str, str]]]:
    pairs: list[tuple[str, str]] = [(key.connection_id, key.customer_id) for key in keys]
    return [pairs[start : start + CHUNK] for start in range(0, len(pairs), CHUNK)]


def _chunks(values: Collection[str]) -> list[list[str]]:
    ordered = sorted(set(values))
    return [ordered[start : start + CHUNK] for start in range(0, len(ordered), CHUNK)]

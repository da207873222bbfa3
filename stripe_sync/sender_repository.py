"""The SQL of one sender: what links them to customers, and which customers share their address, in one statement."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast as cast_to

from sqlalchemy import (
    BindParameter,
    Table,
    Text,
    and_,
    bindparam,
    cast,
    literal_column,
    null,
    select,
    union_all,
)
from sqlalchemy.orm import Session

from engine.ids import ConnectionId, EndUserId, WorkspaceId
from engine.inbox.end_user_repository import end_users_table
from stripe_sync.kinds import KINDS
from stripe_sync.matching import CustomerKey, Link, LinkKind
from stripe_sync.mirror_tables import MIRROR
from stripe_sync.tables import DbLink

_MINE: BindParameter[str] = bindparam("workspace_id")
_WHO: BindParameter[str] = bindparam("end_user_id")
_PEOPLE = end_users_table()
_LINKS = cast_to("Table", DbLink.__table__)
_CUSTOMERS = MIRROR[KINDS["customers"].name]
_SENDER = union_all(
    select(
        literal_column("'person'").label("what"),
        _PEOPLE.c.email_normalized.label("name"),
        cast(null(), Text).label("id"),
        cast(null(), Text).label("kind"),
        cast(null(), _CUSTOMERS.c.created.type).label("created"),
    ).where(_PEOPLE.c.workspace_id == _MINE, _PEOPLE.c.id == _WHO),
    select(literal_column("'link'"), _LINKS.c.connection_id, _LINKS.c.customer_id, _LINKS.c.kind, null()).where(
        _LINKS.c.workspace_id == _MINE, _LINKS.c.end_user_id == _WHO
    ),
    select(literal_column("'customer'"), _CUSTOMERS.c.connection_id, _CUSTOMERS.c.id, null(), _CUSTOMERS.c.created)
    .select_from(
        _PEOPLE.join(
            _CUSTOMERS,
            and_(
                _CUSTOMERS.c.workspace_id == _PEOPLE.c.workspace_id,
                _CUSTOMERS.c.email_normalized == _PEOPLE.c.email_normalized,
            ),
        )
    )
    .where(_PEOPLE.c.workspace_id == _MINE, _PEOPLE.c.id == _WHO, _CUSTOMERS.c.deleted_at.is_(None)),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitting:
    """A living customer with the sender's address."""

    key: CustomerKey
    created: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """An end user who writes in, and what Stripe's side has of them."""

    has_email: bool
    links: frozenset[Link]
    fitting: Sequence[Fitting]


def find_sender(workspace_id: WorkspaceId, session: Session, end_user_id: EndUserId) -> Sender:
    """Return what links an end user to customers, and which customers share their address."""
    has_email, links, fitting = False, set(), []
    for row in session.execute(_SENDER, {"workspace_id": workspace_id, "end_user_id": end_user_id}):
        if row.what == "person":
            has_email = bool(row.name)
            continue
        key = CustomerKey(connection_id=ConnectionId(row.name), customer_id=row.id)
        if row.what == "link":
            links.add(Link(key=key, kind=LinkKind(row.kind)))
        else:
            fitting.append(Fitting(key=key, created=row.created))
    return Sender(has_email=has_email, links=frozenset(links), fitting=fitting)

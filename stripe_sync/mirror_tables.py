"""The mirror: one table per kind of Stripe object, generated from `stripe_sync.kinds`.

Every row is keyed by workspace, connection and Stripe's id, holds the object as Stripe sent it, and says how fresh
that is: `stamp` is the instant, in Stripe's time, from which the row is known, `source` how it is known. A deleted
object stays as a tombstone (`deleted_at`), so that a late event cannot bring it back.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from sqlalchemy import BigInteger, Column, Index, String, Table, text
from sqlalchemy.types import TypeEngine

from engine.storage import BinaryText, Json, UtcDateTime
from stripe_sync import kinds
from stripe_sync.kinds import KINDS, ColumnType, Kind
from stripe_sync.tables import metadata

__all__ = ["MIRROR", "USES", "metadata"]


_TYPES: Mapping[ColumnType, TypeEngine[Any]] = MappingProxyType(
    {ColumnType.TEXT: BinaryText, ColumnType.INSTANT: UtcDateTime(), ColumnType.NUMBER: BigInteger()}
)
_ORDERED: Mapping[str, tuple[tuple[str, ...], ...]] = MappingProxyType(
    {
        "charges": (
            ("customer_id", "created", "id"),
            ("customer_id", "standing", "created", "id", "currency", "captured", "refunded"),
        ),
        "invoices": (
            ("customer_id", "created", "id"),
            ("customer_id", "ranked_at", "created", "id", "standing", "currency", "off_stripe", "untold"),
        ),
        "refunds": (("customer_id", "created", "id", "status"),),
        "disputes": (("customer_id", "status"),),
    }
)
"""Indexes over living objects that give a customer's latest one at once, and their sums without the objects."""


def _column(column: kinds.Column) -> Column[Any]:
    return Column(column.name, _TYPES[column.type], nullable=True)


def _ordered(table: str, columns: Sequence[str], number: int) -> Index:
    alive = text("deleted_at IS NULL")
    name = f"ix_{table}_customer_{number}"
    return Index(name, "workspace_id", "connection_id", *columns, postgresql_where=alive, sqlite_where=alive)


def _table(kind: Kind) -> Table:
    name = f"stripe_{kind.name}"
    indexes = [
        Index(f"ix_{name}_{column.name}", "workspace_id", "connection_id", column.name)
        for column in kind.columns
        if column.indexed
    ]
    indexes += [_ordered(name, columns, number) for number, columns in enumerate(_ORDERED.get(kind.name, ()), 1)]
    return Table(
        name,
        metadata,
        Column("workspace_id", String, primary_key=True),
        Column("connection_id", String, primary_key=True),
        Column("id", BinaryText, primary_key=True),
        *(_column(column) for column in kind.columns),
        Column("stamp", UtcDateTime, nullable=False),
        Column("source", String, nullable=False),
        Column("deleted_at", UtcDateTime, nullable=True),
        Column("seen_run", String, nullable=True),
        Column("payload", Json, nullable=False),
        *indexes,
    )


MIRROR: Mapping[str, Table] = MappingProxyType({name: _table(kind) for name, kind in KINDS.items()})
"""The mirror's tables by the name of their kind."""

USES = Table(
    "stripe_uses",
    metadata,
    Column("workspace_id", String, primary_key=True),
    Column("connection_id", String, primary_key=True),
    Column("owner_id", BinaryText, primary_key=True),
    Column("kind", String, primary_key=True),
    Column("object_id", BinaryText, primary_key=True),
    Column("customer_id", String, nullable=True),
    Index("ix_stripe_uses_object", "workspace_id", "connection_id", "kind", "object_id"),
)
"""Which customer or subscription (`owner_id`) uses which product, price or coupon."""

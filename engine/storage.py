"""The database as every package sees it: column types, transactions, and the wall between workspaces.

Laws of this module
- One transaction is one `with` block: it commits on a clean exit and rolls back on any exception.
- A transaction is opened for one workspace, or, by name, for the whole system (login, webhook arrival, drains,
  migrations). On PostgreSQL row-level security enforces it: rows of other workspaces do not exist for a
  transaction of one workspace, and nothing exists for a connection that named none.
- Money is a 64-bit integer of millionths of the major unit, because SQLite's numerics are floats.
- SQLite's writers take turns, so that nobody starves; a thread opens one writing transaction at a time.
- Instants are aware and in UTC on the Python side, whatever the database keeps.
"""

import fcntl
import os
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, cast

import orjson
import psycopg
from sqlalchemy import (
    JSON,
    BigInteger,
    BindParameter,
    ColumnElement,
    DateTime,
    Dialect,
    Engine,
    Integer,
    MetaData,
    Table,
    Text,
    any_,
    bindparam,
    create_engine,
    event,
    func,
    literal,
    literal_column,
    make_url,
    select,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine.interfaces import DBAPIConnection, DBAPICursor
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.types import TypeDecorator, TypeEngine
from typing_extensions import override

from engine.ids import WorkspaceId

MICROS = Decimal(1_000_000)
ALL_WORKSPACES = "*"
WORKSPACE_SETTING = "ochre.workspace"
WAL_TRIES = 200

NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

_SET_SCOPE = text("SELECT set_config(:name, :scope, true)")

BigId = BigInteger().with_variant(Integer(), "sqlite")
"""A 64-bit key that SQLite can count up by itself."""

Json = JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")

BinaryText = Text().with_variant(Text(collation="C"), "postgresql")
"""Text that is compared and sorted by code point on both databases."""


def new_metadata() -> MetaData:
    """Return the metadata a package's tables hang on, with constraint names that migrations can rely on."""
    return MetaData(naming_convention=NAMING_CONVENTION)


class UtcDateTime(TypeDecorator[datetime]):
    """An instant. Naive datetimes are refused, aware ones become UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    @override
    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a stored instant needs a time zone: {value!r}")
        utc = value.astimezone(UTC)
        return utc if dialect.name == "postgresql" else utc.replace(tzinfo=None)

    @override
    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Money(TypeDecorator[Decimal]):
    """An exact amount in major units, kept as a 64-bit integer of millionths."""

    impl = BigInteger
    cache_ok = True

    @override
    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> int | None:
        return None if value is None else to_micros(value)

    @override
    def process_result_value(self, value: int | None, dialect: Dialect) -> Decimal | None:
        return None if value is None else from_micros(value)

    @override
    def coerce_compared_value(self, op: Any, value: Any) -> TypeEngine[Any]:
        return self


def to_micros(amount: Decimal) -> int:
    """Return `amount` in millionths; raise ValueError if it has finer digits than that."""
    micros = amount * MICROS
    if micros != micros.to_integral_value():
        raise ValueError(f"{amount} has more than six decimals")
    return int(micros)


def from_micros(micros: int) -> Decimal:
    """Return millionths as an exact amount without trailing zeros beyond two decimals."""
    amount = Decimal(micros).scaleb(-6)
    cents = amount.quantize(Decimal("0.01"))
    return cents if cents == amount else amount.normalize()


def upsert(session: Session, table: Table | type[DeclarativeBase]) -> postgresql.Insert | sqlite.Insert:
    """Return an INSERT into `table` that understands `on_conflict_do_update` on the session's database."""
    if isinstance(table, type):
        table = cast("Table", table.__table__)
    if session.get_bind().dialect.name == "postgresql":
        return postgresql.insert(table)
    return sqlite.insert(table)


def excluded(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return what an upsert brought for a column of its table.

    The statement's own `excluded` is a copy of the whole table, made for each statement: slow for one that is not kept.
    """
    return literal_column(f"excluded.{column.key}", column.type)


def among(session: Session, column: ColumnElement[Any], values: Iterable[str]) -> ColumnElement[bool]:
    """Return whether a column of text is one of `values`, in one parameter however many they are."""
    dialect = session.get_bind().dialect.name
    type_ = postgresql.ARRAY(Text) if dialect == "postgresql" else None
    return _among(dialect, column, literal(packed(session, values), type_))


def among_named(dialect: str, column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
    """Return the same for a statement that is built once for a dialect: its parameter `name` takes `packed` values."""
    type_ = postgresql.ARRAY(Text) if dialect == "postgresql" else None
    return _among(dialect, column, bindparam(name, type_=type_))


def packed(session: Session, values: Iterable[str]) -> list[str] | str:
    """Return values as the one parameter they travel in on the session's database."""
    wanted = sorted(values)
    return wanted if session.get_bind().dialect.name == "postgresql" else orjson.dumps(wanted).decode()


def _among(dialect: str, column: ColumnElement[Any], values: BindParameter[Any]) -> ColumnElement[bool]:
    if dialect == "postgresql":
        return column == any_(values)
    return column.in_(select(func.json_each(values).table_valued("value").c.value))


class Database:
    """A database and the way into it."""

    def __init__(self, url: str, *, pool_size: int = 10) -> None:
        """Connect lazily to `url` (`postgresql+psycopg://…` or `sqlite:///…`)."""
        self.url = make_url(_with_driver(url))
        self.is_postgresql = self.url.get_backend_name() == "postgresql"
        self.engine = _create_engine(self.url.render_as_string(hide_password=False), pool_size, pg=self.is_postgresql)
        self._quick = _create_quick_engine(self.engine) if self.is_postgresql else None
        self._turns = _Turns(None if self.is_postgresql else self.url.database)

    @contextmanager
    def workspace(self, workspace_id: WorkspaceId, *, readonly: bool = False) -> Iterator[Session]:
        """Open a transaction that sees one workspace only."""
        if workspace_id == ALL_WORKSPACES or not workspace_id:
            raise ValueError("a workspace transaction needs a workspace")
        with self._transaction(workspace_id, readonly=readonly) as session:
            yield session

    @contextmanager
    def system(self, *, readonly: bool = False) -> Iterator[Session]:
        """Open a transaction that sees every workspace: for logins, arrivals, drains and migrations only."""
        with self._transaction(ALL_WORKSPACES, readonly=readonly) as session:
            yield session

    @contextmanager
    def system_statement(self) -> Iterator[psycopg.Connection | None]:
        """Open a way for one statement that sees every workspace and commits by itself: for arrivals alone.

        It costs PostgreSQL one exchange in place of five, and it is the driver's own connection, since what lies above
        costs more than the statement. None on SQLite, where a transaction costs as little. A connection that broke
        meanwhile is not noticed before the statement fails; that is an OperationalError here as anywhere.
        """
        if self._quick is None:
            yield None
            return
        connection = self._quick.raw_connection()
        try:
            yield cast("psycopg.Connection", connection.dbapi_connection)
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            connection.invalidate()
            raise OperationalError(None, None, error) from error
        finally:
            connection.close()

    @contextmanager
    def _transaction(self, scope: str, *, readonly: bool) -> Iterator[Session]:
        with (
            nullcontext() if readonly else self._turns.take(),
            self.engine.connect().execution_options(ochre_readonly=readonly) as connection,
            connection.begin(),
            Session(bind=connection, expire_on_commit=False) as session,
        ):
            if self.is_postgresql:
                session.execute(_SET_SCOPE, {"name": WORKSPACE_SETTING, "scope": scope})
            yield session
            session.flush()

    def dispose(self) -> None:
        """Close every pooled connection; a forked child calls this before its first query."""
        self.engine.dispose()
        if self._quick is not None:
            self._quick.dispose()


class _Turns:
    """Whose turn it is to write to a SQLite file: one at a time, in all processes.

    SQLite's own wait is a poll with growing pauses, so somebody who writes often starves the others for seconds. The
    operating system's lock wakes the next writer the moment the last one is done.
    """

    def __init__(self, database: str | None) -> None:
        self._path = None if database is None or database == ":memory:" else f"{database}-turns"
        self._mine = threading.local()

    @contextmanager
    def take(self) -> Iterator[None]:
        """Wait for the turn and hold it; raise RuntimeError where this thread has it already."""
        if self._path is None:
            yield
            return
        if getattr(self._mine, "taken", False):
            raise RuntimeError("this thread already has a transaction open that writes")
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            self._mine.taken = True
            yield
        finally:
            self._mine.taken = False
            os.close(descriptor)


def row_security_sql(table: str) -> tuple[str, ...]:
    """Return the statements that wall off `table` by workspace on PostgreSQL (also for its owner)."""
    # As a query of its own it is asked once, not for each row.
    setting = f"(SELECT current_setting('{WORKSPACE_SETTING}', true))"
    rule = f"{setting} = '{ALL_WORKSPACES}' OR workspace_id = {setting}"
    return (
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
        f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
        f"CREATE POLICY workspace_wall ON {table} USING ({rule}) WITH CHECK ({rule})",
    )


def _with_driver(url: str) -> str:
    """Accept the common spelling `postgresql://` and use psycopg 3 for it."""
    for plain in ("postgresql://", "postgres://"):
        if url.startswith(plain):
            return "postgresql+psycopg://" + url.removeprefix(plain)
    return url


def _dumps(value: object) -> str:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def _create_engine(url: str, pool_size: int, *, pg: bool) -> Engine:
    if pg:
        return create_engine(
            url,
            pool_size=pool_size,
            max_overflow=pool_size,
            pool_pre_ping=True,
            json_serializer=_dumps,
            json_deserializer=orjson.loads,
            connect_args={"connect_timeout": 5, "options": "-c timezone=UTC"},
        )
    engine = create_engine(url, json_serializer=_dumps, json_deserializer=orjson.loads, connect_args={"timeout": 10})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _create_quick_engine(engine: Engine) -> Engine:
    """Return a second, small pool whose connections see every workspace from their start and begin no transaction."""
    return create_engine(
        engine.url,
        pool_size=2,
        isolation_level="AUTOCOMMIT",
        pool_reset_on_return=None,
        connect_args={"connect_timeout": 5, "options": f"-c timezone=UTC -c {WORKSPACE_SETTING}={ALL_WORKSPACES}"},
    )


def _prepare_sqlite(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    # The driver's own transaction handling starts transactions late; ours start where the code says.
    cast("Any", connection).isolation_level = None
    cursor = connection.cursor()
    _use_wal(cursor)
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute("PRAGMA busy_timeout=10000")
    cursor.close()


def _use_wal(cursor: DBAPICursor) -> None:
    # The switch to WAL, once in a file's life, does not wait for others as everything else does.
    for _ in range(WAL_TRIES):
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError:
            time.sleep(0.05)
        else:
            return
    cursor.execute("PRAGMA journal_mode=WAL")


def _begin_sqlite(connection: Any) -> None:
    # A writer that starts deferred can fail half-way with "database is locked"; one that starts immediate waits.
    readonly = connection.get_execution_options().get("ochre_readonly", False)
    connection.exec_driver_sql("BEGIN" if readonly else "BEGIN IMMEDIATE")

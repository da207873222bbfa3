"""Stops queries that take too long, whichever database runs them."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

STEPS = 20_000
"""Steps of SQLite's machine, well under a millisecond, between two looks at the time."""
_CANCELED = ("57014", "SQLITE_INTERRUPT")


class TooSlowError(Exception):
    """Raised when the database gave up a query; the transaction can't go on."""


@contextmanager
def limited(session: Session, limit: timedelta) -> Iterator[None]:
    """Let each statement of the block take at most `limit`; raise TooSlowError."""
    by_name = {"postgresql": _postgresql, "sqlite": _sqlite}
    try:
        with by_name[session.get_bind().dialect.name](session, limit):
            yield
    except OperationalError as error:
        code = getattr(error.orig, "sqlstate", None) or getattr(error.orig, "sqlite_errorname", None)
        if code in _CANCELED:
            raise TooSlowError from error
        raise


@contextmanager
def _postgresql(session: Session, limit: timedelta) -> Iterator[None]:
    before = session.scalar(text("SELECT current_setting('statement_timeout')"))
    change = text("SELECT set_config('statement_timeout', :limit, true)")
    session.execute(change, {"limit": f"{limit // timedelta(milliseconds=1)}ms"})
    yield
    session.execute(change, {"limit": before})


@contextmanager
def _sqlite(session: Session, limit: timedelta) -> Iterator[None]:
    connection = session.connection().connection.driver_connection
    assert connection is not None
    # SQLite asks every few steps; the block as a whole has the time that PostgreSQL gives each statement.
    end = time.monotonic() + limit.total_seconds()
    connection.set_progress_handler(lambda: time.monotonic() > end, STEPS)
    try:
        yield
    finally:
        connection.set_progress_handler(None, 0)

"""The doors between the pipeline and the world, where things go wrong or happen in between, on demand.

The pipeline is the real one. What stands here is its wire to Stripe, its database with doors before and after each
transaction, its clock and its waker.
"""

import itertools
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import unquote, urlsplit

import orjson
from sqlalchemy import event
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session
from typing_extensions import override

from engine.storage import Database
from stripe_sync.simulator.faults import Faults
from stripe_sync.simulator.stripe import SimulatedStripe
from stripe_sync.transport import ConnectionFailedError, RawAnswer


class CrashError(BaseException):
    """The process dies: nothing of ours catches this."""


class VirtualClock:
    """Stripe's time, ours beside it, and ids that count up. Satisfies `engine.ports.Clock`."""

    def __init__(self, stripe_now: float) -> None:
        self.stripe_now = stripe_now
        self.skew = 0.0
        """Our time minus Stripe's, in seconds."""
        self._numbers = itertools.count(1)

    def now(self) -> datetime:
        """Return our time."""
        return datetime.fromtimestamp(self.stripe_now + self.skew, UTC)

    def new_id(self, prefix: str) -> str:
        """Return the next id."""
        return f"{prefix}_{next(self._numbers):012d}"

    def new_secret(self, bytes_: int = 32) -> str:
        """Return the next secret."""
        return f"secret{next(self._numbers)}".ljust(bytes_ * 4 // 3, "x")


@dataclass(slots=True)
class Armed:
    """What will go wrong, and when."""

    crash: tuple[str, int] | None = None
    """`before` or `after` the commit of the so many-th transaction from now that writes, we die; or we live, and the
    database's answer to that commit is `lost`."""
    cut: int = 0
    """The connection is lost at the so many-th statement from now."""
    severed: str = ""
    """The connection is lost `before` or `after` the next deliveries are stored by themselves, in one statement."""
    trouble: str = ""
    troubled: int = 0
    """How many of the next answers of Stripe are in trouble."""
    races: list[tuple[str, int, Callable[[], None]]] = field(default_factory=list)
    """What happens at the so many-th `answer` or `transaction` from now."""

    def passes(self, door: str) -> None:
        """Let happen what is due at a door."""
        waiting, self.races = self.races, []
        due = []
        for at, count, happen in waiting:
            if at == door and count <= 1:
                due.append(happen)
            else:
                self.races.append((at, count - (at == door), happen))
        for happen in due:
            happen()

    def commits(self, when: str) -> None:
        """Die if it is time; counts on after each transaction."""
        if self.crash is None:
            return
        wanted, count = self.crash
        if count <= 1 and when == ("before" if wanted == "before" else "after"):
            self.crash = None
            raise CrashError if wanted != "lost" else _lost()
        if when == "after":
            self.crash = (wanted, max(1, count - 1))

    def states(self) -> None:
        """Lose the connection if it is time."""
        if self.cut > 0:
            self.cut -= 1
            if self.cut == 0:
                raise _lost()

    def over(self) -> None:
        """Let nothing more go wrong or happen in between."""
        self.crash, self.cut, self.severed, self.troubled = None, 0, "", 0
        self.races.clear()


def _lost() -> OperationalError:
    return OperationalError("the connection is cut", None, ConnectionResetError("cut"))


def _close(statement: Any) -> None:
    """Close the driver's connection, whatever stands between it and us."""
    held = getattr(statement, "connection", statement)
    getattr(held, "dbapi_connection", held).close()


class DoorDatabase(Database):
    """The database, with a door before each transaction and around each commit."""

    def __init__(self, url: str, armed: Armed) -> None:
        super().__init__(url)
        self._armed = armed
        self.is_quiet = False
        event.listen(self.engine, "before_cursor_execute", self._states)

    def _states(self, *_: Any) -> None:
        if not self.is_quiet:
            self._armed.states()

    @contextmanager
    @override
    def _transaction(self, scope: str, *, readonly: bool) -> Iterator[Session]:
        if self.is_quiet:
            with super()._transaction(scope, readonly=readonly) as session:
                yield session
            return
        self._armed.passes("transaction")
        with super()._transaction(scope, readonly=readonly) as session:
            yield session
            if not readonly:
                session.flush()
                self._armed.commits("before")
        if not readonly:
            self._armed.commits("after")

    @contextmanager
    @override
    def system_statement(self) -> Iterator[Any]:
        with super().system_statement() as statement:
            if statement is None or self.is_quiet:
                yield statement
                return
            self._armed.passes("transaction")
            self._armed.commits("before")
            severed, self._armed.severed = self._armed.severed, ""
            if severed == "before":
                _close(statement)
            yield statement
            if severed == "after":
                raise _lost()
            self._armed.commits("after")

    @contextmanager
    def looked_at(self) -> Iterator[None]:
        """Let the harness look, without anything going wrong."""
        self.is_quiet = True
        try:
            yield
        finally:
            self.is_quiet = False


_LATENCY_S = 0.03
_TIMEOUT_S = 20.0
_WHOLE_PAGE = "limit=100"
_SHORT_PAGES = {
    "/v1/customers": "limit=2",
    "/v1/subscriptions": "limit=2",
    "/v1/prices": "limit=10",
    "/v1/invoices": "limit=20",
    "/v1/charges": "limit=20",
    "/v1/events": "limit=5",
}
"""The merchants are small: without shorter pages no list would have a second one."""


class Wire:
    """Carries requests straight to the simulated Stripe; satisfies `stripe_sync.transport.Wire`."""

    def __init__(
        self, stripe: SimulatedStripe, clock: VirtualClock, armed: Armed, pass_time: Callable[[float], None]
    ) -> None:
        self.stripe = stripe
        self.reads: dict[str, int] = {}
        self._clock = clock
        self._armed = armed
        self._pass = pass_time

    def __call__(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> RawAnswer:
        """Send one request."""
        self._pass(_LATENCY_S)
        trouble = self._trouble()
        if trouble == "timeout":
            self._pass(_TIMEOUT_S)
            raise ConnectionFailedError("ReadTimeout")
        parts = urlsplit(url)
        # Refused at the door: the request does nothing.
        self.stripe.faults = Faults(status=int(trouble) if trouble.isdigit() else None)
        answer = self.stripe.request(
            method.upper(),
            unquote(parts.path),
            query=_short(parts.path, parts.query),
            body=(body or b"").decode(),
            headers={name.lower(): str(value) for name, value in headers.items()},
            now=self._clock.stripe_now,
        )
        self.reads[parts.path] = self.reads.get(parts.path, 0) + 1
        date = format_datetime(datetime.fromtimestamp(int(self._clock.stripe_now), UTC), usegmt=True)
        content = orjson.dumps(answer.body)
        if trouble == "truncated":
            content = content[: len(content) // 2]
        self._pass(_LATENCY_S)
        self._armed.passes("answer")
        if trouble == "timeout-late":
            self._pass(_TIMEOUT_S)
            raise ConnectionFailedError("ReadTimeout")
        return RawAnswer(status=answer.status, headers={"date": date, **answer.headers}, body=content)

    def _trouble(self) -> str:
        if self._armed.troubled <= 0:
            return ""
        self._armed.troubled -= 1
        return self._armed.trouble


def _short(path: str, query: str) -> str:
    return query.replace(_WHOLE_PAGE, _SHORT_PAGES[path]) if path in _SHORT_PAGES else query


class ForgetfulWaker:
    """Wakes in this process; what it holds can be lost at any time."""

    def __init__(self) -> None:
        self.topics: dict[str, None] = {}

    def wake(self, topic: str) -> None:
        """Note the topic."""
        self.topics[topic] = None

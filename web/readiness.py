"""Whether the parts that a process depends on are there."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import structlog
from redis.exceptions import RedisError
from rq import Worker
from sqlalchemy.exc import SQLAlchemyError

from engine.outbox import repository as outbox
from engine.storage import Database
from stripe_sync.kinds import KINDS
from web.schedules import repository as schedules
from web.waker import QUICK, SLOW, connect, queue_named

if TYPE_CHECKING:
    from web.wiring import Services

SILENCE = timedelta(seconds=90)
"""A worker or scheduler not heard of for this long counts as gone."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """What was found."""

    database: str
    """`ok`, `outdated` (the schema is not the expected one) or `unreachable`."""
    redis: str
    """`ok`, `unreachable` or `not configured`."""
    queued: int | None = None
    workers: int = 0
    scheduler: str = "unknown"
    """`ok`, `silent` or `unknown`."""

    @property
    def database_ok(self) -> bool:
        """Return whether requests can be answered."""
        return self.database == "ok"

    @property
    def workers_ok(self) -> bool:
        """Return whether somebody does the work that requests leave behind."""
        return self.redis == "ok" and self.workers > 0

    def to_json(self) -> dict[str, object]:
        """Return the body of the answer."""
        return {
            "database": self.database,
            "redis": self.redis,
            "queue": {"jobs": self.queued},
            "workers": self.workers,
            "scheduler": self.scheduler,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisReadiness:
    """What Redis said."""

    state: str
    """`ok`, `unreachable` or `not configured`."""
    queued: int | None = None
    workers: int = 0


def read(services: "Services") -> Readiness:
    """Ask the database and Redis how they are."""
    now = services.clock.now()
    database = read_database(services.database)
    redis = read_redis(services.settings.redis_url, now)
    return Readiness(
        database=database,
        redis=redis.state,
        queued=redis.queued,
        workers=redis.workers,
        scheduler=read_scheduler(services.database, now) if database == "ok" else "unknown",
    )


def read_database(database: Database) -> str:
    """Return `ok`, `outdated` (the schema is not the expected one) or `unreachable`."""
    # Imported late: Alembic is not needed by who only looks for a worker or a scheduler, as health checks do.
    from web import migrations

    try:
        with database.system(readonly=True) as session:
            is_expected = migrations.current_revision(session.connection()) == migrations.expected_revision()
    except SQLAlchemyError as error:
        log.warning("database_unreachable", error=type(error).__name__)
        return "unreachable"
    return "ok" if is_expected else "outdated"


def read_scheduler(database: Database, now: datetime) -> str:
    """Return `ok` if a scheduler woke something lately, `silent` if not, `unknown` if none ever did or none can say."""
    try:
        with database.system(readonly=True) as session:
            last_wake = schedules.system_last_wake(session)
    except SQLAlchemyError as error:
        log.warning("database_unreachable", error=type(error).__name__)
        return "unknown"
    if last_wake is None:
        return "unknown"
    return "ok" if now - last_wake < SILENCE else "silent"


def read_redis(redis_url: str | None, now: datetime) -> RedisReadiness:
    """Ask Redis for waiting jobs and for workers that were heard of lately."""
    if redis_url is None:
        return RedisReadiness(state="not configured")
    try:
        with connect(redis_url) as redis:
            quick, slow = queue_named(QUICK, redis), queue_named(SLOW, redis)
            found = Worker.all(queue=quick)
            alive = [worker for worker in found if worker.last_heartbeat and now - worker.last_heartbeat < SILENCE]
            return RedisReadiness(state="ok", queued=quick.count + slow.count, workers=len(alive))
    except (RedisError, OSError) as error:
        log.warning("redis_unreachable", error=type(error).__name__)
        return RedisReadiness(state="unreachable")


def backlog(services: "Services") -> dict[str, int]:
    """Return how much waits to be done, by topic; what cannot be asked now is left out."""
    found = {}
    try:
        with services.database.system(readonly=True) as session:
            found["outbox"] = outbox.system_backlog(session)
    except SQLAlchemyError as error:
        log.warning("database_unreachable", error=type(error).__name__)
    queued = read_redis(services.settings.redis_url, services.clock.now()).queued
    return found if queued is None else {**found, "jobs": queued}


def drift(services: "Services") -> dict[str, int]:
    """Return how many objects drifted lately, for every kind of object; empty while it cannot be asked."""
    try:
        found = services.stripe.drift()
    except SQLAlchemyError as error:
        log.warning("database_unreachable", error=type(error).__name__)
        return {}
    return dict.fromkeys(KINDS, 0) | found

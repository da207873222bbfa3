"""Whether the parts that a process depends on are there."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from redis.exceptions import RedisError
from rq import Worker
from sqlalchemy.exc import SQLAlchemyError

from engine.outbox import repository as outbox
from web import migrations
from web.schedules import repository as schedules
from web.waker import QUICK, SLOW, connect, queue_named
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


def read(services: Services) -> Readiness:
    """Ask the database and Redis how they are."""
    now = services.clock.now()
    database, last_wake = _read_database(services)
    redis_state, queued, workers = _read_redis(services.settings.redis_url, now)
    is_known = database == "ok" and last_wake is not None
    scheduler = ("ok" if now - last_wake < SILENCE else "silent") if is_known and last_wake is not None else "unknown"
    return Readiness(database=database, redis=redis_state, queued=queued, workers=workers, scheduler=scheduler)


def _read_database(services: Services) -> tuple[str, datetime | None]:
    try:
        with services.database.system(readonly=True) as session:
            if migrations.current_revision(session.connection()) != migrations.expected_revision():
                return "outdated", None
            return "ok", schedules.system_last_wake(session)
    except SQLAlchemyError as error:
        log.warning("database_unreachable", error=type(error).__name__)
        return "unreachable", None


def _read_redis(redis_url: str | None, now: datetime) -> tuple[str, int | None, int]:
    if redis_url is None:
        return "not configured", None, 0
    try:
        with connect(redis_url) as redis:
            quick, slow = queue_named(QUICK, redis), queue_named(SLOW, redis)
            found = Worker.all(queue=quick)
            alive = [worker for worker in found if worker.last_heartbeat and now - worker.last_heartbeat < SILENCE]
            return "ok", quick.count + slow.count, len(alive)
    except (RedisError, OSError) as error:
        log.warning("redis_unreachable", error=type(error).__name__)
        return "unreachable", None, 0


def backlog(services: Services) -> dict[str, int]:
    """Return how much waits to be done, by topic; what cannot be asked now is left out."""
    found = {}
    try:
        with services.database.system(readonly=True) as session:
            found["outbox"] = outbox.system_backlog(session)
    except SQLAlchemyError as error:
        log.warning("database_unreachable", error=type(error).__name__)
    _, queued, _ = _read_redis(services.settings.redis_url, services.clock.now())
    return found if queued is None else {**found, "jobs": queued}

"""Waking the worker: one RQ job per topic at most waits in Redis, however often the topic is woken.

A wake-up carries nothing but the topic; the work itself stands in the database. So a lost wake-up loses no work: the
scheduler wakes every topic again and again. The mark that a wake-up waits is taken away by the job before it
looks for work, so that whatever is stored after the look gets a wake-up of its own.
"""

import contextlib
import threading
import time

import structlog
from redis import Redis
from redis.exceptions import RedisError
from rq import Queue
from rq.serializers import JSONSerializer
from typing_extensions import override

from engine.ports import Clock, Waker
from web import topics
from web.metrics import Metrics

QUICK = "ochre-quick"
SLOW = "ochre-slow"
ENTRY_POINT = "web.jobs.drain"
JOB_TIMEOUT_S = 3600
FAILURES_KEPT_S = 24 * 3600
MARK_LIFETIME_S = 30
"""If a wake-up is lost between its mark and its job, the topic can be woken again after this long."""
HELD_LIFETIME_S = 5
"""The same for the mark of a topic that a job works on: it may be killed."""
SOON_S = 0.05
"""How long wake-ups gather that nobody waits for."""

log = structlog.get_logger(__name__)


def connect(redis_url: str, *, patient: bool = False) -> Redis:
    """Return a connection to Redis that gives up fast, or, for a worker that waits on it, does not."""
    wait = None if patient else 1.0
    return Redis.from_url(redis_url, socket_connect_timeout=1.0, socket_timeout=wait, health_check_interval=30)


def queue_named(name: str, redis: Redis) -> Queue:
    """Return one of the queues, with jobs written as JSON."""
    return Queue(name, connection=redis, serializer=JSONSerializer)


def clear_mark(redis_url: str | None, topic: str) -> None:
    """Take the mark away: from now on the topic may be woken again."""
    if redis_url is not None:
        with contextlib.suppress(RedisError, OSError), connect(redis_url) as redis:
            redis.delete(_mark(topic))


def hold_mark(redis_url: str | None, topic: str) -> bool:
    """Keep the mark a moment longer: whoever works on the topic sees by itself what comes, so no job is needed.

    Returns False where another job waits behind this one, or there is no Redis: then it should make an end.
    """
    if redis_url is None:
        return False
    with contextlib.suppress(RedisError, OSError), connect(redis_url) as redis:
        if not queue_named(_queue_of(topic), redis).count:
            redis.set(_mark(topic), 1, ex=HELD_LIFETIME_S)
            return True
    return False


class QueueWaker(Waker):
    """Wakes through Redis."""

    def __init__(self, redis_url: str, clock: Clock, metrics: Metrics) -> None:
        self._redis = connect(redis_url)
        self._clock = clock
        self._metrics = metrics

    @override
    def wake(self, topic: str) -> None:
        """Put one job for `topic` into its queue, unless one waits there already."""
        try:
            if not self._redis.set(_mark(topic), 1, nx=True, ex=MARK_LIFETIME_S):
                return
            queue_named(_queue_of(topic), self._redis).enqueue_call(
                ENTRY_POINT,
                args=(topic,),
                job_id=self._clock.new_id(f"drain-{topic}"),
                timeout=JOB_TIMEOUT_S,
                result_ttl=0,
                failure_ttl=FAILURES_KEPT_S,
            )
        except (RedisError, OSError) as error:
            self._metrics.wakes_lost.inc()
            log.warning("wake_lost", topic=topic, error=type(error).__name__, note="the scheduler wakes it again")


class SoonWaker(Waker):
    """Wakes in a thread of its own, a moment later and once for all who asked meanwhile: nobody waits for Redis."""

    def __init__(self, waker: Waker) -> None:
        self._waker = waker
        self._topics: set[str] = set()
        self._asked = threading.Condition()
        self._thread: threading.Thread | None = None

    @override
    def wake(self, topic: str) -> None:
        """Note the topic."""
        with self._asked:
            if topic in self._topics:
                return
            self._topics.add(topic)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="waker", daemon=True)
                self._thread.start()
            self._asked.notify()

    def _run(self) -> None:
        while True:
            with self._asked:
                self._asked.wait_for(lambda: self._topics)
                topics, self._topics = self._topics, set()
            for topic in sorted(topics):
                self._waker.wake(topic)
            time.sleep(SOON_S)


class SilentWaker(Waker):
    """Stands in where no Redis is configured: work waits in the database."""

    @override
    def wake(self, topic: str) -> None:
        """Do nothing."""
        log.debug("wake_without_redis", topic=topic)


def new_waker(redis_url: str | None, clock: Clock, metrics: Metrics) -> Waker:
    """Return what wakes the worker through the Redis at `redis_url`, or nothing if there is none."""
    return SilentWaker() if redis_url is None else QueueWaker(redis_url, clock, metrics)


def _queue_of(topic: str) -> str:
    return SLOW if topic in topics.SLOW else QUICK


def _mark(topic: str) -> str:
    return f"ochre:woken:{topic}"

"""The worker process: a parent that imports everything once, and two RQ workers forked from it.

One serves the quick queue alone, so that a payment shows on the panel while a backfill runs for minutes; the other
serves the slow queue too. Both outlive Redis: they wait until it is back.
"""

import multiprocessing
import os
import signal
import time
from multiprocessing.context import ForkProcess
from types import FrameType

import structlog
from redis.client import Pipeline
from redis.exceptions import RedisError
from rq import Worker
from rq.serializers import JSONSerializer
from typing_extensions import override

from web.jobs import DRAINS, prepare
from web.waker import QUICK, SLOW, connect, queue_named

ROLES = {"quick": (QUICK,), "slow": (SLOW, QUICK)}
HEARTBEAT_S = 30
"""RQ says within this time that a worker lives; `/readyz` looks for it."""
RETRY_S = 2.0
STOP_S = 20.0

log = structlog.get_logger(__name__)


class LastingWorker(Worker):
    """A worker that says again that it exists when Redis came back empty; otherwise nobody would see it anymore."""

    @override
    def heartbeat(self, timeout: int | None = None, pipeline: Pipeline | None = None) -> None:
        """Say that the worker lives, and who it is if that was lost."""
        if pipeline is None and not self.connection.hexists(self.key, "birth"):
            self.connection.delete(self.key)  # an earlier heartbeat may have left a rest
            self.register_birth()  # type: ignore[no-untyped-call]  # RQ leaves it untyped
        super().heartbeat(timeout, pipeline)


def run(redis_url: str) -> None:
    """Run until told to stop; a job that runs then is finished first."""
    services = prepare()
    services.facts.rates.rate("eur", "usd", services.clock.now())  # read once here, instead of in every child
    context = multiprocessing.get_context("fork")
    children = {
        name: context.Process(target=_serve, args=(redis_url, queues), name=name) for name, queues in ROLES.items()
    }
    asked = _stop_on_signals()
    for child in children.values():
        child.start()
    log.info("worker_started", topics=sorted(DRAINS))
    while not asked:
        time.sleep(0.2)
        dead = [name for name, child in children.items() if not child.is_alive()]
        if dead:
            log.error("worker_child_ended", children=dead)
            break
    _stop(list(children.values()))
    if not asked:
        raise SystemExit(1)


def _serve(redis_url: str, queue_names: tuple[str, ...]) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    parent = os.getppid()
    while os.getppid() == parent:
        redis = connect(redis_url, patient=True)
        try:
            worker = LastingWorker(  # this asks Redis already
                [queue_named(name, redis) for name in queue_names],
                connection=redis,
                serializer=JSONSerializer,
                worker_ttl=HEARTBEAT_S,
            )
            worker.work()
        except (RedisError, OSError) as error:
            log.warning("worker_without_redis", error=type(error).__name__)
            time.sleep(RETRY_S)
        else:
            return


def _stop_on_signals() -> list[int]:
    asked: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        asked.append(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, note)
    return asked


def _stop(children: list[ForkProcess]) -> None:
    for child in children:
        if child.is_alive():
            child.terminate()
    for child in children:
        child.join(STOP_S)
        if child.is_alive():
            child.kill()
            child.join()

"""The worker's way with Redis."""

from rq.serializers import JSONSerializer

from web.waker import QUICK, connect, queue_named
from web.worker import LastingWorker


def test_a_worker_is_seen_again_after_redis_came_back_empty(valkey_url: str) -> None:
    """The next heartbeat registers it, so that `/readyz` counts it as before."""
    with connect(valkey_url) as redis:
        worker = LastingWorker([queue_named(QUICK, redis)], connection=redis, serializer=JSONSerializer)
        worker.register_birth()  # type: ignore[no-untyped-call]  # RQ leaves it untyped
        before = len(LastingWorker.all(connection=redis))
        redis.flushdb()
        worker.heartbeat()
        after = LastingWorker.all(connection=redis)
        worker.register_death()  # type: ignore[no-untyped-call]  # RQ leaves it untyped

    assert before == 1
    assert [found.name for found in after] == [worker.name]

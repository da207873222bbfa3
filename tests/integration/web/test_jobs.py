"""Wake-ups, the worker's work and the scheduler, on a real Valkey and both databases."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from redis import Redis
from rq import SimpleWorker
from rq.serializers import JSONSerializer

from engine.ids import EndUserId
from engine.outbox import repository as outbox
from engine.storage import Database
from stripe_sync.fact_service import BATCH
from tests.clock import FrozenClock
from tests.integration.facts.world import World
from tests.integration.web.conftest import environment, new_tenant
from tests.unit.derive.build import customer, invoice
from web import jobs
from web.auth.throttle import PER_EMAIL, Throttle
from web.metrics import Metrics
from web.readiness import read
from web.scheduler import Scheduler
from web.schedules import repository as schedules
from web.settings import load
from web.topics import EVERY
from web.waker import QUICK, SLOW, QueueWaker, queue_named
from web.wiring import Services, build


@pytest.fixture
def services(database_url: str, valkey_url: str, clock: FrozenClock, tmp_path: Path) -> Iterator[Services]:
    """Return the parts over each database and a real Valkey."""
    services = build(load(environment(tmp_path, DATABASE_URL=database_url, REDIS_URL=valkey_url)), clock)
    yield services
    services.database.dispose()


def work(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    """Do every job that waits, in this process."""
    settings = services.settings
    for name, value in environment(settings.data_dir, DATABASE_URL=settings.database_url).items():
        monkeypatch.setenv(name, value)
    assert settings.redis_url is not None
    monkeypatch.setenv("OCHRE_REDIS_URL", settings.redis_url)
    redis = Redis.from_url(settings.redis_url)
    queues = [queue_named(name, redis) for name in (QUICK, SLOW)]
    SimpleWorker(queues, connection=redis, serializer=JSONSerializer).work(burst=True)
    jobs._prepared.pop().database.dispose()


def drain(services: Services, topic: str) -> None:
    """Do the work of a topic as a worker's child does, which inherits no open connection."""
    services.database.dispose()
    jobs.drain(topic)


def new_scheduler(services: Services) -> Scheduler:
    """Return a scheduler over the same database and Valkey."""
    return Scheduler(services.database, services.clock, services.waker)


def test_every_topic_has_a_drain() -> None:
    """What the scheduler wakes, the worker can do."""
    assert set(EVERY) == set(jobs.DRAINS)


def test_many_wakes_make_one_job(services: Services, valkey_url: str) -> None:
    """However often a topic is woken before anybody works, one job waits, and it carries only the topic."""
    for _ in range(50):
        services.waker.wake("outbox")
    services.waker.wake("backfill")
    redis = Redis.from_url(valkey_url)
    (job,) = queue_named(QUICK, redis).jobs

    assert job.args == ["outbox"]
    assert job.kwargs == {}
    assert queue_named(SLOW, redis).count == 1


def test_a_wake_during_the_work_is_not_lost(
    services: Services, valkey_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mark goes before the work is looked for, so whatever comes later gets a job of its own."""
    services.waker.wake("outbox")
    work(services, monkeypatch)
    services.waker.wake("outbox")

    assert queue_named(QUICK, Redis.from_url(valkey_url)).count == 1


def test_a_job_that_lasts_takes_what_comes_meanwhile(
    services: Services, valkey_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While events come their job stays: wakes make no other, and the first wake after its end makes one."""
    redis = Redis.from_url(valkey_url)
    arrives = [2, 0, 3, 0]
    waiting: list[int] = []

    def work_and_be_woken(_: Services) -> int:
        services.waker.wake("stripe_events")
        waiting.append(queue_named(QUICK, redis).count)
        return arrives.pop(0) if arrives else 0

    monkeypatch.setattr(jobs, "_prepared", [services])
    monkeypatch.setitem(jobs.DRAINS, "stripe_events", work_and_be_woken)
    services.waker.wake("stripe_events")
    redis.delete(queue_named(QUICK, redis).key)  # as the worker does that takes the job
    drain(services, "stripe_events")

    assert arrives == []
    # The last look comes after the mark is gone, so what is stored from then on has a job of its own.
    assert waiting == [0] * (len(waiting) - 1) + [1]


def test_a_job_that_lasts_makes_way(services: Services, valkey_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where another job waits nobody stays: what is there is done, and that is all."""
    looks: list[str] = []

    def look(_: Services) -> int:
        looks.append("looked")
        return len(looks)

    monkeypatch.setattr(jobs, "_prepared", [services])
    monkeypatch.setitem(jobs.DRAINS, "stripe_events", look)
    services.waker.wake("outbox")
    drain(services, "stripe_events")

    assert len(looks) == 1
    assert queue_named(QUICK, Redis.from_url(valkey_url)).count == 1


def test_the_worker_drains_what_happened(
    services: Services, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A job takes everything that waits in the outbox, of every workspace, and leaves nothing undone."""
    tenant = new_tenant(services, "ours")
    now = services.clock.now()
    with services.database.workspace(tenant.workspace_id) as session:
        for number in range(250):
            outbox.emit(tenant.workspace_id, session, "fact_changed", {"number": number}, now)
    services.waker.wake("outbox")
    work(services, monkeypatch)

    with services.database.system(readonly=True) as session:
        assert outbox.system_pending(session, now, limit=1000) == []


def test_the_clock_is_told_of_once(services: Services, clock: FrozenClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """An invoice that falls due is told by the job of the topic `facts`, once, without any event."""
    monkeypatch.setattr(jobs, "_prepared", [services])
    world = World(services.database, clock)
    world.open()
    connection = world.connect()
    people = [EndUserId(f"eu_{number:03d}") for number in range(BATCH + 1)]
    due = int((clock.now() + timedelta(hours=1)).timestamp())
    world.mirror(
        connection,
        customers=[customer(id=f"cus_{who}") for who in people],
        invoices=[{**invoice("open", id=f"in_{who}", due_date=due), "customer": f"cus_{who}"} for who in people],
    )
    for who in people:
        world.link(connection, f"cus_{who}", who)
    world.recompute(*people)
    world.told()
    drain(services, "facts")
    early = world.told()
    clock.advance(timedelta(hours=2))
    drain(services, "facts")
    told = world.told()
    drain(services, "facts")

    assert early == []
    assert len(told) == len(people)
    assert {(each["fact"], each["old"], each["new"], each["cause"]) for each in told} == {
        ("overdue_invoices", 0, 1, "clock")
    }
    assert world.told() == []
    assert EVERY["facts"] == timedelta(minutes=1)


def test_a_wake_without_redis_is_only_noted(clock: FrozenClock) -> None:
    """With Redis down a wake-up fails quietly and is counted; nobody who stored something hears of it."""
    metrics = Metrics()
    QueueWaker("redis://127.0.0.1:1/0", clock, metrics).wake("outbox")

    assert b"ochre_wakes_lost_total 1.0" in metrics.render()


def test_the_scheduler_finds_what_was_lost(services: Services, valkey_url: str, clock: FrozenClock) -> None:
    """Every topic is woken when it is due, and not again before it is due again."""
    scheduler = new_scheduler(services)
    scheduler.declare()
    first = scheduler.tick()
    at_once = scheduler.tick()
    clock.advance(timedelta(seconds=10))
    later = scheduler.tick()

    assert first == len(EVERY)
    assert at_once == 0
    assert 0 < later < len(EVERY)
    assert queue_named(QUICK, Redis.from_url(valkey_url)).count + queue_named(
        SLOW, Redis.from_url(valkey_url)
    ).count == len(EVERY)


def test_a_second_scheduler_is_harmless(services: Services, database: Database) -> None:
    """What one scheduler claimed, another does not get."""
    new_scheduler(services).declare()
    new_scheduler(services).declare()
    with database.system() as session:
        first = schedules.system_claim(session, EVERY, services.clock.now())
    with database.system() as session:
        second = schedules.system_claim(session, EVERY, services.clock.now())

    assert set(first) == set(EVERY)
    assert second == []


def test_readiness_tells_who_is_there(services: Services) -> None:
    """Database, Redis and scheduler are heard of; workers are counted and there is none."""
    scheduler = new_scheduler(services)
    scheduler.declare()
    scheduler.tick()
    found = read(services)

    assert (found.database, found.redis, found.scheduler) == ("ok", "ok", "ok")
    assert found.queued == len(EVERY)
    assert not found.workers_ok


def test_failures_are_counted_for_all_processes(valkey_url: str) -> None:
    """Attempts counted by one process make every other one wait; with Redis away each counts for itself."""
    here, there = Throttle(valkey_url), Throttle(valkey_url)
    alone = Throttle("redis://127.0.0.1:1/0")
    keys = [(PER_EMAIL, "somebody")]
    for _ in range(PER_EMAIL.amount):
        assert there.wait(keys) is None
        here.count(keys)
        alone.count(keys)

    assert there.wait(keys) == timedelta(minutes=15)
    assert alone.wait(keys) == timedelta(minutes=15)
    assert here.wait([(PER_EMAIL, "somebody else")]) is None

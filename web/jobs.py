"""The work that requests leave behind, by topic, and the entry point that RQ calls.

Laws of this module
- A job is a wake-up: it carries a topic and nothing else, and drains what the database says is to be done.
- Every drain may be killed and started again at any point, and may run twice at once.
- The application is imported before a worker forks; each child opens its own database connections.
- A child begins cold: it connects and builds every statement anew, which takes longer than the work of a second. So
  the job of a topic that lasts looks again and again for a while before it makes an end.
"""

import time
from collections.abc import Callable

import structlog
from rq import get_current_job

from web import topics
from web.startup import load_settings
from web.waker import clear_mark, hold_mark
from web.wiring import Services, build

STAY_S = 5.0
"""How long a job stays at the most; a worker that is told to stop waits for it."""
IDLE_S = 0.5
"""How long it stays when nothing comes."""
LOOK_S = 0.04

log = structlog.get_logger(__name__)


def _housekeeping(services: Services) -> int:
    services.auth.forget_old_sign_ins()
    services.stripe.forget_lookups()
    return services.privacy.purge()


DRAINS: dict[str, Callable[[Services], int]] = {
    "stripe_events": lambda services: services.stripe.apply_events(),
    "stripe_refetches": lambda services: services.stripe.confirm_events(),
    "outbox": lambda services: services.outbox.drain(),
    "backfill": lambda services: services.stripe.run_backfills(),
    "catch_up": lambda services: services.stripe.catch_up(),
    "reconcile": lambda services: services.stripe.reconcile(),
    "facts": lambda services: services.facts.drain_due(services.database, services.clock, services.waker),
    "housekeeping": _housekeeping,
}
"""What does the work of each of `web.topics`; each returns how much was done."""


_prepared: list[Services] = []


def prepare() -> Services:
    """Put the parts together once, before a worker forks; nothing is connected by that."""
    if not _prepared:
        _prepared.append(build(load_settings()))
    return _prepared[0]


def drain(topic: str) -> None:
    """Do the work of `topic`; RQ calls this in a child of the worker."""
    job = get_current_job()
    services = prepare()
    # Whatever the parent had open stays the parent's; closing it here would close it there.
    services.database.engine.dispose(close=False)
    with structlog.contextvars.bound_contextvars(job_id=None if job is None else job.id, topic=topic):
        done = _stay(services, topic) if topic in topics.LASTING else 0
        clear_mark(services.settings.redis_url, topic)
        done += DRAINS[topic](services)
        log.info("drained", done=done)


def _stay(services: Services, topic: str) -> int:
    """Do what is there and what comes soon after, while no other job waits; return how much was done."""
    began = worked = time.monotonic()
    total = 0
    while hold_mark(services.settings.redis_url, topic):
        done = DRAINS[topic](services)
        total += done
        now = time.monotonic()
        worked = now if done else worked
        if not total or now - worked >= IDLE_S or now - began >= STAY_S:
            break
        time.sleep(LOOK_S)
    return total

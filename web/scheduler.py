"""The scheduler process: wakes every topic from time to time, so that work whose wake-up was lost is found.

When each topic is due stands in the database and is claimed there, so any number of schedulers may run.
"""

import threading

import structlog
from sqlalchemy.exc import SQLAlchemyError

from web.jobs import TOPICS
from web.schedules import repository
from web.wiring import Services

TICK_S = 1.0
RETRY_S = 5.0

log = structlog.get_logger(__name__)


def run(services: Services, stop: threading.Event) -> None:
    """Wake what is due, every second, until `stop` is set; a database that is away is waited for."""
    is_declared = False
    while not stop.is_set():
        try:
            if not is_declared:
                declare(services)
                is_declared = True
            tick(services)
        except SQLAlchemyError as error:
            log.warning("scheduler_without_database", error=type(error).__name__)
            stop.wait(RETRY_S)
        stop.wait(TICK_S)


def declare(services: Services) -> None:
    """Make sure that every topic has a schedule."""
    with services.database.system() as session:
        repository.system_declare(session, list(TOPICS), services.clock.now())


def tick(services: Services) -> int:
    """Wake the topics that are due and return how many this scheduler claimed."""
    every = {name: topic.every for name, topic in TOPICS.items()}
    with services.database.system() as session:
        due = repository.system_claim(session, every, services.clock.now())
    for topic in due:
        services.waker.wake(topic)
    return len(due)

"""The scheduler process: wakes every topic from time to time, so that work whose wake-up was lost is found.

When each topic is due stands in the database and is claimed there, so any number of schedulers may run.
"""

import threading

import structlog
from sqlalchemy.exc import SQLAlchemyError

from engine.ports import Clock, Waker
from engine.storage import Database
from web.schedules import repository
from web.topics import EVERY

TICK_S = 1.0
RETRY_S = 5.0

log = structlog.get_logger(__name__)


class Scheduler:
    """Wakes what is due. It needs little, so that it starts fast and stays small."""

    def __init__(self, database: Database, clock: Clock, waker: Waker) -> None:
        self._database = database
        self._clock = clock
        self._waker = waker

    def run(self, stop: threading.Event) -> None:
        """Wake what is due, every second, until `stop` is set; a database that is away is waited for."""
        is_declared = False
        while not stop.is_set():
            try:
                if not is_declared:
                    self.declare()
                    is_declared = True
                self.tick()
            except SQLAlchemyError as error:
                log.warning("scheduler_without_database", error=type(error).__name__)
                stop.wait(RETRY_S)
            stop.wait(TICK_S)

    def declare(self) -> None:
        """Make sure that every topic has a schedule."""
        with self._database.system() as session:
            repository.system_declare(session, list(EVERY), self._clock.now())

    def tick(self) -> int:
        """Wake the topics that are due and return how many this scheduler claimed."""
        with self._database.system() as session:
            due = repository.system_claim(session, EVERY, self._clock.now())
        for topic in due:
            self._waker.wake(topic)
        return len(due)

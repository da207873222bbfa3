"""A sign of life from somebody who works, however long one step takes them."""

from collections.abc import Callable
from threading import Event, Thread
from types import TracebackType

import structlog
from sqlalchemy.exc import SQLAlchemyError

log = structlog.get_logger(__name__)


class Heartbeat:
    """Calls `beat` every so many seconds while its block is worked through, until it returns False."""

    def __init__(self, seconds: float, beat: Callable[[], bool]) -> None:
        self._seconds = seconds
        self._beat = beat
        self._is_over = Event()
        self._thread = Thread(target=self._run, name="heartbeat", daemon=True)

    def __enter__(self) -> None:
        """Begin."""
        self._thread.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End; a beat that is under way is waited for."""
        self._is_over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._is_over.wait(self._seconds):
            try:
                if not self._beat():
                    return
            except SQLAlchemyError as error:  # a database that is away may be back at the next beat
                log.warning("heartbeat_missed", error=type(error).__name__)

"""What arrives at once is done at once: while one batch is stored the next gathers.

The first who comes does the work for everybody who waits, at once and in its own thread: somebody alone waits for
nobody. An error of a batch is everybody's who was in it.
"""

from collections.abc import Callable, Sequence
from threading import Lock
from typing import Generic, TypeVar

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")

LARGEST = 100


class _Place(Generic[Item, Outcome]):
    """One item in the queue, and who waits for its outcome."""

    __slots__ = ("error", "gate", "item", "outcomes")

    def __init__(self, item: Item) -> None:
        self.item = item
        self.outcomes: list[Outcome] = []
        """Holds the outcome once there is one."""
        self.error: BaseException | None = None
        self.gate = Lock()
        """Held until there is an outcome, or it is this one's turn to work."""
        self.gate.acquire()

    @property
    def is_done(self) -> bool:
        """Return whether there is an outcome."""
        return bool(self.outcomes) or self.error is not None


class Together(Generic[Item, Outcome]):
    """Does work for many callers in batches, one batch at a time."""

    def __init__(self, work: Callable[[Sequence[Item]], Sequence[Outcome]]) -> None:
        """Do `work`, which returns an outcome for each item, in their order."""
        self._work = work
        self._lock = Lock()
        self._queue: list[_Place[Item, Outcome]] = []
        self._is_busy = False

    def do(self, item: Item) -> Outcome:
        """Return the outcome of one item; raise what its batch raised."""
        place = _Place[Item, Outcome](item)
        with self._lock:
            self._queue.append(place)
            waits, self._is_busy = self._is_busy, True
        if waits:
            place.gate.acquire()  # whoever works opens it
        if not place.is_done:
            self._work_on_queue()
        if place.error is not None:
            raise place.error
        return place.outcomes[0]

    def _work_on_queue(self) -> None:
        with self._lock:
            batch, self._queue = self._queue[:LARGEST], self._queue[LARGEST:]
        try:
            for place, outcome in zip(batch, self._work([place.item for place in batch]), strict=True):
                place.outcomes.append(outcome)
        except BaseException as error:  # noqa: BLE001  whoever waits for it raises it
            for place in batch:
                place.error = error
        with self._lock:
            following = self._queue[0] if self._queue else None
            self._is_busy = following is not None
        if following is not None:
            following.gate.release()
        for place in batch:
            place.gate.release()

"""What arrives at once is done at once."""

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from stripe_sync.events.together import LARGEST, Together


def test_somebody_alone_is_served_at_once() -> None:
    """One item is a batch of its own, done in the caller's thread."""
    seen: list[tuple[str, int]] = []

    def work(items: Sequence[int]) -> list[int]:
        seen.extend((threading.current_thread().name, item) for item in items)
        return [item * 2 for item in items]

    together = Together(work)

    assert [together.do(1), together.do(2)] == [2, 4]
    assert seen == [(threading.current_thread().name, 1), (threading.current_thread().name, 2)]


def test_everybody_gets_their_own_outcome_in_few_batches() -> None:
    """While a batch is worked on the others gather; no outcome is lost or mixed up, no batch is too large."""
    sizes: list[int] = []
    first, gathered = threading.Event(), threading.Event()

    def work(items: Sequence[int]) -> list[str]:
        sizes.append(len(items))
        if len(sizes) == 1:
            first.set()
            gathered.wait(10)
        return [str(item) for item in items]

    together = Together(work)
    count = LARGEST + 20
    with ThreadPoolExecutor(count + 1) as threads:
        leader = threads.submit(together.do, -1)
        first.wait(10)
        others = [threads.submit(together.do, item) for item in range(count)]
        while len(together._queue) < count:
            time.sleep(0.001)
        gathered.set()

        assert leader.result(10) == "-1"
        assert [other.result(10) for other in others] == [str(item) for item in range(count)]
    assert sizes == [1, LARGEST, 20]


def test_an_error_is_everybodys_in_the_batch_and_of_nobody_later() -> None:
    """Whoever was in the batch gets its error; the next one starts afresh."""

    def work(items: Sequence[int]) -> list[int]:
        if 0 in items:
            raise OSError("the database is away")
        return list(items)

    together = Together(work)

    with pytest.raises(OSError, match="away"):
        together.do(0)
    assert together.do(1) == 1

"""Lists are read side by side: each lane reads a part, and a lane that has none takes half of another's.

Laws
- What a part covers and how far it was read is stored before anybody reads on, so a run goes on where it was with as
  many lanes as it likes.
- The parts of a list never leave a gap: a cut makes the newer part end where the older one begins, in one
  transaction. What a request that was on its way brings twice is written twice, and harmless.
- The first error ends the work of all; whatever the others stored stays.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from threading import Condition, Thread

from stripe_sync.backfill.models import Step
from stripe_sync.backfill.spans import Span, cut, thickest

Read = Callable[[Span], Span | None]
"""Reads and stores one more page of a part; returns the part after it, None when it is read to its end."""
Cut = Callable[[Span, int], Span | None]
"""Stores a cut; returns the older part, None if there was no room for another."""

WAIT_S = 0.5


class Lists:
    """The parts of some lists, shared by lanes."""

    def __init__(self, steps: Sequence[Step], read: Read, split: Cut) -> None:
        """Read what is left of `steps`."""
        self._read = read
        self._split = split
        self._waiting = deque(_span(step) for step in steps if not step.is_done)
        self._active: dict[int, Span] = {}
        self._changed = Condition()
        self._error: BaseException | None = None

    def work(self, lanes: int) -> None:
        """Read everything with some lanes; raise the first error that one of them met."""
        threads = [Thread(target=self._lane, name=f"backfill-{number}", daemon=True) for number in range(1, lanes)]
        for thread in threads:
            thread.start()
        self._lane()
        for thread in threads:
            thread.join()
        if self._error is not None:
            raise self._error

    def _lane(self) -> None:
        try:
            while (span := self._next()) is not None:
                self._work_on(span)
        except BaseException as error:  # noqa: BLE001  whoever waits for the lanes raises it
            with self._changed:
                self._error = self._error or error
        finally:
            with self._changed:
                self._changed.notify_all()

    def _work_on(self, span: Span) -> None:
        present: Span | None = span
        while present is not None:
            present = self._read(present)
            with self._changed:
                if present is None or self._error is not None:
                    self._active.pop(span.position, None)
                    present = None
                else:
                    present = replace(present, created_from=self._active[span.position].created_from)
                    self._active[span.position] = present
                self._changed.notify_all()

    def _next(self) -> Span | None:
        """Return a part nobody reads, cut off somebody's if need be; None when there is nothing left for a lane."""
        with self._changed:
            while self._error is None:
                if self._waiting:
                    return self._take(self._waiting.popleft())
                if not self._active:
                    return None
                older = self._cut_off()
                if older is not None:
                    return self._take(older)
                self._changed.wait(WAIT_S)
            return None

    def _cut_off(self) -> Span | None:
        victim = thickest(self._active)
        at = None if victim is None else cut(victim)
        if victim is None or at is None:
            return None
        older = self._split(victim, at)
        if older is not None:
            self._active[victim.position] = replace(victim, created_from=at)
        return older

    def _take(self, span: Span) -> Span:
        self._active[span.position] = span
        return span


def _span(step: Step) -> Span:
    assert step.kind is not None, "lists have a kind"
    return Span(
        position=step.position,
        kind=step.kind,
        created_from=step.created_from,
        created_before=step.created_before,
        cursor=step.cursor,
    )

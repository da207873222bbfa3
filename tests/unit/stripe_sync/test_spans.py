"""Parts of lists: whatever is cut wherever, every object of the list is read, and lanes find something to do."""

import threading
from bisect import bisect_left
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stripe_sync.backfill.lists import Lists
from stripe_sync.backfill.models import Action, Step
from stripe_sync.backfill.spans import PAGES_AHEAD, Span, cut, pages_left, thickest
from stripe_sync.kinds import KINDS

CHARGES = KINDS["charges"]
DAY = 86_400
PAGE = 5


def test_first_part_asks_for_everything() -> None:
    """A list that was not cut is asked for without a filter; a part names its bounds."""
    assert _span().params == {}
    assert _span(created_from=5).params == {"created": {"gte": 5}}
    assert _span(created_from=5, created_before=9).params == {"created": {"gte": 5, "lt": 9}}


def test_open_end_is_cut_some_pages_away() -> None:
    """Where nobody knows how old the account is, the lane keeps what looks like eight more pages."""
    span = _span(newest=100 * DAY, oldest=99 * DAY, pages=1)

    assert cut(span) == (99 - PAGES_AHEAD) * DAY
    assert pages_left(span) == float("inf")


def test_part_with_an_end_is_halved() -> None:
    """What is left between here and there is cut in the middle, whatever was read so far."""
    assert cut(_span(newest=100, oldest=90, pages=1, created_from=10)) == 50


@pytest.mark.parametrize(
    "span",
    [
        {"newest": None, "oldest": None, "pages": 0},
        {"newest": 100, "oldest": 11, "pages": 1, "created_from": 10},
        {"newest": 3600, "oldest": 3000, "pages": 1},
    ],
)
def test_what_is_not_worth_it_is_not_cut(span: dict[str, Any]) -> None:
    """Nothing read yet, a second left, or the beginning of time within reach."""
    assert cut(_span(**span)) is None


def test_thickest_part_is_cut_first() -> None:
    """The lane with the most before it gives half away."""
    thin = _span(position=1, newest=100, oldest=50, pages=5, created_from=20)
    thick = _span(position=2, newest=100, oldest=90, pages=5, created_from=10)

    assert thickest({1: thin, 2: thick}) == thick
    assert thickest({1: thin}) is None


@given(
    st.lists(st.integers(min_value=0, max_value=30), max_size=60),
    st.integers(min_value=1, max_value=6),
    st.integers(min_value=0, max_value=3),
)
def test_every_object_is_read(gaps: list[int], lanes: int, die_after: int) -> None:
    """With any number of lanes, dense and empty times, and a death in between, nothing is missed."""
    account = _Account(gaps)
    steps = [_step(0)]

    account.read(steps, lanes, die_after=die_after)
    account.read(list(account.steps.values()), lanes)

    assert account.seen == {payload["id"] for payload in account.objects}
    assert all(step.is_done for step in account.steps.values())


def test_lanes_share_a_long_list() -> None:
    """Six lanes read a list of 400 pages together, in hardly more requests than it has pages."""
    account = _Account([3] * 2000)
    readers: set[str] = set()
    account.readers = readers

    account.read([_step(0)], 6)

    assert len(account.seen) == 2000
    assert account.requests < 480
    assert len(readers) == 6


# helpers


class _Account:
    """A list of objects at some times, newest first, read through the lanes of `Lists`; and what they store."""

    def __init__(self, gaps: list[int]) -> None:
        at = 1_000_000
        self.objects: list[dict[str, Any]] = []
        for number, gap in enumerate(gaps):
            at += gap * 1000
            self.objects.append({"id": f"ch_{number}", "created": at})
        self.times: list[int] = [payload["created"] for payload in self.objects]
        self.seen: set[str] = set()
        self.steps: dict[int, Step] = {}
        self.requests = 0
        self.readers: set[str] = set()
        self.lock = threading.Lock()

    def read(self, steps: list[Step], lanes: int, *, die_after: int | None = None) -> None:
        """Read what is left; with `die_after` an error comes after that many more pages."""
        self.steps.update({step.position: step for step in steps})
        left = None if die_after is None else self.requests + die_after
        lists = Lists(steps, lambda span: self._page(span, left), self._cut)
        if left is None:
            lists.work(lanes)
            return
        try:
            lists.work(lanes)
        except InterruptedError:
            return

    def _page(self, span: Span, left: int | None) -> Span | None:
        with self.lock:
            if left is not None and self.requests >= left:
                raise InterruptedError
            self.requests += 1
            self.readers.add(threading.current_thread().name)
            low = 0 if span.created_from is None else bisect_left(self.times, span.created_from)
            high = len(self.times) if span.created_before is None else bisect_left(self.times, span.created_before)
            if span.cursor is not None:
                high = min(high, int(span.cursor.removeprefix("ch_")))
            found = self.objects[max(low, high - PAGE) : high][::-1]
            self.seen.update(str(payload["id"]) for payload in found)
            after = span.after(found)
            is_done = high - PAGE <= low or after.is_passed
            step = self.steps[span.position]
            self.steps[span.position] = replace(step, cursor=after.cursor, is_done=is_done)
        if self.readers:
            threading.Event().wait(0.0005)
        return None if is_done else after

    def _cut(self, span: Span, at: int) -> Span | None:
        with self.lock:
            position = max(self.steps) + 1
            self.steps[span.position] = replace(self.steps[span.position], created_from=at)
            self.steps[position] = replace(_step(position), created_from=span.created_from, created_before=at)
        return Span(position=position, kind=CHARGES, created_from=span.created_from, created_before=at)


def _step(position: int) -> Step:
    return Step(position=position, action=Action.LIST, kind=CHARGES, cursor=None, pages=0, objects=0, is_done=False)


def _span(position: int = 0, **more: Any) -> Span:
    return Span(position=position, kind=CHARGES, **more)

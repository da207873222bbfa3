"""Python looks for garbage between batches, not in them."""

import gc
from collections.abc import Iterator
from threading import Thread

import pytest

from stripe_sync.garbage import collected_later


@pytest.fixture(autouse=True)
def _searching() -> Iterator[None]:
    gc.enable()
    yield
    gc.enable()


def test_no_search_meanwhile() -> None:
    """The search pauses, and goes on afterwards, also where the work fails."""
    with collected_later():
        assert not gc.isenabled()
    assert gc.isenabled()
    with pytest.raises(ZeroDivisionError), collected_later():
        raise ZeroDivisionError
    assert gc.isenabled()


def test_no_search_at_all_stays_so() -> None:
    """Who wants no search has none afterwards either."""
    gc.disable()
    with collected_later():
        pass
    assert not gc.isenabled()


def test_pause_ends_with_whoever_began_it() -> None:
    """Work that begins during another's pause neither ends nor prolongs it, so that it can't go on for ever."""
    inside = []

    def other() -> None:
        with collected_later():
            inside.append(gc.isenabled())
        inside.append(gc.isenabled())

    with collected_later():
        thread = Thread(target=other)
        thread.start()
        thread.join()
        assert inside == [False, False]
    assert gc.isenabled()
    with collected_later():
        assert not gc.isenabled()

"""Reading a ruleset pauses the search for garbage, and never for longer."""

import gc

import pytest

from rules.collecting import paused


def test_the_search_for_garbage_goes_on_afterwards() -> None:
    """Also when what was done meanwhile failed."""
    with pytest.raises(KeyError), paused():
        assert not gc.isenabled()
        raise KeyError
    assert gc.isenabled()


def test_a_process_that_searches_for_none_is_left_so() -> None:
    """Whoever switched it off has a reason, and pauses may stand within each other."""
    gc.disable()
    try:
        with paused(), paused():
            assert not gc.isenabled()
        assert not gc.isenabled()
    finally:
        gc.enable()

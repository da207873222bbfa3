"""Setting aside what is there to stay."""

import gc
import weakref
from collections.abc import Iterator

import pytest

from web.garbage import SettingAside


class Node:
    """Something that holds on to itself."""

    def __init__(self) -> None:
        self.me = self


@pytest.fixture
def every_third() -> Iterator[SettingAside]:
    """Return one that looks at everything again after three full looks, installed."""
    aside = SettingAside(whole_every=3)
    aside.install()
    yield aside
    aside.uninstall()


@pytest.mark.usefixtures("every_third")
def test_what_survives_is_set_aside() -> None:
    """After a full look nothing that lives is walked over by the next one."""
    gc.collect()

    assert gc.get_freeze_count() > 1000
    assert len(gc.get_objects(generation=2)) < 1000


@pytest.mark.usefixtures("every_third")
def test_new_garbage_is_found() -> None:
    """A cycle that came after the last look and that nobody needs is gone after the next."""
    node = Node()
    seen = weakref.ref(node)
    del node

    gc.collect()

    assert seen() is None


@pytest.mark.usefixtures("every_third")
def test_old_garbage_is_found_in_the_end() -> None:
    """A cycle that was set aside before nobody needed it is found when everything is looked at again."""
    node = Node()
    seen = weakref.ref(node)
    gc.collect()
    del node
    gc.collect()
    before = seen()
    is_still_there = before is not None
    del before

    gc.collect()
    gc.collect()

    assert is_still_there
    assert seen() is None

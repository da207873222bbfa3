"""When Python looks for garbage: not in the middle of a batch.

A batch holds hundreds of thousands of small objects that all go when it ends, by counting references alone. Python's
search for cycles would walk them again and again meanwhile, and take a third of the time.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

_PAUSE = Lock()
"""Held by whoever paused the search; there is one search for all threads."""


@contextmanager
def collected_later() -> Iterator[None]:
    """Let no search for garbage begin meanwhile.

    Of several threads the first pauses it, and ends the pause with its own work, so that a pause never lasts longer
    than one piece of work. Where nothing is searched anyway, nothing changes.
    """
    if not gc.isenabled() or not _PAUSE.acquire(blocking=False):
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        _PAUSE.release()

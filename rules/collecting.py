"""A pause of Python's search for cyclic garbage, while thousands of objects are made that all stay.

The collector looks through everything made since it last looked, again and again while a large ruleset is read; that
takes longer than the reading. Reference counts free what is dropped meanwhile as ever.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def paused() -> Iterator[None]:
    """Search for no garbage meanwhile. Threads may overlap: the first to end ends the pause, which only costs time."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()

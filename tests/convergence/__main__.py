"""`python -m tests.convergence FIRST COUNT [--postgresql] [--shrink] [--one]`: run histories, print those that differ.

For the same histories in every run start it with `PYTHONHASHSEED=0`, as `make torture` does. The last line is
`done COUNT DIFFERENT`.
"""

import argparse
import gc
import logging
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog

from tests.convergence.databases import PostgresqlStorage, SqliteStorage, Storage
from tests.convergence.steps import history
from tests.convergence.universe import Universe, shrink, tried
from tests.servers import start_postgresql

MEMORY = Path("/dev/shm")
MOST_SHRUNK = 3


@contextmanager
def storage(*, postgresql: bool) -> Iterator[Storage]:
    """Return a database for histories, in memory where that can be had."""
    if postgresql:
        with start_postgresql() as server:
            yield PostgresqlStorage(server)
        return
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        yield SqliteStorage(Path(folder))


def main() -> int:
    """Run; return 1 if anything differed."""
    parser = argparse.ArgumentParser(prog="python -m tests.convergence")
    parser.add_argument("first", type=int, help="the first seed")
    parser.add_argument("count", type=int, nargs="?", default=1, help="how many")
    parser.add_argument("--postgresql", action="store_true", help="on PostgreSQL instead of SQLite")
    parser.add_argument("--shrink", action="store_true", help="make the histories that differ small")
    parser.add_argument("--one", action="store_true", help="end with the first history that differs")
    chosen = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    done = different = 0
    with storage(postgresql=chosen.postgresql) as found:
        universe = Universe(found)
        # What is there by now stays, and is not searched for garbage again and again.
        gc.freeze()
        for seed in range(chosen.first, chosen.first + chosen.count):
            told = tried(universe, history(seed))
            done += 1
            if not told:
                continue
            different += 1
            shown = history(seed)
            if chosen.shrink and different <= MOST_SHRUNK:
                shown = shrink(universe, shown)
                told = tried(universe, shown)
            print(shown, *told, sep="\n", flush=True)
            if chosen.one:
                break
        universe.close()
    print(f"done {done} {different}", flush=True)
    return bool(different)


if __name__ == "__main__":
    sys.exit(main())

"""Convergence with real processes: web server, worker, scheduler and Valkey, killed at random; 0 differences.

`HISTORIES` in the environment says how many; the usual number is 200, on SQLite, a quarter of them on PostgreSQL.
"""

import os
import time

from tests.convergence.processes import installation
from tests.convergence.processes import run as run_history
from tests.servers import start_postgresql

HISTORIES = 200
ON_POSTGRESQL = 4
"""Each so many-th history runs on PostgreSQL."""


def run(seed: int, scale: float) -> bool:
    """Run the histories from `seed` on; print how many differed, and how long they took."""
    count = max(1, round(int(os.environ.get("HISTORIES", HISTORIES)) * scale))
    on_postgresql = count // ON_POSTGRESQL
    started = time.monotonic()
    different = _run(seed, count - on_postgresql, None)
    if on_postgresql:
        with start_postgresql() as server, server.fresh_database() as url:
            different += _run(seed + count - on_postgresql, on_postgresql, url)
    took = time.monotonic() - started
    print(
        f"{count} histories with real processes, {on_postgresql} of them on PostgreSQL: {different} differences, "
        f"{took / count:.1f} s each"
    )
    return different == 0


def _run(first: int, count: int, database_url: str | None) -> int:
    different = 0
    with installation(database_url) as place:
        for seed in range(first, first + count):
            told = run_history(place, seed)
            if told:
                different += 1
                print(f"history {seed}:", *told, sep="\n  ", flush=True)
    return different

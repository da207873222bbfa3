"""Convergence with real processes: web server, worker, scheduler and Valkey, killed at random; 0 differences.

`HISTORIES` in the environment says how many; the usual number is 200, on SQLite, a quarter of them on PostgreSQL.
"""

import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext

from tests.convergence.processes import installation
from tests.convergence.processes import run as run_history
from tests.servers import PostgresqlServer, start_postgresql

HISTORIES = 200
ON_POSTGRESQL = 4
"""Each so many-th history runs on PostgreSQL."""
AT_ONCE = 2
"""How many installations run side by side: most of a history is waiting."""


def run(seed: int, scale: float) -> bool:
    """Run the histories from `seed` on; print how many differed, and how long they took."""
    count = max(1, round(int(os.environ.get("HISTORIES", HISTORIES)) * scale))
    on_postgresql = count // ON_POSTGRESQL
    seeds, started = range(seed, seed + count), time.monotonic()
    different = _run(seeds[: count - on_postgresql], None)
    if on_postgresql:
        with start_postgresql() as server:
            different += _run(seeds[count - on_postgresql :], server)
    took = time.monotonic() - started
    print(
        f"{count} histories with real processes, {on_postgresql} of them on PostgreSQL: {different} differences, "
        f"{took / count:.1f} s each"
    )
    return different == 0


def _run(seeds: Sequence[int], server: PostgresqlServer | None) -> int:
    """Run histories, some installations side by side; return how many differed."""
    with ThreadPoolExecutor(AT_ONCE) as threads:
        return sum(threads.map(lambda part: _run_part(part, server), [seeds[n::AT_ONCE] for n in range(AT_ONCE)]))


def _run_part(seeds: Sequence[int], server: PostgresqlServer | None) -> int:
    different = 0
    with nullcontext() if server is None else server.fresh_database() as url, installation(url) as place:
        for seed in seeds:
            told = run_history(place, seed)
            if told:
                different += 1
                print(f"history {seed}:", *told, sep="\n  ", flush=True)
    return different

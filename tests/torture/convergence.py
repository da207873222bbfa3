"""Convergence: seeded histories of loss, repetition, reordering, crash, throttling and clock skew; 0 differences.

One process for each processor runs its share on SQLite in memory; a twentieth of the histories runs on PostgreSQL.
`SEEDS` in the environment says how many histories (`make torture SEEDS=10000`); that is also the usual number.
"""

import os
import subprocess
import sys
import time
from itertools import pairwise

SEEDS = 10_000
ON_POSTGRESQL = 20
"""Each so many-th history runs on PostgreSQL."""


def run(seed: int, scale: float) -> bool:
    """Run the histories from `seed` on; print how many differed, and how fast it went."""
    count = max(1, round(int(os.environ.get("SEEDS", SEEDS)) * scale))
    on_postgresql = count // ON_POSTGRESQL
    workers = os.cpu_count() or 1
    shares = _shares(seed, count - on_postgresql, workers)
    started = time.monotonic()
    processes = [_start(first, share) for first, share in shares if share]
    if on_postgresql:
        processes.append(_start(seed + count - on_postgresql, on_postgresql, "--postgresql"))
    outputs = [process.communicate()[0] for process in processes]
    took = time.monotonic() - started
    done = different = 0
    for output in outputs:
        *told, last = output.strip().splitlines() or ["done 0 1"]
        print(*told, sep="\n", end="\n" if told else "")
        words = last.split()
        is_whole = words[:1] == ["done"]
        done += int(words[1]) if is_whole else 0
        different += int(words[2]) if is_whole else 1
        if not is_whole:
            print(last)
    print(
        f"{done:,} histories, {on_postgresql:,} of them on PostgreSQL: {different} differences, "
        f"{done / took:.1f} a second"
    )
    return different == 0 and done == count


def _shares(first: int, count: int, workers: int) -> list[tuple[int, int]]:
    """Return as many spans of seeds as there are workers."""
    bounds = [first + count * number // workers for number in range(workers + 1)]
    return [(start, end - start) for start, end in pairwise(bounds)]


def _start(first: int, count: int, *options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.convergence", str(first), str(count), "--shrink", *options]
    # Sets are walked in the same order everywhere, so that a seed is the same history for everybody.
    environment = {**os.environ, "PYTHONHASHSEED": "0"}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

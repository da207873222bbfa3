"""A million lines through `ochre rules eval`: as many decisions, in their order, in memory that does not grow."""

import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import IO, Any, NamedTuple

from tests.bench import workload

LINES = 1_000_000
FEW = 20_000
RULES = 100
MOST_GROWTH_MB = 8
_PEOPLE = 500
_EVERY = 10


class _Run(NamedTuple):
    """What the run came to."""

    is_right: bool
    """Whether there were as many decisions as lines, in their order."""
    early_mb: float
    late_mb: float
    seconds: float


def run(seed: int, scale: float) -> bool:
    """Evaluate the lines; the process must not be larger after all than after the first few."""
    lines = max(2 * FEW, round(LINES * scale))
    with tempfile.TemporaryDirectory() as folder:
        ruleset = Path(folder) / "rules.yaml"
        ruleset.write_text(_ruleset(seed))
        found = _evaluated(ruleset, lines, seed)
    print(
        f"  {lines:,} decisions over {RULES} rules in {found.seconds:.0f} s, {'right' if found.is_right else 'WRONG'}"
    )
    print(f"  {found.early_mb:.1f} MB after {FEW:,} lines, {found.late_mb:.1f} MB after all")
    return found.is_right and found.late_mb < found.early_mb + MOST_GROWTH_MB


def _ruleset(seed: int) -> str:
    """Return rules of the benchmark; the last one says which lines it saw."""
    rules = workload.rules(RULES - 1, 0.01, seed)
    lines = [
        f"  - {{name: r{n}, when: '{workload.condition(one)}', then: {{add_tags: [t]}}}}" for n, one in enumerate(rules)
    ]
    lines.append("  - {name: tenth, when: 'hour == 0', then: {add_tags: [tenth]}}")
    return "\n".join(["version: 1", "rules:", *lines, "fallback: {assign_team: support}\n"])


def _evaluated(ruleset: Path, lines: int, seed: int) -> _Run:
    command = [sys.executable, "-m", "web.cli.main", "rules", "eval", str(ruleset), "--facts", "-"]
    started = time.monotonic()
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    is_read = threading.Event()
    threading.Thread(target=_write, args=(process.stdin, lines, seed, is_read), daemon=True).start()
    decisions, in_order, early, late = 0, True, 0.0, 0.0
    for decision in process.stdout:
        in_order = in_order and (b'"tenth"' in decision) is (decisions % _EVERY == 0)
        decisions += 1
        if decisions == FEW:
            early = _resident_mb(process.pid)
        if decisions == lines:
            late = _resident_mb(process.pid)
            is_read.set()
    is_right = process.wait() == 0 and in_order and decisions == lines
    return _Run(is_right, early, late, time.monotonic() - started)


def _resident_mb(process: int) -> float:
    command = ["ps", "-o", "rss=", "-p", str(process)]
    return int(subprocess.run(command, capture_output=True, check=True, text=True).stdout) / 1024


def _write(stream: IO[bytes], lines: int, seed: int, is_read: threading.Event) -> None:
    people = list(_people(seed))
    with stream:
        for number in range(lines):
            start = people[number % _PEOPLE]
            stream.write(start + b', "hour": %d, "payments": %d}\n' % (number % _EVERY, number))
        stream.flush()
        is_read.wait()  # the process lives until its size was read


def _people(seed: int) -> Iterator[bytes]:
    """Yield the facts of a person as JSON, without the last bracket; some are unknown."""
    for person in workload.people(_PEOPLE, 0.1, seed):
        values: dict[str, Any] = {name: _plain(value) for name, value in person.facts.values.items()}
        values.pop("payments", None)
        yield json.dumps(values)[:-1].encode()


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")
    return list(value) if isinstance(value, tuple) else value

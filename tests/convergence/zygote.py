"""A process that has imported everything and forks Ochre's processes: each is there in a tenth of a second.

What is forked runs `ochre`'s own commands with an environment of its own, and dies alone. `python -m
tests.convergence.zygote` reads a line of JSON for each process to start, and answers with its number; when its input
ends it ends everything it started.
"""

import contextlib
import importlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

IMPORTED = ("web.cli.main", "web.cli.serve", "web.cli.worker", "web.cli.scheduler", "web.wsgi", "web.worker")
LIBRARIES = ("granian", "granian.server", "granian.constants", "granian.log", "web.jobs", "web.logging")


class Zygote:
    """The process that forks, as those who ask it see it."""

    def __init__(self) -> None:
        """Start it; it is ready when it first answers."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.convergence.zygote"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def start(self, arguments: Sequence[str], environ: Mapping[str, str], log: Path) -> int:
        """Start `ochre` with some arguments; return the number of its process."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        asked = {"arguments": list(arguments), "environ": dict(environ), "log": str(log)}
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def close(self) -> None:
        """End it and what it started."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


def main() -> None:
    """Fork what is asked for until the input ends."""
    for name in (*IMPORTED, *LIBRARIES):
        importlib.import_module(name)
    from stripe_sync.rates import PublishedRates
    from web.clock import SystemClock

    PublishedRates().rate("eur", "usd", SystemClock().now())  # read once, for all who are forked
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them here
    started: list[int] = []
    for line in sys.stdin:
        process = os.fork()
        if process == 0:
            _become(**json.loads(line))
        started.append(process)
        print(process, flush=True)
    for process in started:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)


def _become(arguments: Sequence[str], environ: Mapping[str, str], log: str) -> NoReturn:
    """Run `ochre` in this process, and end with it."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setpgid(0, 0)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for number in (1, 2):
        os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), number)
    os.environ.clear()
    os.environ.update(environ)
    from web.cli.main import main as ochre

    ochre(arguments)
    sys.exit()


if __name__ == "__main__":
    main()

"""A supervisor of child processes: starts them, keeps them running, and stops every one of them.

Each child leads its own process group, so that a Ctrl-C in the terminal reaches the supervisor alone, and so
that a child's own children are stopped with it. A child's output goes to its log file.
"""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import psutil

from web.processes.folder import ChildRecord, DataFolder

STOP_SECONDS = 8.0
POLL_SECONDS = 0.05
MAX_RESTARTS = 5


class ChildError(Exception):
    """A child could not be started or kept running; the message is fit for a terminal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildSpec:
    """How to start a child."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]


@dataclass(slots=True)
class _Child:
    spec: ChildSpec
    process: subprocess.Popen[bytes]
    log: Path
    restarts: int = 0


class Supervisor:
    """Runs children until asked to stop."""

    def __init__(self, folder: DataFolder) -> None:
        self._folder = folder
        self._children: list[_Child] = []
        self.stopping = False

    def start(self, spec: ChildSpec) -> Path:
        """Start a child and return its log file."""
        log = self._folder.logs / f"{spec.name}.log"
        log.write_bytes(b"")
        self._children.append(_Child(spec, _spawn(spec, log), log))
        self._record()
        return log

    def wait_until(self, name: str, ready: Callable[[], bool], *, seconds: float) -> None:
        """Wait for `ready`; raise ChildError if the child ends first or takes longer than `seconds`."""
        child = next(child for child in self._children if child.spec.name == name)
        deadline = time.monotonic() + seconds
        while True:
            if child.process.poll() is not None:
                raise ChildError(f"{name} ended with code {child.process.returncode}: {_last_line(child.log)}")
            if ready():
                return
            if time.monotonic() > deadline:
                raise ChildError(f"{name} was not ready after {seconds:.0f} s; its log is {child.log}")
            if self.stopping:
                raise KeyboardInterrupt
            time.sleep(POLL_SECONDS)

    def check(self) -> None:
        """Restart children that ended; raise ChildError when one keeps ending."""
        for child in self._children:
            if child.process.poll() is None:
                continue
            if child.restarts >= MAX_RESTARTS:
                raise ChildError(f"{child.spec.name} keeps ending: {_last_line(child.log)} (log: {child.log})")
            child.restarts += 1
            child.process = _spawn(child.spec, child.log)
            self._record()

    def stop(self) -> None:
        """Stop all children, the last started first, and leave none behind."""
        for child in reversed(self._children):
            _signal_group(child.process, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.process.wait(STOP_SECONDS)
            _signal_group(child.process, signal.SIGKILL)
            child.process.wait()
        self._children.clear()
        self._record()

    def stop_on_signals(self) -> None:
        """Note Ctrl-C, termination and a closed terminal instead of dying of them."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._note_signal)

    def _note_signal(self, _number: int, _frame: FrameType | None) -> None:
        self.stopping = True

    def _record(self) -> None:
        records = []
        for child in self._children:
            with contextlib.suppress(psutil.Error):
                pid = child.process.pid
                records.append(ChildRecord(name=child.spec.name, pid=pid, started=psutil.Process(pid).create_time()))
        self._folder.record(records)


def _spawn(spec: ChildSpec, log: Path) -> subprocess.Popen[bytes]:
    with log.open("ab") as output:
        return subprocess.Popen(  # noqa: S603 - our own commands, never a user's words
            list(spec.command),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **spec.environment},
            start_new_session=True,
        )


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def _last_line(log: Path) -> str:
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1] if lines else "it printed nothing"

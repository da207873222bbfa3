"""The data folder of an embedded Ochre: one owner at a time, and no process of a dead owner left running.

While a supervisor runs it holds an exclusive lock on the folder and keeps a list of its children there. A
supervisor that was killed leaves the list behind but not the lock, so the next one ends what is still running.
A process is ended only if it is the one that was recorded: the same process group, not started before it.
"""

import contextlib
import fcntl
import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TextIO

import psutil

GRACE_SECONDS = 3.0
POLL_SECONDS = 0.05


class FolderError(Exception):
    """The data folder can't be used; the message is one line that says why and how to mend it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildRecord:
    """A child process, recognisable after its parent's death."""

    name: str
    pid: int
    started: float


class DataFolder:
    """A data folder that this process owns."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.logs = path / "logs"
        self._records = path / "processes.json"

    def record(self, children: list[ChildRecord]) -> None:
        """Write down the children now running, so that a successor can end them."""
        write_atomically(self._records, json.dumps([asdict(child) for child in children]))

    def end_leftovers(self) -> list[str]:
        """End what a killed predecessor left running, and return the names."""
        try:
            records = [ChildRecord(**entry) for entry in json.loads(self._records.read_text())]
        except (OSError, ValueError, TypeError):
            return []
        ended = [record.name for record in records if _end_group(record)]
        self.record([])
        return ended


@contextmanager
def open_data_folder(path: Path) -> Iterator[DataFolder]:
    """Make and lock the folder; raise FolderError when it can't be written or somebody else runs on it."""
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        (path / "logs").mkdir(exist_ok=True)
        lock = (path / "lock").open("a+")
    except OSError as error:
        reason = error.strerror or str(error)
        raise FolderError(
            f"Can't write to {path}: {reason}. Set OCHRE_DATA_DIR to a folder you may write to."
        ) from error
    with lock:
        _lock(lock, path)
        yield DataFolder(path)


def write_atomically(path: Path, text: str, *, mode: int = 0o600) -> None:
    """Replace a file's content so that a reader sees the old or the new, never a part."""
    partial = path.with_name(path.name + ".partial")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def _lock(lock: TextIO, path: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.seek(0)
        owner = lock.read().strip() or "unknown"
        raise FolderError(f"Ochre already runs on {path} (process {owner}); stop it first.") from error
    lock.seek(0)
    lock.truncate()
    lock.write(str(os.getpid()))
    lock.flush()


def _end_group(record: ChildRecord) -> bool:
    if not _is_running(record):
        return False
    for sign in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(record.pid, sign)
        deadline = time.monotonic() + GRACE_SECONDS
        while time.monotonic() < deadline:
            if not _is_running(record):
                return True
            time.sleep(POLL_SECONDS)
    return True


def _is_running(record: ChildRecord) -> bool:
    """Tell whether a process of the child's group still runs; a dead one that nobody asked about does not."""
    # Children lead a process group of their own, so the group's number is the recorded pid.
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, ProcessLookupError):
            is_member = os.getpgid(process.pid) == record.pid and process.create_time() >= record.started - 1
            if is_member and process.status() != psutil.STATUS_ZOMBIE:
                return True
    return False

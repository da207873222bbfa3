"""A journal of operations: all that is needed to build the same simulated Stripe again.

The first line says what was generated, each further one is an operation, written before it is done. A line that
a crash cut short is the last and is left out.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

FORMAT = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """What a simulated Stripe was generated from."""

    seed: str
    customers: int
    test_customers: int
    accounts: int
    livemode: bool
    now: int
    format: int = FORMAT


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One operation: what, with which arguments, when."""

    action: str
    args: dict[str, Any]
    now: float


class JournalError(Exception):
    """The journal cannot be used; the message says what to do."""


class Journal:
    """An append-only file; without a path it keeps nothing."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._descriptor: int | None = None

    def load(self, wanted: Origin) -> tuple[Origin, list[Entry]]:
        """Return what the file holds, or begin a new one with `wanted`; raises JournalError."""
        if self._path is None:
            return wanted, []
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            lines = self._path.read_bytes().splitlines(keepends=True) if self._path.exists() else []
            complete = [line for line in lines if line.endswith(b"\n")]
            self._descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            if len(complete) != len(lines):
                os.ftruncate(self._descriptor, sum(map(len, complete)))
            if not complete:
                self._write(asdict(wanted))
                return wanted, []
            origin = self._origin(json.loads(complete[0]), wanted)
            return origin, list(_entries(complete[1:]))
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise JournalError(f"The simulator's state file {self._path} cannot be used ({error}).") from error

    def _origin(self, header: dict[str, Any], wanted: Origin) -> Origin:
        found = Origin(**header)
        for name in ("format", "seed", "customers", "test_customers", "accounts", "livemode"):
            if getattr(found, name) != getattr(wanted, name):
                raise JournalError(
                    f"The simulator's state file {self._path} was made with {name} {getattr(found, name)!r}, not "
                    f"{getattr(wanted, name)!r}: delete the file, or start with what it was made with."
                )
        return found

    def append(self, entry: Entry) -> None:
        """Write an operation down before it is done."""
        if self._descriptor is not None:
            self._write(asdict(entry))

    def _write(self, line: dict[str, Any]) -> None:
        assert self._descriptor is not None, "loaded before it is written"
        os.write(self._descriptor, json.dumps(line).encode() + b"\n")

    def close(self) -> None:
        """Close the file."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _entries(lines: list[bytes]) -> Iterator[Entry]:
    for line in lines:
        yield Entry(**json.loads(line))

"""A clock for tests: it stands still until moved, and its ids and secrets are predictable and sorted."""

import itertools
from datetime import datetime, timedelta


class FrozenClock:
    """Satisfies `engine.ports.Clock`."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._counter = itertools.count(1)

    def now(self) -> datetime:
        """Return the instant the clock stands at."""
        return self._now

    def advance(self, by: timedelta) -> datetime:
        """Move the clock and return the new instant."""
        self._now += by
        return self._now

    def new_id(self, prefix: str) -> str:
        """Return `prefix_` and a number of 26 digits."""
        return f"{prefix}_{next(self._counter):026d}"

    def new_secret(self, bytes_: int = 32) -> str:
        """Return a predictable secret of the usual length."""
        return f"secret{next(self._counter)}".ljust(bytes_ * 4 // 3, "x")

"""Slowing down those who guess: failed attempts are counted in Redis, and in the process while Redis is away."""

from collections.abc import Sequence
from datetime import timedelta

import structlog
from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import FixedWindowRateLimiter
from redis.exceptions import RedisError

log = structlog.get_logger(__name__)

PER_EMAIL = RateLimitItemPerMinute(10, 15)
"""Failures for one e-mail address: 10 in 15 minutes."""
PER_ADDRESS = RateLimitItemPerMinute(100, 15)
"""Failures from one network address, behind which a whole office may sit: 100 in 15 minutes."""

TOKENS_PER_ADDRESS = RateLimitItemPerMinute(60, 5)
"""API tokens that nobody has, from one network address: 60 in 5 minutes."""


class Throttle:
    """Counts failures by key and says when there were too many."""

    def __init__(self, redis_url: str | None) -> None:
        """Count in the Redis at `redis_url`, or in this process alone if there is none."""
        self._here = FixedWindowRateLimiter(MemoryStorage())
        self._shared = None
        if redis_url is not None:
            storage = RedisStorage(redis_url, wrap_exceptions=False, socket_timeout=0.5, socket_connect_timeout=0.5)
            self._shared = FixedWindowRateLimiter(storage)

    def wait(self, keys: Sequence[tuple[RateLimitItem, str]]) -> timedelta | None:
        """Return how long whoever has one of `keys` must wait, or None if another attempt is allowed."""
        for limiter in self._limiters():
            try:
                return _wait(limiter, keys)
            except (RedisError, OSError) as error:
                log.warning("throttle_without_redis", error=type(error).__name__)
        return None

    def count(self, keys: Sequence[tuple[RateLimitItem, str]]) -> None:
        """Count one failure for each of `keys`."""
        for limiter in self._limiters():
            try:
                for item, key in keys:
                    limiter.hit(item, key)
            except (RedisError, OSError) as error:
                log.warning("throttle_without_redis", error=type(error).__name__)
            else:
                return

    def _limiters(self) -> Sequence[FixedWindowRateLimiter]:
        return (self._here,) if self._shared is None else (self._shared, self._here)


def _wait(limiter: FixedWindowRateLimiter, keys: Sequence[tuple[RateLimitItem, str]]) -> timedelta | None:
    for item, key in keys:
        if not limiter.test(item, key):
            return timedelta(seconds=item.get_expiry())
    return None

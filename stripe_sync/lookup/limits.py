"""How often senders may be looked up: counted in Redis for all processes, here alone while Redis is away."""

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import SlidingWindowCounterRateLimiter
from redis.exceptions import RedisError

from engine.ids import ConnectionId

PER_CONNECTION: RateLimitItem = RateLimitItemPerMinute(30)


class LookupLimits:
    """Counts look-ups by connection."""

    def __init__(self, redis_url: str | None) -> None:
        """Count in the Redis at `redis_url`, or in this process alone if there is none."""
        self._here = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._shared = None
        if redis_url is not None:
            storage = RedisStorage(redis_url, wrap_exceptions=False, socket_timeout=0.2, socket_connect_timeout=0.2)
            self._shared = SlidingWindowCounterRateLimiter(storage)

    def allow(self, connection_id: ConnectionId) -> bool:
        """Count one look-up; return False, and count nothing, if there were too many."""
        key = f"stripe-lookup:{connection_id}"
        if self._shared is not None:
            try:
                return self._shared.hit(PER_CONNECTION, key)
            except (RedisError, OSError):
                pass  # this process counts alone until Redis is back
        return self._here.hit(PER_CONNECTION, key)

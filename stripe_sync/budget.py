"""How fast we may read an account: one token bucket per account and mode, shared by all processes through Redis.

The bucket keeps well below Stripe's own limits, so that the merchant's traffic has room. When Stripe says "too
many" all the same, the bucket is emptied for everybody. Without Redis, or while it is down, each process keeps a
bucket of its own: slower to agree, never blocked.
"""

import time
from collections.abc import Callable
from threading import Lock

import redis

from stripe_sync.settings import StripeConfig

_KEY = "ochre:budget:"
_EXPIRY_MS = 60_000
_SCRIPT = """
local now = redis.call('TIME')
local at = now[1] * 1000 + now[2] / 1000
local rate, burst, penalty = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local state = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local tokens, last = tonumber(state[1]) or burst, tonumber(state[2]) or at
tokens = math.min(burst, tokens + math.max(0, at - last) * rate / 1000)
if penalty > 0 then tokens = math.min(tokens, -penalty * rate / 1000) else tokens = tokens - 1 end
redis.call('HSET', KEYS[1], 'tokens', tokens, 'at', at)
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return tostring(math.max(0, -tokens * 1000 / rate))
"""


class Budget:
    """Hands out permission to send requests, and waits for it."""

    def __init__(self, config: StripeConfig, *, sleep: Callable[[float], None] = time.sleep) -> None:
        """Allow `config.requests_per_second` per account, with a burst of a quarter of a second."""
        self._rate = config.requests_per_second
        self._burst = max(1.0, self._rate / 4)
        self._sleep = sleep
        self._local = _LocalBuckets(self._rate, self._burst)
        self._script = None
        if config.redis_url:
            client = redis.Redis.from_url(config.redis_url, socket_timeout=1, socket_connect_timeout=1)
            self._script = client.register_script(_SCRIPT)

    def take(self, account: str) -> None:
        """Wait until one more request to `account` is within its budget."""
        wait_ms = self._reserve(account, 0.0)
        if wait_ms > 0:
            self._sleep(wait_ms / 1000)

    def punish(self, account: str, seconds: float) -> None:
        """Let nobody send to `account` for a while: Stripe said that it is too much."""
        self._reserve(account, seconds * 1000)

    def _reserve(self, account: str, penalty_ms: float) -> float:
        if self._script is not None:
            try:
                answer = self._script(keys=[_KEY + account], args=[self._rate, self._burst, penalty_ms, _EXPIRY_MS])
                return float(answer)
            except redis.RedisError:
                pass  # the bucket of this process stands in until Redis is back
        return self._local.reserve(account, penalty_ms, time.monotonic() * 1000)


class _LocalBuckets:
    """The same bucket in this process alone."""

    def __init__(self, rate: float, burst: float) -> None:
        self._rate = rate
        self._burst = burst
        self._lock = Lock()
        self._state: dict[str, tuple[float, float]] = {}

    def reserve(self, account: str, penalty_ms: float, at_ms: float) -> float:
        """Take one token, or empty the bucket for `penalty_ms`; return how many milliseconds to wait."""
        with self._lock:
            tokens, last = self._state.get(account, (self._burst, at_ms))
            tokens = min(self._burst, tokens + max(0.0, at_ms - last) * self._rate / 1000)
            tokens = min(tokens, -penalty_ms * self._rate / 1000) if penalty_ms > 0 else tokens - 1
            self._state[account] = (tokens, at_ms)
            return max(0.0, -tokens * 1000 / self._rate)

"""How fast we may read an account: token buckets shared by all processes through Redis, that give way to 429s.

An account and mode has one bucket for everything, and one for each class of endpoint, as Stripe has; a request takes
from both. Both keep below Stripe's own limits, so that the merchant's traffic has room. People who wait have a small
bucket of their own, so that a backfill never stands in their way.

When Stripe says "too many", the bucket that its reason names is emptied for a while and its rate halved, for
everybody; then the rate grows back by a fiftieth of the full one each second (additive increase, multiplicative
decrease: Chiu and Jain, 1989). Without Redis, or while it is down, each process keeps buckets of its own: slower to
agree, never blocked.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Lock

import redis

from stripe_sync.settings import StripeConfig

BURST_S = 0.25
"""A bucket holds what its rate gives in this time."""
GROWTH = 0.02
"""By what part of the full rate a slowed one grows in a second."""
LEAST = 0.02
"""Below this part of the full rate a bucket is never slowed."""
SETTLE_MS = 1000
"""However many 429s come within this time, they slow a bucket once: they answer requests that were on their way."""
INTERACTIVE_RATE = 5.0
_KEY = "ochre:budget:"
_EXPIRY_MS = 600_000
_SCRIPT = """
local now = redis.call('TIME')
local at = now[1] * 1000 + now[2] / 1000
local wait = 0
for place, key in ipairs(KEYS) do
  local full, penalty = tonumber(ARGV[place * 2 - 1]), tonumber(ARGV[place * 2])
  local state = redis.call('HMGET', key, 'tokens', 'at', 'rate', 'slowed')
  local last = tonumber(state[2]) or at
  local passed = math.max(0, at - last) / 1000
  local rate = math.min(full, (tonumber(state[3]) or full) + passed * full * GROWTH)
  local burst = math.max(1, full * BURST)
  local tokens = math.min(burst, (tonumber(state[1]) or burst) + passed * rate)
  local slowed = tonumber(state[4]) or 0
  if penalty > 0 then
    if at - slowed >= SETTLE then
      rate = math.max(full * LEAST, rate / 2)
      slowed = at
    end
    tokens = math.min(tokens, -penalty * rate / 1000)
  else
    tokens = tokens - 1
  end
  redis.call('HSET', key, 'tokens', tokens, 'at', at, 'rate', rate, 'slowed', slowed)
  redis.call('PEXPIRE', key, EXPIRY)
  wait = math.max(wait, -tokens * 1000 / rate)
end
return tostring(wait)
"""
for _name, _value in {"GROWTH": GROWTH, "BURST": BURST_S, "LEAST": LEAST, "SETTLE": SETTLE_MS}.items():
    _SCRIPT = _SCRIPT.replace(_name, str(_value))
_SCRIPT = _SCRIPT.replace("EXPIRY", str(_EXPIRY_MS))


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """One bucket, and its full rate in requests a second."""

    name: str
    rate: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One account and mode, as the budget knows it."""

    account_id: str
    livemode: bool
    is_interactive: bool = False
    """Somebody waits."""

    @property
    def name(self) -> str:
        """Return what its buckets' names begin with."""
        return f"{self.account_id}:{'live' if self.livemode else 'test'}"


class Budget:
    """Hands out permission to send requests, and waits for it."""

    def __init__(self, config: StripeConfig, *, sleep: Callable[[float], None] = time.sleep) -> None:
        """Allow what `config` says for an account and for each class of its endpoints."""
        self._config = config
        self._sleep = sleep
        self._local = _LocalBuckets()
        self._script = None
        if config.redis_url:
            client = redis.Redis.from_url(config.redis_url, socket_timeout=1, socket_connect_timeout=1)
            self._script = client.register_script(_SCRIPT)

    def take(self, account: Account, endpoint: str) -> None:
        """Wait until one more request to a class of endpoints of an account is within its budget."""
        wait_ms = self._reserve(self._buckets(account, endpoint), 0.0)
        if wait_ms > 0:
            self._sleep(wait_ms / 1000)

    def punish(self, account: Account, endpoint: str, seconds: float, reason: str | None = None) -> None:
        """Let nobody send for a while, and everybody more slowly: Stripe said that it is too much.

        `reason` is Stripe's, such as `endpoint-rate`; one about the endpoint slows that class alone. A 429 without a
        reason is a lock that was taken, not a rate that was exceeded: its class pauses.
        """
        whole, endpoints = self._buckets(account, endpoint)
        is_global = reason is not None and not reason.startswith(("endpoint", "resource"))
        self._reserve([whole if is_global else endpoints], seconds * 1000)

    def _buckets(self, account: Account, endpoint: str) -> Sequence[Bucket]:
        config = self._config
        if account.is_interactive:
            rate, name = min(INTERACTIVE_RATE, config.requests_per_second), f"{account.name}:interactive"
            return Bucket(name=name, rate=rate), Bucket(name=f"{name}:{endpoint}", rate=rate)
        overall = config.requests_overall_live if account.livemode else config.requests_overall_test
        return (
            Bucket(name=account.name, rate=max(overall, config.requests_per_second)),
            Bucket(name=f"{account.name}:{endpoint}", rate=config.requests_per_second),
        )

    def _reserve(self, buckets: Sequence[Bucket], penalty_ms: float) -> float:
        if self._script is not None:
            arguments = [value for bucket in buckets for value in (bucket.rate, penalty_ms)]
            try:
                return max(0.0, float(self._script(keys=[_KEY + bucket.name for bucket in buckets], args=arguments)))
            except redis.RedisError:
                pass  # the buckets of this process stand in until Redis is back
        return self._local.reserve(buckets, penalty_ms, time.monotonic() * 1000)


@dataclass(slots=True)
class _State:
    """A bucket as one process keeps it; instants in milliseconds."""

    tokens: float
    at_ms: float
    rate: float
    slowed_ms: float = float("-inf")


class _LocalBuckets:
    """The same buckets in this process alone."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._states: dict[str, _State] = {}

    def reserve(self, buckets: Sequence[Bucket], penalty_ms: float, at_ms: float) -> float:
        """Take one token of each, or empty and slow each for `penalty_ms`; return how many milliseconds to wait."""
        with self._lock:
            return max(0.0, *(self._reserve(bucket, penalty_ms, at_ms) for bucket in buckets))

    def _reserve(self, bucket: Bucket, penalty_ms: float, at_ms: float) -> float:
        burst = max(1.0, bucket.rate * BURST_S)
        state = self._states.setdefault(bucket.name, _State(tokens=burst, at_ms=at_ms, rate=bucket.rate))
        passed = max(0.0, at_ms - state.at_ms) / 1000
        state.rate = min(bucket.rate, state.rate + passed * bucket.rate * GROWTH)
        state.tokens = min(burst, state.tokens + passed * state.rate)
        state.at_ms = at_ms
        if penalty_ms > 0:
            if at_ms - state.slowed_ms >= SETTLE_MS:
                state.rate, state.slowed_ms = max(bucket.rate * LEAST, state.rate / 2), at_ms
            state.tokens = min(state.tokens, -penalty_ms * state.rate / 1000)
        else:
            state.tokens -= 1
        return -state.tokens * 1000 / state.rate

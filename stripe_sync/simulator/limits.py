"""Rate limits, as Stripe has them: a token bucket per account and mode."""

from dataclasses import dataclass


@dataclass
class Bucket:
    """Tokens that refill steadily; holds at most one second's worth, so bursts are no longer than that."""

    tokens: float
    filled_at: float

    def take(self, now: float, rate: float) -> bool:
        """Take a token if there is one at `now` under this rate a second; a rate of 0 never has one."""
        self.tokens = min(max(rate, 1.0), self.tokens + max(0.0, now - self.filled_at) * rate)
        self.filled_at = max(now, self.filled_at)
        if rate <= 0 or self.tokens < 1:
            return False
        self.tokens -= 1
        return True


class Limiter:
    """The buckets of all accounts."""

    def __init__(self) -> None:
        self._buckets: dict[tuple[str, bool], Bucket] = {}

    def allows(self, who: tuple[str, bool], now: float, rate: float | None) -> bool:
        """Tell whether a request at `now` is within `rate` requests a second; None means no limit."""
        if rate is None:
            return True
        bucket = self._buckets.get(who)
        if bucket is None:
            bucket = self._buckets[who] = Bucket(tokens=max(rate, 1.0), filled_at=now)
        return bucket.take(now, rate)

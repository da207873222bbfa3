"""The one reader of the clock and maker of ids."""

import secrets
import time
from datetime import UTC, datetime

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no i, l, o, u
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]
"""Two digits for each ten bits: half the steps."""


class SystemClock:
    """Real time and real randomness; satisfies `engine.ports.Clock`."""

    def now(self) -> datetime:
        """Return the present instant in UTC."""
        return datetime.now(UTC)

    def new_id(self, prefix: str) -> str:
        """Return `prefix_` and 26 characters: 48 bits of milliseconds, then 82 random bits."""
        number = (time.time_ns() // 1_000_000) << 82 | secrets.randbits(82)
        return f"{prefix}_{_base32(number)}"

    def new_secret(self, bytes_: int = 32) -> str:
        """Return URL-safe randomness for tokens and states."""
        return secrets.token_urlsafe(bytes_)


def _base32(number: int) -> str:
    return "".join([_PAIRS[number >> shift & 1023] for shift in range(120, -1, -10)])

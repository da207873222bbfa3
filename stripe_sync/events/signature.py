"""Stripe's signature over a delivery: checked on the raw bytes, against every active secret. Pure.

The library's own check reads the clock, lets any future through, and fails on bytes that are no UTF-8; ours takes
`now` and refuses both ends. Only scheme `v1` counts: test events carry a fake `v0`.
"""

import hmac
from collections.abc import Iterable
from datetime import datetime

TOLERANCE_S = 300
MAX_HEADER = 4096


def fault_of(body: bytes, header: str | None, secrets: Iterable[str], now: datetime) -> str | None:
    """Return why a delivery cannot be trusted (`missing`, `unreadable`, `mismatch`, `stale`, `future`), or None."""
    if not header:
        return "missing"
    parts = [part.strip().partition("=") for part in header[:MAX_HEADER].split(",")]
    timestamps = [value for name, _, value in parts if name == "t"]
    signatures = [value for name, _, value in parts if name == "v1"]
    if len(timestamps) != 1 or not timestamps[0].isascii() or not timestamps[0].isdigit() or not signatures:
        return "unreadable"
    signed = timestamps[0].encode() + b"." + body
    expected = [hmac.digest(secret.encode(), signed, "sha256").hex() for secret in secrets if secret]
    matches = [hmac.compare_digest(ours.encode(), theirs.encode()) for ours in expected for theirs in signatures]
    if not any(matches):
        return "mismatch"
    age = now.timestamp() - int(timestamps[0])
    if age > TOLERANCE_S:
        return "stale"
    return "future" if age < -TOLERANCE_S else None


def sign(body: bytes, secret: str, at: datetime) -> str:
    """Return the header Stripe would send with `body` at `at`."""
    timestamp = str(int(at.timestamp()))
    digest = hmac.digest(secret.encode(), timestamp.encode() + b"." + body, "sha256").hex()
    return f"t={timestamp},v1={digest}"

"""The secrets people and programs show to be let in, as text and as what we keep of them.

An API token reads `ochre_` + randomness + checksum, so that a scanner finds a leaked one and a mistyped one is
refused without a look-up. Only its SHA-256 is stored: the randomness is 256 bits, which needs no slow hash.
"""

import hashlib
import hmac

PREFIX = "ochre_"
CHECKSUM_LENGTH = 6
MAX_LENGTH = 200


def make_token(secret: str) -> str:
    """Return the API token that carries `secret`, which must be fresh randomness."""
    return f"{PREFIX}{secret}{_checksum(secret)}"


def is_token(text: str) -> bool:
    """Return whether `text` has the form of an API token with a right checksum."""
    if not text.startswith(PREFIX) or len(text) > MAX_LENGTH or not text.isascii():
        return False
    body = text.removeprefix(PREFIX)
    secret, checksum = body[:-CHECKSUM_LENGTH], body[-CHECKSUM_LENGTH:]
    return bool(secret) and hmac.compare_digest(_checksum(secret), checksum)


def hint(token: str) -> str:
    """Return the part of a token that may be shown, so that its owner recognises it."""
    return f"{token[: len(PREFIX) + 4]}…{token[-4:]}"


def digest(secret: str) -> str:
    """Return what is stored of a token or of a sign-in cookie."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _checksum(secret: str) -> str:
    return hashlib.sha256(f"ochre-checksum:{secret}".encode()).hexdigest()[:CHECKSUM_LENGTH]

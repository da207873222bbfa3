"""Passwords: argon2id hashes, and the rules for new ones."""

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

MIN_LENGTH = 10
MAX_LENGTH = 200
"""Hashing a huge text costs us more than it gives its owner."""

_hasher = PasswordHasher()
_nobody: list[str] = []


def refusal(password: str) -> str | None:
    """Return why `password` cannot be taken as a new one, or None if it can."""
    if len(password) < MIN_LENGTH:
        return f"A password has at least {MIN_LENGTH} characters."
    if len(password) > MAX_LENGTH:
        return f"A password has at most {MAX_LENGTH} characters."
    return None


def hash_password(password: str) -> str:
    """Return what is stored of `password`."""
    return _hasher.hash(password)


def is_right(stored: str | None, password: str) -> bool:
    """Return whether `password` is the one that `stored` was made of.

    With nothing stored it takes as long and says no, so that time does not tell which e-mail addresses exist.
    """
    if not _nobody:
        _nobody.append(_hasher.hash("nobody"))
    try:
        _hasher.verify(stored or _nobody[0], password[: MAX_LENGTH + 1])
    except (VerificationError, InvalidHashError):
        return False
    return stored is not None


def needs_rehash(stored: str) -> bool:
    """Return whether `stored` was made with weaker parameters than today's."""
    return _hasher.check_needs_rehash(stored)

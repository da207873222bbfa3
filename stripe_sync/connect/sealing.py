"""Authenticated encryption of secrets at rest: AES-256-GCM under a ring of keys.

Laws
- The first key seals, every key opens. A sealed value names the key it is under, so opening never guesses.
- What a value is for (workspace, connection, field) is bound into it: moved to another row, it does not open.
- Layout: version (1 byte), key id (8), nonce (12), ciphertext with tag.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from typing_extensions import override

VERSION = b"\x01"
KEY_ID_BYTES = 8
NONCE_BYTES = 12
_PURPOSE = b"ochre vault key v1:"


class SealError(Exception):
    """A sealed value cannot be opened: unknown key, another purpose, or damage."""


@dataclass(frozen=True, slots=True)
class Purpose:
    """What a secret is for."""

    workspace_id: str
    connection_id: str
    field: str

    def encode(self) -> bytes:
        """Return the purpose as the bytes that are authenticated with the secret."""
        return f"{self.workspace_id}\x1f{self.connection_id}\x1f{self.field}".encode()


class KeyRing:
    """Seals and opens."""

    def __init__(self, keys: Sequence[str]) -> None:
        """Take the keys as text of any length; raise ValueError if there is none."""
        if not keys:
            raise ValueError("encryption needs at least one key; set OCHRE_ENCRYPTION_KEYS")
        derived = [hashlib.sha256(_PURPOSE + key.encode()).digest() for key in keys]
        self._by_id = {_key_id(key): AESGCM(key) for key in derived}
        self._first = _key_id(derived[0])

    @override
    def __repr__(self) -> str:
        """Show how many keys there are, and none of them."""
        return f"KeyRing({len(self._by_id)} keys)"

    def seal(self, secret: str, purpose: Purpose, nonce: bytes) -> bytes:
        """Return `secret` sealed under the first key; `nonce` must be fresh randomness."""
        if len(nonce) != NONCE_BYTES:
            raise ValueError(f"a nonce has {NONCE_BYTES} bytes")
        sealed = self._by_id[self._first].encrypt(nonce, secret.encode(), VERSION + purpose.encode())
        return VERSION + self._first + nonce + sealed

    def open(self, sealed: bytes, purpose: Purpose) -> str:
        """Return what was sealed; raise SealError."""
        start = 1 + KEY_ID_BYTES
        cipher = self._by_id.get(sealed[1:start])
        if sealed[:1] != VERSION or cipher is None:
            raise SealError("sealed under a key that is not in OCHRE_ENCRYPTION_KEYS")
        nonce, body = sealed[start : start + NONCE_BYTES], sealed[start + NONCE_BYTES :]
        try:
            return cipher.decrypt(nonce, body, VERSION + purpose.encode()).decode()
        except (InvalidTag, ValueError):
            raise SealError("damaged, or sealed for something else") from None

    def is_current(self, sealed: bytes) -> bool:
        """Return whether a value is under the first key."""
        return sealed[1 : 1 + KEY_ID_BYTES] == self._first


def _key_id(key: bytes) -> bytes:
    return hashlib.sha256(b"id:" + key).digest()[:KEY_ID_BYTES]

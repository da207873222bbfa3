"""Protection of requests that a browser sends with its cookie: where they come from, and a token they must carry."""

import hashlib
from collections.abc import Sequence
from urllib.parse import urlsplit

from flask import Request
from itsdangerous import BadSignature, Signer

FIELD = "csrf_token"
HEADER = "X-CSRF-Token"


def csrf_token(session_digest: str, keys: Sequence[str]) -> str:
    """Return the token that forms of this sign-in carry; it lives as long as the sign-in does."""
    return _signer(keys).get_signature(session_digest).decode("ascii")


def is_right(token: str, session_digest: str, keys: Sequence[str]) -> bool:
    """Return whether `token` belongs to this sign-in, under any of the keys."""
    try:
        _signer(keys).unsign(f"{session_digest}.{token}")
    except BadSignature:
        return False
    return True


def sent_token(request: Request) -> str:
    """Return the token the request carries, in its header or its form, or an empty text."""
    return request.headers.get(HEADER) or request.form.get(FIELD, "")


def is_same_origin(request: Request, public_url: str) -> bool:
    """Return whether the browser says that one of our own pages sent the request.

    Browsers send `Origin` with every unsafe request; what comes without it is no browser, and has no victim's
    cookie to ride on. `Sec-Fetch-Site` is asked as well where it is sent.
    """
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in {"same-origin", "none"}:
        return False
    origin = request.headers.get("Origin")
    if origin is None:
        return True
    return origin == public_url or urlsplit(origin).netloc == request.host


def _signer(keys: Sequence[str]) -> Signer:
    # itsdangerous signs with the last key, our lists begin with it
    return Signer(list(reversed(keys)), salt="ochre.csrf", key_derivation="hmac", digest_method=hashlib.sha256)

"""Keys and tokens of a simulated Stripe: who a request comes from and what it may do."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, replace

from stripe_sync.simulator.answers import StripeError, invalid_key

_SHOWN = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class Credential:
    """One key or token. Its text is a simulated secret, and still is kept out of reprs."""

    kind: str
    """`platform` (secret key), `account` (a merchant's own read-only key), `oauth`, `app` or `refresh`."""
    livemode: bool
    account: str | None
    scope: str = "read_only"
    code: str | None = None
    """The authorization code it was issued for, as reusing that revokes it."""
    expires_at: float | None = None
    revoked: bool = False


class Keyring:
    """All keys and tokens by their text."""

    def __init__(self) -> None:
        self._by_text: dict[str, Credential] = {}

    def add(self, text: str, credential: Credential) -> None:
        """Issue a key or token."""
        self._by_text[text] = credential

    def find(self, text: str) -> Credential | None:
        """Return what a text stands for, revoked or not."""
        return self._by_text.get(text)

    def revoke(self, *, account: str | None = None, code: str | None = None, kinds: frozenset[str]) -> None:
        """Revoke the tokens of these kinds that belong to an account or were issued for a code."""
        for text, credential in self._by_text.items():
            if credential.kind in kinds and account in {None, credential.account} and code in {None, credential.code}:
                self._by_text[text] = replace(credential, revoked=True)

    def authenticate(self, headers: Mapping[str, str], now: float) -> Credential:
        """Return who sent these headers (names in lower case); raises Stripe's 401 or 403."""
        text = key_in(headers)
        if text is None:
            raise StripeError(
                401,
                "You did not provide an API key. You need to provide your API key in the Authorization header, "
                "using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').",
            )
        credential = self._by_text.get(text)
        shown = f"{text[:8]}*********{text[-_SHOWN:]}"
        if credential is None:
            raise invalid_key(shown)
        if credential.revoked:
            raise no_access(shown, credential.account or "")
        if credential.expires_at is not None and now >= credential.expires_at:
            raise StripeError(401, f"Expired API Key provided: {shown}", code="api_key_expired")
        return credential


def no_access(shown: str, account: str) -> StripeError:
    """Return the 403 for an account that took its authorization back."""
    return StripeError(
        403,
        f"The provided key '{shown}' does not have access to account '{account}' (or that account does not "
        "exist). Application access may have been revoked.",
        code="account_invalid",
    )


def key_in(headers: Mapping[str, str]) -> str | None:
    """Return the key of a Bearer or Basic `authorization` header, or None."""
    scheme, _, rest = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and rest.strip():
        return rest.strip()
    if scheme.lower() == "basic":
        try:
            decoded = base64.b64decode(rest, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            return None
        return decoded.partition(":")[0] or None
    return None

"""E-mail addresses: one normal form, used everywhere addresses are compared.

The address as written is kept for display; the normal form only decides whether two addresses are the same
person's: surrounding space stripped, Unicode NFC, local part casefolded, domain in lower-case IDNA. Dots and
`+tags` are kept, because only the receiving provider knows what they mean.
"""

import re
import unicodedata

import idna

MAX_LENGTH = 320
MAX_LABEL = 63
_FORBIDDEN = re.compile(r"[\s\x00-\x1f\x7f<>,;:\"()\[\]\\]")


def normalize(address: str) -> str | None:
    """Return the normal form of `address`, or None if it is no e-mail address.

    Header injections, several addresses in one and display names are no address: anything with white space,
    control characters or angle brackets inside is refused rather than guessed at.
    """
    text = unicodedata.normalize("NFC", address.strip())
    local, at, domain = text.rpartition("@")
    if not at or not local or not domain or len(text) > MAX_LENGTH or "@" in local or _FORBIDDEN.search(text):
        return None
    host = _normalize_domain(domain)
    return None if host is None else f"{unicodedata.normalize('NFC', local.casefold())}@{host}"


def domain_of(normalized: str) -> str:
    """Return the domain of an address in normal form."""
    return normalized.rpartition("@")[2]


def _normalize_domain(domain: str) -> str | None:
    if domain.isascii():
        lowered = domain.lower()
        return lowered if _is_host(lowered) else None
    try:
        return idna.encode(domain, uts46=True).decode()
    except idna.IDNAError:
        return None


def _is_host(domain: str) -> bool:
    return all(label and len(label) <= MAX_LABEL for label in domain.split("."))

"""Stripe's own table of currencies: how its integers scale, and how many decimals an amount shows.

Stripe's table is not ISO's: ISK and UGX have no decimals in life but are written with two (`500` is 5 krónur), while
HUF and TWD, often listed as zero-decimal, are so for payouts only.
"""

from fractions import Fraction

ZERO_DECIMAL = frozenset(
    {
        "bif",
        "clp",
        "djf",
        "gnf",
        "jpy",
        "kmf",
        "krw",
        "mga",
        "pyg",
        "rwf",
        "vnd",
        "vuv",
        "xaf",
        "xof",
        "xpf",
    }
)
THREE_DECIMAL = frozenset({"bhd", "jod", "kwd", "omr", "tnd"})
WHOLE_BUT_SCALED = frozenset({"isk", "ugx"})
"""Shown without decimals, sent with two."""


def scale(currency: str) -> int:
    """Return how many of Stripe's minor units make one major unit of `currency` (lower case)."""
    if currency in ZERO_DECIMAL:
        return 1
    return 1000 if currency in THREE_DECIMAL else 100


def shown_decimals(currency: str) -> int:
    """Return how many decimals an amount in `currency` (lower case) is rounded to."""
    if currency in ZERO_DECIMAL or currency in WHOLE_BUT_SCALED:
        return 0
    return 3 if currency in THREE_DECIMAL else 2


def to_major(minor: Fraction | int, currency: str) -> Fraction:
    """Return an amount of Stripe's minor units in major units, exactly."""
    return Fraction(minor, scale(currency))

"""Amounts as the simulator's pages show them."""

_DECIMALS = {"jpy": 0, "krw": 0, "kwd": 3}


def text(amount: int, currency: str) -> str:
    """Return an amount in minor units as people write it: `12.50 USD`."""
    decimals = _DECIMALS.get(currency, 2)
    sign = "-" if amount < 0 else ""
    whole, rest = divmod(abs(amount), 10**decimals)
    fraction = f".{rest:0{decimals}d}" if decimals else ""
    return f"{sign}{whole:,}{fraction} {currency.upper()}"

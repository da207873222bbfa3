"""How instants, amounts and names look on the screens. Pure; `now` is an argument, and its zone is the reader's.

What is shown changes at most once a minute, so that a fragment that is asked for every second has the same ETag
until something real happens.
"""

from datetime import UTC, datetime, timedelta, tzinfo
from datetime import date as calendar_day
from decimal import Decimal, InvalidOperation

from stripe_sync.currencies import shown_decimals

SYMBOLS = {
    "usd": "$",
    "eur": "€",
    "gbp": "£",
    "jpy": "¥",
    "inr": "₹",
    "krw": "₩",
    "brl": "R$",
    "cad": "CA$",
    "aud": "A$",
}
MINUS = "\N{MINUS SIGN}"
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
RECENT = timedelta(days=7)


def age(instant: datetime, now: datetime) -> str:
    """Return how old `instant` is, as short as a list needs it: `now`, `5 min`, `3 h`, `2 d`, then the date."""
    elapsed = now - instant
    if elapsed < MINUTE:
        return "now"
    if elapsed < HOUR:
        return f"{elapsed // MINUTE} min"
    if elapsed < DAY:
        return f"{elapsed // HOUR} h"
    if elapsed < RECENT:
        return f"{elapsed // DAY} d"
    local = instant.astimezone(now.tzinfo)
    return date(local, now.tzinfo) if local.year != now.year else f"{local.day} {local:%b}"


def ago(instant: datetime, now: datetime) -> str:
    """Return how long ago `instant` was, as part of a sentence: `just now`, `5 min ago`, `on 3 Mar`."""
    short = age(instant, now)
    if short == "now":
        return "just now"
    return f"{short} ago" if now - instant < RECENT else f"on {short}"


def date(day: datetime | calendar_day, zone: tzinfo | None = UTC) -> str:
    """Return the day, as in `20 Nov 2026`; of an instant the one it falls on in `zone`."""
    local = day.astimezone(zone) if isinstance(day, datetime) else day
    return f"{local.day} {local:%b %Y}"


def full_time(instant: datetime, zone: tzinfo | None = UTC) -> str:
    """Return day and time in a zone, and which, as in `20 Nov 2026, 13:00 CET`."""
    local = instant.astimezone(zone)
    name = f"{local:%Z}"
    # Zones without a name of their own have their offset for one: `-03`.
    return f"{date(local, zone)}, {local:%H:%M} {name if name.isalpha() else f'UTC{name}'}"


def machine_time(instant: datetime) -> str:
    """Return the instant as `<time datetime>` wants it."""
    return instant.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def parse_instant(text: str | None) -> datetime | None:
    """Return the instant that contracts write as `text`, or None."""
    return datetime.fromisoformat(text) if text else None


def money(amount: str | Decimal | int | None, currency: str | None, *, decimals: int | None = None) -> str | None:
    """Return an amount in major units as people write it: `$1,234.50`, `1,234.50 CHF`; None if there is none.

    It has the currency's decimals unless told otherwise.
    """
    if amount is None:
        return None
    try:
        value = Decimal(str(amount))
    except InvalidOperation:
        return None
    code = (currency or "").lower()
    places = shown_decimals(code) if decimals is None else decimals
    number = f"{abs(value):,.{places}f}"
    sign = MINUS if value < 0 else ""
    symbol = SYMBOLS.get(code)
    return f"{sign}{symbol}{number}" if symbol else f"{sign}{number} {code.upper()}".rstrip()


def initials(name: str | None) -> str:
    """Return up to two letters that stand for a person."""
    words = [word for word in (name or "").replace("@", " ").replace(".", " ").split() if word[0].isalnum()]
    if not words:
        return "?"
    return (words[0][0] + (words[1][0] if len(words) > 1 else "")).upper()


def plural(number: int, one: str, many: str | None = None) -> str:
    """Return `1 page`, `2 pages`, with thousands set apart."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def duration(seconds: float) -> str:
    """Return roughly how long something takes: `about 40 s`, `about 3 min`."""
    whole = max(1, round(seconds))
    if whole < 90:  # noqa: PLR2004 - beyond that nobody counts in seconds
        return f"about {whole} s"
    if whole < 90 * 60:
        return f"about {round(whole / 60)} min"
    return f"about {round(whole / 3600)} h"

"""Reading Stripe's objects without ever failing.

Laws of this module
- An object is a `dict`, as JSON decoding makes it; anything else that behaves like one is not looked into.
- Every reader takes whatever stands there: a missing key, null, another type, an id where an object was expected and
  an object where an id was. What cannot be read as asked is None.
- Numbers outside what Stripe can mean (64 bits, instants beyond the year 9999, endless exponents) are None too.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any

from stripe_sync.objects import StripeObject

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_END_OF_TIME = 253_402_300_799
_INTEGER_LIMIT = 2**63
_MAX_EXPONENT = 40


def at_path(value: Any, *path: str) -> Any:
    """Return what stands at `path` inside nested mappings, or None."""
    if len(path) == 1:  # most are, and this is read a hundred times for each customer
        return value.get(path[0]) if isinstance(value, dict) else None
    for key in path:
        if not isinstance(value, dict):
            return None
        value = value.get(key)
    return value


def mapping(value: Any, *path: str) -> StripeObject | None:
    """Return the object at `path`, or None if there is none or only its id."""
    found = at_path(value, *path)
    return found if isinstance(found, dict) else None


def text(value: Any, *path: str) -> str | None:
    """Return the non-empty string at `path`, or None; characters no database keeps are replaced."""
    found = at_path(value, *path) if path else value
    if not isinstance(found, str) or not found:
        return None
    return found if found.isascii() and "\x00" not in found else _storable(found)


def _storable(found: str) -> str:
    return found.replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")


def lower(value: Any, *path: str) -> str | None:
    """Return the string at `path` in lower case, or None."""
    found = text(value, *path)
    return found.lower() if found else None


def integer(value: Any, *path: str) -> int | None:
    """Return the whole number at `path`, or None; it fits 64 bits."""
    found = at_path(value, *path)
    if type(found) is not int:  # a bool is no number here
        exact = number(found) if isinstance(found, float | Decimal) else None
        if exact is None or exact.denominator != 1:
            return None
        found = exact.numerator
    return found if -_INTEGER_LIMIT < found < _INTEGER_LIMIT else None


def number(value: Any, *path: str) -> Fraction | None:
    """Return the number at `path`, exactly as written (a JSON number or a decimal string), or None."""
    found = at_path(value, *path)
    if isinstance(found, bool) or not isinstance(found, int | float | str | Decimal):
        return None
    if isinstance(found, int):
        return Fraction(found) if -_INTEGER_LIMIT < found < _INTEGER_LIMIT else None
    try:
        # A float is read as the decimal it is written as: 33.3 percent is 333/10.
        exact = Decimal(str(found)) if len(str(found)) <= 2 * _MAX_EXPONENT else Decimal("NaN")
    except InvalidOperation:
        return None
    if not exact.is_finite() or abs(exact.adjusted()) > _MAX_EXPONENT:
        return None
    return Fraction(exact)


def flag(value: Any, *path: str) -> bool:
    """Return whether `true` stands at `path`; null and everything else is false."""
    return at_path(value, *path) is True


def instant(value: Any, *path: str) -> datetime | None:
    """Return the Unix time at `path` as an instant, or None."""
    seconds = integer(value, *path)
    if seconds is None or not 0 <= seconds <= _END_OF_TIME:
        return None
    return _EPOCH + timedelta(seconds=seconds)


def reference(value: Any, *path: str) -> str | None:
    """Return the id at `path`, whether it stands alone or in an expanded object."""
    found = at_path(value, *path) if path else value
    return text(found, "id") if isinstance(found, dict) else text(found)


def elements(value: Any, *path: str) -> tuple[Any, ...]:
    """Return the elements of the array or list object at `path`; none if there is neither."""
    found = at_path(value, *path)
    if isinstance(found, dict):
        found = found.get("data")
    return tuple(found) if isinstance(found, list | tuple) else ()


def objects(value: Any, *path: str) -> tuple[StripeObject, ...]:
    """Return the objects among the elements at `path`, deleted ones left out."""
    return living(elements(value, *path))


def living(found: Iterable[Any]) -> tuple[StripeObject, ...]:
    """Return the objects among `found`, deleted ones left out."""
    return tuple(each for each in found if isinstance(each, dict) and each.get("deleted") is not True)


def by_id(found: Iterable[StripeObject]) -> dict[str, StripeObject]:
    """Return objects by their id; those without one are left out."""
    return {key: value for value in found if (key := text(value, "id"))}


def newest_first(value: StripeObject) -> tuple[int, str]:
    """Return a key by which the greatest object is the newest, ties broken by id."""
    return (integer(value, "created") or 0, text(value, "id") or "")

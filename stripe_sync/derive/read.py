"""Reading Stripe's objects without ever failing.

Laws of this module
- An object is a `dict`, as JSON decoding makes it; anything else that behaves like one is not looked into.
- Every reader takes whatever stands there: a missing key, null, another type, an id where an object was expected and
  an object where an id was. What cannot be read as asked is None.
- Numbers outside what Stripe can mean (64 bits, instants beyond the year 9999, endless exponents) are None too.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from functools import lru_cache
from typing import Any

from stripe_sync.objects import StripeObject

_END_OF_TIME = 253_402_300_799
_INTEGER_LIMIT = 2**63
_MAX_EXPONENT = 40
_INEXACT = (float, Decimal)
_WRITTEN = (float, str, Decimal)
_ARRAYS = (list, tuple)


def at_path(value: Any, *path: str) -> Any:
    """Return what stands at `path` inside nested mappings, or None."""
    for key in path:
        if not isinstance(value, dict):
            return None
        value = value.get(key)
    return value


# Most paths are one key long, and a hundred are read for each customer; so each reader takes that key by itself.


def mapping(value: Any, key: str | None = None, *deeper: str) -> StripeObject | None:
    """Return the object at a path, or None if there is none or only its id."""
    if key is None:
        found = value
    elif deeper:
        found = at_path(value, key, *deeper)
    else:
        found = value.get(key) if isinstance(value, dict) else None
    return found if isinstance(found, dict) else None


def text(value: Any, key: str | None = None, *deeper: str) -> str | None:
    """Return the non-empty string at a path, or None; characters no database keeps are replaced."""
    if key is None:
        pass
    elif deeper:
        value = at_path(value, key, *deeper)
    else:
        value = value.get(key) if isinstance(value, dict) else None
    if not isinstance(value, str) or not value:
        return None
    return value if value.isascii() and "\x00" not in value else _storable(value)


def _storable(found: str) -> str:
    return found.replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")


def lower(value: Any, key: str | None = None, *deeper: str) -> str | None:
    """Return the string at a path in lower case, or None."""
    found = text(value, key, *deeper) if deeper else text(value, key)
    return found.lower() if found else None


def integer(value: Any, key: str | None = None, *deeper: str) -> int | None:
    """Return the whole number at a path, or None; it fits 64 bits."""
    if key is None:
        found = value
    elif deeper:
        found = at_path(value, key, *deeper)
    else:
        found = value.get(key) if isinstance(value, dict) else None
    if found is None:
        return None
    if type(found) is not int:  # a bool is no number here
        exact = number(found) if isinstance(found, _INEXACT) else None
        if exact is None or exact.denominator != 1:
            return None
        found = exact.numerator
    return found if -_INTEGER_LIMIT < found < _INTEGER_LIMIT else None


def number(value: Any, *path: str) -> Fraction | None:
    """Return the number at `path`, exactly as written (a JSON number or a decimal string), or None."""
    found = at_path(value, *path)
    if type(found) is int:
        return _whole(found) if -_INTEGER_LIMIT < found < _INTEGER_LIMIT else None
    # A float is read as the decimal it is written as: 33.3 percent is 333/10.
    return _read_number(str(found)) if isinstance(found, _WRITTEN) else None


_whole = lru_cache(maxsize=1024)(Fraction)


@lru_cache(maxsize=1024)  # a merchant has some prices, and each customer one of them
def _read_number(written: str) -> Fraction | None:
    try:
        exact = Decimal(written) if len(written) <= 2 * _MAX_EXPONENT else Decimal("NaN")
    except InvalidOperation:
        return None
    if not exact.is_finite() or abs(exact.adjusted()) > _MAX_EXPONENT:
        return None
    return Fraction(exact)


def flag(value: Any, key: str | None = None, *deeper: str) -> bool:
    """Return whether `true` stands at a path; null and everything else is false."""
    if key is None:
        found = value
    elif deeper:
        found = at_path(value, key, *deeper)
    else:
        found = value.get(key) if isinstance(value, dict) else None
    return found is True


def instant(value: Any, key: str | None = None, *deeper: str) -> datetime | None:
    """Return the Unix time at a path as an instant, or None."""
    seconds = integer(value, key, *deeper) if deeper else integer(value, key)
    return datetime.fromtimestamp(seconds, UTC) if seconds is not None and 0 <= seconds <= _END_OF_TIME else None


def reference(value: Any, key: str | None = None, *deeper: str) -> str | None:
    """Return the id at a path, whether it stands alone or in an expanded object."""
    if key is None:
        found = value
    elif deeper:
        found = at_path(value, key, *deeper)
    else:
        found = value.get(key) if isinstance(value, dict) else None
    return text(found, "id") if isinstance(found, dict) else text(found)


def elements(value: Any, *path: str) -> tuple[Any, ...]:
    """Return the elements of the array or list object at `path`; none if there is neither."""
    found = at_path(value, *path)
    if isinstance(found, dict):
        found = found.get("data")
    return tuple(found) if isinstance(found, _ARRAYS) else ()


def objects(value: Any, *path: str) -> tuple[StripeObject, ...]:
    """Return the objects among the elements at `path`, deleted ones left out."""
    return living(elements(value, *path))


def living(found: Iterable[Any]) -> tuple[StripeObject, ...]:
    """Return the objects among `found`, deleted ones left out."""
    return tuple([each for each in found if isinstance(each, dict) and each.get("deleted") is not True])


def by_id(found: Iterable[StripeObject]) -> dict[str, StripeObject]:
    """Return objects by their id; those without one are left out."""
    return {key: value for value in found if (key := text(value, "id"))}


def newest_first(value: StripeObject) -> tuple[int, str]:
    """Return a key by which the greatest object is the newest, ties broken by id."""
    return (integer(value, "created") or 0, text(value, "id") or "")

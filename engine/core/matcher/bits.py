"""Sets of small whole numbers as Python integers: bit `n` is set when `n` is in the set.

One `&` of two integers of 10,000 bits costs about 60 ns in CPython; that is what the matcher is made of.
"""

from collections.abc import Iterable, Sequence

FEW = 6
"""Up to so many members are kept as a tuple instead of an integer as long as the whole set."""

Compact = int | tuple[int, ...]
"""A set that is either an integer or, when it is small, the tuple of its members."""


def set_of(members: Iterable[int]) -> int:
    """Return the set of `members`."""
    numbers = list(members)
    if len(numbers) <= FEW:
        found = 0
        for number in numbers:
            found |= 1 << number
        return found
    spread = bytearray((max(numbers) >> 3) + 1)
    for number in numbers:
        spread[number >> 3] |= 1 << (number & 7)
    return int.from_bytes(spread, "little")


def compact(members: Sequence[int]) -> Compact:
    """Return the set of `members` in its smaller form."""
    return tuple(members) if len(members) <= FEW else set_of(members)


def united(one: int, other: Compact) -> int:
    """Return what is in `one` or in `other`."""
    if isinstance(other, int):
        return one | other
    for number in other:
        one |= 1 << number
    return one


def expanded(one: Compact) -> int:
    """Return a compact set as an integer."""
    return one if isinstance(one, int) else united(0, one)


def members(found: int) -> list[int]:
    """Return the members of a set in ascending order, at about 0.15 microseconds each."""
    numbers: list[int] = []
    add = numbers.append
    if found.bit_count() <= FEW:
        while found:
            lowest = found & -found
            add(lowest.bit_length() - 1)
            found ^= lowest
        return numbers
    words = memoryview(found.to_bytes((found.bit_length() + 63 >> 6) << 3, "little")).cast("Q")
    for place, word in enumerate(words):
        left = word
        while left:
            lowest = left & -left
            add((place << 6) + lowest.bit_length() - 1)
            left ^= lowest
    return numbers


def first(found: int) -> int:
    """Return the least member of a set that is not empty."""
    return (found & -found).bit_length() - 1

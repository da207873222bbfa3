"""Where generated conditions and facts take their choices from: a seeded source, or hypothesis, which can shrink.

The first option of every list is the simplest, so that shrinking leads to it.
"""

from collections.abc import Callable, Sequence
from random import Random
from typing import Any, Protocol, TypeVar

from hypothesis import strategies as st

T = TypeVar("T")


class Choices(Protocol):
    """Makes one choice after another."""

    def number(self, low: int, high: int) -> int:
        """Return a whole number from `low` to `high`, both included."""
        ...


class SeededChoices:
    """Choices of a seed: fast, and the same every time."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)

    def number(self, low: int, high: int) -> int:
        """Return a whole number from `low` to `high`, both included."""
        return low + int(self._random.random() * (high - low + 1))


class DrawnChoices:
    """Choices that hypothesis makes, and takes back when it shrinks an example."""

    def __init__(self, draw: Callable[[st.SearchStrategy[int]], int]) -> None:
        self._draw = draw

    def number(self, low: int, high: int) -> int:
        """Return a whole number from `low` to `high`, both included."""
        return self._draw(st.integers(low, high))


def pick(choices: Choices, options: Sequence[T]) -> T:
    """Return one of `options`."""
    return options[choices.number(0, len(options) - 1)]


def is_rare(choices: Choices, one_in: int) -> bool:
    """Return true once in `one_in` times; never for the simplest choice."""
    return choices.number(1, one_in) == one_in


def drawn(make: Callable[[Choices], T]) -> st.SearchStrategy[T]:
    """Return the strategy of what `make` makes of choices."""

    @st.composite
    def build(draw: Any) -> T:
        return make(DrawnChoices(draw))

    return build()

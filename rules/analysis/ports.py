"""What the analysis can be given by others: a solver that proves more, and what is known about customers."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from rules.analysis.formulas import Formula


class Prover(Protocol):
    """A solver that knows what cells alone don't show, such as that of three amounts one is the greatest."""

    def knows_more(self, variables: Iterable[int]) -> bool:
        """Return whether it knows more about some of `variables` than their cells."""
        ...

    def possible(self, parts: Sequence[Formula]) -> bool | None:
        """Return whether all of `parts` can hold, or None if it gave up."""
        ...

    def stack(self) -> "ProofStack":
        """Return an empty stack of formulas that hold."""
        ...


class ProofStack(Protocol):
    """Formulas that hold, one after the other."""

    def add(self, formula: Formula) -> None:
        """Let `formula` hold from now on."""
        ...

    def possible(self, formula: Formula) -> bool | None:
        """Return whether `formula` can hold beside all that was added, or None if it gave up."""
        ...

    def needed(self, formula: Formula) -> Sequence[int]:
        """Return the places of what was added that `formula`, which can't hold beside all of it, can't hold with."""
        ...


class FactStatistics(Protocol):
    """How many customers of a workspace have a value for each Stripe fact."""

    @property
    def customers(self) -> int:
        """Return how many end users have a Stripe customer."""
        ...

    def known(self, fact: str) -> int | None:
        """Return for how many of them `fact` has a value, or None if it isn't counted."""
        ...

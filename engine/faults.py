"""What is wrong with something handed in, as a value: where, and how to mend it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing wrong with one field."""

    pointer: str
    """A JSON pointer to the field, such as `/sender/email`."""
    message: str
    """What is wrong and what would be right, as one sentence for people."""


@dataclass(frozen=True, slots=True)
class Invalid:
    """Indicate that nothing was done, because of these faults; all that were found, not only the first."""

    faults: tuple[Fault, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NotFound:
    """Indicate that this workspace has no such record."""

    kind: str
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """Indicate that the wish clashes with what is there already."""

    message: str

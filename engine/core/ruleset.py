"""Rulesets as the core runs them: compiled conditions in order, each with its actions, and a fallback.

A condition is a protocol, so that the reference interpreter and a compiled matcher are interchangeable. Conditions
are total: whatever the facts, they return a `Verdict` and never raise.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from engine.core.actions import Actions
from engine.core.facts import Facts


class Mode(StrEnum):
    """How far a rule may go."""

    LIVE = "live"
    """Evaluated, and its actions count."""
    SHADOW = "shadow"
    """Evaluated and recorded, changes nothing, never stops."""
    DRAFT = "draft"
    """Not evaluated."""


class Trigger(StrEnum):
    """What a conversation is checked on."""

    CREATED = "created"
    MESSAGE = "message"
    FACTS_CHANGED = "facts_changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationError:
    """Why a sub-condition had no value although its facts may have had one."""

    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a condition came to: true, false, or None for unknown."""

    result: bool | None
    unknown: tuple[str, ...] = ()
    """Facts without value under the sub-conditions that are themselves unknown, if the result is unknown."""
    errors: tuple[EvaluationError, ...] = ()
    """What went wrong on the way to an unknown result."""


class Condition(Protocol):
    """Anything that judges facts."""

    def evaluate(self, facts: Facts, now: datetime) -> Verdict:
        """Return the verdict on `facts` at `now`; never raise."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledRule:
    """A rule that can be run."""

    name: str
    condition: Condition
    actions: Actions
    stop: bool = False
    mode: Mode = Mode.LIVE
    canary: int = 100
    """Percent of conversations it acts on; it counts as shadow for the others."""
    on: frozenset[str] = frozenset({Trigger.CREATED.value})
    override: bool = False
    """Whether it may replace what a human chose."""


class Reached(Protocol):
    """What came of asking the rules of a ruleset from the first down to the one that stopped, by their places."""

    @property
    def matched(self) -> Sequence[int]:
        """Return the live rules that matched, in order."""
        ...

    @property
    def shadow(self) -> Sequence[int]:
        """Return the rules that matched but only count as shadow, in order."""
        ...

    @property
    def stopped_by(self) -> int | None:
        """Return the rule that ended the check."""
        ...

    @property
    def unknown_count(self) -> int:
        """Return how many live rules were unknown."""
        ...

    def missing(self) -> Sequence[tuple[int, tuple[str, ...]]]:
        """Return the live rules that were unknown, in order, each with the facts that had no value."""
        ...

    def errors(self) -> Sequence[tuple[int, EvaluationError]]:
        """Return what went wrong in live rules that were unknown, in order."""
        ...


class RulesetMatcher(Protocol):
    """Judges all rules of a ruleset at once; it comes to what their conditions come to one by one."""

    @property
    def compiled(self) -> int:
        """Return how many rules run without the interpreter."""
        ...

    def reach(self, facts: Facts, now: datetime, on: str, bucket: int | None) -> Reached:
        """Ask the rules that listen to `on`; `bucket` is the conversation's canary bucket, if it has one."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruleset:
    """Rules in order, and what happens when none of them names a destination."""

    rules: tuple[CompiledRule, ...]
    fallback: Actions
    timezone: str = "UTC"
    matcher: RulesetMatcher | None = field(default=None, compare=False, repr=False)
    """All rules indexed together; without it the conditions are asked one by one."""

"""Rulesets as the core runs them: compiled conditions in order, each with its actions, and a fallback.

A condition is a protocol, so that the reference interpreter and a compiled matcher are interchangeable. Conditions
are total: whatever the facts, they return a `Verdict` and never raise.
"""

from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruleset:
    """Rules in order, and what happens when none of them names a destination."""

    rules: tuple[CompiledRule, ...]
    fallback: Actions
    timezone: str = "UTC"

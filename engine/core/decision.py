"""Decisions: which rules matched and what they come to together, as plain data that can be stored and repeated."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.core.actions import Actions
from engine.core.facts import JsonValue


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleError:
    """An error that left a live rule unknown."""

    rule: str
    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Who set a slot: the rule, or None for the fallback."""

    rule: str | None
    override: bool = False
    """Whether it may replace what a human chose."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The outcome of checking one conversation against one ruleset."""

    matched: tuple[str, ...] = ()
    """Live rules that matched, in order."""
    unknown: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Live rules that were unknown, each with the facts that had no value."""
    errors: tuple[RuleError, ...] = ()
    stopped_by: str | None = None
    fallback: bool = False
    """True exactly when the fallback contributed something."""
    shadow: tuple[str, ...] = ()
    """Shadow rules that matched, and canary rules that matched outside their bucket."""
    actions: Actions = field(default_factory=Actions)
    owners: Mapping[str, Owner] = field(default_factory=dict)
    """By slot (`assign_team`, `attributes["tier"]`) and tag (`tags["vip"]`): who set it."""

    def to_line(self) -> dict[str, JsonValue]:
        """Return the decision line, with every key in its usual order."""
        line = self.to_line_without_unknown()
        unknown: dict[str, JsonValue] = {rule: list(facts) for rule, facts in self.unknown.items()}
        return {"matched": line.pop("matched"), "unknown": unknown, **line}

    def to_line_without_unknown(self) -> dict[str, JsonValue]:
        """Return the decision line but for what is unknown, which may be much and takes long to spell out."""
        return {
            "matched": list(self.matched),
            "errors": [{"rule": e.rule, "code": e.code, "message": e.message} for e in self.errors],
            "stopped_by": self.stopped_by,
            "fallback": self.fallback,
            "shadow": list(self.shadow),
            "actions": self.actions.to_line(),
        }

"""Actions: what a rule asks for when it matches, and what a decision comes to.

The same shape serves one rule, the fallback and the outcome of a decision. A field that is None or empty asks
for nothing. Agents are named by e-mail, teams, queues and endpoints by name, as the ruleset writes them; whoever
applies a decision looks them up.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from engine.core.facts import JsonValue


class Priority(StrEnum):
    """How urgent a conversation is."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"
    URGENT = "urgent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Actions:
    """What to do with a conversation."""

    assign_agent: str | None = None
    assign_team: str | None = None
    route_to: str | None = None
    priority: Priority | None = None
    add_tags: tuple[str, ...] = ()
    remove_tags: tuple[str, ...] = ()
    set_attributes: Mapping[str, JsonValue] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    webhooks: tuple[str, ...] = ()

    @property
    def names_destination(self) -> bool:
        """Return whether an agent, a team or a queue is named."""
        return self.assign_agent is not None or self.assign_team is not None or self.route_to is not None

    @property
    def is_empty(self) -> bool:
        """Return whether nothing at all is asked for."""
        return self == Actions()

    def to_line(self) -> dict[str, JsonValue]:
        """Return the actions as a decision line writes them; every key is there."""
        return {
            "assign_agent": self.assign_agent,
            "assign_team": self.assign_team,
            "route_to": self.route_to,
            "priority": None if self.priority is None else self.priority.value,
            "add_tags": list(self.add_tags),
            "remove_tags": list(self.remove_tags),
            "set_attributes": dict(self.set_attributes),
            "notes": list(self.notes),
            "webhooks": list(self.webhooks),
        }

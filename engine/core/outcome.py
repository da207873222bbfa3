"""What became of a decision's actions when they were applied to a conversation."""

from dataclasses import dataclass
from enum import StrEnum

from engine.core.facts import JsonValue


class Outcome(StrEnum):
    """What became of one action."""

    APPLIED = "applied"
    KEPT = "kept"
    """A person had chosen, and the rule may not override."""
    FAILED = "failed"
    """It could not be done: the team is gone, the conversation is full."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AppliedEffect:
    """What became of one action of a decision."""

    action: str
    """`assign_agent` `assign_team` `route_to` `priority` `add_tag` `remove_tag` `set_attribute` `note` `webhook`."""
    value: JsonValue
    """The name, address or tag; for an attribute its key."""
    outcome: Outcome
    message: str | None = None
    """Why, when it was not applied or not as asked; a sentence."""

    def to_json(self) -> dict[str, JsonValue]:
        """Return the effect as it is stored and shown."""
        return {"action": self.action, "value": self.value, "outcome": self.outcome.value, "message": self.message}

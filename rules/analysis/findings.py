"""What the analysis says: findings, each with a verdict."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from engine.core.facts import JsonValue


class Code(StrEnum):
    """What a finding is about."""

    NEVER_TRUE = "never_true"
    """The condition is never true."""
    ALWAYS_UNKNOWN = "always_unknown"
    """The condition is neither true nor false, whatever the facts."""
    ALWAYS_TRUE = "always_true"
    """The condition is always true, also when every fact is unknown."""
    TRUE_WHEN_KNOWN = "true_when_known"
    """The condition is true whenever its facts are known."""
    OUT_OF_REACH = "out_of_reach"
    """The condition, or a comparison in it, asks for a value that its fact never has."""
    UNREACHABLE = "unreachable"
    """Whenever the rule matches, rules above have ended the check."""
    DUPLICATE = "duplicate"
    """The rule matches exactly when another does, and does the same."""
    SLOT_TAKEN = "slot_taken"
    """Whenever the rule matches, rules above have taken every slot it sets."""
    OVERLAP = "overlap"
    """Two rules set one slot to different values, and both match some conversations: the order decides."""
    NO_CUSTOMER_HAS = "no_customer_has"
    """The condition needs a fact that no customer of the workspace has a value for."""


class Verdict(StrEnum):
    """How sure a finding is."""

    PROVED = "proved"
    REFUTED = "refuted"
    """It looks so and is not: the example shows it."""
    UNDECIDED = "undecided"
    """It was not decided within the analysis's limits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalysisFinding:
    """One thing found about one rule."""

    code: Code
    rule: str
    verdict: Verdict
    message: str
    others: tuple[str, ...] = ()
    """The other rules it is about."""
    example: Mapping[str, JsonValue] | None = None
    """Facts that show it, as a line of `ochre rules eval`; facts that are not named are unknown."""
    on: str = "created"
    """The trigger the example is meant for."""
    position: int = field(default=0, compare=False)

    def to_json(self) -> dict[str, JsonValue]:
        """Return the finding as contracts write it, with its message."""
        return {
            "code": self.code.value,
            "rule": self.rule,
            "others": list(self.others),
            "verdict": self.verdict.value,
            "example": None if self.example is None else dict(self.example),
            "message": self.message,
        }


def listed(names: tuple[str, ...], most: int = 5) -> str:
    """Return rule names as a sentence lists them."""
    shown = [f"`{name}`" for name in names[:most]]
    if len(names) > most:
        shown.append(f"{len(names) - most} more")
    return " and ".join(filter(None, [", ".join(shown[:-1]), shown[-1] if shown else ""]))

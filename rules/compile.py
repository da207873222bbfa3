"""From a checked ruleset to one the core runs; it can't fail."""

from zoneinfo import ZoneInfo

from engine.core.ruleset import CompiledRule, Ruleset
from rules.check import CheckedRuleset
from rules.interpret import InterpretedCondition


def compile_ruleset(checked: CheckedRuleset) -> Ruleset:
    """Return `checked` ready to decide."""
    zone = ZoneInfo(checked.timezone)
    return Ruleset(
        timezone=checked.timezone,
        fallback=checked.fallback,
        rules=tuple(
            CompiledRule(
                name=rule.name,
                condition=InterpretedCondition(tree=rule.tree, zone=zone),
                actions=rule.actions,
                stop=rule.stop,
                mode=rule.mode,
                canary=rule.canary,
                on=rule.on,
                override=rule.override,
            )
            for rule in checked.rules
        ),
    )

"""Which published rules ask for what Stripe knows, so that a person can see what disconnecting means."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from engine.core.facts import Facts
from engine.core.ruleset import Mode, Ruleset
from engine.ids import WorkspaceId
from stripe_sync.catalog import STRIPE_FACTS
from web.current import services
from web.screens.page import now

ALWAYS_KNOWN = frozenset({"customer", "match"})
"""These two have a value also without a connection."""
NAMES = frozenset(spec.name for spec in STRIPE_FACTS) - ALWAYS_KNOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleUsingStripe:
    """A rule, and the Stripe facts it cannot be judged without."""

    name: str
    facts: tuple[str, ...]


def rules_using_stripe(workspace_id: WorkspaceId, session: Session) -> tuple[RuleUsingStripe, ...]:
    """Return the published rules that need Stripe's facts, in their order."""
    active = services().rulesets.active(workspace_id, session)
    return () if active is None else using_stripe(active.ruleset, Facts(as_of=now()))


def using_stripe(ruleset: Ruleset, nothing_known: Facts) -> tuple[RuleUsingStripe, ...]:
    """Return the rules of `ruleset` that need Stripe's facts: what each lacks when nothing at all is known tells."""
    found = []
    for rule in ruleset.rules:
        if rule.mode is Mode.DRAFT:
            continue
        missing = rule.condition.evaluate(nothing_known, nothing_known.as_of).unknown
        facts = tuple(name for name in missing if name in NAMES)
        if facts:
            found.append(RuleUsingStripe(name=rule.name, facts=facts))
    return tuple(found)

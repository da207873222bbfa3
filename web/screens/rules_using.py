"""Which published rules ask for what Stripe knows, so that a person can see what disconnecting means."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from engine.core.ruleset import Mode
from engine.ids import WorkspaceId
from rules.check import CheckedRuleset
from rules.tree import Fact, walk
from stripe_sync.catalog import STRIPE_FACTS
from web.current import services

ALWAYS_KNOWN = frozenset({"match"})
"""This one has a value also without a connection."""
NAMES = frozenset(spec.name for spec in STRIPE_FACTS) - ALWAYS_KNOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleUsingStripe:
    """A rule, and the Stripe facts it looks at."""

    name: str
    facts: tuple[str, ...]


def rules_using_stripe(workspace_id: WorkspaceId, session: Session) -> tuple[RuleUsingStripe, ...]:
    """Return the published rules that look at Stripe's facts, in their order."""
    active = services().rulesets.active(workspace_id, session)
    checked = None if active is None else services().traces.published(workspace_id, session, active.version)
    return () if checked is None else using_stripe(checked)


def using_stripe(ruleset: CheckedRuleset) -> tuple[RuleUsingStripe, ...]:
    """Return the rules of `ruleset` that look at Stripe's facts, also those that say what to do without them."""
    found = []
    for rule in ruleset.rules:
        named = (node.spec.name for node in walk(rule.tree) if isinstance(node, Fact) and node.spec is not None)
        facts = tuple(name for name in dict.fromkeys(named) if name in NAMES)
        if facts and rule.mode is not Mode.DRAFT:
            found.append(RuleUsingStripe(name=rule.name, facts=facts))
    return tuple(found)

"""What a member barred from billing data is shown in place of it. Pure.

Where a conversation went and which rules sent it there stay visible: an agent must know. What those rules looked at
does not. Names of rules, tags and teams are as their authors chose them, who know that all agents read them.
"""

from collections.abc import Mapping
from typing import Any

from engine.core.explain import Kind, Why
from engine.core.facts import Source
from rules.tree import Fact, Node, walk
from stripe_sync.panel import PanelJson
from web.facts import CATALOG

FACTS = frozenset(name for spec in CATALOG.of_source(Source.STRIPE) for name in spec.names)
"""The facts that are billing data, by all their names."""
_TELLING = frozenset({Kind.UNKNOWN, Kind.ERROR})
"""The lines of an explanation that tell what is, or isn't, known of a customer."""


def closed_panel() -> PanelJson:
    """Return the panel of the contracts with nothing in it."""
    values = dict.fromkeys(("customer", "plan", "mrr", "ltv", "status", "last_payment", "synced_at", "pending"))
    lists: PanelJson = {name: [] for name in ("invoices", "candidates", "timeline")}
    return {"state": "forbidden", "preview": False, **values, **lists}


def closed_decision(decision: Mapping[str, Any]) -> dict[str, Any]:
    """Return a decision of the contracts without what it was made from at Stripe."""
    return {
        **decision,
        "facts": {name: value for name, value in decision["facts"].items() if name not in FACTS},
        "reasons": {name: reason for name, reason in decision["reasons"].items() if name not in FACTS},
        "unknown": {rule: [fact for fact in facts if fact not in FACTS] for rule, facts in decision["unknown"].items()},
        "errors": [],
        "trace": [],
    }


def closed_lines(lines: tuple[Why, ...]) -> tuple[Why, ...]:
    """Return the lines of an explanation that tell nothing of the customer's billing."""
    return tuple(line for line in lines if line.kind not in _TELLING)


def asks_for_billing(tree: Node) -> bool:
    """Return whether a condition looks at what people pay."""
    return any(isinstance(node, Fact) and node.name in FACTS for node in walk(tree))

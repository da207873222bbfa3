"""The catalog and facts that tests of rules share."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from engine.core.facts import Facts, FactValue
from engine.core.ruleset import Verdict
from rules.conditions import CheckedCondition, check_condition
from rules.interpret import InterpretedCondition
from web.facts import CATALOG

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def facts(**values: FactValue | None) -> Facts:
    """Return known facts; a value of None leaves the fact out."""
    return Facts(as_of=NOW, values={name: value for name, value in values.items() if value is not None})


def check(text: str, zone: str = "UTC") -> CheckedCondition:
    """Return a condition checked against the whole catalog."""
    return check_condition(text, CATALOG, ZoneInfo(zone))


def evaluate(text: str, given: Facts | Mapping[str, FactValue] | None = None, *, zone: str = "UTC") -> Verdict:
    """Return the verdict of a condition that must be sound."""
    checked = check(text, zone)
    assert checked.tree is not None, [(finding.code, finding.message) for finding in checked.findings]
    known = given if isinstance(given, Facts) else Facts(as_of=NOW, values=dict(given or {}))
    return InterpretedCondition(tree=checked.tree, zone=ZoneInfo(zone)).evaluate(known, NOW)


def codes(text: str) -> list[str]:
    """Return the codes of everything found in a condition."""
    return [finding.code for finding in check(text).findings]


CUSTOMER: Mapping[str, FactValue] = {
    "mrr": Decimal("1200.50"),
    "ltv": Decimal(5000),
    "quantity": 3,
    "days_overdue": 0,
    "status": "past_due",
    "plan": "Enterprise Plus",
    "delinquent": True,
    "on_trial": False,
    "tags": ("vip", "beta"),
    "customer_since": datetime(2024, 2, 29, 23, 30, tzinfo=UTC),
    "subject": "Refund please, Größe 42",
    "body": "line one\nline two\n",
    "attributes": {"tier": "gold", "seats": 12, "score": 1.5, "vip": True, "none": None, "list": [1, "a", None]},
}

"""What the library `rule_engine` itself makes of a condition, for comparison; None stands for nothing to compare.

The library decides by truthiness, raises where we say unknown, and goes on with NaN and infinity. `evaluate` hides
the first two; `Divergence` names where the contract wants another answer.
"""

import decimal
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import rule_engine

from engine.core.facts import FactType, FactValue
from tests.unit.rules.fact_generator import NOW
from web.facts import CATALOG

REFUSALS = (
    rule_engine.EngineError,
    decimal.DecimalException,
    AttributeError,
    KeyError,
    OverflowError,
    RecursionError,
    SyntaxError,
    TypeError,
    ValueError,
)
"""What the library raises for a rule it refuses or can't evaluate."""

_TYPES = {
    FactType.BOOLEAN: rule_engine.DataType.BOOLEAN,
    FactType.STRING: rule_engine.DataType.STRING,
    FactType.NUMBER: rule_engine.DataType.FLOAT,
    FactType.MONEY: rule_engine.DataType.FLOAT,
    FactType.DATETIME: rule_engine.DataType.DATETIME,
    FactType.STRINGS: rule_engine.DataType.ARRAY(rule_engine.DataType.STRING),
    FactType.MAPPING: rule_engine.DataType.MAPPING(rule_engine.DataType.STRING),
}


class _StandingContext(rule_engine.Context):
    """A context in which `$now` and `$today` are the time of the tests, as ours are frozen for one evaluation."""

    def __init__(self, **options: Any) -> None:
        super().__init__(default_timezone="utc", **options)
        values = {"now": NOW, "today": NOW.replace(hour=0, minute=0, second=0, microsecond=0)}
        kinds = dict.fromkeys(values, rule_engine.DataType.DATETIME)
        self.builtins = rule_engine.builtins.Builtins.from_defaults(
            values, value_types=kinds, timezone=self.default_timezone
        )


UNTYPED = _StandingContext(resolver=rule_engine.resolve_item)
TYPED = _StandingContext(
    resolver=rule_engine.resolve_item,
    type_resolver=rule_engine.type_resolver_from_dict(
        {name: _TYPES[spec.type] for spec in CATALOG for name in spec.names}
    ),
)


def rule(text: str, context: rule_engine.Context = UNTYPED) -> rule_engine.Rule | None:
    """Return the library's rule, or None if it refuses the text."""
    try:
        return rule_engine.Rule(text, context=context)
    except REFUSALS:
        return None


def given(values: Mapping[str, FactValue]) -> dict[str, FactValue]:
    """Return facts by all their names, as the library looks them up."""
    return {name: values[spec.name] for spec in CATALOG if spec.name in values for name in spec.names}


def evaluate(found: rule_engine.Rule, known: Mapping[str, FactValue]) -> Any:
    """Return the value of a rule, or None if the library raises or has none."""
    try:
        return found.evaluate(known)
    except REFUSALS:
        return None


def is_finite(value: Any) -> bool:
    """Return whether no number in a value is NaN or infinite."""
    if isinstance(value, Decimal):
        return value.is_finite()
    if isinstance(value, tuple | set | frozenset):
        return all(map(is_finite, value))
    if isinstance(value, Mapping):
        return all(map(is_finite, value.values()))
    return not isinstance(value, datetime) or value.tzinfo is not None

"""The facts a decision was made from, as JSON to keep, and back again.

Texts are not copied: `body` and `subject` stay where they are, in the conversation, and are handed in again when a
decision is repeated. So erasing a message erases it everywhere.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, assert_never

from engine.core.facts import FactCatalog, Facts, FactType, FactValue, JsonValue, Reason, to_json

LEFT_OUT = frozenset({"body", "subject"})


def take(facts: Facts) -> tuple[dict[str, JsonValue], dict[str, str]]:
    """Return the values worth keeping, as JSON, and the reasons of those without one."""
    values = {name: to_json(value) for name, value in facts.values.items() if name not in LEFT_OUT}
    return values, {name: reason.value for name, reason in facts.reasons.items()}


def restore(
    catalog: FactCatalog,
    values: Mapping[str, Any],
    reasons: Mapping[str, str],
    as_of: datetime,
    texts: Mapping[str, str | None],
) -> Facts:
    """Return the facts of a snapshot; `texts` gives `body` and `subject`, where they still exist.

    Facts the catalog no longer knows are left out.
    """
    known = {name: _parse(catalog.get(name).type, value) for name, value in values.items() if name in catalog}
    known.update({name: text for name, text in texts.items() if text is not None})
    return Facts(
        as_of=as_of, values=known, reasons={name: Reason(reason) for name, reason in reasons.items() if name in catalog}
    )


def _parse(type_: FactType, value: Any) -> FactValue:
    match type_:
        case FactType.BOOLEAN | FactType.STRING | FactType.MAPPING:
            parsed: FactValue = value
        case FactType.NUMBER:
            parsed = value if isinstance(value, int) else Decimal(value)
        case FactType.MONEY:
            parsed = Decimal(value)
        case FactType.DATETIME:
            parsed = datetime.fromisoformat(value)
        case FactType.STRINGS:
            parsed = tuple(value)
        case _:
            assert_never(type_)
    return parsed

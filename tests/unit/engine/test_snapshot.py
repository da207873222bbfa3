"""The facts of a decision, kept and given back."""

from datetime import UTC, datetime
from decimal import Decimal

import orjson

from engine.core.conversation_facts import CONVERSATION_FACTS
from engine.core.facts import FactCatalog, Facts, FactSpec, FactType, FactValue, Reason, Source
from engine.core.snapshot import restore, take
from tests.unit.engine.factories import NOW


def stripe(name: str, type_: FactType, example: FactValue) -> FactSpec:
    """Return a fact as the Stripe side declares it."""
    return FactSpec(name=name, type=type_, source=Source.STRIPE, definition="A fact.", example=example)


CATALOG = FactCatalog(
    [
        *CONVERSATION_FACTS,
        stripe("mrr", FactType.MONEY, Decimal(1)),
        stripe("payments", FactType.NUMBER, 1),
        stripe("share", FactType.NUMBER, Decimal("0.1")),
        stripe("since", FactType.DATETIME, NOW),
        stripe("ltv", FactType.MONEY, Decimal(1)),
    ]
)
FACTS = Facts(
    as_of=NOW,
    values={
        "body": "secret text",
        "subject": "secret subject",
        "tags": ("a", "b"),
        "attributes": {"tier": ["gold", 1, None]},
        "sender_verified": False,
        "mrr": Decimal("940.00"),
        "payments": 12,
        "share": Decimal("0.1"),
        "since": datetime(2026, 1, 2, 3, 4, 5, 600, tzinfo=UTC),
    },
    reasons={"ltv": Reason.NO_RATE, "team": Reason.NOT_APPLICABLE},
)


def test_facts_come_back_equal() -> None:
    """Types are restored from the catalog: decimals stay exact, instants aware, lists tuples."""
    values, reasons = take(FACTS)
    texts = {"body": "secret text", "subject": "secret subject"}
    back = restore(CATALOG, orjson.loads(orjson.dumps(values)), reasons, NOW, texts)

    assert back == FACTS
    assert isinstance(back.get("mrr"), Decimal)


def test_message_text_is_never_copied() -> None:
    """The snapshot holds neither body nor subject."""
    values, _ = take(FACTS)

    assert "secret" not in orjson.dumps(values).decode()


def test_an_erased_text_and_a_forgotten_fact_are_simply_absent() -> None:
    """A decision can still be looked at when its message is gone or its catalog has changed."""
    values, reasons = take(FACTS)
    texts = {"body": None, "subject": None}
    back = restore(CATALOG, {**values, "abolished": 1}, {**reasons, "gone": "stale"}, NOW, texts)

    assert {"body", "subject", "abolished"}.isdisjoint(back.values)
    assert "gone" not in back.reasons

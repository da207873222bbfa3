"""Stands in for the Stripe service while that is not there; it knows nothing and nobody."""

from typing import Any

from typing_extensions import override

from engine.core.facts import Facts, Reason
from engine.ports import BillingFacts
from stripe_sync.catalog import STRIPE_FACTS
from stripe_sync.service import StripeService

EMPTY = ("customer", "plan", "mrr", "ltv", "status", "last_payment", "synced_at")


class NoStripeYet(StripeService):
    """Knows nothing and nobody."""

    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    @override
    def status(self, *_: Any, **__: Any) -> dict[str, Any]:
        return {"connections": []}

    @override
    def match_and_read(self, *arguments: Any, **__: Any) -> BillingFacts:
        reasons = {spec.name: Reason.NOT_CONNECTED for spec in STRIPE_FACTS if spec.name not in {"customer", "match"}}
        values = {"customer": False, "match": "none"}
        return BillingFacts(facts=Facts(as_of=arguments[-1], values=values, reasons=reasons))

    @override
    def panel(self, *_: Any, **__: Any) -> dict[str, Any]:
        return {"state": "not_connected", **dict.fromkeys(EMPTY), "invoices": [], "candidates": [], "timeline": []}

    @override
    def search_customers(self, *_: Any, **__: Any) -> list[Any]:
        return []

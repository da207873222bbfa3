"""The simulator's answers against Stripe's own API description and example objects, where they are at hand.

The description is of version 2026-08-26.dahlia, two before ours, so what is known to have changed since is listed
here with its reason, and nothing else may differ.
"""

import json
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from stripe_sync.simulator.expand import FIELDS
from stripe_sync.simulator.records import KINDS
from stripe_sync.simulator.stripe import SimulatedStripe
from tests.unit.simulator.conftest import NOW, ask, make_stripe, pages

FOLDER = os.environ.get("OCHRE_STRIPE_SPEC_DIR")

pytestmark = pytest.mark.skipif(
    not FOLDER, reason="OCHRE_STRIPE_SPEC_DIR names no folder with openapi-read.json and fixtures3.json"
)

LISTED = sorted(kind.path for kind in KINDS.values() if kind.path and kind.name != "subscription_item")

LEFT_OUT = {
    # Required by the description, yet only sent when expanded.
    "invoice": {"amount_paid_off_stripe"},
}
NEW_STATUSES = {
    # Added to Stripe since.
    "dispute": ["appeal_needs_response", "appeal_under_review"],
}
NOT_IN_EXAMPLES = {
    # Newer than the examples.
    "customer": {"customer_account"},
    "invoice": {"status_details"},
}
ONLY_IN_EXAMPLES = {
    # The examples are of the summer of 2026 and show some fields that the API itself no longer has.
    "invoice": {"subscription"},
    "charge": {"source", "refunds"},
    "payment_intent": {"source"},
}
ONLY_WHEN_THEY_APPLY = {
    "charge.outcome": {"risk_level"},  # the example's charge has no outcome to speak of
    "credit_note.lines.data": {"invoice_line_item"},  # only lines that credit one line of the invoice
    "invoice.lines.data.pricing": {"price_details"},
    "invoice_payment.payment": {"payment_intent", "payment_record", "charge"},  # the one that `type` names
    "payment_intent.last_payment_error": {"charge", "code", "message"},
    "subscription.billing_mode.flexible": {"proration_discounts"},
    "subscription": {"status_details"},
    "subscription_item": {"current_trial", "quantity"},
    "refund": {"failure_reason"},
}


@cache
def _folder() -> Path:
    assert FOLDER is not None
    return Path(FOLDER)


@cache
def _components() -> dict[str, Any]:
    description = json.loads((_folder() / "openapi-read.json").read_text())
    for kind, names in LEFT_OUT.items():
        required = description["components"]["schemas"][kind]["required"]
        description["components"]["schemas"][kind]["required"] = [name for name in required if name not in names]
    for kind, statuses in NEW_STATUSES.items():
        description["components"]["schemas"][kind]["properties"]["status"]["enum"] += statuses
    components: dict[str, Any] = _with_null(description["components"])
    return components


def _with_null(node: Any) -> Any:
    """Turn OpenAPI 3.0's `nullable` into JSON Schema."""
    if isinstance(node, list):
        return [_with_null(item) for item in node]
    if not isinstance(node, dict):
        return node
    plain = {name: _with_null(value) for name, value in node.items() if name != "nullable"}
    return {"anyOf": [plain, {"type": "null"}]} if node.get("nullable") is True else plain


@cache
def _validator(kind: str) -> Draft202012Validator:
    return Draft202012Validator({"$ref": f"#/components/schemas/{kind}", "components": _components()})


@cache
def _examples() -> dict[str, Any]:
    examples: dict[str, Any] = json.loads((_folder() / "fixtures3.json").read_text())["resources"]
    return examples


def _faults(kind: str, shape: dict[str, Any]) -> list[str]:
    return [f"{error.json_path}: {error.message[:200]}" for error in _validator(kind).iter_errors(shape)]


@pytest.mark.parametrize("path", LISTED)
def test_every_object_fits_the_description(merchant: SimulatedStripe, path: str) -> None:
    """Every kind of object, as listed, is what Stripe's description says it is."""
    query = "status=all" if path == "subscriptions" else ""
    found = list(pages(merchant, f"/v1/{path}", query))[:120]

    for shape in found:
        assert _faults(shape["object"], shape) == []
    assert found or path == "events"


def test_expanded_objects_fit_the_description(merchant: SimulatedStripe) -> None:
    """Objects with everything expanded that can be are what Stripe's description says they are."""
    for path in LISTED:
        kind = next(kind.name for kind in KINDS.values() if kind.path == path)
        names = [name for name, field in FIELDS[kind].items() if field.how != "opaque" and "payment_record" not in name]
        query = "&".join(f"expand[]=data.{name}" for name in names if name.count(".") < 3)
        answer = ask(merchant, f"/v1/{path}", f"limit=25&{query}")
        assert answer.status == 200, answer.body
        for shape in answer.body["data"]:
            assert _faults(kind, shape) == [], path


def test_events_and_their_objects_fit_the_description() -> None:
    """Every event of a lively merchant, and the object it carries, is what Stripe's description says."""
    stripe = make_stripe(60)
    for second in range(40):
        stripe.perform("activity", {}, NOW + second)
    found = list(pages(stripe, "/v1/events", now=NOW + 200))

    for event in found:
        assert _faults("event", event) == []
        carried = event["data"]["object"]
        assert _faults(carried["object"], carried) == []


def test_account_fits_the_description(merchant: SimulatedStripe) -> None:
    """The account is what Stripe's description says it is."""
    assert _faults("account", ask(merchant, "/v1/account").body) == []


def test_errors_fit_the_description(merchant: SimulatedStripe) -> None:
    """Errors have the form of Stripe's description."""
    for path, query in (("/v1/customers/cus_x", ""), ("/v1/customers", "limit=0"), ("/v1/nonsense", "")):
        assert _faults("error", ask(merchant, path, query).body) == []


@pytest.mark.parametrize("path", [*LISTED, "subscription_items"])
def test_every_field_of_the_example_is_there(merchant: SimulatedStripe, path: str) -> None:
    """Field by field, an object has what Stripe's example object has, nested objects included."""
    kind = next(kind.name for kind in KINDS.values() if kind.path == path)
    if kind in {"event", "subscription_item"}:
        stripe = make_stripe(20)
        stripe.perform("create_customer", {}, NOW)
        subscription = ask(stripe, "/v1/subscriptions", "limit=1").body["data"][0]
        query = f"subscription={subscription['id']}" if kind == "subscription_item" else ""
        shapes = ask(stripe, f"/v1/{path}", query).body["data"]
    else:
        shapes = ask(merchant, f"/v1/{path}", "limit=100").body["data"]
    for shape in shapes:
        assert list(_differences(kind, _examples()[kind], shape)) == []


def _differences(where: str, example: Any, shape: Any) -> Iterator[str]:
    """Yield the fields that one has and the other lacks, wherever both hold an object."""
    if isinstance(example, list) and isinstance(shape, list):
        for one, other in zip(example[:1], shape[:1], strict=False):
            yield from _differences(where, one, other)
    if not isinstance(example, dict) or not isinstance(shape, dict):
        return
    kind = str(shape.get("object", where))
    sometimes = ONLY_WHEN_THEY_APPLY.get(kind, set()) | ONLY_WHEN_THEY_APPLY.get(where, set())
    may_lack = ONLY_IN_EXAMPLES.get(kind, set()) | sometimes
    may_have = NOT_IN_EXAMPLES.get(kind, set()) | sometimes
    yield from (f"{where} lacks {name}" for name in sorted(example.keys() - shape.keys() - may_lack))
    yield from (f"{where} has {name}" for name in sorted(shape.keys() - example.keys() - may_have))
    skipped = {"metadata", "data"} if kind == "event" else {"metadata"}  # an event's object has a test of its own
    for name in sorted((example.keys() & shape.keys()) - skipped):
        yield from _differences(f"{where}.{name}", example[name], shape[name])

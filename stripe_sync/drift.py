"""When an object that a list shows is another than the mirror has: drift, unless an event explains it. Pure.

A sweep compares what each page shows with what was there. Every difference is a suspect; when the event log has been
read beyond the sweep, those an event tells of are no drift: the event was only slower than the page. What is left was
never told of, and should be nothing.
"""

from typing import Any

from stripe_sync.kinds import KIND_OF_OBJECT, Kind, StripeJson

_COPIES = frozenset({*KIND_OF_OBJECT, "plan"})
_UNTOLD = frozenset({"times_redeemed"})
"""Fields that change without an event, and that no fact depends on."""


def differs(kind: Kind, ours: StripeJson, theirs: StripeJson) -> bool:
    """Return whether two states of an object differ in what is its own: not in copies of others that stand in it."""
    return bool(_own(ours, kind.object) != _own(theirs, kind.object))


def _own(value: Any, outermost: str | None = None) -> Any:
    if isinstance(value, list):
        return [_own(each) for each in value]
    if not isinstance(value, dict):
        return value
    if outermost is None and value.get("object") in _COPIES and "id" in value:
        return value["id"]
    return {name: _own(each) for name, each in value.items() if name not in _UNTOLD}

"""Finding what an object refers to, among the objects of a bundle."""

from collections import defaultdict
from functools import cached_property
from typing import Any

from stripe_sync.derive.read import at_path, by_id, integer, living, objects, reference
from stripe_sync.objects import Bundle, StripeObject


class Lookup:
    """The objects of one bundle by id; each index is made when it is first needed."""

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle
        self._indexes: dict[str, dict[str, StripeObject]] = {}
        self._extra_items: dict[str, list[StripeObject]] | None = None
        self._found: dict[tuple[str, int], StripeObject] = {}
        """What expanded objects of the bundle, told apart by identity, came to."""
        self._prices: dict[int, tuple[StripeObject, StripeObject | None]] = {}
        """The prices of items, told apart by identity; each item is held, so that no other has its."""
        self._items: dict[int, tuple[StripeObject, ...]] = {}
        """The items of subscriptions of the bundle, told apart by identity."""

    @cached_property
    def charges(self) -> tuple[StripeObject, ...]:
        """Return the customer's charges."""
        return living(self.bundle.charges)

    @cached_property
    def invoices(self) -> tuple[StripeObject, ...]:
        """Return the customer's invoices, deleted drafts left out."""
        return living(self.bundle.invoices)

    def find(self, kind: str, value: Any, *path: str) -> StripeObject | None:
        """Return the object that `value` names at `path`, or holds there expanded.

        Where it is both expanded and listed, each completes the other (only listed prices have `tiers`). The listed
        one is kept current on its own and is believed, but for coupons: a discount keeps the terms it was given with.
        """
        found = at_path(value, *path) if path else value
        if not isinstance(found, dict):
            return self._index(kind).get(reference(found) or "")
        known = self._found.get((kind, id(found)))
        if known is None:
            known = self._found[kind, id(found)] = self._believed(kind, found)
        return known

    def price_of(self, item: StripeObject) -> StripeObject | None:
        """Return the price of an item; it is asked for again and again."""
        known = self._prices.get(id(item))
        if known is None:
            known = self._prices[id(item)] = (item, self.find("prices", item, "price"))
        return known[1]

    def _believed(self, kind: str, inline: StripeObject) -> StripeObject:
        listed = self._index(kind).get(reference(inline) or "")
        if listed is None:
            return inline
        if kind != "coupons":
            return _completed(listed, inline)
        return inline if _are_two(inline, listed) else _completed(inline, listed)

    def items_of(self, subscription: StripeObject) -> tuple[StripeObject, ...]:
        """Return the items of a subscription: those embedded in it, then those listed apart."""
        items = self._items.get(id(subscription))
        if items is None:
            items = self._items[id(subscription)] = self._gather_items(subscription)
        return items

    def _gather_items(self, subscription: StripeObject) -> tuple[StripeObject, ...]:
        embedded = objects(subscription, "items")
        extra = self._extra_items_by_subscription().get(reference(subscription) or "", [])
        if not extra:
            return embedded
        known = by_id(embedded)
        return (*embedded, *(item for item in extra if reference(item) not in known))

    def _index(self, kind: str) -> dict[str, StripeObject]:
        if kind not in self._indexes:
            self._indexes[kind] = by_id(getattr(self.bundle, kind))
        return self._indexes[kind]

    def _extra_items_by_subscription(self) -> dict[str, list[StripeObject]]:
        if self._extra_items is None:
            grouped = defaultdict(list)
            for item in by_id(living(self.bundle.subscription_items)).values():
                grouped[reference(item, "subscription") or ""].append(item)
            self._extra_items = dict(grouped)
        return self._extra_items


def _completed(believed: StripeObject, other: StripeObject) -> StripeObject:
    missing = {key: other[key] for key in other if believed.get(key) is None}
    return {**believed, **missing} if missing else believed


def _are_two(inline: StripeObject, listed: StripeObject) -> bool:
    """Return whether a coupon was deleted and another one made under its id, which merchants choose themselves."""
    made = integer(inline, "created"), integer(listed, "created")
    return None not in made and made[0] != made[1]

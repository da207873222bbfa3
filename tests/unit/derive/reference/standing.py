"""The reference: status, the primary subscription, its item."""

from fractions import Fraction
from typing import Any

from tests.unit.derive.reference.base import MONTHLY, RANK, UNKNOWN, WORST, Json, Unknowable, when
from tests.unit.derive.reference.revenue import Revenue


class Standing(Revenue):
    """What the subscriptions say besides money."""

    # Status and the primary subscription.

    def _standing(self) -> Json:
        live, ended = self.live(), self.ended()
        statuses = [each["status"] for each in live]
        if any(status not in WORST for status in statuses):
            status = UNKNOWN
        elif statuses:
            status = next(each for each in WORST if each in statuses)
        else:
            status = "canceled" if ended else "none"
        last = max(ended, key=lambda each: (self.ended_at(each) or -1, each["created"], each["id"]), default=None)
        found: Json = {"status": status, "subscriptions": len(live), "ended_at": None, "last_plan": None}
        if last is not None and not live:
            found["ended_at"] = when(self.ended_at(last))
            item = self.primary_item(last)
            found["last_plan"] = item if item in (None, UNKNOWN) else self.plan(item)["plan"]
        return found

    def rank(self, sub: Json) -> int:
        return RANK.index(sub["status"]) if sub["status"] in RANK else len(RANK)

    def _primary(self) -> Any:
        live = self.live()
        best = [each for each in live if self.rank(each) == min(map(self.rank, live))]
        if len(best) < 2:
            return best[0] if best else None
        try:
            return max(
                best,
                key=lambda each: (
                    self.converted([(each["currency"], self.revenue(each))]),
                    each["created"],
                    each["id"],
                ),
            )
        except Unknowable:
            return UNKNOWN

    def primary_item(self, sub: Json) -> Any:
        items = self.items(sub)
        if not self.all_items(sub):
            return UNKNOWN
        if len(items) < 2:
            return items[0] if items else None
        try:
            amounts = [self.normalised(sub, item) for item in items]
        except Unknowable:
            return UNKNOWN
        return items[amounts.index(max(amounts))]

    def normalised(self, sub: Json, item: Json) -> Fraction:
        price = self.price(item)
        if price is None or self.licensed(item) is None:
            raise Unknowable
        if not self.licensed(item):
            return Fraction(-1)  # below every licensed one
        every = price["recurring"]
        if every["interval"] not in MONTHLY:
            raise Unknowable
        amount = self.amount(price, self.quantity(item), sub["currency"])
        return Fraction(amount * MONTHLY[every["interval"]] / every["interval_count"])

    def plan(self, item: Json) -> Json:
        price = self.price(item) or {}
        price_id = price.get("id") or (item["price"] if isinstance(item["price"], str) else None)
        product = self.lookup("products", price.get("product")) or {}
        return {
            "plan": product.get("name") or price.get("nickname") or price_id,
            "price_id": price_id,
            "product_id": self.product_id(price) if price else UNKNOWN,
        }

    def _primary_facts(self, primary: Any) -> Json:
        names = ["subscription_status", "subscription_id", "trial_ends_at", "trial_days_left", "cancels_at"]
        of_item = (
            "plan product_id price_id plan_interval plan_interval_count quantity plan_price period_start period_end"
        )
        discounted = bool(self.in_force([self.customer.get("discount")]))
        if primary is None or primary == UNKNOWN:
            flags = dict.fromkeys(["on_trial", "cancels", "collection_paused"], False if primary is None else UNKNOWN)
            return (
                dict.fromkeys([*names, *of_item.split()], primary)
                | flags
                | {"discounted": discounted or (False if primary is None else UNKNOWN)}
            )
        item = self.primary_item(primary)
        pause = primary["pause_collection"]
        status = primary["status"]
        found: Json = {
            "subscription_status": status if status in RANK else UNKNOWN,
            "subscription_id": primary["id"],
            "trial_ends_at": when(primary["trial_end"]),
            "trial_days_left": None if primary["trial_end"] is None else self.days_until(primary["trial_end"]),
            "on_trial": self._whether_on_trial(primary),
            "cancels": self.set_to_end(primary),
            "cancels_at": when(self._cancels_at(primary)),
            "collection_paused": pause is not None and (pause["resumes_at"] is None or pause["resumes_at"] > self.q.at),
            "discounted": discounted
            or any(self.in_force(each["discounts"]) for each in (primary, *self.items(primary))),
        }
        return found | (
            dict.fromkeys(of_item.split(), item) if item in (None, UNKNOWN) else self._item_facts(primary, item)
        )

    def _whether_on_trial(self, sub: Json) -> Any:
        if sub["status"] == "trialing" and sub["trial_end"] is not None and sub["trial_end"] > self.q.at:
            return True
        sure = [self.on_trial(each) for each in self.items(sub) if self.licensed(each) is True]
        perhaps = [self.on_trial(each) for each in self.items(sub) if self.licensed(each) is None]
        if not all(sure):
            return False
        if not self.all_items(sub):
            return UNKNOWN
        if sure:
            return True if all(perhaps) else UNKNOWN
        return UNKNOWN if any(perhaps) else False

    def _cancels_at(self, sub: Json) -> int | None:
        if sub["cancel_at"] is not None:
            return int(sub["cancel_at"])
        if not sub["cancel_at_period_end"]:
            return None
        return min((each["current_period_end"] for each in self.items(sub)), default=None)

    def _item_facts(self, sub: Json, item: Json) -> Json:
        found = self.plan(item) | {
            "period_start": when(item["current_period_start"]),
            "period_end": when(item["current_period_end"]),
        }
        price = self.price(item)
        if price is None:
            quantity = item.get("quantity") or UNKNOWN
            unknown = dict.fromkeys(["plan_interval", "plan_interval_count", "plan_price"], UNKNOWN)
            return found | unknown | {"quantity": quantity}
        every = price["recurring"] or {}
        interval = every.get("interval")
        found["plan_interval"] = interval if interval is None or interval in MONTHLY else UNKNOWN
        found["plan_interval_count"] = every.get("interval_count")
        found["quantity"] = self.quantity(item) if self.licensed(item) else item.get("quantity")
        return found | {"plan_price": self._plan_price(sub, item, price)}

    def _plan_price(self, sub: Json, item: Json, price: Json) -> str | None:
        if price["billing_scheme"] == "tiered" or price.get("custom_unit_amount"):
            return None
        if self.licensed(item) is None:
            return UNKNOWN
        if not self.licensed(item) and price["type"] != "one_time":
            return None
        try:
            return self.money([(sub["currency"], self.amount(price, 1, sub["currency"]))])
        except Unknowable:
            return UNKNOWN

"""The reference: MRR, from items, tiers and discounts."""

from collections.abc import Iterable
from fractions import Fraction
from math import ceil, floor
from typing import Any

from tests.unit.derive.reference.base import MONTHLY, UNKNOWN, Base, Json, Unknowable


class Revenue(Base):
    """MRR and ARR."""

    def _money_of_subscriptions(self) -> Json:
        try:
            amounts = [(sub["currency"], self.revenue(sub)) for sub in self.live()]
        except Unknowable:
            return {"mrr": UNKNOWN, "arr": UNKNOWN}
        return {"mrr": self.money(amounts), "arr": self.money([(currency, 12 * each) for currency, each in amounts])}

    def set_to_end(self, sub: Json) -> bool:
        return sub["cancel_at_period_end"] is True or sub["cancel_at"] is not None

    def revenue(self, sub: Json) -> Fraction:
        """MRR in minor units, or Unknowable."""
        if sub["status"] not in ("active", "past_due") or (self.q.at_cancellation and self.set_to_end(sub)):
            return Fraction(0)
        if not self.all_items(sub):
            raise Unknowable
        lines: list[tuple[Json, Json, Fraction]] = []
        for item in self.items(sub):
            if not self.on_trial(item):
                price = self.price(item)
                if price is None or self.licensed(item) is None:
                    raise Unknowable
                if self.licensed(item):
                    if price["recurring"]["interval"] not in MONTHLY:
                        raise Unknowable
                    lines.append((item, price, self.amount(price, self.quantity(item), sub["currency"])))
        if not any(amount for _, _, amount in lines):
            return Fraction(0)
        shared = self.in_force(sub["discounts"]) or self.in_force([self.customer.get("discount")])
        return self._after_discounts(sub, lines, [each for each in shared if self.counts(each)])

    def _after_discounts(self, sub: Json, lines: list[tuple[Json, Json, Fraction]], shared: list[Json]) -> Fraction:
        invoices: dict[tuple[str, int], list[tuple[Json, Json, Fraction]]] = {}
        for item, price, gross in lines:
            amount = gross
            for each in self.in_force(item["discounts"]) if gross else ():
                if self.counts(each):
                    [amount] = self.less(each, [(price, amount)], sub["currency"])
            every = (price["recurring"]["interval"], price["recurring"]["interval_count"])
            invoices.setdefault(every, []).append((item, price, amount))
        total = Fraction(0)
        for (interval, count), of_invoice in invoices.items():
            amounts = [amount for _, _, amount in of_invoice]
            for each in shared:
                amounts = self.less(
                    each, [(of_invoice[i][1], amounts[i]) for i in range(len(amounts))], sub["currency"]
                )
            for (item, price, _), amount in zip(of_invoice, amounts, strict=True):
                total += amount / (1 + self.tax(sub, item, price)) * MONTHLY[interval] / count
        return total

    def on_trial(self, item: Json) -> bool:
        trial = item.get("current_trial")
        return trial is not None and trial["end_date"] > self.q.at

    def quantity(self, item: Json) -> int:
        return 1 if item.get("quantity") is None else int(item["quantity"])

    def amount(self, price: Json, quantity: int, currency: str) -> Fraction:
        source = price if price["currency"] == currency else (price.get("currency_options") or {}).get(currency)
        if source is None or price["billing_scheme"] not in ("per_unit", "tiered"):
            raise Unknowable
        if price["billing_scheme"] == "tiered":
            return self.tiers(price, source, quantity)
        if source.get("unit_amount_decimal") is None and source.get("unit_amount") is None:
            raise Unknowable
        package = price.get("transform_quantity")
        if package:
            quantity = {"up": ceil, "down": floor}[package["round"]](Fraction(quantity, package["divide_by"]))
        return self.decimal(source, "unit_amount") * quantity

    def decimal(self, of: Json, name: str) -> Fraction:
        exact = of.get(f"{name}_decimal")
        return Fraction(str(exact if exact is not None else of.get(name) or 0))

    def tiers(self, price: Json, source: Json, quantity: int) -> Fraction:
        tiers = source.get("tiers")
        if not tiers:
            raise Unknowable
        holding = [each for each in tiers if each["up_to"] is None or quantity <= each["up_to"]]
        if not holding:
            raise Unknowable
        if price["tiers_mode"] == "volume":
            return self.decimal(holding[0], "unit_amount") * quantity + self.decimal(holding[0], "flat_amount")
        total = self.decimal(tiers[0], "flat_amount")
        for unit in range(1, quantity + 1):  # one unit after the other
            position = next(i for i, each in enumerate(tiers) if each["up_to"] is None or unit <= each["up_to"])
            total += self.decimal(tiers[position], "unit_amount")
            if position > 0 and unit == tiers[position - 1]["up_to"] + 1:
                total += self.decimal(tiers[position], "flat_amount")
        return total

    def tax(self, sub: Json, item: Json, price: Json) -> Fraction:
        option = (
            (price.get("currency_options") or {}).get(sub["currency"]) if price["currency"] != sub["currency"] else None
        )
        behavior = (option or {}).get("tax_behavior") or price.get("tax_behavior")
        rates = item.get("tax_rates") or sub.get("default_tax_rates") or []
        if behavior != "inclusive":
            return Fraction(0)
        return sum((Fraction(str(rate["percentage"])) / 100 for rate in rates if rate["inclusive"]), Fraction(0))

    # Discounts.

    def in_force(self, discounts: Iterable[Any]) -> list[Any]:
        return [
            each
            for each in discounts
            if each and (isinstance(each, str) or each["end"] is None or each["end"] > self.q.at)
        ]

    def counts(self, discount: Any) -> bool:
        coupon = None if isinstance(discount, str) else self.lookup("coupons", discount["source"]["coupon"])
        if coupon is None or coupon["duration"] not in ("forever", "repeating", "once"):
            raise Unknowable
        return {"forever": True, "repeating": self.q.repeating, "once": self.q.once}[coupon["duration"]]

    def less(self, discount: Json, lines: list[tuple[Json, Fraction]], currency: str) -> list[Fraction]:
        coupon = self.lookup("coupons", discount["source"]["coupon"]) or {}
        products = (coupon.get("applies_to") or {}).get("products")
        meant = [not products or self.product_id(price) in products for price, _ in lines]
        whole = sum((amount for (_, amount), takes in zip(lines, meant, strict=True) if takes), Fraction(0))
        if coupon.get("percent_off") is not None:
            off = whole * Fraction(str(coupon["percent_off"])) / 100
        elif coupon.get("currency") == currency:
            off = Fraction(coupon["amount_off"])
        else:
            off = Fraction(((coupon.get("currency_options") or {}).get(currency) or {}).get("amount_off") or 0)
        off = min(off, whole)
        return [
            amount - (off * amount / whole if takes and whole else 0)
            for (_, amount), takes in zip(lines, meant, strict=True)
        ]

    def product_id(self, price: Json) -> str | None:
        product = price.get("product")
        return product["id"] if isinstance(product, dict) else product

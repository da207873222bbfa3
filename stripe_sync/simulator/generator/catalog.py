"""What the generated merchant sells: every way of pricing that facts must get right."""

import random
from collections.abc import Iterator
from dataclasses import dataclass

from stripe_sync.simulator import factory
from stripe_sync.simulator.amounts import DAY
from stripe_sync.simulator.records import Record, new_id

_MULTIPLIER = {"usd": 1.0, "eur": 0.92, "gbp": 0.79, "jpy": 1.5, "kwd": 3.1}
"""From US cents to a price of about the same worth in the currency's minor unit (KWD has three decimals)."""


_HIGH = 100_000
"""US cents a month from which a plan is only for customers of the class `high_mrr`."""


@dataclass(frozen=True, kw_only=True)
class Catalog:
    """Products, prices and coupons, with the prices sorted by how histories use them."""

    products: list[Record]
    prices: list[Record]
    coupons: list[Record]
    by_use: dict[str, list[Record]]

    def prices_for(self, use: str, currency: str) -> list[Record]:
        """Return the prices of one use (`monthly`, `yearly`, `tiered`, …) in a currency."""
        return [price for price in self.by_use[use] if price["currency"] == currency]


def build(rng: random.Random, now: int) -> Catalog:
    """Return the catalog of a seed."""
    maker = _Maker(rng, now)
    for name, cents in (("Starter", 1900), ("Growth", 7900), ("Scale", 29900)):
        maker.plan(name, cents)
    maker.plan("Enterprise", 149_900, unit_label="seat")
    maker.special()
    coupons = list(_coupons(maker, now))
    return Catalog(products=maker.products, prices=maker.prices, coupons=coupons, by_use=maker.by_use)


class _Maker:
    def __init__(self, rng: random.Random, now: int) -> None:
        self._rng = rng
        self._created = now - 1400 * DAY
        self.products: list[Record] = []
        self.prices: list[Record] = []
        self.by_use: dict[str, list[Record]] = {}

    def product(self, name: str, **fields: object) -> Record:
        self._created += 3600
        record = factory.make(
            "product", new_id("prod_", self._rng), self._created, name=name, updated=self._created, **fields
        )
        self.products.append(record)
        return record

    def price(self, use: str, product: Record, cents: int | None, currency: str = "usd", **fields: object) -> Record:
        self._created += 60
        recurring = _recurring(**fields.pop("every", {}))  # type: ignore[arg-type]  # a mapping by convention
        decimal = str(cents) if cents is not None else None
        record = factory.make(
            "price",
            new_id("price_", self._rng),
            self._created,
            product=product["id"],
            currency=currency,
            recurring=recurring,
            **{"unit_amount": cents, "unit_amount_decimal": decimal, **fields},
        )
        self.prices.append(record)
        self.by_use.setdefault(use, []).append(record)
        return record

    def plan(self, name: str, cents: int, unit_label: str | None = None) -> None:
        product = self.product(name, description=f"{name} plan", unit_label=unit_label)
        high = "high" if cents >= _HIGH else ""
        for currency, factor in _MULTIPLIER.items():
            amount = round(cents * factor)
            amount -= amount % 10 if currency == "kwd" else 0  # the last of three decimals is always 0
            self.price(f"{high}monthly", product, amount, currency, nickname=f"{name} monthly")
            self.price(
                f"{high}quarterly",
                product,
                amount * 3,
                currency,
                nickname=f"{name} quarterly",
                every={"interval_count": 3},
            )
            self.price(
                f"{high}yearly", product, amount * 10, currency, nickname=f"{name} yearly",
                every={"interval": "year"},
            )  # fmt: skip

    def special(self) -> None:
        """Add what is priced in other ways than an amount a month."""
        weekly = self.product("Newsletter")
        self.price("weekly", weekly, 500, nickname="Newsletter weekly", every={"interval": "week"})
        seats = self.product("Seats", unit_label="seat")
        for mode in ("graduated", "volume"):
            self.price(
                "tiered", seats, None, nickname=f"Seats {mode}", billing_scheme="tiered", tiers_mode=mode,
                unit_amount_decimal=None, tiers=[_tier(5, "700", "1000"), _tier(10, "650"), _tier(None, "600")],
            )  # fmt: skip
        mail = self.product("Mail packages", unit_label="mail")
        self.price("package", mail, 900, nickname="1,000 mails", transform_quantity={"divide_by": 1000, "round": "up"})
        usage = self.product("API calls", unit_label="call")
        self.price(
            "metered", usage, None, nickname="API calls", unit_amount_decimal="0.25",
            every={"usage_type": "metered", "meter": new_id("mtr_", self._rng)},
        )  # fmt: skip
        self.price("subcent", usage, None, nickname="Prepaid calls", unit_amount_decimal="1.25")
        world = self.product("Worldwide")
        self.price(
            "multicurrency", world, 5000, nickname="Worldwide monthly",
            currency_options={c: _option(round(5000 * f)) for c, f in _MULTIPLIER.items() if c in {"usd", "eur"}},
        )  # fmt: skip
        self.price("monthly", self.product("Legacy", active=False), 1200, nickname="Legacy", active=False)
        self.price("monthly", self.product("Community"), 0, nickname="Community (free)")


def _recurring(
    interval: str = "month", interval_count: int = 1, usage_type: str = "licensed", meter: str | None = None
) -> Record:
    return {
        "interval": interval,
        "interval_count": interval_count,
        "meter": meter,
        "trial_period_days": None,
        "usage_type": usage_type,
    }


def _tier(up_to: int | None, unit: str, flat: str | None = None) -> Record:
    return {
        "flat_amount": int(flat) if flat else None,
        "flat_amount_decimal": flat,
        "unit_amount": int(unit),
        "unit_amount_decimal": unit,
        "up_to": up_to,
    }


def _option(amount: int) -> Record:
    return {
        "custom_unit_amount": None,
        "tax_behavior": "unspecified",
        "unit_amount": amount,
        "unit_amount_decimal": str(amount),
    }


def _coupons(maker: _Maker, now: int) -> Iterator[Record]:
    growth = next(product["id"] for product in maker.products if product["name"] == "Growth")
    terms: tuple[tuple[str, Record], ...] = (
        ("WELCOME20", {"name": "20% forever", "percent_off": 20.0}),
        ("LAUNCH50", {"name": "Half price", "percent_off": 50.0, "duration": "repeating", "duration_in_months": 3}),
        ("FIRSTFREE", {"name": "First period free", "percent_off": 100.0, "duration": "once"}),
        ("5 OFF", {
            "name": "Five off", "amount_off": 500, "currency": "usd", "currency_options": {"eur": {"amount_off": 450}},
        }),
        ("GROWTH15", {"name": "Growth only", "percent_off": 15.5, "applies_to": {"products": [growth]}}),
        ("FRIENDS", {"name": "Free of charge", "percent_off": 100.0}),
    )  # fmt: skip
    for place, (coupon_id, fields) in enumerate(terms):
        yield factory.make("coupon", coupon_id, now - 900 * DAY + place * 60, **fields)

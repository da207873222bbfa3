"""What prices cost: packages, tiers, decimals, currencies, discounts."""

import pytest

from stripe_sync.simulator import amounts, factory
from stripe_sync.simulator.records import Record

TIERS = [
    {"up_to": 5, "unit_amount_decimal": "700", "flat_amount_decimal": None},
    {"up_to": 10, "unit_amount_decimal": "650", "flat_amount_decimal": None},
    {"up_to": None, "unit_amount_decimal": "600", "flat_amount_decimal": "100"},
]


def _price(**fields: object) -> Record:
    unit = fields.get("unit_amount")
    decimal = str(unit) if unit is not None else None
    return factory.make("price", "price_x", 0, **{"unit_amount_decimal": decimal, **fields})


@pytest.mark.parametrize(
    ("price", "quantity", "expected"),
    [
        (_price(unit_amount=2995), 3, 8985),
        (_price(unit_amount_decimal="0.25"), 10, 3),  # 2.5, halves up
        (_price(unit_amount_decimal="1.25"), 100, 125),
        (_price(unit_amount=900, transform_quantity={"divide_by": 1000, "round": "up"}), 1001, 1800),
        (_price(unit_amount=900, transform_quantity={"divide_by": 1000, "round": "down"}), 1999, 900),
        (_price(billing_scheme="tiered", tiers_mode="graduated", tiers=TIERS), 12, 5 * 700 + 5 * 650 + 2 * 600 + 100),
        (_price(billing_scheme="tiered", tiers_mode="volume", tiers=TIERS), 12, 12 * 600 + 100),
        (_price(billing_scheme="tiered", tiers_mode="graduated", tiers=TIERS), 5, 3500),  # bounds are inclusive
        (_price(billing_scheme="tiered", tiers_mode="volume", tiers=TIERS), 6, 3900),
        (_price(billing_scheme="tiered", tiers_mode="volume", tiers=TIERS), 0, 0),
    ],
)
def test_item_amounts(price: Record, quantity: int, expected: int) -> None:
    """A quantity of a price costs what its scheme says, rounded half up."""
    assert amounts.item_amount(price, quantity, "usd") == expected


def test_currency_options_replace_the_amount() -> None:
    """A subscription in another currency is priced by that currency's option."""
    price = _price(unit_amount=5000, currency_options={"eur": {"unit_amount": 4600, "unit_amount_decimal": "4600"}})

    assert amounts.item_amount(price, 2, "eur") == 9200


@pytest.mark.parametrize(
    ("coupons", "expected"),
    [
        ([{"percent_off": 20.0}], [2000]),
        ([{"percent_off": 20.0}, {"amount_off": 500, "currency": "usd"}], [2000, 500]),
        ([{"amount_off": 500, "currency": "usd"}, {"percent_off": 20.0}], [500, 1900]),  # the order matters
        ([{"amount_off": 99_999, "currency": "usd"}], [10_000]),  # never below zero
        ([{"amount_off": 500, "currency": "eur"}], [0]),  # another currency without an option
        ([{"percent_off": 50.0, "applies_to": {"products": ["prod_b"]}}], [2000]),
    ],
)
def test_discounts(coupons: list[Record], expected: list[int]) -> None:
    """Discounts come off in order, from the lines they apply to."""
    by_id = {str(number): factory.make("coupon", str(number), 0, **fields) for number, fields in enumerate(coupons)}
    discounts = [factory.make("discount", f"di_{coupon}", 0, coupon=coupon) for coupon in by_id]
    lines: list[Record] = [
        {"amount": 6000, "product": "prod_a", "subscription_item": "si_a"},
        {"amount": 4000, "product": "prod_b", "subscription_item": "si_b"},
    ]

    assert [part["amount"] for part in amounts.discount_amounts(lines, discounts, by_id.get, "usd")] == expected

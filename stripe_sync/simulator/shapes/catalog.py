"""Shapes of what a merchant sells: products, prices, coupons and the discounts made from them."""

from stripe_sync.simulator.records import Record
from stripe_sync.simulator.world import World


def product(world: World, record: Record) -> Record:
    """Return a product."""
    return {
        "id": record["id"],
        "object": "product",
        "active": record["active"],
        "created": record["created"],
        "default_price": record["default_price"],
        "description": record["description"],
        "images": [],
        "livemode": world.livemode,
        "marketing_features": [],
        "metadata": record["metadata"],
        "name": record["name"],
        "package_dimensions": None,
        "shippable": None,
        "statement_descriptor": None,
        "tax_code": None,
        "type": "service",
        "unit_label": record["unit_label"],
        "updated": record["updated"],
        "url": None,
    }


def price(world: World, record: Record) -> Record:
    """Return a price; `tiers` and `currency_options` only come by expand."""
    return {
        "id": record["id"],
        "object": "price",
        "active": record["active"],
        "billing_scheme": record["billing_scheme"],
        "created": record["created"],
        "currency": record["currency"],
        "custom_unit_amount": record["custom_unit_amount"],
        "livemode": world.livemode,
        "lookup_key": record["lookup_key"],
        "metadata": record["metadata"],
        "nickname": record["nickname"],
        "product": record["product"],
        "recurring": record["recurring"],
        "tax_behavior": record["tax_behavior"],
        "tiers_mode": record["tiers_mode"],
        "transform_quantity": record["transform_quantity"],
        "type": "recurring" if record["recurring"] else "one_time",
        "unit_amount": record["unit_amount"],
        "unit_amount_decimal": record["unit_amount_decimal"],
    }


def plan(world: World, record: Record) -> Record:
    """Return the older form of a recurring price, which subscription items still carry."""
    recurring = record["recurring"]
    transform = record["transform_quantity"]
    return {
        "id": record["id"],
        "object": "plan",
        "active": record["active"],
        "amount": record["unit_amount"],
        "amount_decimal": record["unit_amount_decimal"],
        "billing_scheme": record["billing_scheme"],
        "created": record["created"],
        "currency": record["currency"],
        "interval": recurring["interval"],
        "interval_count": recurring["interval_count"],
        "livemode": world.livemode,
        "metadata": record["metadata"],
        "meter": recurring["meter"],
        "nickname": record["nickname"],
        "product": record["product"],
        "tiers_mode": record["tiers_mode"],
        "transform_usage": transform,
        "trial_period_days": recurring["trial_period_days"],
        "usage_type": recurring["usage_type"],
    }


def coupon(world: World, record: Record) -> Record:
    """Return a coupon; `applies_to` and `currency_options` only come by expand."""
    return {
        "id": record["id"],
        "object": "coupon",
        "amount_off": record["amount_off"],
        "created": record["created"],
        "currency": record["currency"],
        "duration": record["duration"],
        "duration_in_months": record["duration_in_months"],
        "livemode": world.livemode,
        "max_redemptions": None,
        "metadata": record["metadata"],
        "name": record["name"],
        "percent_off": record["percent_off"],
        "redeem_by": None,
        "times_redeemed": record["times_redeemed"],
        "valid": record["valid"],
    }


def discount(_world: World, record: Record) -> Record:
    """Return a discount; its coupon is named by id."""
    return {
        "id": record["id"],
        "object": "discount",
        "checkout_session": None,
        "customer": record["customer"],
        "customer_account": None,
        "end": record["end"],
        "invoice": None,
        "invoice_item": None,
        "promotion_code": None,
        "source": {"coupon": record["coupon"], "type": "coupon"},
        "start": record["start"],
        "subscription": record["subscription"],
        "subscription_item": record["subscription_item"],
    }

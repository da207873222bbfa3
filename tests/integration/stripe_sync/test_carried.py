"""What facts need and plain answers leave out: long lists inside objects, and fields that come only when asked for."""

from decimal import Decimal

from stripe_sync.connect.models import Connection
from tests.integration.stripe_sync.office import Office

ITEMS = 25
TIERS = [
    {"up_to": 10, "unit_amount": 700, "unit_amount_decimal": "700", "flat_amount": None, "flat_amount_decimal": None},
    {"up_to": None, "unit_amount": 500, "unit_amount_decimal": "500", "flat_amount": None, "flat_amount_decimal": None},
]


def test_everything_facts_need_is_carried(office: Office) -> None:
    """Items beyond the first page, tiers, `applies_to`, off-Stripe payments and payments of invoices are all there."""
    stripe = office.simulator
    customer_id, email = office.new_customer()
    prod, plain, tiers, off = (f"{kind}_{customer_id}" for kind in ("prod", "price", "tiered", "coupon"))
    stripe.control("create_product", id=prod, name="Carried")
    stripe.control("create_price", id=plain, product=prod, unit_amount=1000)
    tiered = {"billing_scheme": "tiered", "tiers_mode": "graduated", "unit_amount": None, "unit_amount_decimal": None}
    stripe.control("create_price", id=tiers, product=prod, tiers=TIERS, **tiered)
    products = {"products": [prod]}
    stripe.control("create_coupon", id=off, percent_off=50, duration="forever", applies_to=products)
    stripe.control("attach_card", id=customer_id)
    stripe.control("create_subscription", id=customer_id, price=plain, items=ITEMS, coupon=off)
    stripe.control("create_subscription", id=customer_id, price=tiers, quantity=12)
    stripe.control("create_invoice", id=customer_id, amount=4200)
    (bill,) = [
        each for each in stripe.objects("invoice") if each["customer"] == customer_id and each["status"] == "open"
    ]
    stripe.control("pay_invoice", id=bill["id"], off_stripe=True)
    connection = office.synced()

    assert _items(office, connection, plain, tiers) == [1, ITEMS]
    price, coupon = (
        office.row("prices", tiers, connection),
        office.row("coupons", off, connection),
    )
    paid = office.row("invoices", bill["id"], connection)
    assert price is not None
    assert coupon is not None
    assert paid is not None
    assert [tier["up_to"] for tier in price.payload["tiers"]] == [10, None]
    assert coupon.payload["applies_to"] == products
    assert paid.payload["amount_paid_off_stripe"] == 4200
    assert office.ids("invoice_payments", connection) == {each["id"] for each in stripe.objects("invoice_payment")}
    facts = office.facts(email)
    # 25 items of 10.00 at half the price, and 10 of 7.00 with 2 of 5.00.
    assert facts.get("mrr") == Decimal("125.00") + Decimal("80.00")
    assert facts.get("ltv_off_stripe") == Decimal("42.00")


def test_an_event_of_a_long_subscription_is_completed(office: Office) -> None:
    """An event shows the first items only; the mirror gets all of them, and MRR is never that of a part."""
    customer_id, email = office.new_customer()
    prod, plain = f"prod_{customer_id}", f"price_{customer_id}"
    office.simulator.control("create_product", id=prod, name="Long")
    office.simulator.control("create_price", id=plain, product=prod, unit_amount=1000)
    connection = office.synced()
    office.simulator.control("attach_card", id=customer_id)
    office.simulator.control("create_subscription", id=customer_id, price=plain, items=ITEMS)
    office.deliver(*office.events(customer_id))
    office.settle()

    assert _items(office, connection, plain) == [ITEMS]
    assert office.facts(email).get("mrr") == Decimal("250.00")


def _items(office: Office, connection: Connection, *prices: str) -> list[int]:
    """Return how many items the mirrored subscriptions with these prices have; none may be a first page only."""
    rows = (office.row("subscriptions", each, connection) for each in office.ids("subscriptions", connection))
    lists = [row.payload["items"] for row in rows if row is not None]
    assert not any(listed["has_more"] for listed in lists)
    return sorted(len(each["data"]) for each in lists if each["data"] and each["data"][0]["price"]["id"] in prices)

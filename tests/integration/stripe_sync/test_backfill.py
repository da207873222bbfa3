"""The backfill against the simulator: everything arrives, whatever goes wrong on the way."""

from tests.integration.stripe_sync.office import Office

KIND_OF = {
    "products": "product",
    "prices": "price",
    "coupons": "coupon",
    "customers": "customer",
    "subscriptions": "subscription",
    "charges": "charge",
    "invoices": "invoice",
    "disputes": "dispute",
    "refunds": "refund",
    "invoice_payments": "invoice_payment",
    "credit_notes": "credit_note",
}


def test_backfill_brings_everything(office: Office) -> None:
    """After one run the mirror has every object of every kind that Stripe has, and no other."""
    connection = office.synced()

    for kind, single in KIND_OF.items():
        assert office.ids(kind, connection) == {each["id"] for each in office.simulator.objects(single)}, kind

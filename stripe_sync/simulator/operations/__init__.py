"""What a merchant can do in a simulated Stripe, by name.

An operation takes a `Change` and its arguments, and raises `StripeError` before it has changed anything.
"""

from collections.abc import Callable

from stripe_sync.simulator.change import Change
from stripe_sync.simulator.operations import billing, catalog, customers, dunning, payments, reversals, subscriptions
from stripe_sync.simulator.records import Record

Operation = Callable[[Change, Record], None]

OPERATIONS: dict[str, Operation] = {
    operation.__name__: operation
    for operation in (
        customers.create_customer,
        customers.update_customer,
        customers.delete_customer,
        customers.attach_card,
        customers.detach_card,
        subscriptions.create_subscription,
        subscriptions.change_plan,
        subscriptions.cancel,
        subscriptions.end_trial,
        subscriptions.renew,
        subscriptions.pause,
        subscriptions.resume,
        subscriptions.apply_coupon,
        subscriptions.remove_discount,
        billing.create_invoice,
        billing.void_invoice,
        billing.mark_uncollectible,
        billing.credit_note,
        payments.pay_invoice,
        dunning.fail_payment,
        payments.create_charge,
        payments.settle_charge,
        reversals.refund,
        reversals.fail_refund,
        reversals.dispute,
        reversals.close_dispute,
        catalog.create_product,
        catalog.update_product,
        catalog.delete_product,
        catalog.create_price,
        catalog.update_price,
        catalog.delete_price,
        catalog.create_coupon,
        catalog.update_coupon,
        catalog.delete_coupon,
    )
}

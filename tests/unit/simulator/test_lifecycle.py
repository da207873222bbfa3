"""What time alone brings to subscriptions, with nobody doing anything."""

import pytest

from stripe_sync.simulator.amounts import DAY, MONTH
from stripe_sync.simulator.records import Record
from stripe_sync.simulator.stripe import SimulatedStripe
from tests.unit.simulator.conftest import NOW, make_stripe


@pytest.fixture(name="quiet")
def _quiet() -> SimulatedStripe:
    """A merchant whose only customer is `cus_me`."""
    stripe = make_stripe(0)
    stripe.perform("create_product", {"id": "prod_x"}, NOW)
    stripe.perform("create_price", {"id": "price_x", "product": "prod_x", "unit_amount": 1000}, NOW)
    stripe.perform("create_customer", {"id": "cus_me"}, NOW)
    stripe.perform("attach_card", {"id": "cus_me"}, NOW)
    return stripe


def _subscribe(stripe: SimulatedStripe, **args: object) -> None:
    stripe.perform("create_subscription", {"id": "cus_me", "price": "price_x", **args}, NOW)


def _subscription(stripe: SimulatedStripe) -> Record:
    (found,) = stripe.world().collections["subscription"]
    return found


def _advance(stripe: SimulatedStripe, seconds: int) -> int:
    events: int = stripe.perform("advance", {}, NOW + seconds)["events"]
    return events


def test_nothing_is_due_in_a_new_merchant(merchant: SimulatedStripe) -> None:
    """A generated merchant is up to date: time has brought nothing yet."""
    assert not merchant.is_anything_due(NOW)


def test_periods_renew_on_time(quiet: SimulatedStripe) -> None:
    """Each period is billed when it begins, however late somebody looks."""
    _subscribe(quiet)
    assert not quiet.is_anything_due(NOW + MONTH - 1)
    assert quiet.is_anything_due(NOW + MONTH)
    _advance(quiet, 3 * MONTH + DAY)
    invoices = list(quiet.world().collections["invoice"])

    assert [invoice["created"] for invoice in invoices] == [NOW + month * MONTH for month in range(4)]
    assert {invoice["status"] for invoice in invoices} == {"paid"}
    assert not quiet.is_anything_due(NOW + 3 * MONTH + DAY)


def test_trials_end(quiet: SimulatedStripe) -> None:
    """A trial turns into an active subscription when it ends."""
    _subscribe(quiet, trial_days=10)
    _advance(quiet, 10 * DAY)

    assert _subscription(quiet)["status"] == "active"


def test_retries_fail_until_they_stop(quiet: SimulatedStripe) -> None:
    """A declined card stays declined: four attempts, then none, and the subscription stays past due."""
    _subscribe(quiet)
    quiet.perform("fail_payment", {"id": "cus_me"}, NOW)
    _advance(quiet, 20 * DAY)
    invoice = list(quiet.world().collections["invoice"])[-1]

    assert (invoice["attempt_count"], invoice["next_payment_attempt"]) == (4, None)
    assert _subscription(quiet)["status"] == "past_due"


def test_cancellations_take_effect(quiet: SimulatedStripe) -> None:
    """A cancellation at the period's end ends the subscription then, without another invoice."""
    _subscribe(quiet)
    quiet.perform("cancel", {"id": "cus_me", "at_period_end": True}, NOW)
    _advance(quiet, 2 * MONTH)
    subscription = _subscription(quiet)

    assert (subscription["status"], subscription["ended_at"]) == ("canceled", NOW + MONTH)
    assert len(quiet.world().collections["invoice"]) == 1


def test_unpaid_first_payments_expire(quiet: SimulatedStripe) -> None:
    """An incomplete subscription expires after 23 hours and its invoice is void."""
    _subscribe(quiet, pay=False)
    _advance(quiet, 23 * 3600)

    assert _subscription(quiet)["status"] == "incomplete_expired"
    assert next(iter(quiet.world().collections["invoice"]))["status"] == "void"


def test_pauses_end(quiet: SimulatedStripe) -> None:
    """A pause of collection ends when it was to end; a period begun before is not collected."""
    _subscribe(quiet)
    quiet.perform("pause", {"id": "cus_me", "collection": True, "resumes_at": NOW + MONTH + DAY}, NOW)
    _advance(quiet, MONTH)
    assert list(quiet.world().collections["invoice"])[-1]["status"] == "void"
    _advance(quiet, MONTH + DAY)

    assert _subscription(quiet)["pause_collection"] is None


def test_a_whole_merchant_lives_a_year() -> None:
    """A generated merchant lives through a year in one go, and its books still add up."""
    stripe = make_stripe(60)
    _advance(stripe, 365 * DAY)

    assert not stripe.is_anything_due(NOW + 365 * DAY)
    for invoice in stripe.world().collections["invoice"]:
        assert invoice["amount_due"] == invoice["amount_paid"] + invoice["amount_remaining"]

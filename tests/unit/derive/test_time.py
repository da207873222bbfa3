"""Time moving forward: what is stored holds until it says it does not, and clock facts move only one way."""

from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from engine.core.facts import (
    CountPassed,
    ElapsedDays,
    ElapsedSeconds,
    Facts,
    HasPassed,
    IsAhead,
    Reason,
    RecentNames,
    RemainingDays,
)
from stripe_sync.catalog import FIRST, LAST, STRIPE_FACTS
from stripe_sync.derive import CustomerFacts, at, derive
from stripe_sync.derive.clock import next_flip
from stripe_sync.objects import bundle_from_json
from tests.unit.derive import agreement
from tests.unit.derive.agreement import Case
from tests.unit.derive.build import NOW, invoice, item, percent, seconds, stored, subscription

quick = hypothesis_settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
cases = st.integers(0, 10**6).map(agreement.case_of)
waits = st.builds(
    timedelta, days=st.sampled_from([0, 1, 2, 29, 31, 40, 400]), seconds=st.sampled_from([0, 1, 43_200, 86_399])
)


def derived(case: Case, now: datetime) -> CustomerFacts:
    """Return the stored facts of a case at another instant."""
    return derive(bundle_from_json(case.document), now, case.settings)


@quick
@given(cases, waits)
def test_stored_facts_hold_until_they_say(case: Case, wait: timedelta) -> None:
    """Until `valid_until`, deriving again gives the very same values, reasons and notes, and reading the same facts."""
    before = derived(case, case.now)
    until = before.values.get("valid_until", LAST)
    assert isinstance(until, datetime)
    for later in (case.now + wait, until - timedelta(seconds=1), case.now + (until - case.now) / 2):
        if case.now <= later < until:
            after = derived(case, later)
            assert (after.values, after.reasons) == (before.values, before.reasons)
            assert set(after.notes) == set(before.notes)
            assert (at(after, later).values, at(after, later).reasons) == (
                at(before, later).values,
                at(before, later).reasons,
            )


@quick
@given(cases, waits, waits)
def test_clock_facts_move_only_as_declared(case: Case, first: timedelta, second: timedelta) -> None:
    """Elapsed days grow with the clock, remaining ones shrink, flags turn once, what is recent is forgotten."""
    found = derived(case, case.now)
    early = at(found, case.now + first)
    late = at(found, case.now + first + second)
    for spec in STRIPE_FACTS:
        before, after = early.values.get(spec.name), late.values.get(spec.name)
        assert early.reasons.get(spec.name) == late.reasons.get(spec.name)
        if spec.clock is None:
            assert before == after
        elif before is not None:
            _check_move(spec.clock, before, after, second)


def _check_move(form: object, before: object, after: object, passed: timedelta) -> None:
    days = passed // timedelta(days=1) + 1
    match form, before, after:
        case ElapsedDays() | ElapsedSeconds(), int(), int():
            assert before <= after <= before + days
        case RemainingDays(), int(), int():
            assert max(0, before - days) <= after <= before
        case HasPassed(), bool(), bool():
            assert before <= after
        case IsAhead(), bool(), bool():
            assert before >= after
        case CountPassed(), int(), int():
            assert before <= after
        case RecentNames(), tuple(), tuple():
            assert set(after) <= set(before)
        case _:
            pytest.fail(f"{form} moved from {before!r} to {after!r}")


@quick
@given(cases, waits)
def test_next_flip_is_not_late(case: Case, wait: timedelta) -> None:
    """Before the next flip no flag and no count over instants is another, on any whole second."""
    found = derived(case, case.now)
    flip = next_flip(found, case.now) or LAST
    later = min(case.now + wait, flip - timedelta(seconds=1))
    for spec in STRIPE_FACTS:
        if isinstance(spec.clock, HasPassed | IsAhead | CountPassed):
            assert at(found, later).get(spec.name) == at(found, case.now).get(spec.name)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (stored(), None),
        (stored(subscriptions=[subscription(status="trialing", trial_end=seconds(3))]), 3),
        (stored(subscriptions=[subscription(pause_collection={"resumes_at": seconds(2)})]), 2),
        (stored(subscriptions=[subscription(pause_collection={"resumes_at": None})]), None),  # never, by itself
        (stored(subscriptions=[subscription(item(current_trial={"end_date": seconds(4)}))]), 4),
        (stored(invoices=[invoice("open", due_date=seconds(5)), invoice("open", due_date=seconds(9))]), 5),
        (stored(invoices=[invoice("open", due_date=seconds(-5))]), None),  # what was due is so already
        (
            stored(
                invoices=[invoice("open", due_date=seconds(5))],
                subscriptions=[subscription(status="trialing", trial_end=seconds(6))],
            ),
            5,  # the first of all
        ),
    ],
)
def test_next_flip(found: CustomerFacts, expected: int | None) -> None:
    """The next instant at which a flag or a count turns by the clock alone; what only counts days is left out."""
    flip = next_flip(found, NOW)
    if expected is None:
        assert flip is None
        return
    assert flip is not None
    # An invoice is overdue once its due date has passed: from the second after.
    assert flip - NOW in (timedelta(days=expected), timedelta(days=expected, seconds=1))
    assert next_flip(found, flip) != flip


DUE = ("2026-11-20T12:00:00Z", "2026-11-20T12:00:01Z")


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (NOW - timedelta(microseconds=1), 0),
        (NOW, 0),  # due this very instant is not overdue yet
        (NOW + timedelta(microseconds=1), 1),
        (NOW + timedelta(seconds=1), 1),
        (NOW + timedelta(seconds=1, microseconds=1), 2),
    ],
)
def test_count_of_passed_instants(now: datetime, expected: int) -> None:
    """An instant is passed strictly after it, to the microsecond."""
    found = Facts(as_of=NOW, values={"invoice_due_dates": DUE})

    assert at(found, now).get("overdue_invoices") == expected


@pytest.mark.parametrize(
    ("now", "recent"),
    [(NOW + timedelta(days=30), ("charged",)), (NOW + timedelta(days=30, microseconds=1), ()), (NOW, ("charged",))],
)
def test_recent_is_thirty_days_old_at_most(now: datetime, recent: tuple[str, ...]) -> None:
    """An event of exactly thirty days ago is the last that is recent."""
    found = Facts(as_of=NOW, values={"charged_at": NOW})

    assert at(found, now).get("recent_events") == recent


def test_hidden_instants_are_never_read() -> None:
    """What stands in for "never" and "always" shows nowhere."""
    found = at(stored(subscriptions=[subscription()]), NOW)

    assert not {FIRST, LAST} & {value for value in found.values.values() if isinstance(value, datetime)}
    assert "valid_until" not in {*found.values, *found.reasons}


def test_next_flip_follows_a_coupon_and_a_card() -> None:
    """A stored value that says until when it holds, and a card that expires, are waited for."""
    made = subscription(item(discounts=[percent(5, "repeating", end=seconds(3))]), status="active")
    assert next_flip(stored(subscriptions=[made]), NOW) == NOW + timedelta(days=3)
    only_valid = Facts(as_of=NOW, values={"valid_until": NOW + timedelta(days=1)})
    assert next_flip(only_valid, NOW) == NOW + timedelta(days=1)
    due_now = Facts(as_of=NOW, values={"invoice_due_dates": DUE[:1]})
    assert next_flip(due_now, NOW) == NOW + timedelta(seconds=1)


def test_one_unknown_clock_fact_leaves_the_others() -> None:
    """A clock fact that already has its reason does not keep those after it from being read."""
    found = Facts(as_of=NOW, values={"charged_at": NOW}, reasons={"on_trial": Reason.STALE})

    assert at(found, NOW).get("days_since_charged") == 0
    assert at(found, NOW).reasons["on_trial"] is Reason.STALE

"""Runs: what is read in which order, what is complete when, and how progress is told."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from engine.ids import ConnectionId, WorkspaceId
from stripe_sync.backfill.models import Action, Run, RunStatus, Step, completed_by, plan_run, progress_of
from stripe_sync.kinds import KINDS

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def test_customers_and_subscriptions_come_first_and_facts_follow_at_once() -> None:
    """The panel is usable long before charges and invoices are read."""
    steps = plan_run(number=1)
    names = [step.kind.name if step.kind else step.action.value for step in steps]

    assert names[:7] == ["products", "prices", "coupons", "customers", "subscriptions", "references", "facts"]
    assert names.index("facts") < names.index("charges")
    assert names[-1] == "facts"
    listed = {step.kind.name for step in steps if step.action is Action.LIST and step.kind}
    assert listed == {kind.name for kind in KINDS.values() if kind.is_listed}


def test_only_a_later_run_sweeps() -> None:
    """The first run has nothing to remove; later ones ask about every kind that is listed."""
    assert not [step for step in plan_run(number=1) if step.action is Action.SWEEP]
    assert len([step for step in plan_run(number=2) if step.action is Action.SWEEP]) == 11


def test_payment_methods_are_complete_with_those_who_name_them() -> None:
    """They come inside customers and subscriptions, never as a list."""
    assert completed_by(frozenset({"customers"})) == {"customers"}
    assert "payment_methods" in completed_by(frozenset({"customers", "subscriptions"}))


def test_progress_of_a_first_run_has_no_eta_at_first() -> None:
    """Before all customers are read nobody knows how far back a new account goes."""
    progress = progress_of(_run(RunStatus.RUNNING), _steps(), None, NOW + timedelta(seconds=10))

    assert (progress.objects, progress.pages, progress.steps_done) == (150, 2, 1)
    assert progress.current == "customers"
    assert progress.objects_per_second == 15.0
    assert progress.eta_seconds is None


def test_progress_of_a_later_run_guesses_from_the_one_before() -> None:
    """450 objects before, 150 read in ten seconds: twenty seconds to go."""
    assert progress_of(_run(RunStatus.RUNNING), _steps(), 450, NOW + timedelta(seconds=10)).eta_seconds == 20


def test_progress_of_a_first_run_guesses_from_how_far_back_its_lists_are() -> None:
    """Customers go back 100 days; charges are read 25 days back, 300 of them: 900 to go, at 40 a second."""
    day, now = 86_400, int(NOW.timestamp())
    customers = replace(_step(0, Action.LIST, "customers", 100, done=True), oldest=now - 100 * day)
    charges = replace(_step(1, Action.LIST, "charges", 300, done=False), oldest=now - 25 * day)
    run = replace(_run(RunStatus.RUNNING), started_at=NOW)

    assert progress_of(run, (customers, charges), None, NOW + timedelta(seconds=10)).eta_seconds == 22
    older = replace(charges, position=2, created_before=now - 25 * day, objects=0, oldest=None)
    parts = (customers, replace(charges, created_from=now - 25 * day, is_done=True), older)
    assert progress_of(run, parts, None, NOW + timedelta(seconds=10)).eta_seconds == 22
    unread = replace(charges, objects=0, oldest=None)
    assert progress_of(run, (customers, unread), None, NOW + timedelta(seconds=10)).eta_seconds is None


def test_progress_of_a_run_that_is_over() -> None:
    """Nothing is current, nothing is left."""
    progress = progress_of(_run(RunStatus.COMPLETE), _steps(), 450, NOW + timedelta(days=1))

    assert progress.current is None
    assert progress.eta_seconds is None


# helpers


def _run(status: RunStatus) -> Run:
    return Run(
        id="run_1",
        workspace_id=WorkspaceId("ws_1"),
        connection_id=ConnectionId("con_1"),
        number=1,
        status=status,
        queued_at=NOW,
        started_at=NOW,
        finished_at=NOW + timedelta(seconds=30) if status is RunStatus.COMPLETE else None,
        stamp=None,
        attempts=0,
        last_error=None,
    )


def _steps() -> tuple[Step, ...]:
    return (
        _step(0, Action.LIST, "products", 50, done=True),
        _step(1, Action.LIST, "customers", 100, done=False),
        _step(2, Action.FACTS, None, 7, done=False),
    )


def _step(position: int, action: Action, kind: str | None, objects: int, *, done: bool) -> Step:
    return Step(
        position=position,
        action=action,
        kind=KINDS[kind] if kind else None,
        cursor=None,
        pages=1,
        objects=objects,
        is_done=done,
    )

"""Runs and their steps as frozen values, and the plan of a run. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from engine.ids import ConnectionId, WorkspaceId
from stripe_sync.kinds import KINDS, Kind


class RunStatus(StrEnum):
    """Where a run is."""

    QUEUED = "queued"
    RUNNING = "running"
    COMPLETE = "complete"
    FAILED = "failed"


class Action(StrEnum):
    """What a step does."""

    LIST = "list"
    """Read the list of one kind to its end."""
    REFERENCES = "references"
    """Fetch products, prices and coupons that are used and were in no list."""
    FACTS = "facts"
    """Match and derive everybody, now that more kinds are complete."""
    SWEEP = "sweep"
    """Ask for what the lists no longer showed, and remove what Stripe says is gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedStep:
    """A step before it is begun."""

    action: Action
    kind: Kind | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A step, and how far it is."""

    position: int
    action: Action
    kind: Kind | None
    cursor: str | None
    pages: int
    objects: int
    is_done: bool
    created_from: int | None = None
    """The part of the list that this step reads, in epoch seconds: from (inclusive) …"""
    created_before: int | None = None
    """… and before (exclusive)."""
    oldest: int | None = None
    """How far back it was read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run over an account."""

    id: str
    workspace_id: WorkspaceId
    connection_id: ConnectionId
    number: int
    status: RunStatus
    queued_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    stamp: datetime | None
    attempts: int
    last_error: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a run is, for people."""

    objects: int
    pages: int
    steps: int
    steps_done: int
    current: str | None
    """What is being read now: a kind, or a step's action."""
    objects_per_second: float | None
    eta_seconds: int | None
    """Guessed from the run before, in a first one from how far back each list is; None while that can't be told."""


def plan_run(*, number: int) -> tuple[PlannedStep, ...]:
    """Return the steps of a run.

    What decides plan, MRR and status comes first, and facts follow at once, so that rules and panel are usable in the
    first minute. The first run of a connection has nothing to sweep.
    """
    first = ("products", "prices", "coupons", "customers", "subscriptions")
    then = ("charges", "invoices", "disputes", "refunds", "invoice_payments", "credit_notes")
    steps: list[PlannedStep] = []
    for names in (first, then):
        steps.extend(PlannedStep(action=Action.LIST, kind=KINDS[name]) for name in names)
        if names is first:
            steps.append(PlannedStep(action=Action.REFERENCES))
        steps.append(PlannedStep(action=Action.FACTS))
    if number > 1:
        listed = [kind for kind in KINDS.values() if kind.is_listed]
        steps.extend(PlannedStep(action=Action.SWEEP, kind=kind) for kind in listed)
    return tuple(steps)


def completed_by(done: frozenset[str]) -> frozenset[str]:
    """Return the kinds that are complete once the lists of `done` were read: also those that come inside others."""
    return done | ({"payment_methods"} if done >= {"customers", "subscriptions"} else frozenset())


def progress_of(run: Run, steps: tuple[Step, ...], previous_objects: int | None, now: datetime) -> Progress:
    """Return how far a run is at `now`, given how many objects the run before it read."""
    objects = sum(step.objects for step in steps if step.action is Action.LIST)
    current = next((step for step in steps if not step.is_done), None)
    elapsed = ((run.finished_at or now) - run.started_at).total_seconds() if run.started_at else 0.0
    rate = objects / elapsed if elapsed > 0 and objects else None
    left = _left(run, steps) if previous_objects is None else max(0, previous_objects - objects)
    is_running = run.status is RunStatus.RUNNING
    return Progress(
        objects=objects,
        pages=sum(step.pages for step in steps if step.action is Action.LIST),
        steps=len(steps),
        steps_done=sum(step.is_done for step in steps),
        current=None if current is None or not is_running else (current.kind.name if current.kind else current.action),
        objects_per_second=None if rate is None else round(rate, 1),
        eta_seconds=None if left is None or rate is None or not is_running else round(left / rate),
    )


def _left(run: Run, steps: tuple[Step, ...]) -> int | None:
    """Return how many objects a first run has before it, as dense as each list was so far.

    How far back lists go follows from the oldest customer; before all customers are read, and while a list was not
    begun, nobody can tell.
    """
    lists = [step for step in steps if step.action is Action.LIST and step.kind is not None]
    customers = [step for step in lists if step.kind is KINDS["customers"]]
    known = [step.oldest for step in customers if step.oldest is not None]
    if run.started_at is None or not known or not all(step.is_done for step in customers):
        return None
    left = 0.0
    for kind in {step.kind.name for step in lists if step.kind is not None and not step.is_done}:
        guess = _left_of([step for step in lists if step.kind is KINDS[kind]], min(known), run.started_at)
        if guess is None:
            return None
        left += guess
    return round(left)


def _left_of(parts: Sequence[Step], floor: int, started_at: datetime) -> float | None:
    objects = sum(step.objects for step in parts)
    covered = whole = 0.0
    for step in parts:
        top = int(started_at.timestamp()) if step.created_before is None else step.created_before
        bottom = max(floor, step.created_from or floor)
        whole += max(0, top - bottom)
        reached = bottom if step.is_done else step.oldest
        covered += 0 if reached is None else max(0, top - max(reached, bottom))
    return None if not objects or covered <= 0 else objects * (whole - covered) / covered

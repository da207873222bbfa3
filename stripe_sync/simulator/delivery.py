"""Webhooks on their way: what is due when, how it is signed, and what happens when nobody takes it.

The queue decides, somebody else sends: `due(now)` hands out attempts, `report` says how each one went. An event
may be delivered more than once and in any order, as with Stripe.
"""

import hashlib
import hmac
import random
from collections.abc import Iterable
from dataclasses import dataclass, replace
from heapq import heappop, heappush

from stripe_sync.simulator.faults import Faults
from stripe_sync.simulator.records import Record
from stripe_sync.simulator.shapes import event as event_shape
from stripe_sync.simulator.world import World

RETRY_AFTER_S = (2, 10, 60, 300, 1800, 7200, 21_600, 43_200, 86_400, 86_400)
"""Pauses between attempts at one delivery; three days in all, as Stripe's live mode has it."""

_OVERTAKEN_S = 2.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Endpoint:
    """Where webhooks go. A `connect` endpoint belongs to the platform and hears of all connected accounts."""

    url: str
    secret: str
    connect: bool = True
    account: str | None = None
    """The one account whose events an endpoint of its own gets."""

    def wants(self, account: str) -> bool:
        """Tell whether events of this account go here."""
        return self.connect or self.account == account


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """One attempt at delivering one event to one endpoint."""

    endpoint: Endpoint
    world: World
    event: Record
    number: int = 1
    """Counts from 1; 0 is a repetition that nobody waits for."""

    def payload(self) -> Record:
        """Return the JSON body, with the top-level `account` that connect endpoints get."""
        body = event_shape(self.world, self.event)
        if self.endpoint.connect:
            body["account"] = self.world.account
        return body


def signature(secret: str, body: bytes, timestamp: int) -> str:
    """Return the `Stripe-Signature` header for a body sent at `timestamp`."""
    digest = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={timestamp},v1={digest}"


class Deliveries:
    """All deliveries that are due now or later."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._waiting: list[tuple[float, int, Attempt]] = []
        self._number = 0
        self.endpoints: list[Endpoint] = []
        self.delivered = 0
        self.failed = 0
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def enqueue(self, world: World, events: Iterable[Record], now: float, faults: Faults) -> None:
        """Plan the delivery of events to every endpoint that wants them."""
        endpoints = [endpoint for endpoint in self.endpoints if endpoint.wants(world.account)]
        if not endpoints:
            return
        for event in events:
            world.undelivered[event["id"]] = len(endpoints)
            for endpoint in endpoints:
                self._plan(Attempt(endpoint=endpoint, world=world, event=event), now, faults)

    def _plan(self, attempt: Attempt, now: float, faults: Faults) -> None:
        if self._rng.random() < faults.drop:
            self.dropped += 1
            return
        due = now + faults.delay_ms / 1000
        if self._rng.random() < faults.reorder:
            due += self._rng.uniform(0, _OVERTAKEN_S)
        self._push(due, attempt)
        if self._rng.random() < faults.repeat:
            self._push(due + self._rng.uniform(0, _OVERTAKEN_S), replace(attempt, number=0))

    def _push(self, due: float, attempt: Attempt) -> None:
        self._number += 1
        heappush(self._waiting, (due, self._number, attempt))

    def next_due(self) -> float | None:
        """Return when the next attempt is due, or None if none is waiting."""
        return self._waiting[0][0] if self._waiting else None

    def due(self, now: float, limit: int = 1_000_000) -> list[Attempt]:
        """Take the attempts that are due out of the queue, earliest first; each must be reported."""
        taken: list[Attempt] = []
        while self._waiting and self._waiting[0][0] <= now and len(taken) < limit:
            taken.append(heappop(self._waiting)[2])
        return taken

    def report(self, attempt: Attempt, *, acknowledged: bool, now: float) -> None:
        """Note how an attempt went; one that was not acknowledged comes back after a pause, for three days."""
        if acknowledged:
            self.delivered += 1
            if attempt.number:
                _count_down(attempt)
            return
        self.failed += 1
        if 0 < attempt.number <= len(RETRY_AFTER_S):
            pause = RETRY_AFTER_S[attempt.number - 1]
            self._push(now + pause, replace(attempt, number=attempt.number + 1))


def _count_down(attempt: Attempt) -> None:
    undelivered, event_id = attempt.world.undelivered, attempt.event["id"]
    left = undelivered.get(event_id, 0) - 1
    if left > 0:
        undelivered[event_id] = left
    else:
        undelivered.pop(event_id, None)

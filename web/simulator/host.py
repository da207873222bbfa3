"""The simulated Stripe of this process: its clock, its lock, its journal.

Everything that changes it goes through `perform`, which writes it down first. All methods may be called from any
thread.
"""

import gc
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from stripe_sync.simulator.accounts import AccountPlan
from stripe_sync.simulator.answers import Answer, OAuthError, StripeError
from stripe_sync.simulator.delivery import Attempt, Endpoint
from stripe_sync.simulator.demo import demo_customers
from stripe_sync.simulator.faults import merged
from stripe_sync.simulator.records import Record
from stripe_sync.simulator.stripe import SimulatedStripe
from web.clock import SystemClock
from web.simulator.journal import Entry, Journal, Origin

_CLOCK = "clock"


@dataclass(frozen=True, kw_only=True, slots=True)
class HostOptions:
    """What to simulate and how fast."""

    customers: int = 100
    test_customers: int = 0
    accounts: int = 1
    seed: str = "1"
    livemode: bool = True
    latency_ms: int = 0
    rate: float | None = None
    activity_per_minute: float = 0.0
    reserve: Sequence[str] = ()
    """E-mails of customers that activity leaves alone, besides the demonstration's."""
    state: Path | None = None


class Host:
    """One simulated Stripe that threads share."""

    def __init__(self, options: HostOptions, clock: SystemClock) -> None:
        """Generate it, or rebuild it from its journal; raises JournalError."""
        self.options = options
        self.wake = threading.Condition()
        """Notified when webhooks may have become due."""
        self._clock = clock
        self._offset = 0.0
        self._lock = threading.RLock()
        self._journal = Journal(options.state)
        origin, entries = self._journal.load(
            Origin(
                seed=options.seed,
                customers=options.customers,
                test_customers=options.test_customers,
                accounts=options.accounts,
                livemode=options.livemode,
                now=int(self.now()),
            )
        )
        self.stripe = _generate(origin, options.rate)
        for entry in entries:
            self._replay(entry)
        self.examples = {
            name: str(customer["email"]) for name, customer in demo_customers(self.stripe.world(), self.now()).items()
        }
        """E-mails of customers that are good examples of their kind, chosen at the start."""
        self.reserved = self._reserved_ids()

    def now(self) -> float:
        """Return the simulator's time: the real one, moved by what was asked for."""
        return self._clock.now().timestamp() + self._offset

    def _replay(self, entry: Entry) -> None:
        if entry.action == _CLOCK:
            self._offset += float(entry.args["advance_s"])
            return
        try:
            self.stripe.perform(entry.action, entry.args, entry.now)
        except (StripeError, OAuthError):
            return  # it was refused the first time too

    def _reserved_ids(self) -> frozenset[str]:
        world = self.stripe.world()
        emails = {*self.examples.values(), *self.options.reserve}
        return frozenset(customer["id"] for email in emails for customer in world.find("customer", "email", email))

    def request(self, method: str, path: str, *, query: str, body: str, headers: Mapping[str, str]) -> Answer:
        """Answer an API request, after what time has brought until now: no answer may be older than an event."""
        with self._lock:
            self.live()
            now = self.now()
            self._journal_oauth(method, path, body, headers, now)
            answer = self.stripe.request(method, path, query=query, body=body, headers=headers, now=now)
        if method == "POST":
            self._notify()
        return answer

    def _journal_oauth(self, method: str, path: str, body: str, headers: Mapping[str, str], now: float) -> None:
        """Write down the API requests that change something: those for tokens."""
        operation = self.stripe.oauth_operation(method, path, body, headers)
        if operation is not None:
            action, args = operation
            self._journal.append(Entry(action=action, args=args, now=now))

    def perform(self, action: str, args: Record) -> Record:
        """Do one operation; raises StripeError or OAuthError when it is refused."""
        with self._lock:
            now = self.now()
            self._journal.append(Entry(action=action, args=args, now=now))
            answer = self.stripe.perform(action, args, now)
        self._notify()
        return answer

    def live(self) -> None:
        """Let happen what time alone brings (renewals, ends of trials), if anything is due."""
        with self._lock:
            due = self.stripe.is_anything_due(self.now())
        if due:
            self.perform("advance", {})

    def act(self) -> None:
        """Let one random customer do something."""
        try:
            self.perform("activity", {"reserved": sorted(self.reserved)})
        except StripeError:
            return  # what was tried does not suit that customer: nothing happens

    def advance(self, seconds: float) -> float:
        """Move the clock forward and let happen what that brings; returns the new time."""
        with self._lock:
            self._journal.append(Entry(action=_CLOCK, args={"advance_s": seconds}, now=self.now()))
            self._offset += seconds
        self.live()
        self._notify()
        return self.now()

    def set_faults(self, given: Record) -> Record:
        """Set the faults in force and return them all; raises StripeError."""
        with self._lock:
            self.stripe.faults = merged(self.stripe.faults, given)
        return self.faults()

    def faults(self) -> Record:
        """Return the faults in force."""
        return asdict(self.stripe.faults)

    def add_endpoint(self, endpoint: Endpoint) -> None:
        """Deliver webhooks to one more place."""
        with self._lock:
            self.stripe.deliveries.endpoints.append(endpoint)

    def read(self, reader: Callable[[SimulatedStripe], Any]) -> Any:
        """Look at the simulated Stripe while nothing changes it."""
        with self._lock:
            return reader(self.stripe)

    def latency_s(self) -> float:
        """Return how long an API answer takes."""
        faults = self.stripe.faults
        return (self.options.latency_ms if faults.latency_ms is None else faults.latency_ms) / 1000

    def due_webhooks(self, limit: int) -> tuple[list[Attempt], float | None]:
        """Take the webhooks that are due; also returns the seconds until the next, None if none is waiting."""
        with self._lock:
            now = self.now()
            due = self.stripe.deliveries.due(now, limit)
            following = self.stripe.deliveries.next_due()
        return due, None if following is None else max(0.0, following - now)

    def report_webhook(self, attempt: Attempt, *, acknowledged: bool) -> None:
        """Note how a delivery went."""
        with self._lock:
            self.stripe.deliveries.report(attempt, acknowledged=acknowledged, now=self.now())

    def _notify(self) -> None:
        with self.wake:
            self.wake.notify_all()

    def close(self) -> None:
        """Close the journal."""
        self._journal.close()


def _generate(origin: Origin, rate: float | None) -> SimulatedStripe:
    names = ("Northwind Traders", "Globex", "Initech", "Umbrella", "Hooli")
    plans = [
        AccountPlan(customers=origin.customers, test_customers=origin.test_customers, name=names[number % len(names)])
        for number in range(origin.accounts)
    ]
    gc.disable()  # millions of records, none of them garbage: looking for some would take most of the time
    try:
        return SimulatedStripe(seed=origin.seed, now=origin.now, plans=plans, livemode=origin.livemode, rate=rate)
    finally:
        gc.freeze()
        gc.enable()

"""How long a backfill takes, in how many requests and how much memory, and whether it gets everything.

The accounts are `tests.bench.light_stripe`: 200 ms to each answer, times spread as a merchant's are. The small one has
the size that peers were measured with: 2,000 customers, 20,000 objects, 203 pages of lists. Worker, PostgreSQL and the
Stripe it reads share the machine, as they did for peers.

`make bench ARGS=million` reads 1,000,000 customers and 10,000,000 charges, which takes hours; `ARGS=backfill-memory`
looks at the memory of a worker while it reads the first part of such an account, for some minutes.
"""

import multiprocessing
import os
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table
from sqlalchemy import func, select

from engine.storage import Database
from stripe_sync.connect.models import Connection
from stripe_sync.fact_sql import FACTS as KEPT
from stripe_sync.mirror_tables import MIRROR
from stripe_sync.service import StripeService
from stripe_sync.settings import StripeConfig
from tests.bench import light_stripe
from tests.bench.light_stripe import Account
from tests.integration.stripe_sync.office import FACTS, KEY, OWNER, WORKSPACE, Wakes, add_people
from tests.servers import start_postgresql, start_valkey
from web.clock import SystemClock

SMALL = Account(customers=2000, invoices=8000, charges=8000, latency_ms=200)
MEDIUM = Account(customers=10_000, invoices=120_000, charges=120_000, latency_ms=200, rate=25)
LARGE = Account(customers=1_000_000, invoices=0, charges=10_000_000)
FULL, POLITE = {"requests_overall_live": 60.0}, {"requests_overall_live": 24.0}
PEERS_CALLS = 302
MEDIUM_S = 300
MOST_MB = 400
LOOK_EVERY = 50_000
"""After how many objects the memory is looked at."""
PATIENCE_S = 480
"""For how long a part is read."""
KILLED_AT = 5000
POLL_S = 0.2
KNOWN = select(func.count()).select_from(KEPT).where(KEPT.c.mrr.is_not(None))


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """An account, how much of it we allow ourselves, and what is wanted."""

    what: str
    account: Account
    budget: dict[str, float]
    wanted_s: float | None = None
    wanted_calls: int | None = None
    is_killed: bool = False


CASES = (
    Case(what="25 requests/s", account=replace(SMALL, rate=25), budget=POLITE, wanted_s=14.1, wanted_calls=PEERS_CALLS),
    Case(what="80 requests/s", account=replace(SMALL, rate=80), budget=FULL, wanted_s=7.8, wanted_calls=PEERS_CALLS),
    Case(what="10 requests/s, bare 429s", account=replace(SMALL, rate=10), budget=FULL),
    Case(what="the same, kill -9 in the middle", account=replace(SMALL, rate=10), budget=FULL, is_killed=True),
    Case(what="10,000 customers, 25 requests/s", account=MEDIUM, budget=POLITE, wanted_s=MEDIUM_S),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What was measured of one backfill."""

    seconds: float
    usable: float
    """After how many seconds plan and MRR of the last customer were known."""
    calls: int
    refused: int
    objects: int
    cpu: float
    """Seconds of processor that the worker needed, where it was not killed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a backfill runs: plain values, so that a worker process can be given them."""

    database_url: str
    redis_url: str
    stripe_url: str
    budget: dict[str, float]

    def service(self, database: Database) -> StripeService:
        """Return the Stripe side over an open database."""
        config = StripeConfig(
            public_url="http://127.0.0.1:9",
            api_base=self.stripe_url,
            redis_url=self.redis_url,
            **self.budget,  # type: ignore[arg-type]  # rates
        )
        return StripeService(database, SystemClock(), config, Wakes(), encryption_keys=[KEY], facts=FACTS)


def work(place: Place) -> None:
    """Run backfills until killed, as a worker that is woken again and again does."""
    database = Database(place.database_url)
    service = place.service(database)
    while True:
        service.run_backfills()
        time.sleep(POLL_S)


@dataclass(slots=True, kw_only=True)
class Worker:
    """A worker process, which can be killed and started anew."""

    place: Place
    process: Any = None

    def start(self) -> None:
        """Start it, as a worker is when it has imported everything and forks."""
        context = multiprocessing.get_context("fork")
        self.process = context.Process(target=work, args=(self.place,), daemon=True)
        self.process.start()

    def kill(self) -> None:
        """End it as `kill -9` does."""
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.join()

    def processor(self) -> float:
        """Return how many seconds of processor it has had."""
        times = psutil.Process(self.process.pid).cpu_times()
        return float(times.user + times.system)

    def megabytes(self) -> float:
        """Return its resident memory."""
        return float(psutil.Process(self.process.pid).memory_info().rss) / 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """A connected account and a worker that is to read it."""

    database: Database
    service: StripeService
    stripe: light_stripe.Running
    worker: Worker

    def backfill(self) -> dict[str, Any]:
        """Return the status of the run."""
        (connection,) = self.service.status(WORKSPACE)["connections"]
        found: dict[str, Any] = connection["backfill"]
        return found

    def rows(self) -> dict[str, int]:
        """Return how many rows of each listed kind the mirror has."""
        with self.database.workspace(WORKSPACE, readonly=True) as session:
            return {
                name: session.scalar(select(func.count()).select_from(MIRROR[name])) or 0
                for name in ("customers", "subscriptions", "invoices", "charges")
            }

    def is_usable(self) -> bool:
        """Return whether every customer has an end user who knows their MRR."""
        with self.database.workspace(WORKSPACE, readonly=True) as session:
            known = session.execute(KNOWN).scalar_one()
        return bool(known >= self.stripe.account.customers)

    def check(self) -> None:
        """Raise AssertionError unless the mirror has every object."""
        account = self.stripe.account
        customers, invoices, charges = account.customers, account.invoices, account.charges
        wanted = {"customers": customers, "subscriptions": customers, "invoices": invoices, "charges": charges}
        assert self.rows() == wanted, self.rows()


@contextmanager
def bench(account: Account, budget: dict[str, float]) -> Iterator[Bench]:
    """Connect an account; the worker is not started yet."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        redis_url = stack.enter_context(start_valkey(folder))
        server = stack.enter_context(start_postgresql())
        database_url = stack.enter_context(server.fresh_database())
        stripe = stack.enter_context(light_stripe.start(account))
        place = Place(database_url=database_url, redis_url=redis_url, stripe_url=stripe.url, budget=budget)
        database = Database(database_url)
        stack.callback(database.dispose)
        service, clock = place.service(database), SystemClock()
        FACTS.rates.rate("eur", "usd", clock.now())  # read once, as workers do before they fork
        add_people(database, WORKSPACE, "Acme", clock.now())
        secret = "whsec_of_the_bench"
        made = service.connect_restricted_key(
            WORKSPACE, member_id=OWNER, api_key=light_stripe.KEY, webhook_secret=secret
        )
        assert isinstance(made, Connection), made
        database.engine.dispose()  # nothing open is to be forked
        yield Bench(database=database, service=service, stripe=stripe, worker=Worker(place=place))


def measure(case: Case) -> Figures:
    """Run a case to its end and return what was measured."""
    with bench(case.account, case.budget) as place:
        before = sum(place.stripe.stats()["requests"].values())
        began, usable, is_to_be_killed = time.perf_counter(), 0.0, case.is_killed
        place.worker.start()
        try:
            while (present := place.backfill())["status"] != "complete":
                assert present["status"] != "failed", present
                time.sleep(POLL_S)
                if is_to_be_killed and present["objects"] >= KILLED_AT:
                    place.worker.kill()
                    place.worker.start()
                    is_to_be_killed = False
                if not usable and place.is_usable():
                    usable = time.perf_counter() - began
            took, cpu = time.perf_counter() - began, place.worker.processor()
        finally:
            place.worker.kill()
        assert not is_to_be_killed
        place.check()
        assert place.is_usable()
        stats = place.stripe.stats()
        return Figures(
            seconds=took,
            usable=usable or took,
            calls=sum(stats["requests"].values()) - before,
            refused=stats["refused"],
            objects=sum(place.rows().values()),
            cpu=cpu,
        )


def times(console: Console) -> None:
    """Print how long backfills take."""
    headings = (
        "account",
        "objects",
        "requests",
        "429s",
        "complete (s)",
        "plan and MRR of all (s)",
        "objects/s",
        "wanted",
    )
    table = Table(title="Backfill on PostgreSQL, 200 ms to each answer, all objects there and all facts derived")
    for heading in headings:
        table.add_column(heading, justify="right")
    for case in CASES:
        found = measure(case)
        row = (
            case.what,
            f"{found.objects:,}",
            f"{found.calls:,}",
            str(found.refused),
            f"{found.seconds:.1f}",
            f"{found.usable:.1f}",
            "-" if case.is_killed else f"{found.cpu:.1f}",
            _verdict(case, found),
        )
        console.print("; ".join(f"{name} {value}" for name, value in zip(headings, row, strict=True)))
        table.add_row(*row)
    console.print(table)


def _verdict(case: Case, found: Figures) -> str:
    wanted = []
    if case.wanted_s is not None:
        wanted.append((f"{case.wanted_s:g} s", found.seconds <= case.wanted_s))
    if case.wanted_calls is not None:
        wanted.append((f"{case.wanted_calls} requests", found.calls <= case.wanted_calls))
    return ", ".join(f"{what}: {'reached' if is_reached else 'NOT reached'}" for what, is_reached in wanted) or "-"


def memory(console: Console, *, is_whole: bool) -> None:
    """Print the memory of a worker that reads a million customers, killed once on the way."""
    unbounded = {"requests_per_second": 1e6, "requests_overall_live": 1e6}
    what = f"{LARGE.customers:,} customers and {LARGE.charges:,} charges"
    console.print(f"Resident memory of a worker that reads {what}; under {MOST_MB} MB is wanted")
    most, look, killed_at, present = 0.0, LOOK_EVERY, 0, 0
    with bench(LARGE, unbounded) as place:
        began = time.perf_counter()
        place.worker.start()
        try:
            while (status := place.backfill())["status"] != "complete":
                assert status["status"] != "failed", status
                present, seconds = status["objects"], time.perf_counter() - began
                most = max(most, place.worker.megabytes())
                if present >= look:
                    console.print(f"{present:>12,} objects after {seconds:5.0f} s: {place.worker.megabytes():.0f} MB")
                    look += LOOK_EVERY
                    if not killed_at:
                        place.worker.kill()
                        place.worker.start()
                        killed_at = present
                if not is_whole and seconds > PATIENCE_S:
                    break
                time.sleep(1)
        finally:
            place.worker.kill()
    assert present > killed_at, "it did not go on"
    verdict = "reached" if most < MOST_MB else "NOT reached"
    part = "all of it was read" if is_whole else f"{present:,} objects were read, not all"
    console.print(f"At most {most:.0f} MB: {verdict}; {part}; killed by kill -9 after {killed_at:,}, it went on")


def main() -> None:
    """Print how long backfills take."""
    times(Console(width=150))


if __name__ == "__main__":
    main()

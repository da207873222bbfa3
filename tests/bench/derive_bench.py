"""How many typical customers a second are derived from the mirror on PostgreSQL, and what one event costs.

Everything counts: reading the mirror, deriving, storing the facts, commits with `synchronous_commit=on`. A table row
says the rate by the clock on the wall, and the processor time it cost here and in PostgreSQL; on a machine that does
other things besides, the latter say more. The stored facts are checked against plain `derive` over all objects.
"""

import multiprocessing
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import psycopg
from rich.table import Table

from engine.ids import EndUserId
from engine.storage import Database
from stripe_sync import fact_repository
from stripe_sync.derive import DeriveSettings, GivenRates, derive
from stripe_sync.fact_service import Cause, FactService
from stripe_sync.objects import Bundle
from tests.bench import merchant
from tests.bench.merchant import NOW, WORKSPACE, Json
from tests.servers import start_postgresql

CUSTOMERS = 3000
BATCH = 500
CHECKED = 200
LONG = 50_000
MANY = 10_000_000
"""More than any number of typical customers."""
EVENTS = 20
RATES = GivenRates(into="usd", rates={"eur": Fraction("1.10")})
SERVICE = FactService(RATES)
REAPED = 0.3
"""Seconds within which PostgreSQL knows what its processes that ended took."""
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Cost:
    """What some work took, in seconds."""

    wall: float
    here: float
    postgresql: float


def table() -> Table:
    """Run the benchmark and return what it found."""
    found = Table(title="Facts from the mirror, PostgreSQL with synchronous_commit=on")
    for heading in ("what", "rate, or time", "processor here", "processor in PostgreSQL"):
        found.add_column(heading, justify="left" if heading == "what" else "right")
    for row in run():
        found.add_row(*row)
    return found


def run() -> Iterator[tuple[str, ...]]:
    """Yield rows of what was done, customers a second, and microseconds of processor a customer here and there."""
    with start_postgresql() as server, server.fresh_database() as url:
        database = Database(url)
        merchant.settle(database)
        made = list(merchant.customers(CUSTOMERS))
        people = merchant.fill(database, made)
        _vacuum(url)
        for processes in (1, 2):
            first = _measure(url, lambda n=processes: _derive_all(url, people, n))  # type: ignore[misc]  # bound in a loop
            yield _row(f"first time, processes: {processes}", first)
            _check(database, made[:CHECKED], people[:CHECKED])
            if processes == 1:
                yield _row("again, nothing changed", _measure(url, lambda: _derive_all(url, people, 1)))
                yield _memory(url, people)
                with database.workspace(WORKSPACE) as session:
                    fact_repository.forget(WORKSPACE, session, people)
        yield from _events(database, url)
        database.dispose()


def _row(what: str, cost: Cost) -> tuple[str, ...]:
    each = (f"{part / CUSTOMERS * 1e6:,.0f} µs" for part in (cost.here, cost.postgresql))
    return what, f"{CUSTOMERS / cost.wall:,.0f} /s", *each


def _derive_all(url: str, people: list[EndUserId], processes: int) -> None:
    if processes == 1:
        _derive(url, people)
        return
    share = len(people) // processes
    context = multiprocessing.get_context("fork")
    workers = [
        context.Process(target=_derive, args=(url, people[n * share : (n + 1) * share])) for n in range(processes)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0


def _derive(url: str, people: list[EndUserId]) -> None:
    database = Database(url)
    for start in range(0, len(people), BATCH):
        with database.workspace(WORKSPACE) as session:
            SERVICE.recompute(WORKSPACE, session, people[start : start + BATCH], NOW, Cause.BACKFILL)
    database.dispose()


def _memory(url: str, people: list[EndUserId]) -> tuple[str, ...]:
    """Return how much memory this process has after few customers, and after five times as many."""
    _derive(url, people)
    few = _resident()
    for _ in range(5):
        _derive(url, people)
    return "memory, then after 5 times as many", f"{few:,} MB", f"{_resident():,} MB", ""


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 2**20


def _events(database: Database, url: str) -> Iterator[tuple[str, ...]]:
    """Yield what deriving one customer after one event costs."""
    for events, what in ((merchant.BUSY, "200 of each"), (LONG, "50,000 charges and invoices")):
        number = MANY + events
        made = merchant.customer(number, 1 if events == LONG else events)
        (end_user_id,) = merchant.fill(database, [made])
        if events == LONG:
            merchant.lengthen(database, number, events)
            made = merchant.everything(database, made["customers"][0]["id"])
        _vacuum(url)

        def one(end_user_id: EndUserId = end_user_id) -> None:
            for _ in range(EVENTS):
                with database.workspace(WORKSPACE) as session:
                    SERVICE.recompute(WORKSPACE, session, [end_user_id], NOW, Cause.EVENT)

        one()
        cost = _measure(url, one)
        _check(database, [made], [end_user_id])
        each = (f"{part / EVENTS * 1e3:,.1f} ms" for part in (cost.wall, cost.here, cost.postgresql))
        yield f"one event, {what}", *each


def _check(database: Database, made: list[dict[str, list[Json]]], people: list[EndUserId]) -> None:
    """Hold what is stored against what is derived from every object."""
    with database.workspace(WORKSPACE, readonly=True) as session:
        kept = fact_repository.read_many(WORKSPACE, session, people)
    for objects, end_user_id in zip(made, people, strict=True):
        lists: dict[str, Any] = {**objects, **merchant.shared()}
        bundle = Bundle(customer=lists.pop("customers")[0], **lists)
        expected = derive(bundle, NOW, DeriveSettings(rates=RATES)).values
        stored = kept[end_user_id].facts.values
        assert {name: stored.get(name) for name in expected} == expected, end_user_id


def _measure(url: str, work: Callable[[], None]) -> Cost:
    postmaster = _postmaster(url)
    wall, here, there = time.perf_counter(), _here(), _postgresql(postmaster)
    work()
    wall, here = time.perf_counter() - wall, _here() - here
    time.sleep(REAPED)
    return Cost(wall, here, _postgresql(postmaster) - there)


def _here() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _postgresql(postmaster: int) -> float:
    """Return the processor seconds of a PostgreSQL's processes, those that ended included."""
    total = 0
    for folder in Path("/proc").iterdir():
        try:
            fields = (folder / "stat").read_text().rsplit(")", 1)[1].split() if folder.name.isdigit() else ()
        except OSError:
            continue
        if fields and postmaster in {int(folder.name), int(fields[1])}:
            total += sum(int(fields[place]) for place in (11, 12, 13, 14))
    return total / _TICKS


def _postmaster(url: str) -> int:
    with psycopg.connect(url.replace("postgresql+psycopg", "postgresql")) as connection:
        backend = connection.info.backend_pid
        return int(Path(f"/proc/{backend}/stat").read_text().rsplit(")", 1)[1].split()[1])


def _vacuum(url: str) -> None:
    """Bring statistics and visibility up to date, as PostgreSQL does by itself within a minute or so."""
    with psycopg.connect(url.replace("postgresql+psycopg", "postgresql"), autocommit=True) as connection:
        (setting,) = connection.execute("SHOW synchronous_commit").fetchone() or ("?",)
        assert setting == "on"
        connection.execute("VACUUM ANALYZE")

"""How long a backfill takes, and how many requests: 2,000 customers on PostgreSQL, 200 ms to each answer.

The simulator and the worker share the machine, as peers did when they were measured.
"""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.table import Table

from engine.storage import Database
from tests.integration.stripe_sync.office import Office, make_office
from tests.servers import start_postgresql
from tests.stripe_simulator import start_simulator

CUSTOMERS = 2000
HEADINGS = ("what", "objects", "requests", "per 100 objects", "refused", "lists (s)", "all with facts (s)", "objects/s")
CASES: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("25 requests/s allowed", "25", {"requests_per_second": 20.0, "requests_overall_live": 24.0}),
    ("80 requests/s allowed", "80", {"requests_per_second": 20.0, "requests_overall_live": 60.0}),
    ("10 requests/s, answered by 429s", "10", {"requests_per_second": 20.0, "requests_overall_live": 60.0}),
)


def run(customers: int) -> Iterator[tuple[str, ...]]:
    """Return the rows of the table."""
    for what, rate, budget in CASES:
        arguments = ("--customers", str(customers), "--seed", "7", "--latency-ms", "200", "--rate", rate)
        with start_simulator(*arguments) as simulator, _database() as database:
            office = make_office(database, simulator, lists_at_once=6, **budget)
            office.connect()
            before = simulator.stats()
            began = time.perf_counter()
            lists = _work(office, began)
            took = time.perf_counter() - began
            stats = simulator.stats()
            _check(office)
            requests = sum(stats["requests"].values()) - sum(before["requests"].values())
            objects = office.backfill()["objects"]
            yield (
                what,
                f"{objects:,}",
                f"{requests:,}",
                f"{requests / objects * 100:.2f}",
                str(stats["rate_limited"]),
                f"{lists:.1f}",
                f"{took:.1f}",
                f"{objects / took:,.0f}",
            )


def _work(office: Office, began: float) -> float:
    """Run the backfill to its end; return after how many seconds every list was read."""
    lists = 0.0
    while office.backfill()["status"] != "complete":
        office.service.run_backfills()
        if not lists and len(office.connection.synced_kinds) == len(KINDS_LISTED) + 1:
            lists = time.perf_counter() - began
    return lists or time.perf_counter() - began


def _check(office: Office) -> None:
    """Raise AssertionError unless the mirror has what Stripe has."""
    for kind, single in KINDS_LISTED.items():
        theirs = {each["id"] for each in office.simulator.objects(single)}
        assert office.ids(kind, office.connection) == theirs, kind


KINDS_LISTED = {
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


def main(customers: int = CUSTOMERS) -> None:
    """Print each row as it comes, and the table."""
    table = Table(title=f"Backfill of {customers:,} customers, 200 ms to each answer")
    for heading in HEADINGS:
        table.add_column(heading, justify="right")
    for row in run(customers):
        Console().print("; ".join(f"{name} {value}" for name, value in zip(HEADINGS, row, strict=True)))
        table.add_row(*row)
    Console().print(table)


@contextmanager
def _database() -> Iterator[Database]:
    with start_postgresql() as server, server.fresh_database() as url:
        database = Database(url)
        yield database
        database.dispose()


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))

"""A conversation in over HTTP, decided with 1,000 rules and stored: how long it takes at 50 a second.

The whole application on SQLite and on PostgreSQL (`synchronous_commit=on`), without a network between: a request is
handed to the WSGI application by one of four threads when its time has come, and its latency counts from that time,
so that waiting for the one before counts too. No Stripe account is connected: every Stripe fact is unknown, which is
the most there is to find, to store and to answer.
"""

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from http import HTTPStatus
from pathlib import Path

from flask.testing import FlaskClient
from rich.console import Console
from rich.table import Table

from engine.ids import MemberId, WorkspaceId
from engine.workspace import service as workspaces
from rules.models import PublishedVersion
from tests.bench import workload
from tests.integration.web.conftest import environment, new_tenant
from tests.servers import migrate, start_postgresql
from web.app import create_app
from web.clock import SystemClock
from web.logging import configure
from web.settings import LogSettings, load
from web.wiring import Services, build

RULES = 1000
RATE = 50
SECONDS = 10
THREADS = 4
WANTED_P99_MS = 50


def run(console: Console) -> None:
    """Run on both databases and print it."""
    configure(LogSettings(format="console", level="warning"))
    table = Table(title=f"A conversation decided with {RULES:,} rules and stored, at {RATE} a second; ms")
    for heading in ("database", "requests", "p50", "p99", "longest", ""):
        table.add_column(heading, justify="right")
    for name, url in databases():
        with url as found:
            latencies = _latencies(found)
        p99 = latencies[int(len(latencies) * 0.99)]
        verdict = "reached" if p99 < WANTED_P99_MS else f"NOT under {WANTED_P99_MS}"
        figures = (f"{statistics.median(latencies):.1f}", f"{p99:.1f}", f"{latencies[-1]:.1f}")
        table.add_row(name, f"{len(latencies):,}", *figures, verdict)
    console.print(table)


def databases() -> Iterator[tuple[str, AbstractContextManager[str]]]:
    """Yield the name of each kind of database with a new one to open."""
    yield "SQLite", _sqlite()
    yield "PostgreSQL", _postgresql()


@contextmanager
def _sqlite() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/ochre.db"
        migrate(url)
        yield url


@contextmanager
def _postgresql() -> Iterator[str]:
    with start_postgresql() as server, server.fresh_database() as url:
        yield url


def _latencies(url: str) -> list[float]:
    """Return how long each request took from the moment it was due, in milliseconds, ascending."""
    with tempfile.TemporaryDirectory() as folder:
        settings = load(environment(Path(folder), DATABASE_URL=url))
        services = build(settings, SystemClock())
        try:
            tenant = new_tenant(services, "bench")
            _publish(tenant.workspace_id, tenant.owner.id, services)
            client = create_app(services, settings).test_client
            headers = tenant.bearer()
            _post(client, headers, -1)
            began = time.perf_counter()

            def at_its_time(number: int) -> float:
                due = began + number / RATE
                time.sleep(max(0.0, due - time.perf_counter()))
                _post(client, headers, number)
                return (time.perf_counter() - due) * 1000

            with ThreadPoolExecutor(THREADS) as threads:
                return sorted(threads.map(at_its_time, range(RATE * SECONDS)))
        finally:
            services.database.dispose()


def _publish(workspace_id: WorkspaceId, member_id: MemberId, services: Services) -> None:
    rules = workload.rules(RULES, 0.01, seed=5)
    lines = [f"  - {{name: r{n}, when: '{workload.condition(rule)}', then: {{}}}}" for n, rule in enumerate(rules)]
    lines = [line.replace("then: {}", "then: {add_tags: [bench]}") for line in lines]
    text = "\n".join(["version: 1", "rules:", *lines, "fallback: {route_to: bench}"])
    with services.database.workspace(workspace_id) as session:
        workspaces.create_queue(workspace_id, session, services.clock, "bench", actor=member_id)
        published = services.rulesets.publish_text(workspace_id, session, text, member_id)
    if not isinstance(published, PublishedVersion):
        raise AssertionError(published)  # noqa: TRY004  # what it is instead says why


def _post(client: Callable[[], FlaskClient], headers: Mapping[str, str], number: int) -> None:
    person = workload.people(1, 1.0, seed=number + 10)[0].plain
    body = {
        "external_id": f"c{number}",
        "channel": "email",
        "sender": {"email": f"{number}@example.com", "name": person["sender_name"]},
        "subject": person["subject"],
        "body": person["body"],
    }
    answer = client().post("/api/v1/conversations", json=body, headers=dict(headers))
    if answer.status_code != HTTPStatus.CREATED:
        raise AssertionError(answer.text)


def main() -> None:
    """Run this benchmark alone."""
    run(Console(width=120))


if __name__ == "__main__":
    main()

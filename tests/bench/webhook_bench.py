"""Webhooks over real HTTP to the real web server, stored durably, against other keepers of a copy of Stripe.

Everybody takes the same events over connections that stay open, on the same PostgreSQL (`synchronous_commit=on`,
`fsync=on`), and answers 2xx when the event is safe. Ochre has Redis and wakes its worker; the worker itself does not
run, since peers are measured on the answer alone. The client shares the machine with all of them.
"""

import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from rich.console import Console
from rich.table import Table

from engine.storage import Database
from stripe_sync.events.signature import sign
from tests.bench.http_load import Request, Result, load
from tests.bench.sync_peers import PACKAGES, PeerMissingError, Peers, install
from tests.integration.stripe_sync.office import make_office
from tests.integration.web.conftest import environment
from tests.servers import PostgresqlServer, migrate, start_postgresql, start_valkey
from tests.stripe_simulator import Simulator, start_simulator
from web.clock import SystemClock
from web.processes.ports import free_port

SECONDS = 4.0
WARM_UP_S = 1.0
PREPARED = 20_000
"""More than anybody answers within a measurement."""
ROUNDS = 2
CONNECTIONS = 16
START_S = 30
KINDS = {
    "customer": "customer.updated",
    "subscription": "customer.subscription.updated",
    "invoice": "invoice.paid",
    "charge": "charge.succeeded",
}
NOT_MEASURED = {"supabase": (835, 1258), "stripe": (584, 834)}
"""What peers reached elsewhere, on another two-core machine: for comparison where they can't be run."""
_NUMBERS = itertools.count(1)
_RUN = os.getpid()
CLOCK = SystemClock()


@dataclass(frozen=True, slots=True, kw_only=True)
class Runner:
    """Somebody who takes webhooks, ready to be measured."""

    name: str
    port: int
    path: str
    events: list[dict[str, Any]]
    secret: str

    def request(self) -> Request:
        """Return what makes the next delivery: an event nobody has seen, signed now."""
        events = itertools.cycle(self.events)
        head = f"POST {self.path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json; charset=utf-8\r\n"
        texts = [json.dumps(event) for event in itertools.islice(events, len(self.events))]
        bodies = itertools.cycle(texts)

        def make() -> bytes:
            body = next(bodies).replace("evt_number", f"evt_{_RUN}_{next(_NUMBERS)}", 1).encode()
            signature = sign(body, self.secret, CLOCK.now())
            return f"{head}Stripe-Signature: {signature}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body

        # Made before anything is measured: the client shares two processors with whom it measures.
        made = [make() for _ in range(PREPARED)]
        return lambda: made.pop() if made else make()

    def measure(self, connections: int, seconds: float = SECONDS, rate: float | None = None) -> Result:
        """Return how it does."""
        return load(self.port, self.request(), connections=connections, seconds=seconds, rate=rate)


def run(console: Console) -> None:
    """Measure everybody and print the table."""
    with ExitStack() as stack:
        simulator = stack.enter_context(start_simulator("--customers", "300", "--seed", "3"))
        server = stack.enter_context(start_postgresql())
        be_durable(server)
        runners = [*_ours(stack, server, simulator), *_peers(stack, server, simulator, console)]
        best = {runner.name: _best(runner) for runner in runners}
        table = Table(title="Webhooks answered with 2xx a second, stored durably")
        for heading in ("who", "1 connection", "16 connections", "p50 / p99 at half of that, ms"):
            table.add_column(heading, justify="right")
        for runner in runners:
            table.add_row(runner.name, *_row(runner, *best[runner.name]))
        console.print(table)
        _print_ratios(console, best)


def _best(runner: Runner) -> tuple[float, float]:
    runner.measure(CONNECTIONS, WARM_UP_S)
    rates = [(runner.measure(1).rate, runner.measure(CONNECTIONS).rate) for _ in range(ROUNDS)]
    return max(one for one, _ in rates), max(many for _, many in rates)


def _row(runner: Runner, one: float, many: float) -> tuple[str, ...]:
    half = runner.measure(CONNECTIONS, rate=many / 2)
    return f"{one:,.0f}", f"{many:,.0f}", f"{half.percentile(0.5):.1f} / {half.percentile(0.99):.1f}"


def _print_ratios(console: Console, best: Mapping[str, tuple[float, float]]) -> None:
    peers = {name: found for name, found in best.items() if name in PACKAGES}
    ours = best["Ochre, PostgreSQL"]
    here = "measured here" if peers else "NOT measured here"
    figures = list((peers or NOT_MEASURED).values())
    fastest = max(one for one, _ in figures), max(many for _, many in figures)
    console.print(
        f"Against the fastest peer ({here}): {ours[0] / fastest[0]:.2f}x at 1 connection (wanted 1.25), "
        f"{ours[1] / fastest[1]:.2f}x at {CONNECTIONS} (wanted 2)"
    )


def _ours(stack: ExitStack, server: PostgresqlServer, simulator: Simulator) -> Iterator[Runner]:
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    valkey = stack.enter_context(start_valkey(folder / "valkey"))
    sqlite = f"sqlite:///{folder}/ochre.db"
    migrate(sqlite)
    urls = {"Ochre, PostgreSQL": stack.enter_context(server.fresh_database()), "Ochre, SQLite": sqlite}
    events = events_of(simulator, account=simulator.account)
    for number, (name, url) in enumerate(urls.items()):
        database = Database(url)
        make_office(database, simulator).connect()
        database.dispose()
        data = folder / str(number)
        data.mkdir()
        port = stack.enter_context(serve(data, url, valkey, simulator.webhook_secret))
        yield Runner(name=name, port=port, path="/webhooks/stripe", events=events, secret=simulator.webhook_secret)


def _peers(stack: ExitStack, server: PostgresqlServer, simulator: Simulator, console: Console) -> Iterator[Runner]:
    try:
        peers = stack.enter_context(install())
    except PeerMissingError as error:
        console.print(f"No peer is measured: {error}")
        return
    for name in PACKAGES:
        found = _peer(stack, server, simulator, peers, name)
        if isinstance(found, Runner):
            yield found
        else:
            console.print(f"{PACKAGES[name]} is not measured: {found}")


def _peer(stack: ExitStack, server: PostgresqlServer, simulator: Simulator, peers: Peers, name: str) -> Runner | str:
    with server.admin() as admin:
        admin.execute(f"CREATE DATABASE peer_{name}".encode())
    url = f"postgres://postgres@/peer_{name}?host={server.socket_folder}"
    events, secret = events_of(simulator), simulator.webhook_secret
    try:
        port = stack.enter_context(peers.serve(name, url, secret, simulator.account))
        runner = Runner(name=name, port=port, path="/", events=events, secret=secret)
        runner.measure(1, 0.1)
    except (PeerMissingError, AssertionError) as error:
        return str(error)
    return runner


@contextmanager
def serve(folder: Path, database_url: str, redis_url: str, secret: str, **more: str) -> Iterator[int]:
    """Run the web server as `ochre serve` does; return its port."""
    port = free_port()
    given = {"DATABASE_URL": database_url, "REDIS_URL": redis_url, "STRIPE_WEBHOOK_SECRETS": secret}
    variables = environment(folder, **{**given, **more})
    with (folder / "web.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "web.cli.main", "serve", "--port", str(port)],
            env={**os.environ, **variables},
            stdout=log,
            stderr=log,
        )
    try:
        _wait_for(port, process, folder / "web.log")
        yield port
    finally:
        process.terminate()
        process.wait(START_S)


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + START_S
    while time.monotonic() < end and process.poll() is None:
        try:
            requests.get(f"http://127.0.0.1:{port}/healthz", timeout=5)
        except requests.ConnectionError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError(f"the web server did not start: {log.read_text()[-1000:]}")


def events_of(simulator: Simulator, **more: object) -> list[dict[str, Any]]:
    """Return events of four kinds about everything the account has, in turns; their id is to be filled in."""
    objects = {kind: simulator.objects(kind)[:300] for kind in KINDS}
    created = int(CLOCK.now().timestamp())
    return [
        {
            "id": "evt_number",
            "object": "event",
            "api_version": "2026-08-26.dahlia",
            "created": created,
            "type": KINDS[kind],
            "livemode": True,
            "pending_webhooks": 1,
            "data": {"object": content},
            **more,
        }
        for of_each in zip(*objects.values(), strict=False)
        for kind, content in zip(objects, of_each, strict=True)
    ]


def be_durable(server: PostgresqlServer) -> None:
    """Undo what makes test databases fast."""
    with server.admin() as admin:
        for statement in ("ALTER SYSTEM RESET fsync", "ALTER SYSTEM RESET full_page_writes", "SELECT pg_reload_conf()"):
            admin.execute(statement.encode())


def main() -> None:
    """Run this benchmark alone."""
    run(Console(width=120))


if __name__ == "__main__":
    main()

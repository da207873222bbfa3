"""A conversation in over HTTP, decided with 1,000 rules and stored: how long it takes at 50 a second.

The web server as `ochre serve` runs it, on SQLite and on PostgreSQL (`synchronous_commit=on`), with Valkey; the client
shares the machine. A latency counts from the moment the request was due, so that waiting for the one before counts
too. Either no Stripe account is connected, or one is whose customers are not read yet and whose look-ups of unknown
senders are used up. Every Stripe fact is unknown in both, which is the most there is to find, to store and to answer.
"""

import itertools
import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table

from engine.ids import WorkspaceId
from engine.workspace import service as workspaces
from rules.models import PublishedVersion
from stripe_sync.connect.models import Connection
from tests.bench import light_stripe, workload
from tests.bench.http_load import Result, load
from tests.bench.webhook_bench import be_durable, serve
from tests.integration.web.conftest import Tenant, environment, new_tenant
from tests.servers import migrate, start_postgresql, start_valkey
from web.clock import SystemClock
from web.logging import configure
from web.settings import LogSettings
from web.settings import load as load_settings
from web.wiring import Services, build

RULES = 1000
RATE = 50
SECONDS = 15.0
CONNECTIONS = 8
WARM = 60
"""Requests before the measured ones: what the limit of look-ups allows is used up by them."""
BODIES = 200
WANTED_P99_MS = 50
EMPTY = light_stripe.Account(customers=1, invoices=0, charges=0)


def run(console: Console) -> None:
    """Run on both databases and print it."""
    configure(LogSettings(format="console", level="warning"))
    table = Table(title=f"A conversation decided with {RULES:,} rules and stored, at {RATE} a second; ms")
    for heading in ("database", "senders", "requests", "p50", "p99", "longest", "CPU of the web server", ""):
        table.add_column(heading, justify="right")
    for name, database in databases():
        with database as url:
            for senders, is_connected in (("no look-up", False), ("past the limit of look-ups", True)):
                found, cpu = measure(url, is_connected=is_connected)
                p99 = found.percentile(0.99)
                verdict = "reached" if p99 < WANTED_P99_MS else f"NOT under {WANTED_P99_MS}"
                figures = (f"{found.percentile(0.5):.1f}", f"{p99:.1f}", f"{found.percentile(1):.1f}", f"{cpu:.1f}")
                table.add_row(name, senders, f"{len(found.latencies):,}", *figures, verdict)
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
        be_durable(server)
        yield url


def measure(url: str, *, is_connected: bool) -> tuple[Result, float]:
    """Return how long requests took, and the CPU time that the web server spent on each, in milliseconds."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        redis_url = stack.enter_context(start_valkey(folder))
        light = stack.enter_context(light_stripe.start(EMPTY) if is_connected else nullcontext())
        more = {} if light is None else {"STRIPE_API_BASE": light.url}
        tenant = _prepare(folder, url, more, is_connected=is_connected)
        port = stack.enter_context(serve(folder, url, redis_url, "whsec_of_nobody", **more))
        request = _requests(port, tenant, "connected" if is_connected else "plain")
        try:
            warm = 0
            while warm < WARM:
                warm += len(load(port, request, connections=2, seconds=1, rate=RATE / 2).latencies)
            server = _Cpu(port)
            found = load(port, request, connections=CONNECTIONS, seconds=SECONDS, rate=RATE)
        except AssertionError as error:
            raise AssertionError((folder / "web.log").read_text()[-5000:]) from error
        return found, server.spent() / len(found.latencies) * 1000


class _Cpu:
    """The CPU time that the processes around a port spend."""

    def __init__(self, port: int) -> None:
        mine = psutil.Process().children(recursive=True)
        self._processes = [each for each in mine if str(port) in each.cmdline() or _is_child_of(each, port)]
        self._before = self._now()

    def _now(self) -> float:
        return sum(sum(each.cpu_times()[:2]) for each in self._processes)

    def spent(self) -> float:
        """Return how many seconds were spent since this was made."""
        return self._now() - self._before


def _is_child_of(process: psutil.Process, port: int) -> bool:
    return any(str(port) in parent.cmdline() for parent in process.parents())


def _prepare(folder: Path, url: str, more: dict[str, str], *, is_connected: bool) -> Tenant:
    """Make a workspace with a thousand rules; with an account that is connected, but not read yet."""
    services = build(load_settings(environment(folder, DATABASE_URL=url, **more)), SystemClock())
    try:
        tenant = new_tenant(services, "connected" if is_connected else "plain")
        _publish(tenant, services)
        if is_connected:
            made = services.stripe.connect_restricted_key(
                tenant.workspace_id,
                member_id=tenant.owner.id,
                api_key=light_stripe.KEY,
                webhook_secret="whsec_of_the_bench",
            )
            assert isinstance(made, Connection), made
        return tenant
    finally:
        services.database.dispose()


def _publish(tenant: Tenant, services: Services) -> None:
    workspace_id: WorkspaceId = tenant.workspace_id
    rules = workload.rules(RULES, 0.01, seed=5)
    lines = [f"  - {{name: r{n}, when: '{workload.condition(rule)}', then: {{}}}}" for n, rule in enumerate(rules)]
    lines = [line.replace("then: {}", "then: {add_tags: [bench]}") for line in lines]
    text = "\n".join(["version: 1", "rules:", *lines, "fallback: {route_to: bench}"])
    with services.database.workspace(workspace_id) as session:
        workspaces.create_queue(workspace_id, session, services.clock, "bench", actor=tenant.owner.id)
        published = services.rulesets.publish_text(workspace_id, session, text, tenant.owner.id)
    if not isinstance(published, PublishedVersion):
        raise AssertionError(published)  # noqa: TRY004  # what it is instead says why


def _requests(port: int, tenant: Tenant, name: str) -> Callable[[], bytes]:
    """Return what makes the next request: each a conversation of its own, from somebody nobody knows."""
    people = [workload.people(1, 1.0, seed=number + 10)[0].plain for number in range(BODIES)]
    (authorization,) = tenant.bearer().values()
    numbers = itertools.count()

    def request() -> bytes:
        number = next(numbers)
        person = people[number % BODIES]
        body = json.dumps(
            {
                "external_id": f"c{number}",
                "channel": "email",
                "sender": {"email": f"{number}@{name}.example.com", "name": person["sender_name"]},
                "subject": person["subject"],
                "body": person["body"],
            }
        ).encode()
        head = (
            f"POST /api/v1/conversations HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: {authorization}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body

    return request


def main() -> None:
    """Run this benchmark alone."""
    run(Console(width=120))


if __name__ == "__main__":
    main()

"""Histories with real processes: web server, worker, scheduler, Valkey, a simulated Stripe, and `kill -9`.

One installation lives through many histories, as one does in life. A history is a few changes by the merchant with
webhooks over HTTP that are lost, repeated and overtaken; meanwhile processes die by SIGKILL, Stripe fails, and Valkey
is emptied. Then it is quiet, the event log is read, and our view must be Stripe's.
"""

import contextlib
import os
import random
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any, cast

import psutil
import requests
from redis import Redis

from engine.ids import WorkspaceId
from engine.workspace import repository as workspaces
from engine.workspace.models import Member, Workspace
from stripe_sync.connect.models import Connection
from stripe_sync.connect.repository import connections
from stripe_sync.kinds import KINDS, Kind, StripeJson
from stripe_sync.simulator.world import World
from tests.convergence import merchant
from tests.convergence.truth import Objects, compare
from tests.convergence.universe import WAITING
from tests.convergence.zygote import Zygote
from tests.integration.web.conftest import environment
from tests.servers import start_valkey
from tests.stripe_simulator import Simulator, start_simulator
from web import topics
from web.processes.ports import free_port
from web.settings import load
from web.waker import QUICK, SLOW, clear_mark, queue_named
from web.wiring import Services, build

START_S = 240.0
QUIET_S = 180.0
POLL_S = 0.05
CUSTOMERS = 8
TOPICS = ("stripe_events", "stripe_refetches", "backfill", "facts")
KEPT = {"delete_product", "delete_price", "delete_coupon"}
"""Facts go by what these were, which nobody outside can ask the simulator about."""
FAULTS: Sequence[dict[str, object]] = (
    {"drop": 0.4},
    {"repeat": 0.5},
    {"reorder": 0.6},
    {"delay_ms": 400},
    {"status": 500},
    {"status": 429},
    {"nonsense": True},
    {"latency_ms": 150},
    {},
)


_MIGRATING = Lock()
"""Alembic keeps what it works on in its modules."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """A running Ochre with its Stripe, and the parts to look at it with."""

    simulator: Simulator
    services: Services = field(repr=False)
    workspace_id: WorkspaceId
    owner: Member
    url: str
    redis_url: str
    environ: dict[str, str] = field(repr=False)
    folder: Path
    zygote: Zygote = field(repr=False)
    running: dict[str, psutil.Process] = field(default_factory=dict, repr=False)

    def start(self, name: str) -> None:
        """Start a process; it may take a while before it does anything."""
        port = self.url.rsplit(":", 1)[1]
        command = {"web": ["serve", "--port", port]}.get(name, [name])
        number = self.zygote.start(command, self.environ, self.folder / f"{name}.log")
        self.running[name] = psutil.Process(number)

    def kill(self, name: str) -> None:
        """End a process and all it has started, by SIGKILL, in the middle of whatever they do."""
        process = self.running.pop(name)
        with contextlib.suppress(psutil.NoSuchProcess):
            all_of_it = [process, *process.children(recursive=True)]
            for each in all_of_it:
                with contextlib.suppress(psutil.NoSuchProcess):
                    each.kill()
            psutil.wait_procs(all_of_it, START_S)

    def stop(self) -> None:
        """End everything that was started here."""
        for name in list(self.running):
            self.kill(name)

    def is_ready(self) -> bool:
        """Return whether the web server answers and a worker is there."""
        try:
            return requests.get(f"{self.url}/readyz?require=worker", timeout=5).ok
        except requests.RequestException:
            return False

    def connection(self) -> Connection:
        """Return the connection as it is now."""
        with self.services.database.workspace(self.workspace_id, readonly=True) as session:
            (found,) = connections(self.workspace_id, session)
        return found

    def connect(self) -> None:
        """Connect the merchant, as a browser does."""
        stripe = self.services.stripe
        url = stripe.begin_connect(self.workspace_id, member_id=self.owner.id, binding="browser")
        assert isinstance(url, str), url
        query = self.simulator.decide(url)
        made = stripe.finish_connect(self.workspace_id, member_id=self.owner.id, binding="browser", query=query)
        assert isinstance(made, Connection), made

    def resync(self) -> None:
        """Ask for everything to be read again."""
        self.services.stripe.resync(self.workspace_id, member_id=self.owner.id, connection_id=self.connection().id)

    def flush(self) -> None:
        """Empty Valkey: wake-ups, budgets and the worker's registration are gone."""
        with Redis.from_url(self.redis_url) as redis:
            redis.flushall()

    def waiting(self) -> dict[str, int]:
        """Return how much waits to be done, by what it is."""
        with self.services.database.system(readonly=True) as session:
            counts = session.execute(WAITING).one()
        # There is one merchant here; whether they are connected, the comparison tells.
        return {name: count for name, count in counts._mapping.items() if count and name != "apart"}


@contextmanager
def installation(database_url: str | None = None) -> Iterator[Installation]:
    """Run everything until the block ends; on a SQLite file, or the (migrated) database at `database_url`."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ochre-processes-")))
        port = free_port()
        valkey = folder / "valkey"
        valkey.mkdir()
        redis_url = stack.enter_context(start_valkey(valkey))
        hook = f"http://127.0.0.1:{port}/webhooks/stripe"
        simulator = stack.enter_context(
            start_simulator("--customers", str(CUSTOMERS), "--rate", "10000", "--webhook-url", hook)
        )
        environ = _environment(folder, simulator, redis_url, port, database_url)
        settings = load(environ)
        if database_url is None:
            from web.migrations import upgrade

            with _MIGRATING:
                upgrade(settings.database_url)
        services = build(settings)
        stack.callback(services.database.dispose)
        workspace = services.members.create_workspace("Acme", "olive@acme.example", "correct horse battery")
        assert isinstance(workspace, Workspace)
        with services.database.workspace(workspace.id) as session:
            (owner,) = workspaces.members(workspace.id, session)
        found = Installation(
            simulator=simulator,
            services=services,
            workspace_id=workspace.id,
            owner=owner,
            url=f"http://127.0.0.1:{port}",
            redis_url=redis_url,
            environ=environ,
            folder=folder,
            zygote=stack.enter_context(closing(Zygote())),
        )
        stack.callback(found.stop)
        for name in ("web", "worker", "scheduler"):
            found.start(name)
        _wait(found.is_ready, START_S)
        found.connect()
        assert settle(found) == []
        yield found


def _environment(
    folder: Path, simulator: Simulator, redis_url: str, port: int, database_url: str | None
) -> dict[str, str]:
    ours = environment(
        folder,
        REDIS_URL=redis_url,
        PUBLIC_URL=f"http://127.0.0.1:{port}",
        STRIPE_API_BASE=simulator.url,
        STRIPE_CONNECT_BASE=simulator.url,
        STRIPE_CLIENT_ID=simulator.client_id,
        STRIPE_SECRET_KEY=simulator.secret_key,
        STRIPE_WEBHOOK_SECRETS=simulator.webhook_secret,
        LOG_LEVEL="warning",
        **({} if database_url is None else {"DATABASE_URL": database_url}),
    )
    return {**os.environ, **ours, "PYTHONPATH": str(Path(__file__).parents[2])}


def run(place: Installation, seed: int) -> list[str]:
    """Run the history of a seed; return how our view differs from the truth when it is quiet."""
    rng = random.Random(seed)
    for _ in range(rng.randint(6, 14)):
        _step(place, rng)
    _kill(place, rng)
    for _ in range(rng.randint(0, 3)):
        _step(place, rng)
    return settle(place)


def _step(place: Installation, rng: random.Random) -> None:
    (what,) = rng.choices(("merchant", "faults", "wait", "kill", "flush", "resync"), (60, 14, 14, 5, 4, 1))
    match what:
        case "merchant":
            _change(place.simulator, rng)
        case "faults":
            place.simulator.control("faults", **rng.choice(FAULTS))
        case "wait":
            time.sleep(rng.choice((0.0, 0.02, 0.1, 0.3, 0.8)))
        case "kill":
            _kill(place, rng)
        case "flush":
            place.flush()
        case _:
            place.resync()


def _change(simulator: Simulator, rng: random.Random) -> None:
    names = [name for name in merchant.WEIGHTS if name not in KEPT]
    (what,) = rng.choices(names, [merchant.WEIGHTS[name] for name in names])
    # Of a world merchants' choices look at nothing but its newest records.
    arguments = merchant.arguments(cast("World", _World(_Collections(simulator))), what, rng.randrange(1, 10_000))
    if arguments is not None:
        with contextlib.suppress(AssertionError):  # refused: nothing happened
            simulator.control(what, **arguments)


@dataclass(frozen=True, slots=True)
class _Newest:
    records: Sequence[StripeJson]

    def newest(self) -> Iterator[StripeJson]:
        return iter(reversed(self.records))


@dataclass(frozen=True, slots=True)
class _Collections:
    simulator: Simulator

    def __getitem__(self, kind: str) -> _Newest:
        return _Newest(self.simulator.objects(kind))


@dataclass(frozen=True, slots=True)
class _World:
    """What a merchant's choices look at, of a simulator in another process."""

    collections: _Collections


def _kill(place: Installation, rng: random.Random) -> None:
    name = rng.choice(("worker", "worker", "web"))
    place.kill(name)
    time.sleep(rng.choice((0.0, 0.0, 0.2)))
    place.start(name)


def settle(place: Installation) -> list[str]:
    """Let everything that goes wrong be over, wait until nothing waits any more, and compare."""
    place.simulator.control("faults")
    _wait(place.is_ready, START_S)
    place.services.stripe.catch_up(force=True)
    until = time.monotonic() + QUIET_S
    told = ["never looked"]
    while told and time.monotonic() < until:
        time.sleep(POLL_S)
        waiting = place.waiting()
        if waiting.keys() == {"unread"}:
            place.resync()
        if waiting:
            told = [f"never quiet: {waiting}"]
            _wake(place)
            continue
        told = list(_differences(place))
        if told:
            place.services.stripe.catch_up(force=True)  # a webhook may still have been under way
    return told


def _wake(place: Installation) -> None:
    """Wake as the scheduler does, only sooner: what died with a worker took its wake-up with it."""
    with Redis.from_url(place.redis_url) as redis:
        idle = [name for name in (QUICK, SLOW) if queue_named(name, redis).is_empty()]
    for topic in TOPICS:
        if (SLOW if topic in topics.SLOW else QUICK) in idle:
            clear_mark(place.redis_url, topic)
            place.services.waker.wake(topic)


def _differences(place: Installation) -> Iterator[str]:
    truth = read_all(place.simulator)
    connection = place.connection()
    if not connection.is_active:
        yield f"the connection is {connection.status}: {connection.last_error}"
        return
    if place.simulator.stats()["writes"] > 1:
        yield f"we wrote to Stripe: {place.simulator.stats()['requests']}"
    database, rates, now = place.services.database, place.services.facts.rates, place.services.clock.now()
    yield from compare(database, rates, now, connection, truth, {})


def read_all(simulator: Simulator) -> Objects:
    """Return every object of the merchant's account as a fetch shows it."""
    return {
        kind.name: {each["id"]: each for each in (_list(simulator, kind) if kind.is_listed else _held(simulator, kind))}
        for kind in KINDS.values()
    }


def _held(simulator: Simulator, kind: Kind) -> list[StripeJson]:
    return simulator.objects(kind.object)


def _list(simulator: Simulator, kind: Kind) -> list[StripeJson]:
    found: list[StripeJson] = []
    while True:
        params: list[tuple[str, str]] = [("limit", "100"), *kind.list_params.items()]
        params += [("expand[]", f"data.{path}") for path in kind.expand]
        if found:
            params.append(("starting_after", found[-1]["id"]))
        page: dict[str, Any] = requests.get(
            f"{simulator.url}{kind.path}",
            params=params,
            headers={"Authorization": f"Bearer {simulator.api_key}"},
            timeout=30,
        ).json()
        found += page["data"]
        if not page["has_more"]:
            return found


def _wait(happened: Callable[[], bool], seconds: float) -> None:
    until = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < until, "it never happened"
        time.sleep(POLL_S)

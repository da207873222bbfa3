"""Two merchants at a simulated Stripe, two workspaces of ours, and everything that may happen between them."""

import itertools
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from engine.ids import MemberId, WorkspaceId
from stripe_sync.connect.models import Connection
from stripe_sync.connect.repository import connections
from stripe_sync.fact_service import FactService
from stripe_sync.rates import PublishedRates
from stripe_sync.service import StripeService
from stripe_sync.settings import PlatformKeys, StripeConfig
from stripe_sync.simulator.accounts import AccountPlan
from stripe_sync.simulator.answers import StripeError
from stripe_sync.simulator.delivery import Attempt, Endpoint, signature
from stripe_sync.simulator.stripe import SimulatedStripe
from tests.convergence import merchant
from tests.convergence.databases import Storage
from tests.convergence.doors import Armed, CrashError, DoorDatabase, ForgetfulWaker, VirtualClock, Wire
from tests.convergence.steps import History, Step

START = 1_795_176_000.25
"""20 November 2026, noon."""
KEY = "a key for tests that is long enough"
OWNERS = {WorkspaceId("ws_acme"): MemberId("mem_owner"), WorkspaceId("ws_other"): MemberId("mem_owner_other")}
WORKSPACES = tuple(OWNERS)
BROWSER = "browser"
TOPICS = ("stripe_events", "backfill", "catch_up", "facts")
BASES = 5
"""How many merchants histories begin with."""
CUSTOMERS = (3, 1)
MOST_ROUNDS = 80
WAITING = text(
    """SELECT
    (SELECT count(*) FROM stripe_events WHERE state <> 'done') AS events,
    (SELECT count(*) FROM stripe_refetches) AS refetches,
    (SELECT count(*) FROM stripe_dirty_customers) AS dirty,
    (SELECT count(*) FROM stripe_backfills WHERE finished_at IS NULL) AS runs,
    (SELECT count(*) FROM stripe_connections
     WHERE status = 'active' AND CAST(synced_kinds AS TEXT) NOT LIKE '%credit_notes%') AS unread,
    (SELECT 2 - count(*) FROM stripe_connections WHERE status = 'active') AS apart
    """
)


@dataclass(frozen=True, slots=True)
class Base:
    """A state that histories begin with."""

    stripe: bytes
    clock: bytes
    database: Any


class Universe:
    """Runs histories one after the other; holds the database open."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self.armed = Armed()
        self.database = DoorDatabase(storage.url, self.armed)
        self.facts = FactService(PublishedRates())
        self._bases: dict[tuple[int, bool], Base] = {}
        self.stripe: SimulatedStripe
        self.clock: VirtualClock
        self.wire: Wire
        self.service: StripeService
        self.waker = ForgetfulWaker()
        self.outbox: list[Attempt] = []
        """Webhooks that Stripe has sent and nobody has acknowledged."""
        self.acknowledged: list[Attempt] = []
        """Webhooks that somebody has."""
        self._depth = 0

    # Beginning

    def begin(self, history: History) -> None:
        """Put everything into the state a history begins with."""
        number = history.seed % BASES
        base = self._bases.get((number, history.is_synced)) or self._make_base(number, is_synced=history.is_synced)
        self._bases[number, history.is_synced] = base
        self._reset()
        self.database.dispose()
        self._storage.restore(base.database)
        self.stripe, self.clock = pickle.loads(base.stripe), pickle.loads(base.clock)
        self._start()

    def close(self) -> None:
        """Let go of the database."""
        self.database.dispose()

    def _make_base(self, number: int, *, is_synced: bool) -> Base:
        self._reset()
        self.database.dispose()
        self._storage.restore(None)
        self.clock = VirtualClock(START)
        plans = [AccountPlan(customers=count) for count in CUSTOMERS]
        self.stripe = SimulatedStripe(seed=f"base{number}", now=int(START), plans=plans)
        for account in self.stripe.accounts.values():
            for world in account.worlds.values():
                merchant.thin(world)
        self.stripe.deliveries.endpoints.append(Endpoint(url="us", secret=self.stripe.webhook_secret))
        self._start()
        if is_synced:
            self.connect()
            self.settle()
        self.database.dispose()
        return Base(pickle.dumps(self.stripe), pickle.dumps(self.clock), self._storage.save())

    def _reset(self) -> None:
        self.armed.over()
        self.waker.topics.clear()
        self.outbox, self.acknowledged = [], []
        self._depth = 0

    def _start(self) -> None:
        """Start our processes anew."""
        self.wire = Wire(self.stripe, self.clock, self.armed, self.pass_time)
        application = self.stripe.oauth.application
        keys = {
            mode: PlatformKeys(client_id=application.client_ids[mode], secret_key=application.secret_keys[mode])
            for mode in (True, False)
        }
        config = StripeConfig(
            public_url="http://127.0.0.1:9",
            api_base="http://stripe.simulated",
            connect_base="http://connect.simulated",
            live=keys[True],
            test=keys[False],
            webhook_secrets=(self.stripe.webhook_secret,),
            requests_per_second=100_000.0,
            lists_at_once=1,
            heartbeat_s=1e6,
        )
        self.service = StripeService(
            self.database,
            self.clock,
            config,
            self.waker,
            encryption_keys=[KEY],
            facts=self.facts,
            wire=self.wire,
            sleep=self.pass_time,
        )

    # What happens

    def pass_time(self, seconds: float) -> None:
        """Let time pass, and what it brings to the merchants."""
        self.clock.stripe_now += seconds
        if self.stripe.is_anything_due(self.clock.stripe_now):
            self.stripe.perform("advance", {}, self.clock.stripe_now)
            self._collect()

    def do(self, step: Step) -> None:
        """Let one step happen; what dies with it is started anew."""
        act: Callable[[Step], None] = getattr(self, f"_do_{step.name.replace('-', '_')}")
        try:
            act(step)
        except CrashError:
            self._start()
        except DBAPIError:
            pass  # the job failed; the process lives

    def _do_merchant(self, step: Step, account: int = 0) -> None:
        world = self.stripe.world(self.account(account))
        args = merchant.arguments(world, step.what, step.number)
        if args is None:
            return
        try:
            self.stripe.perform(step.what, {**args, "account": world.account}, self.clock.stripe_now)
        except StripeError:
            return  # refused: nothing happened
        self._collect()

    def _do_other_merchant(self, step: Step) -> None:
        self._do_merchant(step, 1)

    def account(self, number: int) -> str:
        """Return the id of a merchant's account."""
        return list(self.stripe.accounts)[number]

    def _collect(self) -> None:
        self.outbox.extend(self.stripe.deliveries.due(float("inf")))

    def _do_wait(self, step: Step) -> None:
        self.pass_time(step.seconds)

    def _do_deliver(self, step: Step) -> None:
        if step.what == "old":
            if self.acknowledged:
                self._deliver(self.acknowledged[step.number % len(self.acknowledged)])
            return
        if not self.outbox:
            return
        match step.what:
            case "all":
                for attempt in list(self.outbox):
                    self._deliver(attempt)
            case "again":
                attempt = self.outbox[step.number % len(self.outbox)]
                self._deliver(attempt)
                self._deliver(attempt)
            case _:
                place = {"next": 0, "last": -1}.get(step.what, step.number % len(self.outbox))
                self._deliver(self.outbox[place])

    def _deliver(self, attempt: Attempt) -> None:
        body = orjson.dumps(attempt.payload())
        header = signature(attempt.endpoint.secret, body, int(self.clock.stripe_now))
        self.service.receive_event(body, header)
        if attempt in self.outbox:
            self.outbox.remove(attempt)
            self.acknowledged.append(attempt)

    def _do_drop(self, step: Step) -> None:
        if self.outbox:
            self.outbox.pop(step.number % len(self.outbox))

    def _do_work(self, step: Step) -> None:
        topics = {"woken": tuple(self.waker.topics), "everything": TOPICS}.get(step.what, (step.what,))
        for topic in topics:
            self.waker.topics.pop(topic, None)
            self.work(topic)

    def work(self, topic: str) -> None:
        """Do what a worker does when a topic is woken."""
        match topic:
            case "stripe_events":
                self.service.drain_events()
            case "backfill":
                self.service.run_backfills()
            case "catch_up":
                self.service.catch_up()
            case _:
                self.facts.drain_due(self.database, self.clock)

    def _do_trouble(self, step: Step) -> None:
        self.armed.trouble, self.armed.troubled = step.what, step.number

    def _do_crash(self, step: Step) -> None:
        self.armed.crash = (step.what, step.number)

    def _do_cut(self, step: Step) -> None:
        self.armed.cut = step.number

    def _do_sever(self, step: Step) -> None:
        self.armed.severed = step.what

    def _do_race(self, step: Step) -> None:
        def happen() -> None:
            if self._depth:
                return
            self._depth += 1
            try:
                for inner in step.inside:
                    self.do_beside(inner)
            finally:
                self._depth -= 1

        self.armed.races.append((step.what, step.number, happen))

    def do_beside(self, step: Step) -> None:
        """Let a step happen in another process: what dies, or waits, there does not end the one that is looked at."""
        service, wire = self.service, self.wire
        self._start()
        self.do(step)
        self.service, self.wire = service, wire

    def _do_skew(self, step: Step) -> None:
        self.clock.skew = step.seconds

    def _do_flush(self, step: Step) -> None:
        del step
        self.waker.topics.clear()

    def _do_resync(self, step: Step) -> None:
        connection = self.connection(step.number % 2)
        if connection is not None:
            self.service.resync(
                connection.workspace_id, member_id=OWNERS[connection.workspace_id], connection_id=connection.id
            )

    def _do_disconnect(self, step: Step) -> None:
        """The merchant withdraws at Stripe; half the time we hear of it only by a refusal."""
        try:
            self.stripe.perform("disconnect", {"account": self.account(0)}, self.clock.stripe_now)
        except StripeError:
            return
        self._collect()
        if step.number % 2:
            self.outbox.pop()

    def _do_reconnect(self, step: Step) -> None:
        del step
        self.connect()

    def _do_connect(self, step: Step) -> None:
        del step
        self.connect()

    def connect(self) -> None:
        """Connect both merchants to their workspaces."""
        for number, (workspace_id, owner) in enumerate(OWNERS.items()):
            present = self.connection(number)
            if present is not None and present.is_active and number:
                continue
            url = self.service.begin_connect(workspace_id, member_id=owner, binding=BROWSER)
            assert isinstance(url, str), url
            query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
            grant = {"account": self.account(number), "client_id": query["client_id"], "scope": "read_only"}
            code = self.stripe.perform("authorize", grant, self.clock.stripe_now)["code"]
            answer = {"code": code, "state": query["state"], "scope": "read_only"}
            self.service.finish_connect(workspace_id, member_id=owner, binding=BROWSER, query=answer)
            self._collect()

    def connection(self, number: int) -> Connection | None:
        """Return a merchant's connection, or None."""
        with self.database.looked_at(), self.database.workspace(WORKSPACES[number], readonly=True) as session:
            found = connections(WORKSPACES[number], session)
        return found[0] if found else None

    # Quiet

    def settle(self, *, is_lost: bool = False) -> None:
        """Let everything that went wrong be over, and work until nothing waits any more; raises AssertionError.

        `is_lost` says that no webhook comes any more, so that the event log must do.
        """
        self.armed.over()
        self.waker.topics.clear()
        self._start()
        if self.waiting().get("apart"):
            self.connect()
        self.pass_time(900)
        for number in itertools.count():
            self._collect()
            if is_lost:
                self.outbox.clear()
            for attempt in list(self.outbox):
                self._deliver(attempt)
            if number % 20 == 0:
                self.work("catch_up")
            self.work("stripe_events")
            waiting = self.waiting()
            if waiting.get("runs"):
                self.work("backfill")
                waiting = self.waiting()
            if waiting.keys() - {"apart"} == {"unread"}:
                self._read_again()  # the run has failed, and looks so
            if waiting.keys() <= {"apart"} and not self.outbox:
                if not waiting:
                    break
                self.connect()
            assert number < MOST_ROUNDS, f"never quiet: {waiting}"
            self.pass_time(30 if number < 20 else 700)
        self.work("facts")

    def _read_again(self) -> None:
        for connection in map(self.connection, (0, 1)):
            assert connection is not None
            owner = OWNERS[connection.workspace_id]
            self.service.resync(connection.workspace_id, member_id=owner, connection_id=connection.id)

    def waiting(self) -> dict[str, int]:
        """Return how much waits to be done, by what it is; `apart` are merchants who are not connected."""
        with self.database.looked_at(), self.database.system(readonly=True) as session:
            counts = session.execute(WAITING).one()
        return {name: count for name, count in counts._mapping.items() if count}


def run(universe: Universe, history: History) -> list[str]:
    """Run a history; return how our view differs from the truth when it is quiet, or why it never became quiet."""
    from tests.convergence.truth import differences

    universe.begin(history)
    for step in history.steps:
        universe.do(step)
    try:
        universe.settle(is_lost=history.seed % 3 > 0)
    except AssertionError as error:
        return [str(error)]
    with universe.database.looked_at():
        return differences(universe)


def tried(universe: Universe, history: History) -> list[str]:
    """Run a history; whatever breaks in it is told as a difference."""
    try:
        return run(universe, history)
    except Exception as error:  # noqa: BLE001  whatever else breaks is a failure too
        return [f"{type(error).__name__}: {error}"]


def shrink(universe: Universe, history: History) -> History:
    """Return a smaller history that still fails."""
    is_smaller = True
    while is_smaller:
        is_smaller = False
        size = max(1, len(history.steps) // 2)
        while size:
            place = 0
            while place < len(history.steps):
                fewer = (*history.steps[:place], *history.steps[place + size :])
                smaller = History(history.seed, history.is_synced, fewer)
                if tried(universe, smaller):
                    history, is_smaller = smaller, True
                else:
                    place += size
            size //= 2
    return history

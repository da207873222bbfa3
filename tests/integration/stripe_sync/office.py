"""A workspace with people in it, and what tests do with its Stripe side."""

import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from typing_extensions import override

from engine.core.facts import Facts
from engine.ids import ConnectionId, EndUserId, MemberId, WorkspaceId
from engine.inbox import end_user_repository
from engine.storage import Database
from engine.workspace import repository as workspaces
from engine.workspace.models import Member, Role, Workspace, WorkspaceSettings
from stripe_sync import mirror_repository
from stripe_sync.connect.models import Connection
from stripe_sync.connect.repository import connections
from stripe_sync.events.models import Received
from stripe_sync.events.signature import sign
from stripe_sync.fact_service import FactService
from stripe_sync.kinds import KINDS
from stripe_sync.mirror_repository import MirrorRow
from stripe_sync.rates import PublishedRates
from stripe_sync.service import StripeService
from stripe_sync.settings import PlatformKeys, StripeConfig
from tests.stripe_simulator import Simulator
from web.clock import SystemClock

_NUMBERS = itertools.count(1)
WORKSPACE = WorkspaceId("ws_acme")
OWNER = MemberId("mem_owner")
ADMIN = MemberId("mem_admin")
AGENT = MemberId("mem_agent")
BROWSER = "session-of-the-owner"
FACTS = FactService(PublishedRates())
"""One for all tests: reading a quarter of a century of rates takes a second."""
KEY = "a key for tests that is long enough"


class Wakes:
    """Notes which topics were woken."""

    def __init__(self) -> None:
        self.topics: list[str] = []

    def wake(self, topic: str) -> None:
        """Note the topic."""
        self.topics.append(topic)


class MovableClock(SystemClock):
    """Real time and randomness, moved forward by tests."""

    def __init__(self) -> None:
        self._ahead = timedelta(0)

    @override
    def now(self) -> datetime:
        """Return the present instant, moved."""
        return super().now() + self._ahead

    def advance(self, by: timedelta) -> None:
        """Move the clock."""
        self._ahead += by


@dataclass(frozen=True, kw_only=True)
class Office:
    """A workspace and its Stripe service."""

    database: Database
    simulator: Simulator
    service: StripeService
    clock: MovableClock
    config: StripeConfig
    wakes: Wakes = field(default_factory=Wakes)
    workspace_id: WorkspaceId = WORKSPACE

    def connect(self, account: str | None = None) -> Connection:
        """Connect a simulated account through OAuth, as a browser does."""
        url = self.service.begin_connect(self.workspace_id, member_id=OWNER, binding=BROWSER)
        assert isinstance(url, str), url
        query = self.simulator.decide(url, account=account)
        connection = self.service.finish_connect(self.workspace_id, member_id=OWNER, binding=BROWSER, query=query)
        assert isinstance(connection, Connection), connection
        return connection

    def synced(self, account: str | None = None) -> Connection:
        """Connect and backfill."""
        connection = self.connect(account)
        self.service.run_backfills()
        assert self.backfill()["status"] == "complete", self.backfill()
        return connection

    @property
    def connection(self) -> Connection:
        """Return the only connection as it is now."""
        with self.database.workspace(self.workspace_id, readonly=True) as session:
            (connection,) = connections(self.workspace_id, session)
        return connection

    def new_customer(self, **fields: object) -> tuple[str, str]:
        """Make a customer in Stripe; return the id and the address."""
        number = next(_NUMBERS)
        customer_id, email = f"cus_test{number}", f"test{number}@example.org"
        self.simulator.control("create_customer", **{"id": customer_id, "email": email, **fields})
        return customer_id, email

    def backfill(self) -> dict[str, Any]:
        """Return the backfill's part of the only connection's status."""
        found: dict[str, Any] = self.status()["backfill"]
        return found

    def status(self) -> dict[str, Any]:
        """Return the status of the only connection."""
        (connection,) = self.service.status(self.workspace_id)["connections"]
        return dict(connection)

    def settle(self) -> None:
        """Work until nothing is due any more."""
        self.service.drain_events()
        self.service.drain_events()

    def events(self, object_id: str) -> list[dict[str, Any]]:
        """Return the newest events that name an object, oldest first, as the platform's endpoint would get them."""
        found = self.simulator.get("/v1/events", limit=100)["data"][::-1]
        return [
            {**event, "account": self.simulator.account}
            for event in found
            if f'"{object_id}"' in json.dumps(event["data"])
        ]

    def deliver(self, *events: dict[str, Any]) -> list[Received]:
        """Deliver events in this order, signed."""
        return [self.deliver_raw(json.dumps(event).encode()) for event in events]

    def deliver_raw(self, body: bytes, *, connection_id: ConnectionId | None = None) -> Received:
        """Deliver a body, signed."""
        header = sign(body, self.simulator.webhook_secret, self.clock.now())
        return self.service.receive_event(body, header, connection_id=connection_id)

    def row(self, kind: str, object_id: str, connection: Connection) -> MirrorRow | None:
        """Return what the mirror has of an object."""
        with self.database.workspace(self.workspace_id, readonly=True) as session:
            found = mirror_repository.find_rows(self.workspace_id, session, connection.id, KINDS[kind], [object_id])
        return found.get(object_id)

    def ids(self, kind: str, connection: Connection) -> set[str]:
        """Return the ids of the living objects of a kind that the mirror has."""
        with self.database.workspace(self.workspace_id, readonly=True) as session:
            return mirror_repository.living_ids(self.workspace_id, session, connection.id, KINDS[kind])

    def end_user(self, email: str) -> EndUserId | None:
        """Return the end user with an address, or None."""
        with self.database.workspace(self.workspace_id, readonly=True) as session:
            found = end_user_repository.find_end_user_by_email(self.workspace_id, session, email)
        return None if found is None else found.id

    def write_in(self, email: str | None) -> EndUserId:
        """Let a person write in; return who they are."""
        with self.database.workspace(self.workspace_id) as session:
            person = end_user_repository.find_or_create_end_user(
                self.workspace_id, session, email, None, self.clock.now(), self.clock.new_id
            )
        return person.id

    def facts(self, email: str) -> Facts:
        """Return the facts of whoever has an address, as a conversation would see them."""
        end_user_id = self.write_in(email)
        with self.database.workspace(self.workspace_id) as session:
            found = self.service.match_and_read(self.workspace_id, session, end_user_id, self.clock.now())
        return found.facts

    def panel(self, email: str) -> dict[str, Any]:
        """Return the panel of whoever has an address, after they wrote in."""
        end_user_id = self.write_in(email)
        with self.database.workspace(self.workspace_id) as session:
            self.service.match_and_read(self.workspace_id, session, end_user_id, self.clock.now())
            return self.service.panel(self.workspace_id, session, end_user_id, self.clock.now())

    def in_other_workspace(self) -> "Office":
        """Return a second workspace on the same service and database."""
        other = replace(self, workspace_id=WorkspaceId("ws_other"))
        add_people(self.database, other.workspace_id, "Other", self.clock.now(), suffix="_other")
        return other


def make_office(database: Database, simulator: Simulator, *, is_new: bool = True, **changes: Any) -> Office:
    """Return an office; `changes` go into the configuration."""
    clock = MovableClock()
    config = config_for(simulator, **changes)
    if is_new:
        add_people(database, WORKSPACE, "Acme", clock.now())
    wakes = Wakes()
    service = StripeService(database, clock, config, wakes, encryption_keys=[KEY], facts=FACTS)
    return Office(database=database, simulator=simulator, service=service, clock=clock, config=config, wakes=wakes)


def config_for(simulator: Simulator, **changes: Any) -> StripeConfig:
    """Return a configuration that reads from the simulator, without a limit that would slow tests down."""
    return StripeConfig(
        **{
            "public_url": "http://127.0.0.1:9",
            "api_base": simulator.url,
            "connect_base": simulator.url,
            "apps_base": simulator.url,
            "dashboard_base": simulator.url,
            "live": PlatformKeys(client_id=simulator.client_id, secret_key=simulator.secret_key),
            "test": PlatformKeys(
                client_id=simulator.other_mode["client_id"], secret_key=simulator.other_mode["secret_key"]
            ),
            "webhook_secrets": ("whsec_rolled_out_long_ago", simulator.webhook_secret),
            "requests_per_second": 100_000.0,
            "lists_at_once": 1,
            "lookup_deadline_s": 60.0,
            **changes,
        }
    )


def add_people(database: Database, workspace_id: WorkspaceId, name: str, now: datetime, suffix: str = "") -> None:
    """Make a workspace with an owner, an admin and an agent."""
    people: Sequence[tuple[MemberId, Role]] = ((OWNER, Role.OWNER), (ADMIN, Role.ADMIN), (AGENT, Role.AGENT))
    with database.workspace(workspace_id) as session:
        workspaces.insert_workspace(
            workspace_id,
            session,
            Workspace(id=workspace_id, name=name, settings=WorkspaceSettings(), created_at=now),
        )
        for member_id, role in people:
            address = f"{role.value}{suffix}@example.com"
            workspaces.insert_member(
                workspace_id,
                session,
                Member(
                    id=MemberId(member_id + suffix),
                    workspace_id=workspace_id,
                    email=address,
                    email_normalized=address,
                    name=role.value,
                    role=role,
                    active=True,
                    created_at=now,
                ),
            )

"""The Stripe side as the rest of Ochre sees it: thin, everything is done by the packages below.

Methods without a session open their own transactions, because they talk to Stripe in between; those with one take
part in the caller's. Job bodies (`drain_events`, `run_backfills`, `catch_up`) work in batches and may be killed
and started again at any point.
"""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from engine.audit import repository as audit
from engine.core.facts import JsonValue
from engine.faults import Conflict, NotFound
from engine.ids import ConnectionId, EndUserId, MemberId, WorkspaceId
from engine.outbox import repository as outbox
from engine.ports import BillingFacts, Clock, Waker
from engine.storage import Database
from stripe_sync import (
    candidate_repository,
    connection_status,
    drift_repository,
    links,
    mirror_repository,
    queue_repository,
)
from stripe_sync.access import Access
from stripe_sync.backfill import repository as backfill_repository
from stripe_sync.backfill.running import Running
from stripe_sync.budget import Budget
from stripe_sync.connect import repository as connect_repository
from stripe_sync.connect.connecting import Connecting
from stripe_sync.connect.credentials import AppCredential
from stripe_sync.connect.models import Connection, ConnectRefused, CredentialKind
from stripe_sync.connect.refreshing import Refreshing
from stripe_sync.connect.sealing import KeyRing
from stripe_sync.connect.vault import Vault
from stripe_sync.events import repository as event_repository
from stripe_sync.events.catching_up import CatchingUp
from stripe_sync.events.draining import Draining
from stripe_sync.events.models import Received
from stripe_sync.events.receiving import Receiving
from stripe_sync.events.refetching import Refetching
from stripe_sync.events.repository import ListedEvent
from stripe_sync.explain_service import ExplainService
from stripe_sync.fact_service import FactService
from stripe_sync.gateway import Gateway
from stripe_sync.kinds import KINDS
from stripe_sync.linking import Linking
from stripe_sync.lookup.limits import LookupLimits
from stripe_sync.lookup.reading import CustomerReading
from stripe_sync.lookup.senders import SenderLookup
from stripe_sync.panel_service import PanelService
from stripe_sync.rates import PublishedRates
from stripe_sync.reconciling import Reconciling
from stripe_sync.sender_facts import SenderFacts
from stripe_sync.settings import StripeConfig
from stripe_sync.transport import Wire

JOB_TIME = timedelta(seconds=20)
"""How long one job works before it lets others have a turn."""
EVENTS_TOPIC = "stripe_events"
REFETCH_TOPIC = "stripe_refetches"
BACKFILL_TOPIC = "backfill"
OUTBOX_TOPIC = "outbox"
RESYNC_CUSTOMER = "customer_resync"
"""The kind of outbox entry that asks for one customer to be read again."""
RESYNC_RECENT = 20
"""How many of a customer's newest objects of a kind are fetched again when one customer is re-synced."""
BATCHES_AT_ONCE = 5
"""When a connection begins or ends, what people look at next is right at once; the rest of a large account follows
by job."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerHit:
    """A customer that a search found."""

    connection_id: ConnectionId
    customer_id: str
    email: str | None
    name: str | None
    livemode: bool
    url: str


class StripeService:
    """Connections, sync, matching and panel of all workspaces."""

    def __init__(  # noqa: PLR0913  the composition root of the Stripe side
        self,
        database: Database,
        clock: Clock,
        config: StripeConfig,
        waker: Waker,
        *,
        encryption_keys: Sequence[str],
        facts: FactService | None = None,
        wire: Wire | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Bind the parts; nothing is opened yet. Raise ValueError without an encryption key.

        `wire` carries requests to Stripe in place of HTTP, and `sleep` waits: for a Stripe and a time that are
        simulated in this process.
        """
        self._database = database
        self._clock = clock
        self._config = config
        self._waker = waker
        self._facts = facts or FactService(PublishedRates())
        self._vault = Vault(KeyRing(encryption_keys), clock)
        gateway = Gateway(config, clock, wire)
        self._connecting = Connecting(database, clock, config, gateway, self._vault)
        budget = Budget(config, sleep=sleep)
        refreshing = Refreshing(database, clock, self._vault, AppCredential(gateway, config), sleep)
        self._access = Access(database, clock, gateway, budget, self._vault, self._connecting, refreshing)
        self._linking = Linking(self._facts, clock)
        self._panels = PanelService(config, self._facts)
        self._explaining = ExplainService(config, self._facts)
        self._receiving = Receiving(database, clock, config, self._vault)
        self._draining = Draining(database, clock, self._access, self._linking)
        self._refetching = Refetching(database, clock, self._access, self._linking)
        at_once, beat_s = config.lists_at_once, config.heartbeat_s
        self._running = Running(database, clock, self._access, self._linking, self._refetching, at_once, beat_s)
        self._reading = CustomerReading(database, clock, self._linking)
        limits = LookupLimits(config.redis_url)
        self._senders = SenderLookup(database, clock, self._access, self._reading, limits, config.lookup_deadline_s)
        self._sender_facts = SenderFacts(self._linking, self._facts, self._senders)
        self._catching_up = CatchingUp(database, clock, self._access, self._read_all)
        self._reconciling = Reconciling(database, clock, self._running.queue)

    # Connecting ---------------------------------------------------------------------------------------------------

    def begin_connect(
        self,
        workspace_id: WorkspaceId,
        *,
        member_id: MemberId,
        kind: CredentialKind = CredentialKind.OAUTH,
        livemode: bool | None = None,
        binding: str | None,
    ) -> str | ConnectRefused:
        """Return the URL to send the browser to.

        `binding` is the browser session's id; None when an API token asks, then the callback needs a browser session
        of the same member. Without `livemode`: live if we have live keys, else test.
        """
        return self._connecting.begin(workspace_id, member_id=member_id, kind=kind, livemode=livemode, binding=binding)

    def finish_connect(
        self, workspace_id: WorkspaceId, *, member_id: MemberId, binding: str, query: Mapping[str, str]
    ) -> Connection | ConnectRefused:
        """Finish what `begin_connect` began, with the query string of the callback; queues the backfill."""
        outcome = self._connecting.finish(workspace_id, member_id=member_id, binding=binding, query=query)
        return self._connected(outcome)

    def connect_restricted_key(
        self, workspace_id: WorkspaceId, *, member_id: MemberId, api_key: str, webhook_secret: str
    ) -> Connection | ConnectRefused:
        """Connect with a restricted read-only key of the merchant's own; queues the backfill."""
        outcome = self._connecting.connect_restricted_key(
            workspace_id, member_id=member_id, api_key=api_key, webhook_secret=webhook_secret
        )
        return self._connected(outcome)

    def _connected(self, outcome: Connection | ConnectRefused) -> Connection | ConnectRefused:
        if isinstance(outcome, Connection):
            with self._database.workspace(outcome.workspace_id) as session:
                self._running.queue(outcome.workspace_id, session, outcome.id)
            self._draining.drain_dirty_of(outcome.workspace_id, max_batches=BATCHES_AT_ONCE)
            self._waker.wake(EVENTS_TOPIC)
            self._waker.wake(BACKFILL_TOPIC)
        return outcome

    def disconnect(
        self, workspace_id: WorkspaceId, *, member_id: MemberId, connection_id: ConnectionId
    ) -> Connection | NotFound:
        """Clear the token, deauthorize at Stripe where nothing else needs it, keep the last values as stale."""
        with self._database.workspace(workspace_id) as session:
            connection = connect_repository.find_connection(workspace_id, session, connection_id)
            if connection is None:
                return NotFound(kind="connection", id=connection_id)
            should_withdraw = self._connecting.disconnect(workspace_id, session, connection, member_id=member_id)
            backfill_repository.fail_open(
                workspace_id, session, connection_id, self._clock.now(), "the connection was disconnected"
            )
            self._access.leave_stale(connection, session)
        trouble = self._connecting.withdraw(connection) if should_withdraw else None
        self._draining.drain_dirty_of(workspace_id, max_batches=BATCHES_AT_ONCE)
        self._waker.wake(EVENTS_TOPIC)
        with self._database.workspace(workspace_id) as session:
            if trouble is not None:
                connect_repository.note_error(workspace_id, session, connection_id, trouble)
            found = connect_repository.find_connection(workspace_id, session, connection_id)
        return found or NotFound(kind="connection", id=connection_id)

    def resync(
        self, workspace_id: WorkspaceId, *, member_id: MemberId, connection_id: ConnectionId
    ) -> Connection | NotFound | Conflict:
        """Queue a run over everything the account holds; a run that waits already is enough."""
        with self._database.workspace(workspace_id) as session:
            connection = connect_repository.find_connection(workspace_id, session, connection_id)
            if connection is None:
                return NotFound(kind="connection", id=connection_id)
            if not connection.is_active:
                return Conflict(message="This connection has ended; connect the account again first.")
            if self._running.queue(workspace_id, session, connection_id):
                self._connecting.note_resync(workspace_id, session, connection, member_id=member_id)
        self._waker.wake(BACKFILL_TOPIC)
        return connection

    def resync_customer(self, workspace_id: WorkspaceId, session: Session, end_user_id: EndUserId) -> int:
        """Ask that the end user's customers be read again, whole; return how many (`read_customer` does it)."""
        now, count = self._clock.now(), 0
        subject = links.subjects(workspace_id, session, [end_user_id])[end_user_id]
        for customer in subject.customers or subject.candidates:
            if customer.connection.is_active:
                asked = {"connection_id": customer.connection.id, "customer_id": customer.customer_id}
                outbox.emit(workspace_id, session, RESYNC_CUSTOMER, asked, now)
                # The lists show what is new; what is gone, or was deleted in Stripe, only asking for it tells.
                wanted = [(KINDS["customers"], customer.customer_id)]
                for kind in (KINDS["subscriptions"], KINDS["invoices"], KINDS["charges"]):
                    recent = mirror_repository.recent(
                        workspace_id, session, customer.connection.id, customer.customer_id, kind, RESYNC_RECENT
                    )
                    wanted += [(kind, payload["id"]) for _, payload in recent]
                queue_repository.want_refetch(workspace_id, session, customer.connection.id, wanted, "resync", now)
                count += 1
        if count:
            self._waker.wake(EVENTS_TOPIC)
            self._waker.wake(OUTBOX_TOPIC)
        return count

    def read_customer(self, workspace_id: WorkspaceId, connection_id: ConnectionId, customer_id: str) -> bool:
        """Read a customer and all that is theirs from Stripe now; return False if Stripe did not answer."""
        connection = self._access.find(workspace_id, connection_id)
        return connection is None or self._senders.read(connection, customer_id)

    def status(self, workspace_id: WorkspaceId) -> dict[str, Any]:
        """Return `{"connections": […]}` in the integration shape of the contracts."""
        with self._database.workspace(workspace_id, readonly=True) as session:
            return connection_status.status(workspace_id, session, self._config, self._clock.now())

    # Jobs and arrivals --------------------------------------------------------------------------------------------

    def receive_event(
        self, body: bytes, signature: str | None, *, connection_id: ConnectionId | None = None
    ) -> Received:
        """Verify and store one delivered event; never calls Stripe.

        `Stored` and `Ignored` are answered 2xx, `BadSignature` 400. A database that fails raises, and is answered
        503: nothing was acknowledged.
        """
        return self._receiving.receive(body, signature, connection_id)

    def drain_events(self) -> int:
        """Apply what arrived, then confirm by re-fetching; return how many events were dealt with."""
        count = self.apply_events()
        self.confirm_events()
        return count

    def apply_events(self) -> int:
        """Apply what arrived, as far as it goes without asking Stripe; return how many events were dealt with.

        Newer snapshots show from then on. Their confirmation is another job's, which may have to wait for Stripe.
        """
        count = self._draining.drain()
        self._draining.drain_dirty()
        if self._refetching.is_due():
            self._waker.wake(REFETCH_TOPIC)
        return count

    def confirm_events(self) -> int:
        """Fetch again what events left to be confirmed or filled in; return how many objects."""
        until = self._clock.now() + JOB_TIME
        count = self._refetching.drain(until)
        self._draining.drain_dirty()
        if self._clock.now() >= until:
            self._waker.wake(REFETCH_TOPIC)
        return count

    def run_backfills(self) -> int:
        """Work on every run that is due until it is done or must wait; return how many runs were worked on."""
        until = self._clock.now() + JOB_TIME
        count = self._running.run_due(until)
        if self._clock.now() >= until:
            self._waker.wake(BACKFILL_TOPIC)
        return count

    def catch_up(self, *, force: bool = False) -> int:
        """Read the event log of every active connection that is due (or all); return how many events were new."""
        count = self._catching_up.run(force=force)
        if count:
            self._waker.wake(EVENTS_TOPIC)
        return count

    def reconcile(self) -> int:
        """Queue a sweep for every connection whose night has come; return how many."""
        count = self._reconciling.run()
        if count:
            self._waker.wake(BACKFILL_TOPIC)
        return count

    def _read_all(self, connection: Connection, since: datetime) -> None:
        """Queue a run because the event log does not reach back far enough: no further than `since`."""
        with self._database.workspace(connection.workspace_id) as session:
            self._running.queue(connection.workspace_id, session, connection.id, since=since)
        self._waker.wake(BACKFILL_TOPIC)

    def events(
        self, workspace_id: WorkspaceId, states: Collection[str] = (), limit: int = 100
    ) -> Sequence[ListedEvent]:
        """Return the newest events of a workspace in some states (`pending failed parked done`), or in any."""
        with self._database.workspace(workspace_id, readonly=True) as session:
            return event_repository.listed(workspace_id, session, states, limit)

    def count_events_of_unknown_accounts(self) -> int:
        """Return how many signed deliveries were for accounts that no workspace of this Ochre ever connected."""
        with self._database.system(readonly=True) as session:
            return event_repository.system_of_unknown_accounts(session)

    def replay_events(self, workspace_id: WorkspaceId, *, member_id: MemberId, event_id: str | None = None) -> int:
        """Let parked and failed events be tried again now: one, or all; return how many."""
        now = self._clock.now()
        with self._database.workspace(workspace_id) as session:
            count = event_repository.replay(workspace_id, session, event_id, now)
            if count:
                detail: dict[str, JsonValue] = {"events": count}
                audit.record(workspace_id, session, member_id, "stripe.events_replayed", event_id or "all", detail, now)
        if count:
            self._waker.wake(EVENTS_TOPIC)
        return count

    def drift(self) -> dict[str, int]:
        """Return how many objects drifted lately in all workspaces, by kind; should be empty."""
        with self._database.system(readonly=True) as session:
            return drift_repository.system_counts(session)

    def rotate_keys(self) -> int:
        """Encrypt every secret again under the first key; return how many rows changed."""
        return self._vault.rotate(self._database)

    # Matching and panel -------------------------------------------------------------------------------------------

    def look_up(self, workspace_id: WorkspaceId, email: str) -> None:
        """Look a sender up in Stripe if the mirror can't know them yet; returns within a second (the FactSource)."""
        self._senders.ahead(workspace_id, email)

    def look_up_again(self, workspace_id: WorkspaceId, email: str) -> bool:
        """Finish a look-up that was not answered in time; return whether nothing more is to be waited for."""
        return self._senders.again(workspace_id, email)

    def forget_lookups(self) -> int:
        """Remove look-ups that no longer count; return how many."""
        return self._senders.forget_old()

    def match_and_read(
        self, workspace_id: WorkspaceId, session: Session, end_user_id: EndUserId, now: datetime
    ) -> BillingFacts:
        """Link the end user to a customer if exactly one fits, and return their facts at `now` (the FactSource)."""
        return self._sender_facts.match_and_read(workspace_id, session, end_user_id, now)

    def panel(
        self, workspace_id: WorkspaceId, session: Session, end_user_id: EndUserId, now: datetime
    ) -> dict[str, Any]:
        """Return the panel of the contracts, without `why`."""
        return self._panels.panel(workspace_id, session, end_user_id, now)

    def explain(
        self, workspace_id: WorkspaceId, session: Session, end_user_id: EndUserId, fact: str, now: datetime
    ) -> dict[str, Any] | NotFound:
        """Return line by line how a fact of an end user was made."""
        return self._explaining.explain(workspace_id, session, end_user_id, fact, now)

    def link_customer(
        self,
        workspace_id: WorkspaceId,
        session: Session,
        end_user_id: EndUserId,
        customer_id: str,
        *,
        member_id: MemberId,
        now: datetime,
    ) -> NotFound | None:
        """Link by hand; wins over the e-mail address from now on, and is remembered."""
        customers = candidate_repository.find_by_id(workspace_id, session, customer_id)
        if not customers:
            return NotFound(kind="customer", id=customer_id)
        self._linking.link(workspace_id, session, end_user_id, customers[0], member_id=member_id, now=now)
        return None

    def unlink_customers(
        self, workspace_id: WorkspaceId, session: Session, end_user_id: EndUserId, *, member_id: MemberId, now: datetime
    ) -> int:
        """Undo the end user's links; remembered, so that no re-sync brings them back. Return how many."""
        return self._linking.unlink(workspace_id, session, end_user_id, member_id=member_id, now=now)

    def search_customers(
        self, workspace_id: WorkspaceId, session: Session, query: str, *, limit: int = 20
    ) -> Sequence[CustomerHit]:
        """Return customers whose id is `query`, or whose e-mail address or name begins with or contains it."""
        connections = connect_repository.connections(workspace_id, session)
        boards = {each.id: connection_status.dashboard_of(each, self._config) for each in connections if each.is_active}
        found = candidate_repository.find_customers(workspace_id, session, query, limit)
        return [
            CustomerHit(
                connection_id=card.key.connection_id,
                customer_id=card.key.customer_id,
                email=card.email,
                name=card.name,
                livemode=boards[card.key.connection_id].livemode,
                url=boards[card.key.connection_id].url("customers", card.key.customer_id),
            )
            for card in found
            if card.key.connection_id in boards
        ]

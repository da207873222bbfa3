"""The Stripe side as the rest of Ochre sees it: thin, everything is done by the packages below.

Methods without a session open their own transactions, because they talk to Stripe in between; those with one take
part in the caller's. Job bodies (`drain_events`, `run_backfills`, `catch_up`) work in batches and may be killed
and started again at any point.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from engine.faults import Conflict, NotFound
from engine.ids import ConnectionId, EndUserId, MemberId, WorkspaceId
from engine.ports import BillingFacts, Clock, Waker
from engine.storage import Database
from stripe_sync.connect.models import Connection, ConnectRefused, CredentialKind
from stripe_sync.events.models import Received
from stripe_sync.settings import StripeConfig


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

    def __init__(
        self,
        database: Database,
        clock: Clock,
        config: StripeConfig,
        waker: Waker,
        *,
        encryption_keys: Sequence[str],
    ) -> None:
        """Bind the parts; nothing is opened yet."""
        raise NotImplementedError

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
        raise NotImplementedError

    def finish_connect(
        self, workspace_id: WorkspaceId, *, member_id: MemberId, binding: str, query: Mapping[str, str]
    ) -> Connection | ConnectRefused:
        """Finish what `begin_connect` began, with the query string of the callback; queues the backfill."""
        raise NotImplementedError

    def connect_restricted_key(
        self, workspace_id: WorkspaceId, *, member_id: MemberId, api_key: str, webhook_secret: str
    ) -> Connection | ConnectRefused:
        """Connect with a restricted read-only key of the merchant's own; queues the backfill."""
        raise NotImplementedError

    def disconnect(
        self, workspace_id: WorkspaceId, *, member_id: MemberId, connection_id: ConnectionId
    ) -> Connection | NotFound:
        """Clear the token, deauthorize at Stripe where nothing else needs it, keep the last values as stale."""
        raise NotImplementedError

    def resync(
        self, workspace_id: WorkspaceId, *, member_id: MemberId, connection_id: ConnectionId
    ) -> Connection | NotFound | Conflict:
        """Queue a run over everything the account holds; a run that waits already is enough."""
        raise NotImplementedError

    def resync_customer(self, workspace_id: WorkspaceId, session: Session, end_user_id: EndUserId) -> int:
        """Queue a re-fetch of the end user's customers and what is theirs; return how many objects."""
        raise NotImplementedError

    def status(self, workspace_id: WorkspaceId) -> dict[str, Any]:
        """Return `{"connections": […]}` in the integration shape of the contracts."""
        raise NotImplementedError

    # Jobs and arrivals --------------------------------------------------------------------------------------------

    def receive_event(
        self, body: bytes, signature: str | None, *, connection_id: ConnectionId | None = None
    ) -> Received:
        """Verify and store one delivered event; never calls Stripe.

        `Stored` and `Ignored` are answered 2xx, `BadSignature` 400. A database that fails raises, and is answered
        503: nothing was acknowledged.
        """
        raise NotImplementedError

    def drain_events(self) -> int:
        """Apply what arrived, then confirm by re-fetching; return how many events were dealt with."""
        raise NotImplementedError

    def run_backfills(self) -> int:
        """Work on every run that is due until it is done or must wait; return how many runs were worked on."""
        raise NotImplementedError

    def catch_up(self, *, force: bool = False) -> int:
        """Read the event log of every active connection that is due (or all); return how many events were new."""
        raise NotImplementedError

    def rotate_keys(self) -> int:
        """Encrypt every secret again under the first key; return how many rows changed."""
        raise NotImplementedError

    # Matching and panel -------------------------------------------------------------------------------------------

    def match_and_read(
        self, workspace_id: WorkspaceId, session: Session, end_user_id: EndUserId, now: datetime
    ) -> BillingFacts:
        """Link the end user to a customer if exactly one fits, and return their facts at `now` (the FactSource)."""
        raise NotImplementedError

    def panel(
        self, workspace_id: WorkspaceId, session: Session, end_user_id: EndUserId, now: datetime
    ) -> dict[str, Any]:
        """Return the panel of the contracts, without `why`."""
        raise NotImplementedError

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
        raise NotImplementedError

    def unlink_customers(
        self, workspace_id: WorkspaceId, session: Session, end_user_id: EndUserId, *, member_id: MemberId, now: datetime
    ) -> int:
        """Undo the end user's links; remembered, so that no re-sync brings them back. Return how many."""
        raise NotImplementedError

    def search_customers(
        self, workspace_id: WorkspaceId, session: Session, query: str, *, limit: int = 20
    ) -> Sequence[CustomerHit]:
        """Return customers whose id is `query`, or whose e-mail address or name begins with or contains it."""
        raise NotImplementedError

"""Connections as frozen values, and the ways connecting can be refused."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from typing_extensions import override

from engine.ids import ConnectionId, MemberId, WorkspaceId


class CredentialKind(StrEnum):
    """How a merchant lets us read."""

    OAUTH = "oauth"
    APP = "app"
    RESTRICTED_KEY = "restricted_key"


class ConnectionStatus(StrEnum):
    """Whether we may read."""

    ACTIVE = "active"
    INACTIVE = "inactive"
    """We disconnected."""
    REVOKED = "revoked"
    """Stripe's side withdrew it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """One Stripe account of a workspace, live or test; its secrets stay in the vault."""

    id: ConnectionId
    workspace_id: WorkspaceId
    kind: CredentialKind
    account_id: str
    livemode: bool
    status: ConnectionStatus
    connected_by: MemberId
    connected_at: datetime
    ended_at: datetime | None
    last_contact_at: datetime | None
    last_event_at: datetime | None
    last_error: str | None
    clock_offset: timedelta
    """Stripe's clock minus ours."""
    events_until: datetime | None
    caught_up_at: datetime | None
    synced_kinds: frozenset[str]
    """Kinds of object whose lists were read to the end since the connection was made."""
    reads: int
    payments: int | None = None
    """Payments that succeeded in the 30 days before `payments_counted_at`; None if nobody counted yet."""
    payments_counted_at: datetime | None = None

    @property
    def is_active(self) -> bool:
        """Return whether we may read."""
        return self.status is ConnectionStatus.ACTIVE


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What Stripe gave us for a merchant's consent."""

    kind: CredentialKind
    account_id: str
    livemode: bool
    token: str
    refresh_token: str | None = None
    webhook_secret: str | None = None
    expires_at: datetime | None = None

    @override
    def __repr__(self) -> str:
        """Show nothing secret."""
        return f"Grant(kind={self.kind.value!r}, account_id={self.account_id!r}, livemode={self.livemode})"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectRefused:
    """Indicate that nothing was connected, and why."""

    code: str
    """`denied`, `bad_state`, `wrong_scope`, `wrong_mode`, `linked_elsewhere`, `bad_key`, `not_configured`,
    `too_many`, `stripe_error`, `unavailable`."""
    message: str
    """For people: what happened and what to do."""
    unwanted_account: str | None = None
    """The account whose consent was given and is of no use to us, to be given back."""

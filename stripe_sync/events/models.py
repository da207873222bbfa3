"""What becomes of a delivered event, as values."""

from dataclasses import dataclass, field

from engine.ids import ConnectionId, WorkspaceId
from stripe_sync.connect.models import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """Indicate that the event is durable, now or since an earlier delivery."""

    workspace_id: WorkspaceId
    connection_id: ConnectionId
    event_id: str
    is_new: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignored:
    """Indicate a signed delivery that is acknowledged and not needed."""

    reason: str
    """`malformed`, `unused_type`, `unknown_account`, `other_mode` or `inactive`: a closed set, fit for a metric."""
    of: Connection | None = field(default=None, compare=False)
    """A connection of the account it came from, where there is one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BadSignature:
    """Indicate a delivery nobody we trust has signed, or one from too long ago or from the future."""

    reason: str


Received = Stored | Ignored | BadSignature

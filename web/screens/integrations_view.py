"""What the page of the Stripe integration shows, made from the integration of the contracts. Pure and total."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from stripe_sync.events.repository import ListedEvent
from web.screens import format as fmt
from web.screens.page import Pill

Json = Mapping[str, Any]

STATES = {
    "active": Pill(text="Connected", icon="check-circle", tone="good"),
    "inactive": Pill(text="Disconnected", icon="pause"),
    "revoked": Pill(text="Revoked at Stripe", icon="cross-circle", tone="bad"),
}
KINDS = {"oauth": "Stripe Connect, read-only", "app": "Stripe App", "restricted_key": "Restricted key"}
NOT_CONNECTED = Pill(text="Not connected", icon="plug")
IGNORED = {"other_mode": "of the other mode", "inactive": "after it was disconnected"}
"""Why signed deliveries were left alone."""
EVENT_STATES = {
    "parked": Pill(text="Parked", icon="pause", tone="bad"),
    "failed": Pill(text="Tried again later", icon="alert", tone="warn"),
}
BACKFILL_TITLES = {
    "queued": "Waiting to read the account",
    "running": "Reading the account",
    "complete": "The account is read",
    "failed": "Reading the account failed",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FactView:
    """One line about a connection."""

    label: str
    text: str
    at: datetime | None = None
    is_code: bool = False
    url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BackfillView:
    """How far the reading of the account is."""

    status: str
    title: str
    detail: str
    percent: int | None
    current: str
    """What is being read now."""
    trouble: str

    @property
    def is_running(self) -> bool:
        """Return whether it goes on."""
        return self.status in {"queued", "running"}


@dataclass(frozen=True, slots=True, kw_only=True)
class EventView:
    """One event that failed."""

    id: str
    type: str
    object_id: str
    state: Pill
    trouble: str
    attempts: str
    at: datetime
    ago: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionView:
    """One connected account."""

    id: str
    title: str
    pills: tuple[Pill, ...]
    is_active: bool
    trouble: str
    backfill: BackfillView | None
    facts: tuple[FactView, ...]


def connection_views(status: Json, now: datetime) -> tuple[ConnectionView, ...]:
    """Return the connections, active ones first."""
    connections = sorted(status.get("connections") or (), key=lambda found: found.get("status") != "active")
    return tuple(_connection(connection, now) for connection in connections)


def has_active(status: Json) -> bool:
    """Return whether any account is connected."""
    return any(connection.get("status") == "active" for connection in status.get("connections") or ())


def summary(status: Json) -> Pill:
    """Return the integration's state in a word."""
    states = {connection.get("status") for connection in status.get("connections") or ()}
    return next((STATES[state] for state in STATES if state in states), NOT_CONNECTED)


def _connection(connection: Json, now: datetime) -> ConnectionView:
    status = str(connection.get("status"))
    is_active = status == "active"
    mode = (
        Pill(text="Live", icon="dot", tone="line")
        if connection.get("livemode")
        else Pill(text="Test mode", icon="alert", tone="warn")
    )
    error = connection.get("last_error")
    return ConnectionView(
        id=str(connection["id"]),
        title=str(connection.get("name") or connection["account_id"]),
        pills=(mode, STATES.get(status, Pill(text=status, icon="question"))),
        is_active=is_active,
        trouble=f"The last request to Stripe failed: {error}" if error and is_active else "",
        backfill=_backfill(connection.get("backfill")) if is_active else None,
        facts=tuple(_facts(connection, now)),
    )


def _backfill(backfill: Json | None) -> BackfillView | None:
    if not backfill:
        return None
    status, objects = str(backfill.get("status")), int(backfill.get("objects") or 0)
    progress: Json = backfill.get("progress") or {}
    parts = [fmt.plural(objects, "object")]
    if progress.get("pages"):
        parts.append(fmt.plural(int(progress["pages"]), "page"))
    rate, eta = progress.get("objects_per_second"), progress.get("eta_seconds")
    if status == "running" and rate:
        parts.append(f"{float(rate):,.0f} a second")
    if status == "running" and eta is not None:
        parts.append(f"{fmt.duration(float(eta))} left")
    current = progress.get("current")
    return BackfillView(
        status=status,
        title=BACKFILL_TITLES.get(status, status),
        detail=" · ".join(parts),
        percent=_percent(progress),
        current=f"Now: {str(current).replace('_', ' ')}" if current and status == "running" else "",
        trouble=str(backfill.get("error") or "") if status != "complete" else "",
    )


def _percent(progress: Json) -> int | None:
    steps, done = progress.get("steps"), progress.get("steps_done")
    return round(100 * int(done or 0) / int(steps)) if steps else None


def _facts(connection: Json, now: datetime) -> list[FactView]:
    facts = [
        FactView(label="Account", text=str(connection["account_id"]), is_code=True),
        FactView(label="Access", text=KINDS.get(str(connection.get("kind")), str(connection.get("kind")))),
    ]
    event_at = fmt.parse_instant(connection.get("last_event_at"))
    facts.append(FactView(label="Last event", text=fmt.ago(event_at, now) if event_at else "None yet", at=event_at))
    contact_at = fmt.parse_instant(connection.get("last_contact_at"))
    if contact_at:
        facts.append(FactView(label="Last heard of Stripe", text=fmt.ago(contact_at, now), at=contact_at))
    if connection.get("webhook_url"):
        facts.append(FactView(label="Webhook address", text=str(connection["webhook_url"]), is_code=True))
    reads = connection.get("reads_30_days")
    if reads is not None:
        facts.append(FactView(label="Read from Stripe", text=_reads(connection)))
    drift = connection.get("drift")
    if drift is not None:
        facts.append(FactView(label="Drift", text=_drift(connection)))
    if connection.get("status") == "inactive":
        facts.append(FactView(label="Revoke at Stripe", text=revoke_at(connection), url=connection.get("revoke_url")))
    ignored: Json = connection.get("ignored") or {}
    if ignored:
        told = ", ".join(f"{fmt.plural(int(count), 'event')} {IGNORED.get(why, why)}" for why, count in ignored.items())
        facts.append(FactView(label="Left alone", text=told))
    return facts


def revoke_at(connection: Json) -> str:
    """Return what the place is called where a merchant takes back what they gave us."""
    is_key = connection.get("kind") == "restricted_key"
    return "Stripe's list of API keys" if is_key else "Stripe's settings of installed apps"


def _reads(connection: Json) -> str:
    """Tell how much of Stripe's allowance was used: 500 requests for each payment, at least 10,000 in 30 days."""
    reads, allowed, payments = (
        connection["reads_30_days"],
        connection["reads_allowed_30_days"],
        connection["payments_30_days"],
    )
    made = "not counted yet" if payments is None else f"{payments:,}"
    told = f"{reads:,} of {allowed:,} requests in 30 days; Stripe allows 500 for each payment ({made}), at least 10,000"
    return f"{told}, to all accounts of the platform together" if connection.get("reads_are_shared") else told


def _drift(connection: Json) -> str:
    """Return what sweeps found that no event had told of, by kind of object."""
    kinds: Json = connection.get("drift_by_kind") or {}
    if not connection.get("drift"):
        return "None: sweeps found nothing that no event had told of"
    told = ", ".join(f"{int(count)} {str(kind).replace('_', ' ')}" for kind, count in kinds.items())
    return f"{fmt.plural(int(connection['drift']), 'difference')} found and mended in the last week: {told}"


def event_views(events: Sequence[ListedEvent], now: datetime) -> tuple[EventView, ...]:
    """Return events that failed or are parked, as the page shows them."""
    return tuple(
        EventView(
            id=event.event_id,
            type=event.type,
            object_id=event.object_id or "",
            state=EVENT_STATES.get(event.state, Pill(text=event.state, icon="question")),
            trouble=event.error or "",
            attempts=fmt.plural(event.attempts, "attempt"),
            at=event.received_at,
            ago=fmt.ago(event.received_at, now),
        )
        for event in events
    )

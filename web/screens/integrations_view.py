"""What the page of the Stripe integration shows, made from the integration of the contracts. Pure and total."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

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


@dataclass(frozen=True, slots=True, kw_only=True)
class BackfillView:
    """How far the reading of the account is."""

    status: str
    title: str
    detail: str
    percent: int | None
    kinds: tuple[str, ...]

    @property
    def is_running(self) -> bool:
        """Return whether it goes on."""
        return self.status in {"queued", "running"}


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
    progress = backfill.get("progress")
    details: Json = progress if isinstance(progress, Mapping) else {}
    parts = [fmt.plural(objects, "object")]
    pages, rate = details.get("pages", backfill.get("pages")), details.get("rate", backfill.get("rate"))
    eta = details.get("eta_seconds", backfill.get("eta_seconds"))
    if pages:
        parts.append(fmt.plural(int(pages), "page"))
    if status == "running" and rate:
        parts.append(f"{float(rate):,.0f} a second")
    if status == "running" and eta is not None:
        parts.append(f"{fmt.duration(float(eta))} left")
    return BackfillView(
        status=status,
        title=BACKFILL_TITLES.get(status, status),
        detail=" · ".join(parts),
        percent=_percent(progress),
        kinds=tuple(_kinds(details)),
    )


def _percent(progress: object) -> int | None:
    share = progress.get("share", progress.get("fraction")) if isinstance(progress, Mapping) else progress
    if isinstance(share, bool) or not isinstance(share, int | float):
        return None
    return max(0, min(100, round(share * 100)))


def _kinds(details: Json) -> list[str]:
    kinds = details.get("kinds")
    if not isinstance(kinds, Mapping):
        return []
    counts = {name: value.get("objects") if isinstance(value, Mapping) else value for name, value in kinds.items()}
    return [f"{name.replace('_', ' ')} {int(count or 0):,}" for name, count in counts.items()]


def _facts(connection: Json, now: datetime) -> list[FactView]:
    facts = [
        FactView(label="Account", text=str(connection["account_id"]), is_code=True),
        FactView(label="Connected by", text=KINDS.get(str(connection.get("kind")), str(connection.get("kind")))),
    ]
    event_at = fmt.parse_instant(connection.get("last_event_at"))
    facts.append(FactView(label="Last event", text=fmt.ago(event_at, now) if event_at else "None yet", at=event_at))
    if connection.get("webhook_url"):
        facts.append(FactView(label="Webhook address", text=str(connection["webhook_url"]), is_code=True))
    if connection.get("drift"):
        facts.append(
            FactView(label="Drift", text=f"{fmt.plural(int(connection['drift']), 'difference')} found and repaired")
        )
    return facts

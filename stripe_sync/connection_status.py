"""What people and scripts see of connections: the integration shape of the contracts."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from engine.core.facts import format_instant
from engine.ids import WorkspaceId
from stripe_sync import drift_repository, queue_repository
from stripe_sync.backfill import repository as backfill_repository
from stripe_sync.backfill.models import Progress, Run, RunStatus, progress_of
from stripe_sync.connect import repository as connect_repository
from stripe_sync.connect.models import Connection, CredentialKind
from stripe_sync.dashboard import Dashboard
from stripe_sync.events import repository as event_repository
from stripe_sync.events.routes import SUBSCRIBE_TO
from stripe_sync.reconciling import MONTH, is_shared, reads_allowed
from stripe_sync.settings import StripeConfig


def status(workspace_id: WorkspaceId, session: Session, config: StripeConfig, now: datetime) -> dict[str, Any]:
    """Return `{"connections": […]}`, ended ones too, oldest first."""
    found = connect_repository.connections(workspace_id, session)
    return {"connections": [_status(workspace_id, session, connection, config, now) for connection in found]}


def dashboard_of(connection: Connection, config: StripeConfig) -> Dashboard:
    """Return the Dashboard of a connection's account."""
    return Dashboard(base=config.dashboard_base, account_id=connection.account_id, livemode=connection.livemode)


def _status(
    workspace_id: WorkspaceId, session: Session, connection: Connection, config: StripeConfig, now: datetime
) -> dict[str, Any]:
    runs = backfill_repository.newest(workspace_id, session, connection.id, 2)
    has_own_endpoint = connection.kind is CredentialKind.RESTRICTED_KEY
    dashboard = dashboard_of(connection, config)
    events = event_repository.counts(workspace_id, session, connection.id)
    drifted = drift_repository.counts(workspace_id, session, connection.id)
    return {
        "id": connection.id,
        "kind": connection.kind.value,
        "account_id": connection.account_id,
        "livemode": connection.livemode,
        "status": connection.status.value,
        "webhook_url": config.webhook_url(connection.id if has_own_endpoint else None),
        "webhook_events": list(SUBSCRIBE_TO) if has_own_endpoint else None,
        "backfill": _backfill(workspace_id, session, runs, now),
        "last_event_at": _text(connection.last_event_at),
        "last_contact_at": _text(connection.last_contact_at),
        "connected_at": _text(connection.connected_at),
        "ended_at": _text(connection.ended_at),
        "last_error": connection.last_error,
        "synced_kinds": sorted(connection.synced_kinds),
        "events": {state: events.get(state, 0) for state in ("pending", "failed", "parked")},
        "refetches": queue_repository.count_refetches(workspace_id, session, connection.id),
        "reads": connection.reads,
        "reads_30_days": connect_repository.reads_since(workspace_id, session, connection.id, (now - MONTH).date()),
        "reads_allowed_30_days": reads_allowed(connection.payments or 0),
        "reads_are_shared": is_shared(connection.kind),
        "payments_30_days": connection.payments,
        "drift": sum(drifted.values()) if connection.caught_up_at and connection.synced_kinds else None,
        "drift_by_kind": drifted,
        "ignored": event_repository.ignored(workspace_id, session, connection.id),
        "revoke_url": dashboard.keys_url if has_own_endpoint else dashboard.apps_url,
    }


def _backfill(workspace_id: WorkspaceId, session: Session, runs: Sequence[Run], now: datetime) -> dict[str, Any] | None:
    if not runs:
        return None
    steps = [backfill_repository.steps(workspace_id, session, run.id) for run in runs]
    was_complete = len(runs) > 1 and runs[1].status is RunStatus.COMPLETE
    previous = progress_of(runs[1], steps[1], None, now).objects if was_complete else None
    run, progress = runs[0], progress_of(runs[0], steps[0], previous, now)
    return {
        "status": run.status.value,
        "objects": progress.objects,
        "progress": _progress(progress),
        "error": run.last_error,
        "started_at": _text(run.started_at),
        "finished_at": _text(run.finished_at),
    }


def _progress(progress: Progress) -> dict[str, Any]:
    return {
        "pages": progress.pages,
        "steps": progress.steps,
        "steps_done": progress.steps_done,
        "current": progress.current,
        "objects_per_second": progress.objects_per_second,
        "eta_seconds": progress.eta_seconds,
    }


def _text(at: datetime | None) -> str | None:
    return None if at is None else format_instant(at.replace(microsecond=0))

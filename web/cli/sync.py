"""`ochre sync`: look at and drive the sync with Stripe."""

from typing import Any

import click

from engine.core.facts import format_instant
from engine.ids import ConnectionId, MemberId, WorkspaceId
from engine.workspace import repository
from engine.workspace.models import Role
from stripe_sync.events.repository import ListedEvent
from web.cli.lookup import find_workspace
from web.cli.output import fail, format_option, show
from web.startup import load_services
from web.wiring import Services

_workspace_option = click.option("--workspace", "workspace_name", required=True, metavar="NAME")


@click.group("sync")
def command() -> None:
    """Look at and drive the sync with Stripe."""


@command.command("status")
@_workspace_option
@format_option()
def status(workspace_name: str, output_format: str) -> None:
    """Show a workspace's connections and how far their backfills are."""
    services = load_services()
    workspace = find_workspace(services, workspace_name)
    found = services.stripe.status(workspace.id)
    if output_format == "json":
        show(found, output_format)
        return
    show([_row(connection) for connection in found["connections"]], output_format)


@command.command("backfill")
@_workspace_option
@click.option("--connection", "connection_id", metavar="ID", help="Only this one; all active ones otherwise.")
@click.option("--now", "at_once", is_flag=True, help="Do it here and wait, instead of leaving it to the worker.")
@format_option()
def backfill(workspace_name: str, connection_id: str | None, output_format: str, *, at_once: bool) -> None:
    """Read everything from Stripe again, and remove what it no longer has."""
    services = load_services()
    workspace = find_workspace(services, workspace_name)
    wanted = [connection_id] if connection_id else _active(services, workspace.id)
    if not wanted:
        fail("no Stripe account is connected to this workspace")
    owner = _owner(services, workspace.id)
    for one in wanted:
        result = services.stripe.resync(workspace.id, member_id=owner, connection_id=ConnectionId(one))
        if not hasattr(result, "account_id"):
            fail(f"connection {one} can't be synced: {getattr(result, 'message', 'there is no such connection')}")
    if at_once:
        services.stripe.run_backfills()
    else:
        services.waker.wake("backfill")
    rows = [_row(one) for one in services.stripe.status(workspace.id)["connections"]]
    show(rows, output_format)


@command.command("events")
@_workspace_option
@click.option("--parked", is_flag=True, help="Only those that failed too often and wait for a person.")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 1000))
@format_option()
def events(workspace_name: str, output_format: str, *, parked: bool, limit: int) -> None:
    """Show the newest events that came from Stripe, and how far they are."""
    services = load_services()
    workspace = find_workspace(services, workspace_name)
    found = services.stripe.events(workspace.id, ("parked",) if parked else (), limit)
    show([_event_row(event) for event in found], output_format)


@command.command("replay")
@_workspace_option
@click.argument("event_id", required=False, metavar="[EVENT]")
@click.option("--all", "everything", is_flag=True, help="All that failed or are parked.")
@format_option()
def replay(workspace_name: str, event_id: str | None, output_format: str, *, everything: bool) -> None:
    """Try parked and failed events again: one, or all."""
    if (event_id is None) != everything:
        raise click.UsageError("name one event, or give --all")
    services = load_services()
    workspace = find_workspace(services, workspace_name)
    count = services.stripe.replay_events(workspace.id, member_id=_owner(services, workspace.id), event_id=event_id)
    if not count and event_id is not None:
        fail(f"there is no parked or failed event {event_id}; `ochre sync events --parked` shows those there are")
    show({"replayed": count}, output_format)


def _event_row(event: ListedEvent) -> dict[str, Any]:
    return {
        "event": event.event_id,
        "type": event.type,
        "object": event.object_id,
        "state": event.state,
        "attempts": event.attempts,
        "error": event.error,
        "received_at": format_instant(event.received_at.replace(microsecond=0)),
        "connection": event.connection_id,
    }


def _owner(services: Services, workspace_id: WorkspaceId) -> MemberId:
    """Return an owner, in whose name an operator acts."""
    with services.database.workspace(workspace_id, readonly=True) as session:
        members = repository.members(workspace_id, session)
    return next(one for one in members if one.active and one.role is Role.OWNER).id


def _active(services: Services, workspace_id: WorkspaceId) -> list[str]:
    found = services.stripe.status(workspace_id)["connections"]
    return [connection["id"] for connection in found if connection["status"] == "active"]


def _row(connection: dict[str, Any]) -> dict[str, Any]:
    backfill_state = connection["backfill"]
    return {
        "id": connection["id"],
        "account": connection["account_id"],
        "mode": "live" if connection["livemode"] else "test",
        "status": connection["status"],
        "backfill": backfill_state["status"],
        "objects": backfill_state["objects"],
        "parked": connection["events"]["parked"],
        "drift": connection["drift"],
    }

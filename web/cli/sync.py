"""`ochre sync`: look at and drive the sync with Stripe."""

from typing import Any

import click

from engine.ids import ConnectionId, WorkspaceId
from engine.workspace import repository
from engine.workspace.models import Role
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
    with services.database.workspace(workspace.id, readonly=True) as session:
        members = repository.members(workspace.id, session)
    owner = next(one for one in members if one.active and one.role is Role.OWNER)
    for one in wanted:
        result = services.stripe.resync(workspace.id, member_id=owner.id, connection_id=ConnectionId(one))
        if not hasattr(result, "account_id"):
            fail(f"connection {one} can't be synced: {getattr(result, 'message', 'there is no such connection')}")
    if at_once:
        services.stripe.run_backfills()
    else:
        services.waker.wake("backfill")
    rows = [_row(one) for one in services.stripe.status(workspace.id)["connections"]]
    show(rows, output_format)


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
    }

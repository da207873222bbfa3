"""`ochre workspace`: create and list workspaces."""

from typing import TextIO

import click

from engine.faults import Conflict, Invalid
from web.cli.output import fail, format_option, read_password, show
from web.startup import load_services


@click.group("workspace")
def command() -> None:
    """Create and list workspaces."""


@command.command("create")
@click.argument("name")
@click.option("--owner", required=True, metavar="EMAIL", help="The first member, who owns the workspace.")
@click.option("--password-file", required=True, type=click.File(), help="The owner's password; - reads standard input.")
@format_option(default="json")
def create(name: str, owner: str, password_file: TextIO, output_format: str) -> None:
    """Create a workspace called NAME and print its id."""
    services = load_services()
    result = services.members.create_workspace(name, owner, read_password(password_file))
    match result:
        case Invalid(faults):
            fail("; ".join(fault.message for fault in faults))
        case Conflict(message=message):
            fail(message)
        case workspace:
            show({"id": workspace.id, "name": workspace.name}, output_format)


@command.command("list")
@format_option()
def list_workspaces(output_format: str) -> None:
    """List all workspaces."""
    from engine.workspace import repository

    services = load_services()
    with services.database.system(readonly=True) as session:
        found = repository.system_workspaces(session)
    show([{"id": one.id, "name": one.name} for one in found], output_format)

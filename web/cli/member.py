"""`ochre member`: add and list the members of a workspace."""

from typing import TextIO

import click

from engine.audit.repository import SYSTEM
from engine.faults import Conflict, Invalid
from engine.workspace import repository
from engine.workspace.models import Role
from web.cli.lookup import find_workspace
from web.cli.output import fail, format_option, read_password, show
from web.startup import load_services

_workspace_option = click.option("--workspace", "workspace_name", required=True, metavar="NAME")


@click.group("member")
def command() -> None:
    """Add and list members."""


@command.command("add")
@_workspace_option
@click.argument("email")
@click.option("--name", default="", help="Shown instead of the address.")
@click.option("--role", type=click.Choice([role.value for role in Role]), default=Role.AGENT.value, show_default=True)
@click.option("--password-file", required=True, type=click.File(), help="- reads standard input.")
@format_option(default="json")
def add(workspace_name: str, email: str, name: str, role: str, password_file: TextIO, output_format: str) -> None:
    """Add the member EMAIL, who can sign in with the password of the file."""
    services = load_services()
    workspace = find_workspace(services, workspace_name)
    password = read_password(password_file)
    match services.members.add_member(workspace.id, email, password, Role(role), name=name, actor=SYSTEM):
        case Invalid(faults):
            fail("; ".join(fault.message for fault in faults))
        case Conflict(message=message):
            fail(message)
        case member:
            show({"id": member.id, "email": member.email, "role": member.role.value}, output_format)


@command.command("list")
@_workspace_option
@format_option()
def list_members(workspace_name: str, output_format: str) -> None:
    """List the members of a workspace."""
    services = load_services()
    workspace = find_workspace(services, workspace_name)
    with services.database.workspace(workspace.id, readonly=True) as session:
        members = repository.members(workspace.id, session)
    rows = [
        {"id": one.id, "email": one.email, "name": one.name, "role": one.role.value, "active": one.active}
        for one in members
    ]
    show(rows, output_format)

"""`ochre member`: add, list and change the members of a workspace."""

from typing import TextIO

import click

from engine.audit.repository import SYSTEM
from engine.email_address import normalize
from engine.faults import Conflict, Invalid, NotFound
from engine.workspace import repository
from engine.workspace.models import Member, MemberChange, Role
from web.auth.members import OwnersOnly
from web.cli.lookup import find_workspace
from web.cli.output import fail, format_option, read_password, show
from web.startup import load_services

_workspace_option = click.option("--workspace", "workspace_name", required=True, metavar="NAME")


@click.group("member")
def command() -> None:
    """Add, list and change members."""


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
    show([_row(one) for one in members], output_format)


@command.command("change")
@_workspace_option
@click.argument("email")
@click.option("--role", type=click.Choice([role.value for role in Role]), default=None)
@click.option("--active/--inactive", default=None, help="Let in, or let out: sign-ins and tokens are no longer good.")
@click.option("--billing/--no-billing", default=None, help="Whether an agent sees what customers pay.")
@format_option(default="json")
def change(
    workspace_name: str,
    email: str,
    role: str | None,
    active: bool | None,  # noqa: FBT001  click hands options over so
    billing: bool | None,  # noqa: FBT001
    output_format: str,
) -> None:
    """Change the member EMAIL: what is left out stays."""
    services = load_services()
    workspace = find_workspace(services, workspace_name)
    with services.database.workspace(workspace.id, readonly=True) as session:
        found = repository.find_member_by_email(workspace.id, session, normalize(email) or "")
    if found is None:
        fail(f"the workspace has no member {email!r}")
    wanted = MemberChange(role=None if role is None else Role(role), active=active, sees_billing=billing)
    match services.members.change_member(workspace.id, found.id, wanted, actor=SYSTEM, actor_role=Role.OWNER):
        case NotFound():
            fail(f"the workspace has no member {email!r}")
        case Conflict(message=message) | OwnersOnly(message=message):
            fail(message)
        case member:
            show(_row(member), output_format)


def _row(member: Member) -> dict[str, object]:
    return {
        "id": member.id,
        "email": member.email,
        "name": member.name,
        "role": member.role.value,
        "active": member.active,
        "sees_billing": member.sees_billing,
    }

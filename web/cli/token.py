"""`ochre token`: create, list and revoke API tokens."""

import click

from engine.audit.repository import SYSTEM
from engine.core.facts import format_instant
from engine.ids import MemberId
from web.auth import repository
from web.auth.models import Scope
from web.auth.service import ScopesExceeded
from web.cli.lookup import find_member, find_workspace
from web.cli.output import fail, format_option, show
from web.startup import load_services

_workspace_option = click.option("--workspace", "workspace_name", required=True, metavar="NAME")


@click.group("token")
def command() -> None:
    """Create, list and revoke API tokens."""


@command.command("create")
@_workspace_option
@click.option("--member", "email", required=True, metavar="EMAIL", help="In whose name the token speaks.")
@click.option("--scope", "scopes", multiple=True, type=click.Choice([scope.value for scope in Scope]))
@click.option("--name", default="command line", show_default=True, help="To recognise it by.")
@format_option(default="json")
def create(workspace_name: str, email: str, scopes: tuple[str, ...], name: str, output_format: str) -> None:
    """Create a token and print it, this once; without --scope it may do all that the member may."""
    services = load_services()
    workspace = find_workspace(services, workspace_name)
    with services.database.workspace(workspace.id) as session:
        member = find_member(workspace.id, session, email)
        made = services.auth.create_token(workspace.id, session, member, name, scopes or None)
    if isinstance(made, ScopesExceeded):
        fail(f"{email} is {member.role} and may not do this themselves: {', '.join(made.scopes)}")
    show({"token": made.text, "scopes": list(made.token.scopes)}, output_format)


@command.command("list")
@_workspace_option
@format_option()
def list_tokens(workspace_name: str, output_format: str) -> None:
    """List the tokens of a workspace; the tokens themselves are not kept."""
    services = load_services()
    workspace = find_workspace(services, workspace_name)
    with services.database.workspace(workspace.id, readonly=True) as session:
        tokens = repository.list_tokens(workspace.id, session)
    rows = [
        {
            "id": one.id,
            "name": one.name,
            "hint": one.hint,
            "scopes": list(one.scopes),
            "last_used_at": None if one.last_used_at is None else format_instant(one.last_used_at),
        }
        for one in tokens
    ]
    show(rows, output_format)


@command.command("revoke")
@_workspace_option
@click.argument("token_id")
def revoke(workspace_name: str, token_id: str) -> None:
    """Revoke the token with the id TOKEN_ID, at once."""
    services = load_services()
    workspace = find_workspace(services, workspace_name)
    with services.database.workspace(workspace.id) as session:
        if not services.auth.revoke_token(workspace.id, session, MemberId(SYSTEM), token_id):
            fail(f"there is no token {token_id} to revoke")
    click.echo(f"Revoked {token_id}.")

"""`ochre end-user`: what a customer may ask for, from the command line."""

import click

from engine.email_address import normalize
from engine.faults import NotFound
from engine.ids import EndUserId, WorkspaceId
from engine.inbox import end_user_repository
from web.cli.lookup import find_workspace
from web.cli.output import fail, format_option, show
from web.startup import load_services
from web.wiring import Services

_workspace_option = click.option("--workspace", "workspace_name", required=True, metavar="NAME")


@click.group("end-user")
def command() -> None:
    """Export and erase what is kept of an end user."""


@command.command("export")
@_workspace_option
@click.argument("who", metavar="ID-OR-EMAIL")
@format_option(default="json")
def export(workspace_name: str, who: str, output_format: str) -> None:
    """Write everything that is kept of an end user to standard output, as JSON."""
    services = load_services()
    workspace = find_workspace(services, workspace_name)
    match services.privacy.export(workspace.id, _find(services, workspace.id, who)):
        case NotFound():
            fail(_nobody(who))
        case found:
            show(found, output_format)


@command.command("erase")
@_workspace_option
@click.argument("who", metavar="ID-OR-EMAIL")
@click.option("--yes", is_flag=True, help="Do not ask whether it is meant.")
@format_option(default="json")
def erase(workspace_name: str, who: str, yes: bool, output_format: str) -> None:  # noqa: FBT001  click hands options over so
    """Remove an end user and everything kept of them; it can't be undone."""
    services = load_services()
    workspace = find_workspace(services, workspace_name)
    end_user_id = _find(services, workspace.id, who)
    if not yes:
        click.confirm(f"Erase {who} with all conversations, decisions and Stripe data?", abort=True, err=True)
    match services.privacy.erase(workspace.id, end_user_id, actor=None):
        case NotFound():
            fail(_nobody(who))
        case erased:
            show({"id": end_user_id, "erased": erased}, output_format)


def _find(services: Services, workspace_id: WorkspaceId, who: str) -> EndUserId:
    """Return the id of the end user with an id or address; exit with a message if there is none."""
    email = normalize(who)
    with services.database.workspace(workspace_id, readonly=True) as session:
        if email is not None:
            found = end_user_repository.find_end_user_by_email(workspace_id, session, email)
        else:
            found = end_user_repository.find_end_user(workspace_id, session, EndUserId(who))
    if found is None:
        fail(_nobody(who))
    assert found is not None
    return found.id


def _nobody(who: str) -> str:
    return f"the workspace has no end user {who!r}; give an id (usr_…) or the address as written"

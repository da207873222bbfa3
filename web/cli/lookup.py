"""Finding what a command names: a workspace by its name, a member by address."""

from sqlalchemy.orm import Session

from engine.email_address import normalize
from engine.ids import WorkspaceId
from engine.workspace import repository
from engine.workspace.models import Member, Workspace
from web.cli.output import fail
from web.wiring import Services


def find_workspace(services: Services, name: str) -> Workspace:
    """Return the workspace called `name`; exit with a message if there is none."""
    with services.database.system(readonly=True) as session:
        found = repository.system_find_workspace(session, name)
    if found is None:
        fail(f"there is no workspace called {name!r}; `ochre workspace list` shows all")
    return found


def find_member(workspace_id: WorkspaceId, session: Session, email: str) -> Member:
    """Return the active member with that address; exit with a message if there is none."""
    found = repository.find_member_by_email(workspace_id, session, normalize(email) or "")
    if found is None or not found.active:
        fail(f"the workspace has no active member {email!r}")
    return found

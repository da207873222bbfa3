"""The inbox: the list of conversations, and the same list as a live part."""

from flask import Blueprint, Response, request
from sqlalchemy.orm import Session

from engine.ids import WorkspaceId
from engine.inbox import excerpt_repository
from engine.inbox import repository as conversations
from engine.inbox.models import Conversation
from engine.inbox.paging import Cursor, Page
from engine.workspace import repository as workspaces
from engine.workspace.models import Directory, Role
from web.auth.access import allow
from web.auth.gate import principal
from web.current import services
from web.screens import inbox_view as views
from web.screens.page import Live, live, local_now, page

PAGE_SIZE = 30
TEXT_LENGTH = views.EXCERPT_LENGTH * 4

blueprint = Blueprint("inbox", __name__)


@blueprint.get(views.PATH)
@allow(Role.AGENT)
def show() -> Response:
    """Show the inbox."""
    wanted = views.Wanted.read(request.args)
    workspace_id = principal().workspace_id
    with services().database.workspace(workspace_id, readonly=True) as session:
        directory = workspaces.directory(workspace_id, session)
        part = _list(workspace_id, session, wanted, directory)
    return page(
        "inbox/page.html",
        area="inbox",
        view=views.inbox_view(wanted, directory),
        side_links=views.side_links(wanted, directory),
        part=part,
    )


@blueprint.get(f"{views.PATH}/list")
@allow(Role.AGENT)
def show_list() -> Response:
    """Return the list alone, or 304 if nothing changed."""
    wanted = views.Wanted.read(request.args)
    workspace_id = principal().workspace_id
    with services().database.workspace(workspace_id, readonly=True) as session:
        return _list(workspace_id, session, wanted, workspaces.directory(workspace_id, session)).answer()


def _list(workspace_id: WorkspaceId, session: Session, wanted: views.Wanted, directory: Directory) -> Live:
    found = _find(workspace_id, session, wanted, directory)
    ids = [conversation.id for conversation in found.rows]
    excerpts = excerpt_repository.newest_texts(workspace_id, session, ids, TEXT_LENGTH)
    return live(
        "conversations",
        wanted.url(f"{views.PATH}/list"),
        "2s",
        "inbox/list.html",
        rows=views.rows(found.rows, excerpts, directory, local_now()),
        is_filtered=wanted.is_filtered,
        clear_url=views.PATH,
        first_url=wanted.url(after="") if wanted.after else None,
        next_url=wanted.url(after=found.next) if found.next else None,
    )


def _find(
    workspace_id: WorkspaceId, session: Session, wanted: views.Wanted, directory: Directory
) -> Page[Conversation]:
    filter_ = views.to_filter(wanted, directory, principal().member_id)
    if filter_ is None:
        return Page((), None)
    # A cursor that is none of ours begins at the top: the address may be an old bookmark.
    after = Cursor.decode(wanted.after) if wanted.after else None
    return conversations.conversations(workspace_id, session, filter_, after=after, limit=PAGE_SIZE)

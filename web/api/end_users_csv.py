"""`/end-users.csv`: everybody, or those a condition is true of, as a file for other tools."""

from collections.abc import Iterator

from flask import Response, stream_with_context

from engine.faults import Fault
from engine.ids import EndUserId, WorkspaceId
from engine.inbox import end_user_repository as repository
from engine.inbox.paging import Cursor
from engine.workspace.models import Role
from rules.sql import TooSlowError
from rules.tree import Node
from web import exported
from web.api.end_users import blueprint, sound
from web.api.schemas_stripe import EndUsersFileQuery
from web.auth.access import allow
from web.auth.gate import principal
from web.auth.models import Scope
from web.current import services
from web.errors import invalid
from web.facts import CATALOG
from web.people import People

BATCH = 200
__all__ = ["blueprint"]


_FILE = {"description": "A line for each end user.", "content": {"text/csv": {"schema": {"type": "string"}}}}


@blueprint.get("/end-users.csv", responses={200: _FILE})
@allow(Role.AGENT, Scope.END_USERS_READ, billing=True)
def download_end_users(query: EndUsersFileQuery) -> Response:
    """Return end users as CSV, newest first, each Stripe fact in a column with the prefix `stripe_`."""
    workspace_id = principal().workspace_id
    people = People(services().clock, CATALOG, services().facts)
    tree = None
    if query.when is not None:
        with services().database.workspace(workspace_id, readonly=True) as session:
            tree = sound(people.check(workspace_id, session, query.when), query.when)
    batches = _everybody(workspace_id) if tree is None else _matching(workspace_id, people, tree)
    try:
        # The first batch is looked for before anything is answered, so that a condition too slow is told as such.
        first = next(batches, [])
    except TooSlowError:
        message = "Looking through everybody for this condition takes too long; narrow it down with `and`."
        raise invalid(Fault(pointer="/when", message=message)) from None
    return Response(
        stream_with_context(_lines(workspace_id, first, batches)),
        mimetype="text/csv",
        headers={"Content-Disposition": 'attachment; filename="end-users.csv"'},
    )


def _lines(workspace_id: WorkspaceId, first: list[EndUserId], batches: Iterator[list[EndUserId]]) -> Iterator[str]:
    yield exported.header(CATALOG)
    batch: list[EndUserId] | None = first
    while batch:
        with services().database.workspace(workspace_id, readonly=True) as session:
            found = repository.end_users_by_id(workspace_id, session, batch)
            kept = services().facts.read_kept(workspace_id, session, batch, services().clock.now())
        yield exported.rows(CATALOG, ((found[id_], kept.get(id_)) for id_ in batch if id_ in found))
        batch = next(batches, None)


def _everybody(workspace_id: WorkspaceId) -> Iterator[list[EndUserId]]:
    after: Cursor | None = None
    while True:
        with services().database.workspace(workspace_id, readonly=True) as session:
            rows = repository.end_users(workspace_id, session, after=after, limit=BATCH).rows
        if rows:
            yield [row.id for row in rows]
        if len(rows) < BATCH:
            return
        after = Cursor(rows[-1].created_at, rows[-1].id)


def _matching(workspace_id: WorkspaceId, people: People, tree: Node) -> Iterator[list[EndUserId]]:
    after: str | None = None
    while True:
        with services().database.workspace(workspace_id, readonly=True) as session:
            found, _ = people.page(workspace_id, session, tree, after=after, limit=BATCH)
        if found.ids:
            yield [EndUserId(id_) for id_ in found.ids]
        if found.next is None:
            return
        after = found.next

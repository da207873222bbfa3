"""`/end-users`: the people who write in, with what is known about what they pay."""

import base64
import binascii
from typing import Any

from flask import Response
from sqlalchemy.orm import Session

from engine.core import snapshot
from engine.core.facts import format_instant
from engine.email_address import normalize
from engine.faults import Fault, NotFound
from engine.ids import EndUserId, WorkspaceId
from engine.inbox import end_user_repository as repository
from engine.inbox.models import EndUser
from engine.workspace.models import Role
from rules.conditions import CheckedCondition
from rules.people import to_diagnostic
from rules.sql import TooSlowError
from rules.tree import Node
from stripe_sync import fact_repository, links
from web.api.answers import answer, cursor, unwrap
from web.api.blueprint import new_blueprint
from web.api.schemas import IdPath
from web.api.schemas_stripe import EndUserOut, EndUsersOut, EndUsersQuery
from web.auth.access import allow
from web.auth.gate import closed_billing, principal
from web.auth.models import Scope
from web.billing import asks_for_billing
from web.current import services
from web.errors import Problem, invalid
from web.exported import exported_facts
from web.facts import CATALOG
from web.people import People

blueprint = new_blueprint("end_users")
_MARK = "below:"


@blueprint.get("/end-users", responses={200: EndUsersOut})
@allow(Role.AGENT, Scope.END_USERS_READ)
def list_end_users(query: EndUsersQuery) -> Response:
    """List end users, newest first; with `email` only the one with that address, with `when` those it is true of.

    A page of `when` may be shorter than `limit` and still not be the last: go on while there is a `next`.
    """
    workspace_id = principal().workspace_id
    if query.when is not None:
        return _matching(workspace_id, query.when, query)
    after = cursor(query.after)
    with services().database.workspace(workspace_id) as session:
        if query.email is not None:
            normalized = normalize(query.email)
            if normalized is None:
                raise invalid(Fault(pointer="/email", message="This is not one e-mail address."))
            found = repository.find_end_user_by_email(workspace_id, session, normalized)
            rows = [] if found is None else [found]
            after_these = None
        else:
            page = repository.end_users(workspace_id, session, after=after, limit=query.limit)
            rows, after_these = list(page.rows), page.next
        data = [_shape(workspace_id, session, row) for row in rows]
    return answer({"data": data, "next": after_these})


@blueprint.get("/end-users/<id>", responses={200: EndUserOut})
@allow(Role.AGENT, Scope.END_USERS_READ)
def get_end_user(path: IdPath) -> Response:
    """Return an end user with their customers and facts."""
    workspace_id = principal().workspace_id
    with services().database.workspace(workspace_id) as session:
        found = repository.find_end_user(workspace_id, session, EndUserId(path.id))
        return answer(_shape(workspace_id, session, unwrap(found or NotFound(kind="end user", id=path.id))))


def _matching(workspace_id: WorkspaceId, when: str, query: EndUsersQuery) -> Response:
    if query.email is not None:
        raise invalid(Fault(pointer="/when", message="Give either `email` or `when`."))
    after = None if query.after is None else _place(query.after)
    people = People(services().clock, CATALOG, services().facts)
    try:
        with services().database.workspace(workspace_id, readonly=True) as session:
            tree = sound(people.check(workspace_id, session, when), when)
            if asks_for_billing(tree) and not principal().sees_billing:
                raise closed_billing()
            found, evaluated = people.page(workspace_id, session, tree, after=after, limit=query.limit)
    except TooSlowError:
        message = "Looking through everybody for this condition takes too long; narrow it down with `and`."
        raise invalid(Fault(pointer="/when", message=message)) from None
    ids = [EndUserId(id_) for id_ in found.ids]
    with services().database.workspace(workspace_id) as session:
        rows = repository.end_users_by_id(workspace_id, session, ids)
        data = [_shape(workspace_id, session, rows[id_]) for id_ in ids if id_ in rows]
    next_ = None if found.next is None else _cursor(found.next)
    return answer({"data": data, "next": next_, "evaluated": evaluated})


def sound(checked: CheckedCondition, when: str) -> Node:
    """Return the tree of a condition; raise the 422 that lists what is wrong with it."""
    if checked.tree is not None:
        return checked.tree
    diagnostics = [to_diagnostic(finding, when) for finding in checked.findings]
    errors = [one for one in diagnostics if one.is_error]
    raise Problem(
        422,
        "The condition has errors; see errors.",
        errors=tuple(Fault(pointer="/when", message=one.message) for one in errors),
        extra={"diagnostics": [one.to_json() for one in diagnostics]},
    )


def _cursor(end_user_id: str) -> str:
    return base64.urlsafe_b64encode(f"{_MARK}{end_user_id}".encode()).decode().rstrip("=")


def _place(after: str) -> str:
    try:
        text = base64.b64decode(after + "=" * (-len(after) % 4), b"-_", validate=True).decode()
    except (ValueError, binascii.Error):
        text = ""
    if not text.startswith(_MARK) or "\x00" in text:
        raise invalid(Fault(pointer="/after", message="This is no `next` of a page; leave it out to begin."))
    return text.removeprefix(_MARK)


def _shape(workspace_id: WorkspaceId, session: Session, end_user: EndUser) -> dict[str, Any]:
    return {
        "id": end_user.id,
        "email": end_user.email,
        "name": end_user.name,
        **(_billing(workspace_id, session, end_user) if principal().sees_billing else _NO_BILLING),
        "attributes": dict(end_user.attributes),
        "created_at": format_instant(end_user.created_at),
    }


_NO_BILLING: dict[str, Any] = {
    "billing": "forbidden",
    "last_values": None,
    "customers": [],
    "facts": {},
    "reasons": {},
    "exported": {},
}


def _billing(workspace_id: WorkspaceId, session: Session, end_user: EndUser) -> dict[str, Any]:
    now = services().clock.now()
    subject = links.subjects(workspace_id, session, [end_user.id])[end_user.id]
    found = services().facts.read(workspace_id, session, end_user.id, now)
    facts, reasons = snapshot.take(found)
    kept, _ = fact_repository.read_one(workspace_id, session, end_user.id)
    return {
        "billing": "shown",
        "last_values": None if kept is None or not subject.is_stale else kept.last_values,
        "customers": [customer.customer_id for customer in subject.customers],
        "facts": facts,
        "reasons": reasons,
        "exported": exported_facts(CATALOG, found),
    }

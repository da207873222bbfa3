"""One conversation: its messages, what people do with it, and the Stripe panel beside it."""

from datetime import datetime
from typing import Any

from flask import Blueprint, Response, request
from sqlalchemy.orm import Session

from engine.core.actions import Priority
from engine.core.explain import sentences
from engine.faults import Invalid, NotFound
from engine.ids import ConversationId, WorkspaceId
from engine.inbox import service as inbox
from engine.inbox import views as inbox_json
from engine.inbox.models import UNSET, AuthorKind, Change, Conversation, NewMessage, Status, Unset
from engine.inbox.service import Thread
from engine.workspace.models import Role
from web.auth.access import allow
from web.auth.gate import principal
from web.auth.models import includes
from web.billing import closed_lines, closed_panel
from web.current import services
from web.errors import not_found
from web.screens import conversation_view as views
from web.screens.inbox_view import places, side_links
from web.screens.page import Live, Notice, live, local_now, now, page, see_other
from web.screens.panel_view import panel_view, with_facts
from web.screens.trace_view import url_of as trace_url

MAX_TAGS_TEXT = 4000

blueprint = Blueprint("conversation", __name__, url_prefix="/conversations/<conversation_id>")


@blueprint.get("")
@allow(Role.AGENT)
def show(conversation_id: str) -> Response:
    """Show the conversation."""
    return _page(conversation_id)


@blueprint.get("/thread")
@allow(Role.AGENT)
def show_thread(conversation_id: str) -> Response:
    """Return the messages alone, or 304 if nothing changed."""
    workspace_id = principal().workspace_id
    with services().database.workspace(workspace_id, readonly=True) as session:
        return _thread_part(find_thread(workspace_id, session, conversation_id)).answer()


@blueprint.get("/panel")
@allow(Role.AGENT)
def show_panel(conversation_id: str) -> Response:
    """Return the Stripe panel alone, or 304 if nothing changed."""
    workspace_id = principal().workspace_id
    with services().database.workspace(workspace_id, readonly=True) as session:
        return _panel_part(workspace_id, session, find_thread(workspace_id, session, conversation_id)).answer()


@blueprint.post("/messages")
@allow(Role.AGENT)
def write(conversation_id: str) -> Response:
    """Add a reply or a note."""
    caller = principal()
    body = request.form.get("body", "").replace("\r\n", "\n")
    if not body.strip():
        return see_other(views.url_of(conversation_id), "empty")
    kind = AuthorKind.NOTE if request.form.get("kind") == "note" else AuthorKind.AGENT
    draft = NewMessage(
        body=body, author_kind=kind, author_name=caller.name, author_member_id=caller.member_id, created_at=now()
    )
    outcome = services().router.append(caller.workspace_id, ConversationId(conversation_id), draft)
    if isinstance(outcome, NotFound):
        raise not_found("conversation")
    if isinstance(outcome, Invalid):
        return _page(conversation_id, outcome, body)
    return see_other(views.url_of(conversation_id), "noted" if kind is AuthorKind.NOTE else "sent")


@blueprint.post("/changes")
@allow(Role.AGENT)
def change(conversation_id: str) -> Response:
    """Change what the form changed."""
    caller, parts = principal(), services()
    with parts.database.workspace(caller.workspace_id) as session:
        outcome = inbox.change(
            caller.workspace_id, session, ConversationId(conversation_id), _wanted(), caller.member_id, parts.clock
        )
    if isinstance(outcome, NotFound):
        raise not_found("conversation")
    if isinstance(outcome, Invalid):
        return _page(conversation_id, outcome)
    return see_other(views.url_of(conversation_id), "changed")


def find_thread(workspace_id: WorkspaceId, session: Session, conversation_id: str) -> Thread:
    """Return the conversation with what belongs to it; raise a 404 if there is none."""
    thread = inbox.thread(workspace_id, session, ConversationId(conversation_id))
    if isinstance(thread, NotFound):
        raise not_found("conversation")
    return thread


def _page(conversation_id: str, invalid: Invalid | None = None, body: str = "") -> Response:
    workspace_id = principal().workspace_id
    with services().database.workspace(workspace_id, readonly=True) as session:
        thread = find_thread(workspace_id, session, conversation_id)
        panel = _panel_part(workspace_id, session, thread)
    faults = () if invalid is None else invalid.faults
    return page(
        "conversation/page.html",
        area="inbox",
        status=422 if faults else 200,
        notices=[Notice(tone="bad", text=f"Nothing was saved: {fault.message}") for fault in faults],
        view=views.conversation_view(thread.conversation, thread.directory),
        side_links=side_links(None, thread.directory),
        thread=_thread_part(thread),
        panel=panel,
        body=body,
    )


def _thread_part(thread: Thread) -> Live:
    conversation = thread.conversation
    return live(
        "thread",
        f"{views.url_of(conversation.id)}/thread",
        "3s",
        "conversation/thread.html",
        pills=views.pills_of(conversation),
        places=places(conversation, thread.directory),
        tags=conversation.tags,
        messages=views.message_views(conversation, thread.messages, thread.directory, local_now()),
    )


def _panel_part(workspace_id: WorkspaceId, session: Session, thread: Thread) -> Live:
    conversation = thread.conversation
    at = local_now()
    url = views.url_of(conversation.id)
    found = _panel(workspace_id, session, conversation, now())
    return live(
        "panel",
        f"{url}/panel",
        "1s",
        "panel/panel.html",
        panel=panel_view(found, at, conversation.created_at),
        why=_why(thread),
        urls=_panel_urls(conversation),
        viewer_is_admin=includes(principal().role, Role.ADMIN),
    )


def _panel(workspace_id: WorkspaceId, session: Session, conversation: Conversation, at: datetime) -> dict[str, Any]:
    parts = services()
    if not principal().sees_billing:
        return closed_panel()
    panel = parts.stripe.panel(workspace_id, session, conversation.end_user_id, at)
    if not panel["customer"]:
        return panel
    facts = parts.facts.read(workspace_id, session, conversation.end_user_id, at)
    return with_facts(panel, facts)


def _why(thread: Thread) -> dict[str, object] | None:
    if not thread.decisions:
        return None
    newest = thread.decisions[0]
    lines = inbox_json.why_lines(newest)
    told = sentences(lines if principal().sees_billing else closed_lines(lines))
    return {"sentences": told, "url": trace_url(thread.conversation.id, newest.number)}


def _panel_urls(conversation: Conversation) -> dict[str, str]:
    url = views.url_of(conversation.id)
    return {
        "link": f"{url}/customer",
        "chooser": f"{url}/customer",
        "unlink": f"{url}/customer/unlink",
        "resync": f"{url}/customer/resync",
        "how": f"{url}/how",
    }


def _wanted() -> Change:
    """Return what the form changed against what it showed, so that a stale page takes nothing back."""
    status, priority = _changed("status"), _changed("priority")
    tags = _changed("tags")
    return Change(
        status=Status(status) if status in set(Status) else UNSET,
        priority=Priority(priority) if priority in set(Priority) else UNSET,
        tags=UNSET if tags is None else _tags(tags),
        assignee=_place("assignee"),
        team=_place("team"),
        queue=_place("queue"),
    )


def _changed(name: str) -> str | None:
    """Return the new value of a field, or None if it is as the page showed it."""
    value = request.form.get(name)
    return None if value is None or value == request.form.get(f"was_{name}") else value


def _place(name: str) -> str | Unset | None:
    value = _changed(name)
    return UNSET if value is None else (value or None)


def _tags(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(tag.strip() for tag in text[:MAX_TAGS_TEXT].split(",") if tag.strip()))

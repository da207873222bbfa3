"""What people do with conversations, and reading them with what belongs to them.

Conversations arrive and are decided about in `engine.router`; here they are changed by hand and looked at.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from engine.audit import repository as audit
from engine.core import snapshot
from engine.core.facts import FactCatalog, Facts, JsonValue
from engine.faults import Fault, Invalid, NotFound
from engine.ids import ConversationId, MemberId, WorkspaceId
from engine.inbox import changes, decision_repository, repository
from engine.inbox.models import Change, Conversation, DecisionRecord, Filter, Message, Status
from engine.inbox.paging import MAX_LIMIT, Cursor, Page
from engine.ports import Clock
from engine.text import text_fault
from engine.workspace import repository as workspaces
from engine.workspace.models import Directory

MAX_SEARCH = 200
AUDITED = ("status", "priority", "assignee_id", "team_id", "queue_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread:
    """A conversation with all that was written and decided in it."""

    conversation: Conversation
    messages: Sequence[Message]
    decisions: Sequence[DecisionRecord]
    """Newest first."""
    directory: Directory


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What a list is asked for, in the words of the outside: names instead of ids."""

    status: str | None = None
    team: str | None = None
    assignee: str | None = None
    queue: str | None = None
    tag: str | None = None
    text: str | None = None
    unassigned: bool = False
    after: str | None = None
    limit: int = 50


def change(
    workspace_id: WorkspaceId,
    session: Session,
    conversation_id: ConversationId,
    wanted: Change,
    member_id: MemberId,
    clock: Clock,
) -> Conversation | Invalid | NotFound:
    """Change a conversation as a member wants it; what they chose is kept from later rules, and audited."""
    before = repository.find_conversation(workspace_id, session, conversation_id, lock=True)
    if before is None:
        return NotFound(kind="conversation", id=conversation_id)
    after = changes.change(before, wanted, workspaces.directory(workspace_id, session))
    if isinstance(after, Invalid):
        return after
    repository.update_conversation(workspace_id, session, before, after)
    moved = _moved(before, after)
    if moved:
        audit.record(workspace_id, session, member_id, "conversation.changed", conversation_id, moved, clock.now())
    return after


def thread(workspace_id: WorkspaceId, session: Session, conversation_id: ConversationId) -> Thread | NotFound:
    """Return a conversation with its messages and decisions."""
    conversation = repository.find_conversation(workspace_id, session, conversation_id)
    if conversation is None:
        return NotFound(kind="conversation", id=conversation_id)
    return Thread(
        conversation=conversation,
        messages=repository.messages(workspace_id, session, conversation_id),
        decisions=decision_repository.decisions(workspace_id, session, conversation_id),
        directory=workspaces.directory(workspace_id, session),
    )


def find(workspace_id: WorkspaceId, session: Session, query: Query) -> Page[Conversation] | Invalid:
    """Return a page of conversations, newest first; a name nobody has gives an empty page."""
    faults = []
    after = None if query.after is None else Cursor.decode(query.after)
    if query.after is not None and after is None:
        faults.append(Fault(pointer="/after", message="This is no cursor of this list; use the `next` of a page."))
    if not 1 <= query.limit <= MAX_LIMIT:
        faults.append(Fault(pointer="/limit", message=f"Give a number from 1 to {MAX_LIMIT}."))
    statuses = {status.value: status for status in Status}
    if query.status is not None and query.status not in statuses:
        faults.append(Fault(pointer="/status", message=f"Give one of: {', '.join(statuses)}."))
    for pointer, text in (("/tag", query.tag), ("/text", query.text)):
        unfit = None if text is None else text_fault(pointer, text, longest=MAX_SEARCH)
        if unfit is not None:
            faults.append(unfit)
    if faults:
        return Invalid(tuple(faults))
    directory = workspaces.directory(workspace_id, session)
    team = directory.teams_by_name.get(query.team or "")
    queue = directory.queues_by_name.get(query.queue or "")
    assignee = directory.find_member_by_email(query.assignee or "")
    asked = ((query.team, team), (query.queue, queue), (query.assignee, assignee))
    if any(name is not None and found is None for name, found in asked):
        return Page((), None)
    wanted = Filter(
        status=None if query.status is None else statuses[query.status],
        team_id=None if team is None else team.id,
        queue_id=None if queue is None else queue.id,
        assignee_id=None if assignee is None else assignee.id,
        tag=query.tag,
        text=query.text,
        unassigned=query.unassigned,
    )
    return repository.conversations(workspace_id, session, wanted, after=after, limit=query.limit)


def texts_of(workspace_id: WorkspaceId, session: Session, record: DecisionRecord) -> dict[str, str | None]:
    """Return the facts `body` and `subject` of a decision, from where they stand; None where they are gone."""
    conversation = repository.find_conversation(workspace_id, session, record.conversation_id)
    message = None if record.message_id is None else repository.find_message(workspace_id, session, record.message_id)
    return {
        "subject": None if conversation is None else conversation.subject,
        "body": None if message is None else message.body,
    }


def facts_of(workspace_id: WorkspaceId, session: Session, record: DecisionRecord, catalog: FactCatalog) -> Facts:
    """Return the facts a decision was made from, for recomputing its trace."""
    texts = texts_of(workspace_id, session, record)
    return snapshot.restore(catalog, record.facts, record.reasons, record.created_at, texts)


def _moved(before: Conversation, after: Conversation) -> dict[str, JsonValue]:
    """Return what changed, as [old, new]; of attributes only the keys, since their values may be personal."""
    moved: dict[str, JsonValue] = {
        name: [getattr(before, name), getattr(after, name)]
        for name in AUDITED
        if getattr(before, name) != getattr(after, name)
    }
    if before.tags != after.tags:
        moved["tags"] = [list(before.tags), list(after.tags)]
    keys = {
        key
        for key in {*before.attributes, *after.attributes}
        if before.attributes.get(key) != after.attributes.get(key)
    }
    if keys:
        moved["attributes"] = [*sorted(keys)]
    return moved

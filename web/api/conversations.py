"""`/conversations`: hand in, list, read and change conversations, and add messages to them."""

from typing import Any

from flask import Response

from engine.core.actions import Priority
from engine.faults import Fault
from engine.ids import ConversationId, MemberId, WorkspaceId
from engine.inbox import service
from engine.inbox.models import (
    UNSET,
    AuthorKind,
    Change,
    Conversation,
    NewConversation,
    NewMessage,
    Sender,
    Status,
    Unset,
)
from engine.inbox.views import conversation_json, message_json
from engine.router import Routed
from engine.workspace import repository as workspaces
from engine.workspace.models import Role
from web.api.answers import answer, unwrap
from web.api.blueprint import new_blueprint
from web.api.decisions import decision_with_trace, fresh_decision_with_trace
from web.api.schemas import IdPath, PageOut
from web.api.schemas_conversations import (
    AppendedOut,
    AuthorIn,
    ConversationChangeIn,
    ConversationDetailOut,
    ConversationIn,
    ConversationOut,
    ConversationsQuery,
    MessageIn,
    RoutedOut,
)
from web.auth.access import allow
from web.auth.gate import principal
from web.auth.models import Scope
from web.current import services
from web.errors import invalid

blueprint = new_blueprint("conversations")


@blueprint.post("/conversations", responses={200: RoutedOut, 201: RoutedOut})
@allow(Role.AGENT, Scope.CONVERSATIONS_WRITE)
def create_conversation(body: ConversationIn) -> Response:
    """Hand in a conversation and have it routed.

    The same external_id again, in the same inbox, answers 200 with the first decision and the present conversation.
    """
    sender = None
    if body.sender is not None:
        sender = Sender(
            email=body.sender.email,
            name=body.sender.name,
            verified=body.sender.verified,
            attributes=body.sender.attributes,
        )
    draft = NewConversation(
        external_id=body.external_id,
        inbox=body.inbox,
        channel=body.channel,
        sender=sender,
        subject=body.subject,
        body=body.body,
        created_at=body.created_at,
        attributes=body.attributes,
    )
    caller = principal()
    routed = unwrap(services().router.receive(caller.workspace_id, draft))
    if routed.created:
        services().metrics.count_decision(routed.decision.decision)
    shape = {**_routed(caller.workspace_id, routed), "match_pending": routed.match_pending}
    return answer(shape, 201 if routed.created else 200)


def _routed(workspace_id: WorkspaceId, routed: Routed) -> dict[str, Any]:
    """Return the conversation and the decision; of one that was made just now nothing is read again."""
    made_from = routed.gathered
    if made_from is not None:
        return {
            "conversation": conversation_json(routed.conversation, made_from.directory),
            "decision": fresh_decision_with_trace(workspace_id, routed.decision, made_from),
        }
    with services().database.workspace(workspace_id, readonly=True) as session:
        return {
            "conversation": _shown(workspace_id, session, routed.conversation),
            "decision": decision_with_trace(workspace_id, session, routed.decision, brief=True),
        }


@blueprint.get("/conversations", responses={200: PageOut[ConversationOut]})
@allow(Role.AGENT, Scope.CONVERSATIONS_READ)
def list_conversations(query: ConversationsQuery) -> Response:
    """List conversations, newest first."""
    workspace_id = principal().workspace_id
    wanted = service.Query(
        status=query.status,
        team=query.team,
        assignee=query.assignee,
        queue=query.queue,
        tag=query.tag,
        text=query.q,
        after=query.after,
        limit=query.limit,
    )
    with services().database.workspace(workspace_id, readonly=True) as session:
        page = unwrap(service.find(workspace_id, session, wanted))
        directory = workspaces.directory(workspace_id, session)
    return answer({"data": [conversation_json(row, directory) for row in page.rows], "next": page.next})


@blueprint.get("/conversations/<id>", responses={200: ConversationDetailOut})
@allow(Role.AGENT, Scope.CONVERSATIONS_READ)
def get_conversation(path: IdPath) -> Response:
    """Return a conversation with its messages."""
    workspace_id = principal().workspace_id
    with services().database.workspace(workspace_id, readonly=True) as session:
        thread = unwrap(service.thread(workspace_id, session, ConversationId(path.id)))
    messages = [message_json(message) for message in thread.messages]
    return answer({**conversation_json(thread.conversation, thread.directory), "messages": messages})


@blueprint.patch("/conversations/<id>", responses={200: ConversationOut})
@allow(Role.AGENT, Scope.CONVERSATIONS_WRITE)
def change_conversation(path: IdPath, body: ConversationChangeIn) -> Response:
    """Change a conversation by hand; what is chosen here is kept from later rules, unless they may override."""
    caller = principal()
    wanted = _change(body)
    with services().database.workspace(caller.workspace_id) as session:
        conversation = unwrap(
            service.change(
                caller.workspace_id, session, ConversationId(path.id), wanted, caller.member_id, services().clock
            )
        )
        return answer(_shown(caller.workspace_id, session, conversation))


@blueprint.post("/conversations/<id>/messages", responses={200: AppendedOut, 201: AppendedOut})
@allow(Role.AGENT, Scope.CONVERSATIONS_WRITE)
def create_message(path: IdPath, body: MessageIn) -> Response:
    """Add a message; the same external_id again answers 200 and changes nothing."""
    caller = principal()
    kind, name, member_id = _author(caller.workspace_id, body.author)
    draft = NewMessage(
        external_id=body.external_id,
        body=body.body,
        author_kind=kind,
        author_name=name,
        author_member_id=member_id,
        created_at=body.created_at,
    )
    appended = unwrap(services().router.append(caller.workspace_id, ConversationId(path.id), draft))
    with services().database.workspace(caller.workspace_id, readonly=True) as session:
        shape = {
            "conversation": _shown(caller.workspace_id, session, appended.conversation),
            "message": message_json(appended.message),
            "decision": appended.decision
            and decision_with_trace(caller.workspace_id, session, appended.decision, brief=True),
        }
    return answer(shape, 201 if appended.created else 200)


def _shown(workspace_id: WorkspaceId, session: Any, conversation: Conversation) -> dict[str, Any]:
    return conversation_json(conversation, workspaces.directory(workspace_id, session))


def _change(body: ConversationChangeIn) -> Change:
    sent = body.model_fields_set
    faults: list[Fault] = []

    def choice(name: str, choices: dict[str, Any]) -> Any:
        value = getattr(body, name)
        if name not in sent:
            return UNSET
        if value not in choices:
            faults.append(Fault(pointer=f"/{name}", message=f"Give one of: {', '.join(choices)}."))
        return choices.get(value)

    def text(name: str) -> str | Unset | None:
        value: str | None = getattr(body, name)
        return value if name in sent else UNSET

    change = Change(
        status=choice("status", {status.value: status for status in Status}),
        priority=choice("priority", {priority.value: priority for priority in Priority}),
        tags=UNSET if body.tags is None else tuple(body.tags),
        assignee=text("assignee"),
        team=text("team"),
        queue=text("queue"),
        attributes=UNSET if body.attributes is None else body.attributes,
    )
    if faults:
        raise invalid(*faults)
    return change


def _author(workspace_id: WorkspaceId, author: AuthorIn | str) -> tuple[AuthorKind, str | None, MemberId | None]:
    """Return who wrote a message: the kind, a name, and the member if an agent's address was given."""
    sent = AuthorIn(kind=author) if isinstance(author, str) else author
    kinds = {kind.value: kind for kind in AuthorKind}
    pointer = "/author" if isinstance(author, str) else "/author/kind"
    if sent.kind not in kinds:
        raise invalid(Fault(pointer=pointer, message=f"Give one of: {', '.join(kinds)}."))
    if sent.email is None:
        return kinds[sent.kind], sent.name, None
    with services().database.workspace(workspace_id, readonly=True) as session:
        member = workspaces.directory(workspace_id, session).find_member_by_email(sent.email)
    name = sent.name or (sent.email if member is None else member.name)
    return kinds[sent.kind], name, None if member is None else member.id

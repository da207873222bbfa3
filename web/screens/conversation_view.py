"""What the page of one conversation shows. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from engine.core.actions import Priority
from engine.inbox.models import AuthorKind, Conversation, Message, Status
from engine.workspace.models import Directory
from web.screens import format as fmt
from web.screens.inbox_view import PENDING_MATCH, PRIORITY_PILLS, STATUS_PILLS, Choice, Option, sender_of, subject_of
from web.screens.page import Pill

NOBODY = Option("", "Nobody")
NOTE = Pill(text="Internal note", icon="lock", tone="warn")
BY_OCHRE = Pill(text="Automatic", icon="bolt")


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationView:
    """The conversation around its messages."""

    id: str
    url: str
    external_id: str
    subject: str
    sender: str
    tags: tuple[str, ...]
    choices: tuple[Choice, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageView:
    """One message."""

    kind: str
    author: str
    address: str
    label: str
    pill: Pill | None
    body: str
    created_at: datetime
    age: str


def url_of(conversation_id: str) -> str:
    """Return the address of a conversation's page."""
    return f"/conversations/{conversation_id}"


def conversation_view(conversation: Conversation, directory: Directory) -> ConversationView:
    """Return the conversation around its messages."""
    return ConversationView(
        id=conversation.id,
        url=url_of(conversation.id),
        external_id=conversation.external_id,
        subject=subject_of(conversation),
        sender=sender_of(conversation),
        tags=conversation.tags,
        choices=_choices(conversation, directory),
    )


def pills_of(conversation: Conversation) -> tuple[Pill, ...]:
    """Return the conversation's state in words."""
    pills = [STATUS_PILLS[conversation.status], PRIORITY_PILLS[conversation.priority]]
    return (*pills, PENDING_MATCH) if conversation.match_pending else tuple(pills)


def message_views(
    conversation: Conversation, messages: Sequence[Message], directory: Directory, now: datetime
) -> tuple[MessageView, ...]:
    """Return the messages, oldest first."""
    return tuple(_message(conversation, message, directory, now) for message in messages)


def _message(conversation: Conversation, message: Message, directory: Directory, now: datetime) -> MessageView:
    kind = message.author_kind
    author = _author(conversation, message, directory)
    labels = {AuthorKind.CUSTOMER: "Message from", AuthorKind.NOTE: "Note by"}
    pills = {AuthorKind.NOTE: NOTE, AuthorKind.SYSTEM: BY_OCHRE}
    is_sender = kind is AuthorKind.CUSTOMER
    return MessageView(
        kind=kind.value,
        author=author,
        address=(conversation.sender_email or "") if is_sender and author != conversation.sender_email else "",
        label=f"{labels.get(kind, 'Reply by')} {author}, {fmt.full_time(message.created_at, now.tzinfo)}",
        pill=pills.get(kind),
        body=message.body,
        created_at=message.created_at,
        age=fmt.ago(message.created_at, now),
    )


def _author(conversation: Conversation, message: Message, directory: Directory) -> str:
    if message.author_member_id is not None:
        member = directory.members_by_id.get(message.author_member_id)
        return member.name if member else "a former member"
    if message.author_name:
        return message.author_name
    if message.author_kind is AuthorKind.CUSTOMER:
        return sender_of(conversation)
    return "Ochre" if message.author_kind in {AuthorKind.SYSTEM, AuthorKind.NOTE} else "An agent"


def _choices(conversation: Conversation, directory: Directory) -> tuple[Choice, ...]:
    assignee = directory.members_by_id.get(conversation.assignee_id or "")
    team = directory.teams_by_id.get(conversation.team_id or "")
    queue = directory.queues_by_id.get(conversation.queue_id or "")
    agents = [Option(member.email, member.name) for member in directory.members if member.active or member is assignee]
    return (
        Choice(
            name="status",
            label="Status",
            selected=conversation.status.value,
            options=tuple(Option(status.value, STATUS_PILLS[status].text) for status in Status),
        ),
        Choice(
            name="priority",
            label="Priority",
            selected=conversation.priority.value,
            options=tuple(Option(priority.value, PRIORITY_PILLS[priority].text) for priority in Priority),
        ),
        Choice(name="assignee", label="Agent", selected=assignee.email if assignee else "", options=(NOBODY, *agents)),
        Choice(
            name="team",
            label="Team",
            selected=team.name if team else "",
            options=(Option("", "No team"), *(Option(team.name, team.name) for team in directory.teams)),
        ),
        Choice(
            name="queue",
            label="Queue",
            selected=queue.name if queue else "",
            options=(Option("", "No queue"), *(Option(queue.name, queue.name) for queue in directory.queues)),
        ),
    )

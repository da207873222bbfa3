"""Storing what arrives: the end user, the conversation, its first message; later messages."""

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.orm import Session

from engine.email_address import normalize
from engine.faults import Invalid
from engine.ids import ConversationId, EndUserId, MessageId, WorkspaceId
from engine.inbox import arrival_repository, changes, end_user_repository, repository
from engine.inbox.checks import CheckedConversation, CheckedMessage, attribute_faults
from engine.inbox.end_user_repository import NewId
from engine.inbox.models import AuthorKind, Conversation, EndUser, Message


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A conversation that is about to be stored, with its first message; its sender is stored already."""

    conversation: Conversation
    end_user: EndUser
    message: Message
    named_through: int | None
    """The newest ruleset version whose rules' names are stored."""


class AlreadyStoredError(Exception):
    """Says that another transaction stored the same conversation first; this one must roll back."""


def prepare(
    workspace_id: WorkspaceId, session: Session, checked: CheckedConversation, now: datetime, new_id: NewId
) -> Arrival | Invalid | None:
    """Return a new conversation with its sender, who is made if need be; None if it is there already."""
    known = _find(workspace_id, session, checked)
    if known.is_stored:
        return None
    sender, end_user = checked.sender, known.end_user
    if end_user is None:
        end_user = end_user_repository.create_end_user(workspace_id, session, sender.email, sender.name, now, new_id)
    if end_user is None:
        # Somebody else made them while this waited, perhaps for the same conversation.
        known = _find(workspace_id, session, checked)
        if known.is_stored:
            return None
        end_user = known.end_user
        assert end_user is not None
    end_user = end_user_repository.named(workspace_id, session, end_user, sender.name)
    attributes = changes.overlaid(end_user.attributes, sender.attributes)
    faults = attribute_faults("/sender/attributes", attributes)
    if faults:  # each is fine, but with those known already they are too many
        return Invalid(tuple(faults))
    if attributes != end_user.attributes:
        end_user_repository.set_end_user_attributes(workspace_id, session, end_user.id, attributes)
    conversation = _conversation(checked, EndUserId(end_user.id), ConversationId(new_id("cnv")), now)
    first = CheckedMessage(
        external_id=None,
        author_kind=AuthorKind.CUSTOMER,
        author_name=sender.name,
        author_member_id=None,
        body=checked.body,
        created_at=checked.created_at,
    )
    return Arrival(
        conversation=conversation,
        end_user=replace(end_user, attributes=attributes),
        message=new_message(conversation, first, now, new_id),
        named_through=known.named_through,
    )


def store(workspace_id: WorkspaceId, session: Session, conversation: Conversation) -> None:
    """Store a conversation that was not there a moment ago.

    Raise AlreadyStoredError if somebody else stored it meanwhile.
    """
    if not repository.insert_conversation(workspace_id, session, conversation):
        raise AlreadyStoredError


def store_message(
    workspace_id: WorkspaceId,
    session: Session,
    conversation: Conversation,
    checked: CheckedMessage,
    now: datetime,
    new_id: NewId,
) -> Message:
    """Store a message of a conversation that is locked or new."""
    message = new_message(conversation, checked, now, new_id)
    repository.insert_messages(workspace_id, session, [message])
    return message


def new_message(conversation: Conversation, checked: CheckedMessage, now: datetime, new_id: NewId) -> Message:
    """Return a message of a conversation, not stored yet."""
    return Message(
        id=MessageId(new_id("msg")),
        conversation_id=conversation.id,
        external_id=checked.external_id,
        author_kind=checked.author_kind,
        author_name=checked.author_name,
        author_member_id=checked.author_member_id,
        body=checked.body,
        created_at=checked.created_at,
        received_at=now,
    )


def _find(workspace_id: WorkspaceId, session: Session, checked: CheckedConversation) -> arrival_repository.Known:
    email = None if checked.sender.email is None else normalize(checked.sender.email)
    return arrival_repository.find(workspace_id, session, checked.inbox, checked.external_id, email)


def _conversation(
    checked: CheckedConversation, end_user_id: EndUserId, conversation_id: ConversationId, now: datetime
) -> Conversation:
    return Conversation(
        id=conversation_id,
        inbox=checked.inbox,
        external_id=checked.external_id,
        channel=checked.channel,
        end_user_id=end_user_id,
        sender_email=checked.sender.email,
        sender_name=checked.sender.name,
        sender_verified=checked.sender.verified,
        subject=checked.subject,
        attributes=changes.overlaid({}, checked.attributes),
        created_at=checked.created_at,
        received_at=now,
        last_message_at=checked.created_at,
    )

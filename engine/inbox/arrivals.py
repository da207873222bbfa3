"""Storing what arrives: the end user, the conversation, its first message; later messages."""

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.orm import Session

from engine.faults import Invalid
from engine.ids import ConversationId, EndUserId, MessageId, WorkspaceId
from engine.inbox import changes, end_user_repository, repository
from engine.inbox.checks import CheckedConversation, CheckedMessage, attribute_faults
from engine.inbox.end_user_repository import NewId
from engine.inbox.models import AuthorKind, Conversation, EndUser, Message


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A conversation that was just stored, with its sender and first message."""

    conversation: Conversation
    end_user: EndUser
    message: Message


class AlreadyStoredError(Exception):
    """Says that another transaction stored the same conversation first; this one must roll back."""


def store_conversation(
    workspace_id: WorkspaceId, session: Session, checked: CheckedConversation, now: datetime, new_id: NewId
) -> Arrival | Invalid:
    """Store a conversation that was not there a moment ago, with its sender and first message.

    Raise AlreadyStoredError if somebody else stored it meanwhile.
    """
    sender = checked.sender
    end_user = end_user_repository.find_or_create_end_user(
        workspace_id, session, sender.email, sender.name, now, new_id
    )
    attributes = changes.overlaid(end_user.attributes, sender.attributes)
    faults = attribute_faults("/sender/attributes", attributes)
    if faults:  # each is fine, but with those known already they are too many
        return Invalid(tuple(faults))
    conversation = _conversation(checked, EndUserId(end_user.id), ConversationId(new_id("cnv")), now)
    if not repository.insert_conversation(workspace_id, session, conversation):
        raise AlreadyStoredError
    if attributes != end_user.attributes:
        end_user_repository.set_end_user_attributes(workspace_id, session, end_user.id, attributes)
    first = CheckedMessage(
        external_id=None,
        author_kind=AuthorKind.CUSTOMER,
        author_name=sender.name,
        author_member_id=None,
        body=checked.body,
        created_at=checked.created_at,
    )
    message = store_message(workspace_id, session, conversation, first, now, new_id)
    return Arrival(conversation=conversation, end_user=replace(end_user, attributes=attributes), message=message)


def store_message(
    workspace_id: WorkspaceId,
    session: Session,
    conversation: Conversation,
    checked: CheckedMessage,
    now: datetime,
    new_id: NewId,
) -> Message:
    """Store a message of a conversation that is locked or new."""
    message = Message(
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
    repository.insert_message(workspace_id, session, message)
    return message


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

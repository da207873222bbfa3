"""Conversations, end users, messages and decisions, as frozen values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, StrEnum
from typing import Any

from engine.core.actions import Priority
from engine.core.decision import Decision
from engine.core.facts import JsonValue
from engine.core.outcome import AppliedEffect
from engine.ids import ConversationId, DecisionId, EndUserId, MemberId, MessageId, QueueId, TeamId


class Status(StrEnum):
    """Where a conversation stands."""

    OPEN = "open"
    PENDING = "pending"
    CLOSED = "closed"


class AuthorKind(StrEnum):
    """Who wrote a message."""

    CUSTOMER = "customer"
    AGENT = "agent"
    SYSTEM = "system"
    NOTE = "note"
    """An internal note; the customer never sees it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndUser:
    """A person who writes in, or a customer who may."""

    id: EndUserId
    email: str | None
    """As written."""
    email_normalized: str | None
    name: str | None
    attributes: Mapping[str, JsonValue]
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """A conversation as it stands."""

    id: ConversationId
    inbox: str
    external_id: str
    channel: str
    end_user_id: EndUserId
    sender_email: str | None
    """As written."""
    sender_name: str | None
    sender_verified: bool | None
    subject: str | None
    status: Status = Status.OPEN
    priority: Priority = Priority.NORMAL
    tags: tuple[str, ...] = ()
    assignee_id: MemberId | None = None
    team_id: TeamId | None = None
    queue_id: QueueId | None = None
    attributes: Mapping[str, JsonValue] = field(default_factory=dict)
    human_touched: frozenset[str] = frozenset()
    """The slots a person filled by hand, named as a decision names them: `assign_team`, `tags["vip"]`, …"""
    match_pending: bool = False
    created_at: datetime
    """When it began, as the help desk says."""
    received_at: datetime
    """When it reached us."""
    last_message_at: datetime

    @property
    def is_unassigned(self) -> bool:
        """Return whether neither an agent nor a team has it."""
        return self.assignee_id is None and self.team_id is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message or internal note."""

    id: MessageId
    conversation_id: ConversationId
    external_id: str | None
    author_kind: AuthorKind
    author_name: str | None
    author_member_id: MemberId | None
    body: str
    created_at: datetime
    received_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionRecord:
    """A decision as it was stored."""

    id: DecisionId
    conversation_id: ConversationId
    number: int
    """1 for a conversation's first decision, then counting up."""
    ruleset_version: int
    """0 when no ruleset was published."""
    on: str
    message_id: MessageId | None
    """The message whose text was the fact `body`; a decision refers to text and never copies it."""
    facts: Mapping[str, Any]
    """The facts it was made from, as JSON, without the texts that stand in the conversation."""
    reasons: Mapping[str, str]
    decision: Decision
    effects: tuple[AppliedEffect, ...]
    match_pending: bool
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Who a conversation says it is from."""

    email: str | None = None
    name: str | None = None
    verified: bool | None = None
    attributes: Mapping[str, JsonValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewConversation:
    """A conversation as somebody hands it in, not yet checked."""

    external_id: str
    channel: str
    sender: Sender | None
    body: str
    inbox: str = "default"
    subject: str | None = None
    created_at: datetime | None = None
    attributes: Mapping[str, JsonValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMessage:
    """A later message as somebody hands it in, not yet checked."""

    body: str
    author_kind: AuthorKind
    external_id: str | None = None
    author_name: str | None = None
    author_member_id: MemberId | None = None
    created_at: datetime | None = None


class Unset(Enum):
    """Marks what a change leaves alone, where None would mean: take it away."""

    UNSET = "unset"


UNSET = Unset.UNSET


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a person changes about a conversation; everything unset stays."""

    status: Status | Unset = UNSET
    priority: Priority | Unset = UNSET
    tags: tuple[str, ...] | Unset = UNSET
    assignee: str | Unset | None = UNSET
    """An e-mail address."""
    team: str | Unset | None = UNSET
    """A name."""
    queue: str | Unset | None = UNSET
    """A name."""
    attributes: Mapping[str, JsonValue] | Unset = UNSET
    """Keys to set; a value of null removes the key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which conversations a list shows."""

    status: Status | None = None
    team_id: TeamId | None = None
    assignee_id: MemberId | None = None
    queue_id: QueueId | None = None
    tag: str | None = None
    text: str | None = None
    """Part of the subject, or of the sender's name or address."""
    unassigned: bool = False
    """Only those that neither an agent nor a team has."""
    end_user_id: EndUserId | None = None

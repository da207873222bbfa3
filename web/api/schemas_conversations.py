"""The shapes of conversations, messages and decisions."""

from typing import Any

from pydantic import Field

from web.api.schemas import Attributes, DecisionLineOut, In, Instant, Out, OutInstant, PageQuery


class SenderIn(In):
    """Who wrote in."""

    email: str | None = None
    name: str | None = None
    verified: bool | None = Field(default=None, description="Whether the help desk made sure who it is.")
    attributes: Attributes = Field(default_factory=dict, description="Kept with the end user.")


class ConversationIn(In):
    """A conversation to be routed."""

    external_id: str = Field(description="The help desk's own id; the same one again is the same conversation.")
    inbox: str = "default"
    channel: str = Field(description="Such as email or chat.")
    sender: SenderIn | None = Field(default=None, description="Needed; an empty object if nothing is known.")
    subject: str | None = None
    body: str
    created_at: Instant | None = None
    attributes: Attributes = Field(default_factory=dict)


class AuthorIn(In):
    """Who wrote a message."""

    kind: str = Field(default="customer", description="customer, agent, system or note.")
    name: str | None = None
    email: str | None = Field(default=None, description="For an agent: a member's address.")


class MessageIn(In):
    """A later message of a conversation."""

    external_id: str | None = None
    body: str
    created_at: Instant | None = None
    author: AuthorIn | str = Field(
        default="customer", description="customer, agent, system or note; or an object with more about them."
    )


class ConversationChangeIn(In):
    """What a person changes; what is left out stays."""

    status: str | None = Field(default=None, description="open, pending or closed.")
    priority: str | None = Field(default=None, description="low, normal, high or urgent.")
    tags: list[str] | None = None
    assignee: str | None = Field(default=None, description="A member's e-mail address; null takes it away.")
    team: str | None = Field(default=None, description="A team's name; null takes it away.")
    queue: str | None = Field(default=None, description="A queue's name; null takes it away.")
    attributes: Attributes | None = Field(default=None, description="Keys to set; null removes a key.")


class ConversationsQuery(PageQuery):
    """Which conversations to list."""

    status: str | None = None
    team: str | None = Field(default=None, description="A team's name.")
    queue: str | None = Field(default=None, description="A queue's name.")
    assignee: str | None = Field(default=None, description="A member's e-mail address.")
    tag: str | None = None
    q: str | None = Field(default=None, description="Part of the subject, or of the sender's name or address.")


class SenderOut(Out):
    """Who wrote in."""

    email: str | None
    name: str | None
    verified: bool | None


class ConversationOut(Out):
    """A conversation as it stands."""

    id: str
    external_id: str
    inbox: str
    channel: str
    sender: SenderOut
    subject: str | None
    status: str
    priority: str
    tags: list[str]
    assignee: str | None
    team: str | None
    queue: str | None
    attributes: Attributes
    end_user_id: str
    match_pending: bool
    created_at: OutInstant
    received_at: OutInstant
    last_message_at: OutInstant


class AuthorOut(Out):
    """Who wrote a message."""

    kind: str
    name: str | None


class MessageOut(Out):
    """A message or an internal note."""

    id: str
    external_id: str | None
    author: AuthorOut
    body: str
    created_at: OutInstant


class ConversationDetailOut(ConversationOut):
    """A conversation with its messages."""

    messages: list[MessageOut]


class EffectOut(Out):
    """What became of one action."""

    action: str
    value: Any
    outcome: str
    message: str | None


class DecisionOut(DecisionLineOut):
    """A decision with what it was made from and how."""

    id: str
    number: int = Field(description="1 for a conversation's first decision, then counting up.")
    ruleset_version: int = Field(description="0 when no ruleset was published.")
    on: str
    facts: dict[str, Any]
    reasons: dict[str, str] = Field(description="Why a fact had no value.")
    effects: list[EffectOut]
    trace: list[dict[str, Any]] = Field(description="Every rule with its sub-conditions, recomputed.")
    match_pending: bool
    created_at: OutInstant


class RoutedOut(Out):
    """A conversation that was routed."""

    conversation: ConversationOut
    decision: DecisionOut
    match_pending: bool


class AppendedOut(Out):
    """A message that was added, and the decision it led to, if rules listen to messages."""

    conversation: ConversationOut
    message: MessageOut
    decision: DecisionOut | None


class ContextOut(Out):
    """What a drafter may know about the customer."""

    state: str
    facts: dict[str, Any]
    text: str
    as_of: OutInstant
    definitions: dict[str, str]


class CustomerIn(In):
    """The Stripe customer to link."""

    customer_id: str = Field(max_length=255)


class PanelOut(Out):
    """What the panel beside a conversation shows."""

    state: str
    pending: str | None = Field(
        default=None,
        description="With `not_found`: `reading` while the account is read, `unreachable` while Stripe is silent.",
    )
    customer: dict[str, Any] | None = None
    plan: dict[str, Any] | None = None
    mrr: dict[str, Any] | None = None
    ltv: dict[str, Any] | None = None
    status: dict[str, Any] | None = None
    invoices: list[dict[str, Any]] = Field(default_factory=list)
    last_payment: dict[str, Any] | None = None
    candidates: list[dict[str, Any]] = Field(default_factory=list)
    timeline: list[dict[str, Any]] = Field(default_factory=list)
    synced_at: OutInstant | None = None
    why: dict[str, Any] | None = None


class DecisionsOut(Out):
    """The decisions about a conversation, newest first."""

    data: list[DecisionOut]
    next: str | None = None

"""The tables of end users, conversations, messages and decisions."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from engine.storage import BigId, BinaryText, Json, UtcDateTime, new_metadata

metadata = new_metadata()


class Base(DeclarativeBase):
    """Tables of the inbox."""

    metadata = metadata


class DbEndUser(Base):
    """A person who writes in, or a customer who may."""

    __tablename__ = "end_users"
    __table_args__ = (
        UniqueConstraint("workspace_id", "email_normalized"),
        Index("ix_end_users_created", "workspace_id", "created_at", "id"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    workspace_id: Mapped[str]
    email: Mapped[str | None]
    email_normalized: Mapped[str | None] = mapped_column(BinaryText)
    name: Mapped[str | None]
    attributes: Mapped[dict[str, Any]] = mapped_column(Json)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class DbConversation(Base):
    """A conversation as it stands."""

    __tablename__ = "conversations"
    __table_args__ = (
        UniqueConstraint("workspace_id", "inbox", "external_id"),
        Index("ix_conversations_created", "workspace_id", "created_at", "id"),
        Index("ix_conversations_end_user", "workspace_id", "end_user_id", "status"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    workspace_id: Mapped[str]
    inbox: Mapped[str] = mapped_column(BinaryText)
    external_id: Mapped[str] = mapped_column(BinaryText)
    channel: Mapped[str]
    end_user_id: Mapped[str] = mapped_column(ForeignKey("end_users.id"))
    sender_email: Mapped[str | None]
    sender_name: Mapped[str | None]
    sender_verified: Mapped[bool | None]
    subject: Mapped[str | None] = mapped_column(Text)
    status: Mapped[str]
    priority: Mapped[str]
    assignee_id: Mapped[str | None]
    team_id: Mapped[str | None]
    queue_id: Mapped[str | None]
    attributes: Mapped[dict[str, Any]] = mapped_column(Json)
    human_touched: Mapped[list[str]] = mapped_column(Json)
    match_pending: Mapped[bool]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_message_at: Mapped[datetime] = mapped_column(UtcDateTime)


class DbConversationTag(Base):
    """One tag of one conversation."""

    __tablename__ = "conversation_tags"
    __table_args__ = (Index("ix_conversation_tags_tag", "workspace_id", "tag"),)

    workspace_id: Mapped[str] = mapped_column(primary_key=True)
    conversation_id: Mapped[str] = mapped_column(ForeignKey("conversations.id"), primary_key=True)
    tag: Mapped[str] = mapped_column(BinaryText, primary_key=True)
    position: Mapped[int]


class DbMessage(Base):
    """One message or internal note of a conversation."""

    __tablename__ = "messages"
    __table_args__ = (
        UniqueConstraint("workspace_id", "conversation_id", "external_id"),
        Index("ix_messages_order", "workspace_id", "conversation_id", "created_at", "id"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    workspace_id: Mapped[str]
    conversation_id: Mapped[str] = mapped_column(ForeignKey("conversations.id"))
    external_id: Mapped[str | None] = mapped_column(BinaryText)
    author_kind: Mapped[str]
    author_name: Mapped[str | None]
    author_member_id: Mapped[str | None]
    body: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)


class DbDecision(Base):
    """One decision about one conversation, with everything needed to repeat and to explain it."""

    __tablename__ = "decisions"
    __table_args__ = (
        UniqueConstraint("workspace_id", "conversation_id", "number"),
        Index("ix_decisions_created", "workspace_id", "created_at"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    workspace_id: Mapped[str]
    conversation_id: Mapped[str] = mapped_column(ForeignKey("conversations.id"))
    number: Mapped[int]
    ruleset_version: Mapped[int]
    on_event: Mapped[str]
    message_id: Mapped[str | None]
    facts: Mapped[dict[str, Any]] = mapped_column(Json)
    reasons: Mapped[dict[str, str]] = mapped_column(Json)
    line: Mapped[dict[str, Any]] = mapped_column(Json)
    unknown: Mapped[str] = mapped_column(Text)
    owners: Mapped[dict[str, Any]] = mapped_column(Json)
    effects: Mapped[list[dict[str, Any]]] = mapped_column(Json)
    match_pending: Mapped[bool]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class DbRuleNames(Base):
    """The names of a ruleset version's live rules, which decisions refer to by position."""

    __tablename__ = "decision_rule_names"

    workspace_id: Mapped[str] = mapped_column(String, primary_key=True)
    ruleset_version: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    names: Mapped[list[str]] = mapped_column(Json)

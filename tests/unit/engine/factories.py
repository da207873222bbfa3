"""Values for tests of the engine, with everything defaulted that a test does not care about."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from engine.ids import ConversationId, EndUserId, MemberId, QueueId, TeamId, WorkspaceId
from engine.inbox.models import Conversation, NewConversation, Sender
from engine.workspace.models import Directory, Distribution, Member, Queue, Role, Team

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)  # a Friday


def a_member(email: str = "grace@acme.com", *, active: bool = True) -> Member:
    """Return an agent."""
    return Member(
        id=MemberId(f"mem_{email}"),
        workspace_id=WorkspaceId("ws_alice"),
        email=email.title(),
        email_normalized=email,
        name=email.partition("@")[0],
        role=Role.AGENT,
        active=active,
        created_at=NOW,
    )


def a_directory() -> Directory:
    """Return two agents, of whom one left, the teams billing and senior, and the queue onboarding."""
    return Directory(
        members=(a_member(), a_member("left@acme.com", active=False)),
        teams=tuple(
            Team(id=TeamId(f"team_{name}"), name=name, distribution=Distribution.NONE, member_ids=frozenset())
            for name in ("billing", "senior", "support")
        ),
        queues=(Queue(id=QueueId("queue_onboarding"), name="onboarding"),),
    )


def a_conversation(**changes: Any) -> Conversation:
    """Return an open conversation nobody has."""
    plain = Conversation(
        id=ConversationId("cnv_1"),
        inbox="default",
        external_id="42",
        channel="email",
        end_user_id=EndUserId("usr_1"),
        sender_email="Ada@Example.com",
        sender_name="Ada",
        sender_verified=None,
        subject="Invoice",
        created_at=NOW,
        received_at=NOW,
        last_message_at=NOW,
    )
    return replace(plain, **changes)


def a_draft(external_id: str = "42", **changes: Any) -> NewConversation:
    """Return a conversation as a help desk hands it in."""
    plain = NewConversation(
        external_id=external_id,
        channel="email",
        sender=Sender(email="ada@example.com", name="Ada"),
        subject="Invoice",
        body="My card was declined.",
    )
    return replace(plain, **changes)

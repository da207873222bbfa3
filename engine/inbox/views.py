"""Conversations, messages and decisions as the API and the screens show them. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from engine.core.explain import Why, sentences, why
from engine.core.facts import JsonValue, format_instant
from engine.inbox.models import Conversation, DecisionRecord, Message
from engine.workspace.models import Directory


def conversation_json(conversation: Conversation, directory: Directory) -> dict[str, Any]:
    """Return a conversation in the shape of the contracts; who and what was deleted since shows as null."""
    assignee = directory.members_by_id.get(conversation.assignee_id or "")
    team = directory.teams_by_id.get(conversation.team_id or "")
    queue = directory.queues_by_id.get(conversation.queue_id or "")
    return {
        "id": conversation.id,
        "external_id": conversation.external_id,
        "inbox": conversation.inbox,
        "channel": conversation.channel,
        "end_user_id": conversation.end_user_id,
        "sender": {
            "email": conversation.sender_email,
            "name": conversation.sender_name,
            "verified": conversation.sender_verified,
        },
        "subject": conversation.subject,
        "status": conversation.status.value,
        "priority": conversation.priority.value,
        "tags": list(conversation.tags),
        "assignee": None if assignee is None else assignee.email,
        "team": None if team is None else team.name,
        "queue": None if queue is None else queue.name,
        "attributes": dict(conversation.attributes),
        "match_pending": conversation.match_pending,
        "created_at": format_instant(conversation.created_at),
        "received_at": format_instant(conversation.received_at),
        "last_message_at": format_instant(conversation.last_message_at),
    }


def message_json(message: Message) -> dict[str, JsonValue]:
    """Return a message."""
    return {
        "id": message.id,
        "external_id": message.external_id,
        "author": {"kind": message.author_kind.value, "name": message.author_name},
        "body": message.body,
        "created_at": format_instant(message.created_at),
    }


def decision_json(record: DecisionRecord, texts: Mapping[str, str | None]) -> dict[str, Any]:
    """Return a decision: its line, and what it was made from; `texts` gives back `body` and `subject`."""
    facts = {**record.facts, **{name: text for name, text in texts.items() if text is not None}}
    return {
        **record.decision.to_line(),
        "id": record.id,
        "number": record.number,
        "ruleset_version": record.ruleset_version,
        "on": record.on,
        "facts": facts,
        "reasons": dict(record.reasons),
        "effects": [effect.to_json() for effect in record.effects],
        "match_pending": record.match_pending,
        "created_at": format_instant(record.created_at),
    }


def why_json(record: DecisionRecord, lines: Sequence[Why]) -> dict[str, Any]:
    """Return why a conversation was routed as it was: sentences to read, and the lines they were made from.

    `lines` are those of `why_lines`, or what the reader may see of them.
    """
    return {
        "decision_id": record.id,
        "ruleset_version": record.ruleset_version,
        "sentences": list(sentences(lines)),
        "items": [line.to_json() for line in lines],
    }


def why_lines(record: DecisionRecord) -> tuple[Why, ...]:
    """Return the lines that explain a stored decision."""
    return why(
        record.decision,
        record.reasons,
        record.effects,
        ruleset_version=record.ruleset_version,
        match_pending=record.match_pending,
    )

"""How a conversation changes: by a person's hand, by a message, by being decided anew. Pure.

What a person chose is remembered by slot (`human_touched`), so that no later rule takes it back unless it may.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from engine.core.actions import Priority
from engine.core.facts import JsonValue
from engine.core.outcome import Outcome
from engine.core.slots import attribute_slot, tag_slot
from engine.email_address import normalize
from engine.faults import Fault, Invalid
from engine.inbox.checks import attribute_faults, check_tags
from engine.inbox.models import UNSET, AuthorKind, Change, Conversation, DecisionRecord, Status, Unset
from engine.workspace.models import Directory

REPLY = "reply"
"""The mark an agent's reply leaves among what a person touched."""


def change(conversation: Conversation, wanted: Change, directory: Directory) -> Conversation | Invalid:
    """Return the conversation as a person wants it, with what they touched marked, or every fault of the wish."""
    faults: list[Fault] = []
    after = conversation
    for step in (_change_assignee, _change_team, _change_queue, _change_tags, _change_attributes):
        changed = step(after, wanted, directory)
        if isinstance(changed, Invalid):
            faults.extend(changed.faults)
        else:
            after = changed
    if faults:
        return Invalid(tuple(faults))
    if not isinstance(wanted.priority, Unset):
        after = replace(_touched(after, "priority"), priority=wanted.priority)
    if not isinstance(wanted.status, Unset):
        after = replace(_touched(after, "status"), status=wanted.status)
    return after


def with_message(conversation: Conversation, author: AuthorKind, created_at: datetime) -> Conversation:
    """Return the conversation after a message: a customer's opens it again, an agent's reply marks it touched."""
    after = replace(conversation, last_message_at=max(conversation.last_message_at, created_at))
    if author is AuthorKind.CUSTOMER:
        return replace(after, status=Status.OPEN)
    return _touched(after, REPLY) if author is AuthorKind.AGENT else after


def as_new(conversation: Conversation, first: DecisionRecord) -> Conversation:
    """Return the conversation as it was before its first decision put it somewhere and tagged it.

    For a conversation no person has touched that is decided anew, because its sender was looked up too late.
    """
    added = {
        effect.value for effect in first.effects if effect.action == "add_tag" and effect.outcome is Outcome.APPLIED
    }
    return replace(
        conversation,
        assignee_id=None,
        team_id=None,
        queue_id=None,
        priority=Priority.NORMAL,
        tags=tuple(tag for tag in conversation.tags if tag not in added),
    )


def overlaid(attributes: Mapping[str, JsonValue], more: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """Return `attributes` with those of `more` on top; a value of null removes the key."""
    return {key: value for key, value in {**attributes, **more}.items() if value is not None}


def _change_assignee(conversation: Conversation, wanted: Change, directory: Directory) -> Conversation | Invalid:
    if isinstance(wanted.assignee, Unset):
        return conversation
    after = _touched(conversation, "assign_agent")
    if wanted.assignee is None:
        return replace(after, assignee_id=None)
    member = directory.agents_by_email.get(normalize(wanted.assignee) or "")
    if member is None:
        return _no_such("/assignee", "There is no active agent with this e-mail address.")
    return replace(after, assignee_id=member.id)


def _change_team(conversation: Conversation, wanted: Change, directory: Directory) -> Conversation | Invalid:
    if isinstance(wanted.team, Unset):
        return conversation
    after = _touched(conversation, "assign_team")
    if wanted.team is None:
        return replace(after, team_id=None)
    team = directory.teams_by_name.get(wanted.team)
    return _no_such("/team", "There is no team of this name.") if team is None else replace(after, team_id=team.id)


def _change_queue(conversation: Conversation, wanted: Change, directory: Directory) -> Conversation | Invalid:
    if isinstance(wanted.queue, Unset):
        return conversation
    after = _touched(conversation, "route_to")
    if wanted.queue is None:
        return replace(after, queue_id=None)
    queue = directory.queues_by_name.get(wanted.queue)
    return _no_such("/queue", "There is no queue of this name.") if queue is None else replace(after, queue_id=queue.id)


def _change_tags(conversation: Conversation, wanted: Change, _directory: Directory) -> Conversation | Invalid:
    if wanted.tags is UNSET:
        return conversation
    tags = check_tags("/tags", wanted.tags)
    if isinstance(tags, Invalid):
        return tags
    moved = set(tags) ^ set(conversation.tags)
    return replace(_touched(conversation, *map(tag_slot, moved)), tags=tags)


def _change_attributes(conversation: Conversation, wanted: Change, _directory: Directory) -> Conversation | Invalid:
    if isinstance(wanted.attributes, Unset):
        return conversation
    attributes = overlaid(conversation.attributes, wanted.attributes)
    faults = attribute_faults("/attributes", {**wanted.attributes}) or attribute_faults("/attributes", attributes)
    if faults:
        return Invalid(tuple(faults))
    return replace(_touched(conversation, *map(attribute_slot, wanted.attributes)), attributes=attributes)


def _touched(conversation: Conversation, *slots: str) -> Conversation:
    return replace(conversation, human_touched=conversation.human_touched | set(slots))


def _no_such(pointer: str, message: str) -> Invalid:
    return Invalid((Fault(pointer=pointer, message=message),))

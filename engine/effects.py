"""Effects: what a decision does to a conversation. Pure; the router stores what comes out.

Laws of this module
- Every action leaves one `AppliedEffect`: applied, kept because a person chose, or failed with a sentence.
- Nothing a ruleset names can break this: a team that is gone is a failed effect, never an exception.
- What a person chose stays, unless the rule that asks may override; then the person's mark goes too.
- On a new conversation, when every destination the rules named is gone, the fallback's destination is tried, so
  that the conversation lies somewhere; failing that it stays visibly unassigned.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import assert_never

from engine.core.actions import Actions, Priority
from engine.core.decision import Decision
from engine.core.facts import JsonValue
from engine.core.outcome import AppliedEffect, Outcome
from engine.core.slots import DESTINATION, attribute_slot, tag_slot
from engine.email_address import normalize
from engine.inbox.checks import MAX_BODY, MAX_TAG, MAX_TAGS, attribute_faults
from engine.inbox.models import Conversation
from engine.text import name_fault, text_fault
from engine.workspace.models import Directory


@dataclass(frozen=True, slots=True)
class AssignAgent:
    """Give the conversation to an agent."""

    email: str


@dataclass(frozen=True, slots=True)
class AssignTeam:
    """Give the conversation to a team."""

    name: str


@dataclass(frozen=True, slots=True)
class RouteTo:
    """Let the conversation wait in a queue."""

    queue: str


@dataclass(frozen=True, slots=True)
class SetPriority:
    """Set the priority."""

    priority: Priority


@dataclass(frozen=True, slots=True)
class AddTag:
    """Add a tag."""

    tag: str


@dataclass(frozen=True, slots=True)
class RemoveTag:
    """Remove a tag."""

    tag: str


@dataclass(frozen=True, slots=True)
class SetAttribute:
    """Set an attribute of the conversation."""

    key: str
    value: JsonValue


@dataclass(frozen=True, slots=True)
class AddNote:
    """Leave an internal note."""

    text: str


@dataclass(frozen=True, slots=True)
class CallWebhook:
    """Have an endpoint called."""

    endpoint: str


Action = AssignAgent | AssignTeam | RouteTo | SetPriority | AddTag | RemoveTag | SetAttribute | AddNote | CallWebhook


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What applying a decision came to."""

    conversation: Conversation
    effects: tuple[AppliedEffect, ...]

    @property
    def notes(self) -> tuple[str, ...]:
        """Return the notes to leave."""
        return self._done("note")

    @property
    def webhooks(self) -> tuple[str, ...]:
        """Return the endpoints to call."""
        return self._done("webhook")

    def _done(self, action: str) -> tuple[str, ...]:
        done = [one for one in self.effects if one.action == action and one.outcome is Outcome.APPLIED]
        return tuple(str(one.value) for one in done)


def apply(
    conversation: Conversation, decision: Decision, directory: Directory, *, fallback: Actions | None = None
) -> Applied:
    """Return the conversation after `decision`; `fallback` is the ruleset's, given for new conversations only."""
    overriding = frozenset(slot for slot, owner in decision.owners.items() if owner.override)
    applied = _run(conversation, actions_of(decision.actions), directory, overriding)
    if fallback is None or not _is_stranded(applied) or not _rules_named_destination(decision):
        return applied
    rescue = Actions(assign_agent=fallback.assign_agent, assign_team=fallback.assign_team, route_to=fallback.route_to)
    more = _run(applied.conversation, actions_of(rescue), directory, frozenset())
    return Applied(conversation=more.conversation, effects=applied.effects + more.effects)


def without_repeats(decision: Decision, first: Decision) -> Decision:
    """Return `decision` without the notes and webhooks that `first`, which it replaces, had already."""
    actions = replace(
        decision.actions,
        notes=tuple(note for note in decision.actions.notes if note not in first.actions.notes),
        webhooks=tuple(endpoint for endpoint in decision.actions.webhooks if endpoint not in first.actions.webhooks),
    )
    return replace(decision, actions=actions)


def actions_of(asked: Actions) -> tuple[Action, ...]:
    """Return single actions, in the order in which they are applied."""
    found: list[Action] = []
    if asked.assign_agent is not None:
        found.append(AssignAgent(asked.assign_agent))
    if asked.assign_team is not None:
        found.append(AssignTeam(asked.assign_team))
    if asked.route_to is not None:
        found.append(RouteTo(asked.route_to))
    if asked.priority is not None:
        found.append(SetPriority(asked.priority))
    # Removing first leaves room under the limit for what is added.
    found.extend(RemoveTag(tag) for tag in asked.remove_tags)
    found.extend(AddTag(tag) for tag in asked.add_tags)
    found.extend(SetAttribute(key, value) for key, value in asked.set_attributes.items())
    found.extend(AddNote(text) for text in asked.notes)
    found.extend(CallWebhook(endpoint) for endpoint in asked.webhooks)
    return tuple(found)


def _run(
    conversation: Conversation, actions: Sequence[Action], directory: Directory, overriding: frozenset[str]
) -> Applied:
    effects = []
    for action in actions:
        slot, name, value = _describe(action)
        if slot in conversation.human_touched and slot not in overriding:
            kept = "A person chose otherwise, and the rule has no `override`."
            effects.append(AppliedEffect(action=name, value=value, outcome=Outcome.KEPT, message=kept))
            continue
        result = _perform(action, conversation, directory)
        if isinstance(result, str):
            effects.append(AppliedEffect(action=name, value=value, outcome=Outcome.FAILED, message=result))
        else:
            conversation = replace(result, human_touched=result.human_touched - {slot})
            effects.append(AppliedEffect(action=name, value=value, outcome=Outcome.APPLIED))
    return Applied(conversation=conversation, effects=tuple(effects))


def _is_stranded(applied: Applied) -> bool:
    destinations = [effect for effect in applied.effects if effect.action in DESTINATION]
    return bool(destinations) and all(effect.outcome is Outcome.FAILED for effect in destinations)


def _rules_named_destination(decision: Decision) -> bool:
    owners = [decision.owners[slot] for slot in DESTINATION if slot in decision.owners]
    return any(owner.rule is not None for owner in owners)


def _describe(action: Action) -> tuple[str, str, JsonValue]:  # noqa: PLR0911  one line for each action
    """Return the slot an action fills, its name in an effect, and the value shown there."""
    match action:
        case AssignAgent(email):
            return "assign_agent", "assign_agent", email
        case AssignTeam(name):
            return "assign_team", "assign_team", name
        case RouteTo(queue):
            return "route_to", "route_to", queue
        case SetPriority(priority):
            return "priority", "priority", priority.value
        case AddTag(tag):
            return tag_slot(tag.strip()), "add_tag", tag.strip()
        case RemoveTag(tag):
            return tag_slot(tag.strip()), "remove_tag", tag.strip()
        case SetAttribute(key, _):
            return attribute_slot(key), "set_attribute", key
        case AddNote(text):
            return "note", "note", text
        case CallWebhook(endpoint):
            return "webhook", "webhook", endpoint
    assert_never(action)


def _perform(  # noqa: PLR0911  one line for each action
    action: Action, conversation: Conversation, directory: Directory
) -> Conversation | str:
    """Return the conversation after `action`, or the sentence that says why it could not be done."""
    match action:
        case AssignAgent(email):
            return _assign_agent(conversation, email, directory)
        case AssignTeam(name):
            return _assign_team(conversation, name, directory)
        case RouteTo(queue):
            return _route_to(conversation, queue, directory)
        case SetPriority(priority):
            return replace(conversation, priority=priority)
        case AddTag(tag):
            return _add_tag(conversation, tag.strip())
        case RemoveTag(tag):
            return replace(conversation, tags=tuple(one for one in conversation.tags if one != tag.strip()))
        case SetAttribute(key, value):
            return _set_attribute(conversation, key, value)
        case AddNote(text):
            fault = text_fault("", text, longest=MAX_BODY)
            return conversation if fault is None else f"The note can't be stored: {fault.message}"
        case CallWebhook(_):
            return conversation
    assert_never(action)


def _assign_agent(conversation: Conversation, email: str, directory: Directory) -> Conversation | str:
    member = directory.agents_by_email.get(normalize(email) or "")
    if member is None:
        return f"There is no active agent {email} any more; change the rule or invite them again."
    return replace(conversation, assignee_id=member.id)


def _assign_team(conversation: Conversation, name: str, directory: Directory) -> Conversation | str:
    team = directory.teams_by_name.get(name)
    if team is None:
        return f"There is no team {name} any more; change the rule or create the team again."
    return replace(conversation, team_id=team.id)


def _route_to(conversation: Conversation, name: str, directory: Directory) -> Conversation | str:
    queue = directory.queues_by_name.get(name)
    if queue is None:
        return f"There is no queue {name} any more; change the rule or create the queue again."
    return replace(conversation, queue_id=queue.id)


def _add_tag(conversation: Conversation, tag: str) -> Conversation | str:
    fault = name_fault("", tag, longest=MAX_TAG)
    if fault is not None:
        return f"This can't be a tag: {fault.message}"
    if tag in conversation.tags:
        return conversation
    if len(conversation.tags) >= MAX_TAGS:
        return f"The conversation has {MAX_TAGS} tags already, which is the limit."
    return replace(conversation, tags=(*conversation.tags, tag))


def _set_attribute(conversation: Conversation, key: str, value: JsonValue) -> Conversation | str:
    attributes = {**conversation.attributes, key: value}
    faults = attribute_faults("", attributes)
    if faults:
        return f"The attribute can't be set: {faults[0].message}"
    return replace(conversation, attributes=attributes)

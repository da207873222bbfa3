"""The three steps of routing one conversation inside an open transaction: gather, decide, apply.

`engine.router` opens the transactions and says what is routed when; here is what happens then.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.orm import Session

from engine import effects
from engine.core import snapshot
from engine.core.conversation_facts import ConversationState, conversation_facts
from engine.core.decide import decide
from engine.core.decision import Decision
from engine.core.facts import Facts
from engine.core.ruleset import Trigger
from engine.email_address import normalize
from engine.ids import DecisionId, WorkspaceId
from engine.inbox import arrivals, decision_repository, end_user_repository
from engine.inbox import repository as inbox
from engine.inbox.checks import CheckedMessage
from engine.inbox.end_user_repository import NewId
from engine.inbox.models import AuthorKind, Conversation, DecisionRecord, EndUser, Message
from engine.outbox import repository as outbox
from engine.ports import ActiveRuleset, FactSource, RulesetSource
from engine.workspace.directory_repository import workspace_and_directory
from engine.workspace.models import Directory, WorkspaceSettings

NOTE_AUTHOR = "Ochre"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Where rules and billing facts come from."""

    rulesets: RulesetSource
    facts: FactSource


@dataclass(frozen=True, slots=True, kw_only=True)
class Background:
    """What belongs to a conversation when it is decided about."""

    end_user: EndUser
    message: Message | None
    """The newest message from the customer; its text is the fact `body`."""
    message_count: int
    next_decision: int
    """The number the decision will have among those of the conversation."""
    named_through: int | None = None
    """The newest ruleset version whose rules' names are known to be stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """Everything a decision about one conversation needs."""

    conversation: Conversation
    background: Background
    active: ActiveRuleset | None
    facts: Facts
    match_pending: bool
    settings: WorkspaceSettings
    directory: Directory
    on: str
    now: datetime

    @property
    def rule_names(self) -> Sequence[str]:
        """Return the names of all rules, in order."""
        return () if self.active is None else tuple(rule.name for rule in self.active.ruleset.rules)


def background_of(workspace_id: WorkspaceId, session: Session, conversation: Conversation) -> Background:
    """Return what belongs to a conversation that is locked."""
    return Background(
        end_user=end_user_repository.get_end_user(workspace_id, session, conversation.end_user_id),
        message=inbox.newest_inbound_message(workspace_id, session, conversation.id),
        message_count=inbox.written_message_count(workspace_id, session, conversation.id),
        next_decision=decision_repository.next_number(workspace_id, session, conversation.id),
    )


def gather(
    workspace_id: WorkspaceId,
    session: Session,
    sources: Sources,
    conversation: Conversation,
    background: Background,
    *,
    on: str,
    now: datetime,
) -> Gathered:
    """Return the facts of a conversation at `now`: its own, and what Stripe knows of its end user."""
    workspace, directory = workspace_and_directory(workspace_id, session)
    settings = workspace.settings
    state = _state(conversation, background, directory)
    known = sources.facts.match_and_read(workspace_id, session, conversation.end_user_id, now)
    return Gathered(
        conversation=conversation,
        background=background,
        active=sources.rulesets.active(workspace_id, session),
        facts=known.facts.merged(conversation_facts(state, now, settings.zone, settings.business_hours)),
        match_pending=known.match_pending,
        settings=settings,
        directory=directory,
        on=on,
        now=now,
    )


def decide_on(gathered: Gathered) -> Decision:
    """Return what the published ruleset decides; an empty decision if none was ever published."""
    if gathered.active is None:
        return Decision()
    return decide(
        gathered.active.ruleset,
        gathered.facts,
        now=gathered.now,
        on=gathered.on,
        conversation_id=gathered.conversation.id,
    )


def apply(
    workspace_id: WorkspaceId,
    session: Session,
    gathered: Gathered,
    decision: Decision,
    *,
    before: Conversation | None,
    new_id: NewId,
    already: Decision | None = None,
) -> tuple[Conversation, DecisionRecord]:
    """Store what a decision does, and the decision.

    `before` is the conversation as it stands in the database, or None for one that is stored now, with its message;
    then AlreadyStoredError is raised if somebody else stored it meanwhile. The notes and webhooks of a decision that
    is replaced, `already`, are not repeated.
    """
    is_new = gathered.on == Trigger.CREATED
    fallback = gathered.active.ruleset.fallback if gathered.active and is_new else None
    todo = decision if already is None else effects.without_repeats(decision, already)
    applied = effects.apply(gathered.conversation, todo, gathered.directory, fallback=fallback)
    is_pending = gathered.match_pending if is_new or before is None else before.match_pending
    after = replace(applied.conversation, match_pending=is_pending)
    messages = [arrivals.new_message(after, _note(text, gathered.now), gathered.now, new_id) for text in applied.notes]
    if before is None:
        arrivals.store(workspace_id, session, after)
        messages = [one for one in (gathered.background.message, *messages) if one is not None]
    else:
        inbox.update_conversation(workspace_id, session, before, after)
    inbox.insert_messages(workspace_id, session, messages)
    record = _record(gathered, decision, applied, DecisionId(new_id("dec")))
    decision_repository.insert_decision(
        workspace_id, session, record, gathered.rule_names, named_through=gathered.background.named_through
    )
    for endpoint in applied.webhooks:
        effect = {"effect": "webhook", "endpoint": endpoint, "conversation_id": after.id, "decision_id": record.id}
        outbox.emit(workspace_id, session, "effect", effect, gathered.now)
    return after, record


def _state(conversation: Conversation, background: Background, directory: Directory) -> ConversationState:
    assignee = directory.members_by_id.get(conversation.assignee_id or "")
    team = directory.teams_by_id.get(conversation.team_id or "")
    queue = directory.queues_by_id.get(conversation.queue_id or "")
    return ConversationState(
        channel=conversation.channel,
        subject=conversation.subject,
        body="" if background.message is None else background.message.body,
        sender_email=None if conversation.sender_email is None else normalize(conversation.sender_email),
        sender_name=conversation.sender_name,
        sender_verified=conversation.sender_verified,
        tags=conversation.tags,
        priority=conversation.priority.value,
        assignee=None if assignee is None else assignee.email_normalized,
        team=None if team is None else team.name,
        queue=None if queue is None else queue.name,
        message_count=background.message_count,
        created_at=conversation.created_at,
        end_user_attributes=background.end_user.attributes,
        attributes=conversation.attributes,
    )


def _record(
    gathered: Gathered, decision: Decision, applied: effects.Applied, decision_id: DecisionId
) -> DecisionRecord:
    message = gathered.background.message
    values, reasons = snapshot.take(gathered.facts)
    return DecisionRecord(
        id=decision_id,
        conversation_id=gathered.conversation.id,
        number=gathered.background.next_decision,
        ruleset_version=0 if gathered.active is None else gathered.active.version,
        on=gathered.on,
        message_id=None if message is None else message.id,
        facts=values,
        reasons=reasons,
        decision=decision,
        effects=applied.effects,
        match_pending=gathered.match_pending,
        created_at=gathered.now,
    )


def _note(text: str, now: datetime) -> CheckedMessage:
    return CheckedMessage(
        external_id=None,
        author_kind=AuthorKind.NOTE,
        author_name=NOTE_AUTHOR,
        author_member_id=None,
        body=text,
        created_at=now,
    )

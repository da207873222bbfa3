"""The router: conversations and messages come in, are decided about, and the outcome is kept.

Laws of this module
- One routing is one transaction: the conversation, its message, its decision, what the decision changed and the
  outbox entries about it exist together or not at all. What was acknowledged is not lost.
- A conversation is decided once however often, and however simultaneously, it is handed in: storing it claims its
  external id; who loses the claim rolls back and answers with the winner's decision.
- All rules see the facts as they were before the first rule acted.
- A decision is kept with its ruleset version and a snapshot of the facts, so that it can be repeated.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from engine.core.facts import JsonValue
from engine.core.ruleset import Mode, Ruleset, Trigger
from engine.faults import Invalid, NotFound
from engine.ids import ConversationId, WorkspaceId
from engine.inbox import arrivals, changes, decision_repository
from engine.inbox import repository as inbox
from engine.inbox.checks import CheckedConversation, CheckedMessage, check_conversation, check_message
from engine.inbox.models import (
    AuthorKind,
    Conversation,
    DecisionRecord,
    Message,
    NewConversation,
    NewMessage,
    Status,
)
from engine.outbox import repository as outbox
from engine.ports import Clock, FactSource, RulesetSource, Waker
from engine.routing import Background, Gathered, Sources, apply, background_of, decide_on, gather
from engine.storage import Database

OUTBOX = "outbox"


@dataclass(frozen=True, slots=True, kw_only=True)
class Routed:
    """A conversation as it stands, and the decision about it."""

    conversation: Conversation
    decision: DecisionRecord
    created: bool
    """False when the conversation was there already."""
    gathered: Gathered | None = None
    """What the decision was made from; None if it was made before."""

    @property
    def match_pending(self) -> bool:
        """Return whether the sender's look-up in Stripe goes on, so that a better decision may follow."""
        return self.conversation.match_pending


@dataclass(frozen=True, slots=True, kw_only=True)
class Appended:
    """A message in its conversation, and the decision it led to, if rules listen to messages."""

    conversation: Conversation
    message: Message
    decision: DecisionRecord | None
    created: bool
    """False when the message was there already; nothing was decided then."""


class Router:
    """Receives conversations and messages, and routes them."""

    def __init__(
        self, database: Database, clock: Clock, rulesets: RulesetSource, facts: FactSource, waker: Waker
    ) -> None:
        self._database = database
        self._clock = clock
        self._sources = Sources(rulesets=rulesets, facts=facts)
        self._waker = waker

    def receive(self, workspace_id: WorkspaceId, draft: NewConversation) -> Routed | Invalid:
        """Store and route a conversation; handed in again, return its first decision and its present state."""
        now = self._clock.now()
        checked = check_conversation(draft, now)
        if isinstance(checked, Invalid):
            return checked
        if checked.sender.email is not None:
            self._sources.facts.look_up(workspace_id, checked.sender.email)
            now = self._clock.now()
        try:
            with self._database.workspace(workspace_id) as session:
                routed = self._receive(workspace_id, session, checked, now)
        except arrivals.AlreadyStoredError:
            with self._database.workspace(workspace_id, readonly=True) as session:
                known = _replay(workspace_id, session, checked)
            if known is None:
                raise
            return known
        if isinstance(routed, Routed) and routed.created:
            self._waker.wake(OUTBOX)
        return routed

    def append(
        self, workspace_id: WorkspaceId, conversation_id: ConversationId, draft: NewMessage
    ) -> Appended | Invalid | NotFound:
        """Add a message to its conversation; one from the customer runs the rules that listen to messages."""
        now = self._clock.now()
        checked = check_message(draft, now)
        if isinstance(checked, Invalid):
            return checked
        with self._database.workspace(workspace_id) as session:
            conversation = inbox.find_conversation(workspace_id, session, conversation_id, lock=True)
            if conversation is None:
                return NotFound(kind="conversation", id=conversation_id)
            appended = self._append(workspace_id, session, conversation, checked, now)
        if appended.decision is not None:
            self._waker.wake(OUTBOX)
        return appended

    def reroute(
        self, workspace_id: WorkspaceId, conversation_id: ConversationId, on: str = Trigger.FACTS_CHANGED.value
    ) -> Routed | None:
        """Decide a conversation again that is not closed; return None when there is nothing to decide.

        With `on="created"` it is decided anew, as if it had just arrived: for one whose sender's look-up was pending
        and is done, as long as no person has touched it. What its first decision assigned and tagged is taken back.
        """
        now = self._clock.now()
        with self._database.workspace(workspace_id) as session:
            conversation = inbox.find_conversation(workspace_id, session, conversation_id, lock=True)
            if conversation is None or conversation.status is Status.CLOSED:
                return None
            again = self._decide_anew if on == Trigger.CREATED else self._reconsider
            routed = again(workspace_id, session, conversation, on, now)
        if routed is not None:
            self._waker.wake(OUTBOX)
        return routed

    def _receive(
        self, workspace_id: WorkspaceId, session: Session, checked: CheckedConversation, now: datetime
    ) -> Routed | Invalid:
        arrival = arrivals.prepare(workspace_id, session, checked, now, self._clock.new_id)
        if arrival is None:
            known = _replay(workspace_id, session, checked)
            if known is None:
                raise LookupError("a conversation is stored without a decision")
            return known
        if isinstance(arrival, Invalid):
            return arrival
        background = Background(
            end_user=arrival.end_user,
            message=arrival.message,
            message_count=1,
            next_decision=1,
            named_through=arrival.named_through,
        )
        gathered = gather(
            workspace_id,
            session,
            self._sources,
            arrival.conversation,
            background,
            on=Trigger.CREATED.value,
            now=now,
        )
        decision = decide_on(gathered)
        after, record = apply(workspace_id, session, gathered, decision, before=None, new_id=self._clock.new_id)
        routed = Routed(conversation=after, decision=record, created=True, gathered=gathered)
        outbox.emit_all(workspace_id, session, _events(routed), now)
        return routed

    def _append(
        self,
        workspace_id: WorkspaceId,
        session: Session,
        before: Conversation,
        checked: CheckedMessage,
        now: datetime,
    ) -> Appended:
        if checked.external_id is not None:
            known = inbox.find_message_by_external_id(workspace_id, session, before.id, checked.external_id)
            if known is not None:
                return Appended(conversation=before, message=known, decision=None, created=False)
        message = arrivals.store_message(workspace_id, session, before, checked, now, self._clock.new_id)
        after = changes.with_message(before, message.author_kind, message.created_at)
        inbox.update_conversation(workspace_id, session, before, after)
        routed = None
        if message.author_kind is AuthorKind.CUSTOMER:
            routed = self._reconsider(workspace_id, session, after, Trigger.MESSAGE.value, now)
        return Appended(
            conversation=after if routed is None else routed.conversation,
            message=message,
            decision=None if routed is None else routed.decision,
            created=True,
        )

    def _reconsider(
        self, workspace_id: WorkspaceId, session: Session, conversation: Conversation, on: str, now: datetime
    ) -> Routed | None:
        """Run the rules that listen to `on`, if there are any."""
        active = self._sources.rulesets.active(workspace_id, session)
        if active is None or not _listens(active.ruleset, on):
            return None
        background = background_of(workspace_id, session, conversation)
        return self._route(workspace_id, session, conversation, background, on=on, now=now)

    def _decide_anew(
        self, workspace_id: WorkspaceId, session: Session, conversation: Conversation, on: str, now: datetime
    ) -> Routed | None:
        if conversation.human_touched or not conversation.match_pending:
            return None
        first = decision_repository.first_decision(workspace_id, session, conversation.id)
        if first is None:
            return None
        fresh = changes.as_new(conversation, first)
        background = background_of(workspace_id, session, conversation)
        gathered = gather(workspace_id, session, self._sources, fresh, background, on=on, now=now)
        if gathered.match_pending:
            return None
        after, record = apply(
            workspace_id,
            session,
            gathered,
            decide_on(gathered),
            before=conversation,
            new_id=self._clock.new_id,
            already=first.decision,
        )
        return Routed(conversation=after, decision=record, created=False)

    def _route(
        self,
        workspace_id: WorkspaceId,
        session: Session,
        conversation: Conversation,
        background: Background,
        *,
        on: str,
        now: datetime,
    ) -> Routed:
        gathered = gather(workspace_id, session, self._sources, conversation, background, on=on, now=now)
        decision = decide_on(gathered)
        after, record = apply(workspace_id, session, gathered, decision, before=conversation, new_id=self._clock.new_id)
        return Routed(conversation=after, decision=record, created=False)


def _replay(workspace_id: WorkspaceId, session: Session, checked: CheckedConversation) -> Routed | None:
    conversation = inbox.find_by_external_id(workspace_id, session, checked.inbox, checked.external_id)
    if conversation is None:
        return None
    first = decision_repository.first_decision(workspace_id, session, conversation.id)
    return None if first is None else Routed(conversation=conversation, decision=first, created=False)


def _events(routed: Routed) -> list[tuple[str, dict[str, JsonValue]]]:
    """Return what there is to tell of a new conversation."""
    conversation = routed.conversation
    created: dict[str, JsonValue] = {"conversation_id": conversation.id, "decision_id": routed.decision.id}
    pending: dict[str, JsonValue] = {"conversation_id": conversation.id, "end_user_id": conversation.end_user_id}
    told = [("conversation_created", created)]
    return [*told, ("match_pending", pending)] if routed.match_pending else told


def _listens(ruleset: Ruleset, on: str) -> bool:
    return any(on in rule.on and rule.mode is not Mode.DRAFT for rule in ruleset.rules)

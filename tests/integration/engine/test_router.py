"""Conversations come in, are decided about, and everything about it is kept."""

from datetime import timedelta

import pytest

from engine.core.actions import Actions, Priority
from engine.core.conversation_facts import CONVERSATION_FACTS
from engine.core.decide import decide
from engine.core.facts import FactCatalog, Facts, FactSpec, FactType, Source
from engine.core.outcome import Outcome
from engine.core.ruleset import Mode
from engine.faults import Invalid, NotFound
from engine.ids import ConversationId
from engine.inbox import decision_repository, end_user_repository, repository, service, views
from engine.inbox.models import AuthorKind, Change, DecisionRecord, NewMessage, Sender, Status
from engine.outbox import repository as outbox
from engine.outbox.repository import OutboxEntry
from engine.router import Routed
from engine.workspace import repository as workspaces
from engine.workspace.models import Directory
from tests.integration.engine.world import World, always, is_past_due, rule
from tests.unit.engine.factories import a_draft

BILLING = Actions(assign_team="billing", priority=Priority.HIGH, add_tags=("billing",))


def outbox_of(world: World) -> list[OutboxEntry]:
    """Return what is waiting in the workspace's outbox."""
    with world.database.system() as session:
        pending = outbox.system_pending(session, world.clock.now(), limit=1_000)
    return [entry for entry in pending if entry.workspace_id == world.id]


def said_about(record: DecisionRecord) -> list[str]:
    """Return the sentences a reader of the panel sees."""
    told = views.why_json(record, views.why_lines(record))["sentences"]
    assert isinstance(told, list)
    return told


def directory_of(world: World) -> Directory:
    """Return the workspace's directory."""
    with world.database.workspace(world.id) as session:
        return workspaces.directory(world.id, session)


def test_a_past_due_customer_goes_to_billing(world: World) -> None:
    """The whole path: stored, matched, decided, assigned, prioritised, tagged, answered."""
    world.publish(rule("Past due", is_past_due, BILLING))
    world.facts.values = {"status": "past_due"}
    routed = world.receive(a_draft())

    shown = views.conversation_json(routed.conversation, directory_of(world))
    assert routed.created
    assert (shown["team"], shown["priority"], shown["tags"]) == ("billing", "high", ["billing"])
    assert shown["sender"] == {"email": "ada@example.com", "name": "Ada", "verified": None}
    assert routed.decision.decision.matched == ("Past due",)
    assert world.facts.asked == [routed.conversation.end_user_id]


def test_everything_is_kept(world: World) -> None:
    """Conversation, message, end user and decision are in the database as they were answered."""
    world.publish(rule("Past due", is_past_due, BILLING), rule("VIP", lambda _: None, Actions(add_tags=("vip",))))
    world.facts.values = {"status": "past_due"}
    routed = world.receive(a_draft(sender=Sender(email=" Ada@Example.com ", attributes={"tier": "gold"})))

    with world.database.workspace(world.id) as session:
        thread = service.thread(world.id, session, routed.conversation.id)
        end_user = end_user_repository.find_end_user_by_email(world.id, session, "ada@example.com")
    assert not isinstance(thread, NotFound)
    assert thread.conversation == routed.conversation
    assert list(thread.decisions) == [routed.decision]
    assert routed.decision.decision.unknown == {"VIP": ("mrr",)}
    assert [(message.body, message.author_kind) for message in thread.messages] == [
        ("My card was declined.", AuthorKind.CUSTOMER)
    ]
    assert end_user is not None
    assert (end_user.email, end_user.attributes) == ("Ada@Example.com", {"tier": "gold"})


def test_a_decision_is_shown_with_the_texts_it_refers_to(world: World) -> None:
    """The contracts' line, version, facts with body and subject, and what became of each action."""
    world.publish(rule("Past due", is_past_due, BILLING))
    world.facts.values = {"status": "past_due"}
    routed = world.receive(a_draft())
    with world.database.workspace(world.id) as session:
        shown = views.decision_json(routed.decision, service.texts_of(world.id, session, routed.decision))
        (message,) = repository.messages(world.id, session, routed.conversation.id)

    line = routed.decision.decision.to_line()
    assert {key: shown[key] for key in line} == line
    assert (shown["ruleset_version"], shown["facts"]["status"]) == (1, "past_due")
    assert (shown["facts"]["body"], shown["facts"]["subject"]) == ("My card was declined.", "Invoice")
    assert shown["reasons"]["mrr"] == "no_customer"
    assert [effect["action"] for effect in shown["effects"]] == ["assign_team", "priority", "add_tag"]
    assert views.message_json(message)["author"] == {"kind": "customer", "name": "Ada"}


def test_the_outbox_tells_and_the_worker_is_woken(world: World) -> None:
    """A new conversation is announced once, each webhook is an effect."""
    world.publish(rule("All", always, Actions(assign_team="billing", webhooks=("crm", "erp"))))
    routed = world.receive(a_draft())
    world.receive(a_draft())  # the same again

    entries = outbox_of(world)
    assert [entry.kind for entry in entries] == ["effect", "effect", "conversation_created"]
    assert [entry.payload.get("endpoint") for entry in entries] == ["crm", "erp", None]
    assert entries[2].payload == {"conversation_id": routed.conversation.id, "decision_id": routed.decision.id}
    assert world.waker.woken == ["outbox"]


def test_the_same_again_is_the_first_decision_and_the_present_state(world: World) -> None:
    """A repeated external id decides nothing; another inbox may use the same one."""
    world.publish(rule("Past due", is_past_due, BILLING))
    first = world.receive(a_draft())
    with world.database.workspace(world.id) as session:
        service.change(world.id, session, first.conversation.id, Change(team="senior"), world.owner.id, world.clock)
    world.facts.values = {"status": "past_due"}
    again = world.receive(a_draft(body="something else"))
    elsewhere = world.receive(a_draft(inbox="shop"))

    assert (again.created, again.decision) == (False, first.decision)
    assert again.conversation.team_id == world.teams["senior"].id
    assert elsewhere.created
    assert elsewhere.conversation.end_user_id == first.conversation.end_user_id


def test_a_decision_can_be_repeated(world: World) -> None:
    """Version and snapshot are enough to decide the same again."""
    mrr = FactSpec(name="mrr", type=FactType.MONEY, source=Source.STRIPE, definition="x", example=1)
    status = FactSpec(name="status", type=FactType.STRING, source=Source.STRIPE, definition="x", example="active")
    says_declined = rule("Declined", lambda facts: "declined" in str(facts.get("body")), BILLING)
    world.publish(says_declined, rule("Past due", is_past_due, BILLING))
    routed = world.receive(a_draft())

    with world.database.workspace(world.id) as session:
        facts = service.facts_of(world.id, session, routed.decision, FactCatalog([*CONVERSATION_FACTS, mrr, status]))
    active = world.rulesets.published[world.id]
    assert active.version == routed.decision.ruleset_version
    again = decide(
        active.ruleset, facts, now=routed.decision.created_at, on="created", conversation_id=routed.conversation.id
    )
    assert again == routed.decision.decision
    assert "body" not in routed.decision.facts


def test_without_rules_it_is_stored_and_says_so(world: World) -> None:
    """Nothing published: version 0, nothing matched, no fallback, an explanation in words."""
    routed = world.receive(a_draft())

    assert (routed.decision.ruleset_version, routed.decision.decision.fallback) == (0, False)
    assert routed.conversation.is_unassigned
    assert said_about(routed.decision) == ["No rules have been published yet, so nothing was decided."]


def test_the_fallback_takes_what_nobody_matched(world: World) -> None:
    """The reason of the unknown fact is in the explanation."""
    world.publish(rule("Past due", is_past_due, BILLING))
    routed = world.receive(a_draft())

    assert routed.conversation.team_id == world.teams["support"].id
    assert said_about(routed.decision) == [
        "No rule matched, so the fallback assigned it to team support.",
        "“Past due” could not be judged: MRR is unknown: no Stripe customer.",
    ]


def test_a_deleted_team_does_not_lose_the_conversation(world: World) -> None:
    """The rule names a team that is gone: the fallback has it, the decision shows the failure."""
    world.publish(rule("All", always, BILLING))
    with world.database.workspace(world.id) as session:
        workspaces.delete_team(world.id, session, world.teams["billing"].id)
    routed = world.receive(a_draft())

    assert routed.conversation.team_id == world.teams["support"].id
    assert routed.decision.effects[0].outcome is Outcome.FAILED
    assert any("no team billing" in said for said in said_about(routed.decision))


def test_a_sender_without_address_is_somebody_new_each_time(world: World) -> None:
    """Two nameless senders are two end users."""
    first = world.receive(a_draft("1", sender=Sender()))
    second = world.receive(a_draft("2", sender=Sender()))

    assert first.conversation.end_user_id != second.conversation.end_user_id
    assert first.decision.reasons["sender_email"] == "not_applicable"


def test_one_person_in_several_spellings_is_one_end_user(world: World) -> None:
    """Case and space do not make a stranger; the first name given is filled in."""
    first = world.receive(a_draft("1", sender=Sender(email="ada@example.com")))
    second = world.receive(a_draft("2", sender=Sender(email=" ADA@Example.COM", name="Ada")))

    assert first.conversation.end_user_id == second.conversation.end_user_id
    with world.database.workspace(world.id) as session:
        assert end_user_repository.get_end_user(world.id, session, first.conversation.end_user_id).name == "Ada"


def test_bad_input_stores_nothing(world: World) -> None:
    """Faults come back as values, with nothing in the database."""
    result = world.router.receive(world.id, a_draft(body="\x00", sender=None))

    assert isinstance(result, Invalid)
    assert [fault.pointer for fault in result.faults] == ["/body", "/sender"]
    assert outbox_of(world) == []


def test_attributes_that_add_up_to_too_many_are_a_fault(world: World) -> None:
    """The bound holds for what is known of an end user all in all."""
    world.receive(a_draft("1", sender=Sender(email="a@b.c", attributes={str(n): n for n in range(100)})))
    result = world.router.receive(world.id, a_draft("2", sender=Sender(email="a@b.c", attributes={"more": 1})))

    assert isinstance(result, Invalid)
    assert result.faults[0].pointer == "/sender/attributes"


def test_a_note_is_left_by_ochre(world: World) -> None:
    """Notes are internal, and don't count as messages."""
    world.publish(
        rule("All", always, Actions(assign_team="billing", notes=("Check the card.",))),
        rule("Again", lambda f: f.get("message_count") == 2, Actions(add_tags=("two",)), on=("message",)),
    )
    routed = world.receive(a_draft())
    appended = world.write(routed, "Hello?")

    with world.database.workspace(world.id) as session:
        kinds = [m.author_kind for m in repository.messages(world.id, session, routed.conversation.id)]
    assert sorted(kinds) == [AuthorKind.CUSTOMER, AuthorKind.CUSTOMER, AuthorKind.NOTE]
    assert appended.conversation.tags == ("two",)


def test_a_later_message_runs_the_rules_that_listen(world: World) -> None:
    """Its text is the body; an unset slot changes nothing; there is no fallback."""
    angry = rule("Angry", lambda f: "!" in str(f.get("body")), Actions(priority=Priority.URGENT), on=("message",))
    world.publish(rule("All", always, BILLING), angry)
    routed = world.receive(a_draft())
    world.clock.advance(timedelta(minutes=1))
    calm = world.write(routed, "Any news?")
    loud = world.write(routed, "Answer me!")

    assert calm.decision is not None
    assert calm.decision.decision.matched == ()
    assert loud.decision is not None
    assert (loud.decision.number, loud.decision.on, loud.decision.message_id) == (3, "message", loud.message.id)
    assert (loud.conversation.priority, loud.conversation.team_id) == (Priority.URGENT, world.teams["billing"].id)


def test_messages_are_appended_once(world: World) -> None:
    """The same external id again is the message that was there, and decides nothing."""
    world.publish(rule("Any", always, Actions(add_tags=("again",)), on=("message",)))
    routed = world.receive(a_draft())
    first = world.write(routed, "one", external_id="m1")
    again = world.write(routed, "two", external_id="m1")

    assert (first.created, again.created, again.decision) == (True, False, None)
    assert again.message == first.message


def test_without_rules_that_listen_a_message_is_only_stored(world: World) -> None:
    """No decision is made where none is asked for; drafts don't listen, agents' messages never ask."""
    world.publish(
        rule("All", always, BILLING),
        rule("Draft", always, BILLING, on=("message",), mode=Mode.DRAFT),
    )
    routed = world.receive(a_draft())

    assert world.write(routed, "Hello?").decision is None
    world.publish(rule("Any", always, BILLING, on=("message",)))
    assert world.write(routed, "Hello!", AuthorKind.AGENT).decision is None


def test_a_message_to_nobodys_conversation_and_a_bad_one(world: World) -> None:
    """An unknown conversation is not found; an unfit text is a fault."""
    message = NewMessage(body="x", author_kind=AuthorKind.CUSTOMER)
    routed = world.receive(a_draft())
    bad = NewMessage(body="\ud800", author_kind=AuthorKind.CUSTOMER)

    assert isinstance(world.router.append(world.id, ConversationId("cnv_none"), message), NotFound)
    assert isinstance(world.router.append(world.id, routed.conversation.id, bad), Invalid)


def test_what_a_person_chose_stays_unless_the_rule_overrides(world: World) -> None:
    """A person's team survives a message; with `override` it does not."""
    move = Actions(assign_team="billing", priority=Priority.URGENT)
    world.publish(rule("All", always, move, on=("created", "message")))
    routed = world.receive(a_draft())
    with world.database.workspace(world.id) as session:
        service.change(world.id, session, routed.conversation.id, Change(team="senior"), world.owner.id, world.clock)
    kept = world.write(routed, "one")
    world.publish(rule("All", always, move, on=("message",), override=True))
    replaced = world.write(routed, "two")

    assert kept.conversation.team_id == world.teams["senior"].id
    assert kept.decision is not None
    assert kept.decision.effects[0].outcome is Outcome.KEPT
    assert replaced.conversation.team_id == world.teams["billing"].id
    assert "assign_team" not in replaced.conversation.human_touched


def test_changed_facts_run_the_rules_that_listen(world: World) -> None:
    """An open conversation is decided again, a closed or unknown one is not."""
    world.publish(rule("Past due", is_past_due, BILLING, on=("created", "facts_changed")))
    routed = world.receive(a_draft())
    world.facts.values = {"status": "past_due"}
    again = world.router.reroute(world.id, routed.conversation.id)
    with world.database.workspace(world.id) as session:
        closed = Change(status=Status.CLOSED)
        service.change(world.id, session, routed.conversation.id, closed, world.owner.id, world.clock)

    assert again is not None
    assert (again.decision.number, again.decision.on) == (2, "facts_changed")
    assert again.conversation.tags == ("billing",)
    assert world.router.reroute(world.id, routed.conversation.id) is None
    assert world.router.reroute(world.id, ConversationId("cnv_none")) is None


def test_a_pending_match_is_decided_anew_when_it_is_there(world: World) -> None:
    """The late look-up replaces the fallback's assignment; a second call does nothing."""
    world.publish(rule("Past due", is_past_due, BILLING))
    world.facts.match_pending = True
    first = world.receive(a_draft())
    too_early = world.router.reroute(world.id, first.conversation.id, on="created")
    world.facts.match_pending = False
    world.facts.values = {"status": "past_due"}
    late = world.router.reroute(world.id, first.conversation.id, on="created")

    assert first.match_pending
    assert any("still being looked up" in said for said in said_about(first.decision))
    assert not any("still" in said for said in said_about(late.decision if late else first.decision))
    assert [entry.kind for entry in outbox_of(world)] == ["conversation_created", "match_pending"]
    assert too_early is None
    assert late is not None
    assert (late.match_pending, late.conversation.team_id) == (False, world.teams["billing"].id)
    assert world.router.reroute(world.id, first.conversation.id, on="created") is None
    assert world.receive(a_draft()).decision == first.decision


@pytest.mark.parametrize("touch", ["change", "reply"])
def test_a_touched_conversation_is_not_decided_anew(world: World, touch: str) -> None:
    """A person who was quicker than the look-up is not overruled."""
    world.publish(rule("Past due", is_past_due, BILLING))
    world.facts.match_pending = True
    first = world.receive(a_draft())
    if touch == "reply":
        world.write(first, "On it.", AuthorKind.AGENT)
    else:
        with world.database.workspace(world.id) as session:
            raised = Change(priority=Priority.LOW)
            service.change(world.id, session, first.conversation.id, raised, world.owner.id, world.clock)
    world.facts.match_pending = False

    assert world.router.reroute(world.id, first.conversation.id, on="created") is None


def test_a_crash_while_deciding_leaves_nothing(world: World) -> None:
    """What was not acknowledged does not half exist; handed in again it works."""

    def crash() -> None:
        raise RuntimeError("the power went out")

    world.facts.before_answer = crash
    with pytest.raises(RuntimeError, match="power"):
        world.router.receive(world.id, a_draft())
    assert outbox_of(world) == []
    world.facts.before_answer = lambda: None

    assert world.receive(a_draft()).created


def test_a_thousand_unknown_rules_are_stored_small(world: World) -> None:
    """The stored row keeps them in at most 8 KB and gives them all back."""
    world.publish(*(rule(f"Rule number {n}", lambda _: None, BILLING) for n in range(1_000)))
    routed = world.receive(a_draft())

    with world.database.workspace(world.id) as session:
        stored = decision_repository.first_decision(world.id, session, routed.conversation.id)
    assert stored == routed.decision
    assert len(stored.decision.unknown) == 1_000


def test_rules_see_the_conversation_as_it_was(world: World) -> None:
    """No action changes what a later rule sees; the workspace's zone decides the hour."""
    seen: list[Facts] = []

    def remember(facts: Facts) -> bool:
        seen.append(facts)
        return True

    world.publish(rule("First", always, BILLING), rule("Second", remember, Actions()))
    world.receive(a_draft(sender=Sender(email="ADA@Exämple.com", verified=True), attributes={"plan": "x"}))

    (facts,) = seen
    assert (facts.get("priority"), facts.get("tags"), facts.get("team")) == ("normal", (), None)
    assert (facts.get("sender_email"), facts.get("sender_domain")) == ("ada@xn--exmple-cua.com", "xn--exmple-cua.com")
    assert (facts.get("sender_verified"), facts.get("attributes")) == (True, {"plan": "x"})
    assert (facts.get("weekday"), facts.get("hour"), facts.get("message_count")) == ("friday", 12, 1)


def test_the_agent_can_be_assigned_by_address(world: World) -> None:
    """The rule's spelling of the address does not matter."""
    world.publish(rule("All", always, Actions(assign_agent="GRACE@acme.com")))
    routed = world.receive(a_draft())

    assert isinstance(routed, Routed)
    assert routed.conversation.assignee_id == world.agent.id

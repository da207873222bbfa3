"""The same thing at the same moment, from several threads, each with its own connection."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from sqlalchemy import func, select

from engine.core.actions import Actions
from engine.inbox import end_user_repository, repository
from engine.inbox.models import AuthorKind, NewMessage, Sender
from engine.inbox.tables import DbConversation, DbDecision, DbEndUser, DbMessage
from engine.outbox import repository as outbox
from engine.router import Appended, Routed
from tests.integration.engine.world import World, always, rule
from tests.unit.engine.factories import a_draft

THREADS = 6
T = TypeVar("T")


def at_once(work: Callable[[int], T], threads: int = THREADS) -> list[T]:
    """Run `work` in several threads that start together, and return what each returned."""
    gate = threading.Barrier(threads)

    def start(number: int) -> T:
        gate.wait(10)
        return work(number)

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(start, range(threads)))


def count(world: World, table: type[DbConversation | DbDecision | DbEndUser | DbMessage]) -> int:
    """Return how many rows of the workspace a table has."""
    with world.database.workspace(world.id) as session:
        return session.scalar(select(func.count()).where(table.workspace_id == world.id)) or 0


def test_the_same_conversation_at_once_is_one(world: World) -> None:
    """One wins; everybody else answers with the winner's decision; nothing is stored twice."""
    world.publish(rule("All", always, Actions(assign_team="billing", webhooks=("crm",))))
    answers = at_once(lambda _: world.receive(a_draft()))

    assert sum(answer.created for answer in answers) == 1
    assert len({answer.conversation.id for answer in answers}) == 1
    assert len({answer.decision.id for answer in answers}) == 1
    assert (count(world, DbConversation), count(world, DbDecision), count(world, DbMessage)) == (1, 1, 1)
    with world.database.system() as session:
        pending = outbox.system_pending(session, world.clock.now(), limit=1_000)
    kinds = [entry.kind for entry in pending if entry.workspace_id == world.id]
    assert sorted(kinds) == ["conversation_created", "effect"]


def test_the_losers_leave_no_nameless_end_users(world: World) -> None:
    """Senders without address are made anew for each attempt, and vanish with the attempts that lost."""
    answers = at_once(lambda _: world.receive(a_draft(sender=Sender())))

    assert len({answer.conversation.end_user_id for answer in answers}) == 1
    assert count(world, DbEndUser) == 1


def test_a_loser_waits_for_the_winner_and_reads_its_decision(world: World) -> None:
    """While the winner is still deciding, the second attempt does not decide too."""
    inside, go_on = threading.Event(), threading.Event()

    def dawdle() -> None:
        inside.set()
        go_on.wait(10)

    world.facts.before_answer = dawdle
    with ThreadPoolExecutor(2) as pool:
        winner = pool.submit(world.receive, a_draft())
        assert inside.wait(10)
        loser = pool.submit(world.receive, a_draft())
        loser_was_done_early = loser.done()
        go_on.set()
        first, second = winner.result(20), loser.result(20)

    assert not loser_was_done_early
    assert (first.created, second.created) == (True, False)
    assert second.decision == first.decision
    assert len(world.facts.asked) == 1


def test_different_conversations_of_one_new_sender_share_the_end_user(world: World) -> None:
    """Two first messages of one person at once make one end user."""
    answers = at_once(lambda number: world.receive(a_draft(str(number))))

    assert len({answer.conversation.id for answer in answers}) == THREADS
    assert len({answer.conversation.end_user_id for answer in answers}) == 1


def test_the_same_message_at_once_is_one_and_decisions_are_numbered(world: World) -> None:
    """Appending locks the conversation: repeated ids collapse, numbers are without gap."""
    world.publish(rule("Any", always, Actions(add_tags=("again",)), on=("message",)))
    routed = world.receive(a_draft())

    def write(number: int) -> Appended:
        message = NewMessage(body="x", author_kind=AuthorKind.CUSTOMER, external_id=f"m{number % 2}")
        appended = world.router.append(world.id, routed.conversation.id, message)
        assert isinstance(appended, Appended)
        return appended

    answers = at_once(write)

    assert sum(answer.created for answer in answers) == 2
    assert sorted(answer.decision.number for answer in answers if answer.decision) == [2, 3]


def test_bulk_and_single_end_users_at_once(world: World) -> None:
    """Two backfills in opposite order and inbound conversations neither deadlock nor duplicate."""
    people = [(f"person{number}@example.com", None) for number in range(120)]

    def work(number: int) -> object:
        if number < 4:
            chosen = people if number % 2 else people[::-1]
            with world.database.workspace(world.id) as session:
                now = world.clock.now()
                return end_user_repository.ensure_end_users(world.id, session, chosen, now, world.clock.new_id)
        return world.receive(a_draft(str(number), sender=Sender(email=people[number][0])))

    answers = at_once(work)

    assert answers[0] == answers[1] == answers[2] == answers[3]
    assert count(world, DbEndUser) == len(people)
    assert all(isinstance(answer, Routed) for answer in answers[4:])


def test_claiming_without_a_first_look_still_finds_the_winner(world: World) -> None:
    """The database's own uniqueness decides: a second insert of the same external id reports failure."""
    routed = world.receive(a_draft())
    with world.database.workspace(world.id) as session:
        assert not repository.insert_conversation(world.id, session, routed.conversation)

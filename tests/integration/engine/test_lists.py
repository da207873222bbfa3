"""Lists of conversations and end users: filters, order, pages."""

from collections.abc import Callable, Sequence
from datetime import timedelta

import pytest

from engine.core.actions import Actions
from engine.core.facts import Facts
from engine.faults import Invalid
from engine.ids import ConversationId, EndUserId
from engine.inbox import end_user_repository, repository, service
from engine.inbox.models import Change, Conversation, Sender, Status
from engine.inbox.paging import Cursor, Page
from engine.inbox.service import Query
from tests.integration.engine.world import World, rule
from tests.unit.engine.factories import NOW, a_draft


def found(world: World, query: Query) -> Page[Conversation]:
    """Return a page that must be given."""
    with world.database.workspace(world.id, readonly=True) as session:
        page = service.find(world.id, session, query)
    assert isinstance(page, Page), page
    return page


def numbers(rows: Sequence[Conversation]) -> list[str]:
    """Return the external ids."""
    return [row.external_id for row in rows]


def body_is(text: str) -> Callable[[Facts], bool]:
    """Return a condition on the body."""
    return lambda facts: facts.get("body") == text


def test_pages_are_newest_first_without_gap_or_repetition(world: World) -> None:
    """Also among conversations of the same instant, and while new ones arrive."""
    for number in range(7):
        world.receive(a_draft(str(number), created_at=NOW - timedelta(hours=number // 3)))
    seen: list[str] = []
    after: str | None = None
    for _ in range(10):
        page = found(world, Query(limit=2, after=after))
        seen += numbers(page.rows)
        after = page.next
        world.receive(a_draft(f"late {len(seen)}"))  # newer than the cursor: not seen any more
        if after is None:
            break

    assert seen == ["2", "1", "0", "5", "4", "3", "6"]


def test_a_full_last_page_has_no_next(world: World) -> None:
    """The cursor is there only when something follows."""
    for number in range(2):
        world.receive(a_draft(str(number)))

    assert found(world, Query(limit=2)).next is None
    assert found(world, Query(limit=1)).next is not None


FILTERS = [
    (Query(), ["d", "c", "b", "a"]),
    (Query(team="billing"), ["a"]),
    (Query(team="nobody"), []),
    (Query(queue="onboarding"), ["b"]),
    (Query(assignee="GRACE@acme.com"), ["c"]),
    (Query(assignee="nobody@acme.com"), []),
    (Query(tag="vip"), ["b", "a"]),
    (Query(tag="vi"), []),
    (Query(status="closed"), ["d"]),
    (Query(unassigned=True), ["d", "b"]),  # a queue is a place, not somebody who cares
    (Query(text="INVOICE"), ["d", "c", "b"]),
    (Query(text="100%"), ["a"]),  # a percent sign is a percent sign
    (Query(text="%"), ["a"]),
    (Query(text="bob@"), ["c"]),
    (Query(text="Ada L"), ["d"]),
    (Query(tag="vip", unassigned=True), ["b"]),
]


def test_filters(world: World) -> None:
    """Each filter, and two together."""
    route = {
        "a": Actions(assign_team="billing", add_tags=("vip",)),
        "b": Actions(route_to="onboarding", add_tags=("new", "vip")),
        "c": Actions(assign_agent="grace@acme.com"),
    }
    world.publish(
        *(rule(name, body_is(name), actions) for name, actions in route.items()),
        fallback="gone",
    )
    senders = {"c": Sender(email="bob@example.com"), "d": Sender(name="Ada Lovelace")}
    for name in "abcd":
        subject = "100% off" if name == "a" else "Invoice"
        world.clock.advance(timedelta(seconds=1))
        world.receive(a_draft(name, body=name, subject=subject, sender=senders.get(name, Sender())))
    with world.database.workspace(world.id) as session:
        last = service.find(world.id, session, Query(text="Ada L"))
        assert isinstance(last, Page)
        closed = Change(status=Status.CLOSED)
        service.change(world.id, session, last.rows[0].id, closed, world.owner.id, world.clock)

    for query, expected in FILTERS:
        assert numbers(found(world, query).rows) == expected, query


def test_a_wrong_query_is_a_fault(world: World) -> None:
    """It points at its parameter."""
    table = [
        (Query(limit=0), "/limit"),
        (Query(limit=201), "/limit"),
        (Query(after="nonsense"), "/after"),
        (Query(status="gone"), "/status"),
        (Query(tag="\x00"), "/tag"),
        (Query(text="\ud800"), "/text"),
    ]
    for query, pointer in table:
        with world.database.workspace(world.id) as session:
            result = service.find(world.id, session, query)

        assert isinstance(result, Invalid)
        assert [fault.pointer for fault in result.faults] == [pointer]


def test_ids_that_cannot_be_are_simply_not_there(world: World) -> None:
    """A NUL byte or a lone surrogate in an id finds nothing, and breaks nothing."""
    with world.database.workspace(world.id) as session:
        for id_ in ("\x00", "\ud800"):
            assert repository.find_conversation(world.id, session, ConversationId(id_)) is None
            assert end_user_repository.find_end_user(world.id, session, EndUserId(id_)) is None


def test_end_users_are_ensured_in_bulk(world: World) -> None:
    """Spellings of one address are one, what is no address is left out, a second time changes nothing."""
    people = [("Ada@Example.com", "Ada"), (" ada@example.com", None), ("nonsense", None), ("Bob@b.c", None)]
    with world.database.workspace(world.id) as session:
        now = world.clock.now()
        first = end_user_repository.ensure_end_users(world.id, session, people, now, world.clock.new_id)
        again = end_user_repository.ensure_end_users(world.id, session, people, now, world.clock.new_id)
        ada = end_user_repository.get_end_user(world.id, session, first["ada@example.com"])

    assert set(first) == {"ada@example.com", "bob@b.c"}
    assert again == first
    assert (ada.email, ada.name) == ("Ada@Example.com", "Ada")


def test_end_users_in_pages(world: World) -> None:
    """More than one batch is ensured, and every one is found once."""
    people = [(f"p{number}@example.com", None) for number in range(1_203)]
    with world.database.workspace(world.id) as session:
        ids = end_user_repository.ensure_end_users(world.id, session, people, NOW, world.clock.new_id)
        seen: list[str] = []
        after: Cursor | None = None
        for _ in range(10):
            page = end_user_repository.end_users(world.id, session, after=after, limit=200)
            seen += [user.id for user in page.rows]
            after = None if page.next is None else Cursor.decode(page.next)
            if after is None:
                break

    assert sorted(seen) == sorted(ids.values())
    assert len(ids) == 1_203


def test_no_address_is_refused_where_one_is_meant(world: World) -> None:
    """Only None means that there is no address."""
    with world.database.workspace(world.id) as session, pytest.raises(ValueError, match="no e-mail address"):
        end_user_repository.find_or_create_end_user(world.id, session, "nonsense", None, NOW, world.clock.new_id)

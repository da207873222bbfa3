"""Which customer an end user is: the rules of matching as a table, and what holds for all of them."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.ids import ConnectionId
from stripe_sync.matching import LINKED, Candidate, CustomerKey, Link, LinkKind, best_first, resolve

LIVE = ConnectionId("con_live")


@pytest.mark.parametrize(
    ("candidates", "expected"),
    [
        ({}, {}),
        ({"a": False}, {"a": "email"}),  # alone, with or without a history
        ({"a": True}, {"a": "email"}),
        ({"a": True, "b": False}, {"a": "email", "b": "duplicate"}),
        ({"a": True, "b": True}, {"a": "candidate", "b": "candidate"}),
        ({"a": False, "b": False}, {"a": "candidate", "b": "candidate"}),
        ({"a": True, "b": None}, {"a": "candidate", "b": "candidate"}),  # b may turn out to have one
        ({"a": True, "b": False, "c": False}, {"a": "email", "b": "duplicate", "c": "duplicate"}),
    ],
)
def test_customers_with_the_same_address(candidates: dict[str, bool | None], expected: dict[str, str]) -> None:
    """Exactly one with a history is linked; otherwise nobody is."""
    links = resolve([_candidate(name, history=history) for name, history in candidates.items()], ())

    assert _kinds(links) == expected


def test_live_comes_before_test() -> None:
    """A test-mode customer is no candidate while a live one fits."""
    links = resolve([_candidate("a", livemode=True), _candidate("b", livemode=False)], ())

    assert _kinds(links) == {"a": "email"}


def test_a_connection_that_can_be_read_comes_first() -> None:
    """A customer of an ended connection gives way to one of an active connection."""
    links = resolve([_candidate("a", active=False), _candidate("b", livemode=False)], ())

    assert _kinds(links) == {"b": "email"}


def test_manual_link_wins_over_the_address() -> None:
    """Beside a manual link nothing is linked by e-mail."""
    links = resolve([_candidate("a")], [_link("b", LinkKind.MANUAL), _link("a", LinkKind.EMAIL)])

    assert _kinds(links) == {"b": "manual"}


def test_unlinked_is_remembered() -> None:
    """A customer a person unlinked is not linked again, and leaves the other one alone with the address."""
    links = resolve([_candidate("a"), _candidate("b")], [_link("a", LinkKind.UNLINKED)])

    assert _kinds(links) == {"a": "unlinked", "b": "email"}


def test_best_candidate_has_the_best_subscription_then_is_newest() -> None:
    """Candidates are shown best first."""
    ended = _candidate("a", rank=9, created=datetime(2026, 1, 1, tzinfo=UTC))
    older = _candidate("b", rank=0, created=datetime(2025, 1, 1, tzinfo=UTC))
    newer = _candidate("c", rank=0, created=datetime(2025, 6, 1, tzinfo=UTC))

    assert best_first([ended, older, newer]) == [newer, older, ended]


names = st.sampled_from("abcdef")
candidate_lists = st.dictionaries(names, st.tuples(st.booleans(), st.booleans(), st.none() | st.booleans())).map(
    lambda rows: [
        _candidate(name, active=active, livemode=livemode, history=history)
        for name, (active, livemode, history) in rows.items()
    ]
)
link_lists = st.dictionaries(names, st.sampled_from(list(LinkKind))).map(
    lambda rows: [_link(name, kind) for name, kind in rows.items()]
)


@given(candidates=candidate_lists, present=link_lists)
def test_matching_is_stable_and_remembers(candidates: list[Candidate], present: list[Link]) -> None:
    """Resolving again changes nothing, decisions of people stay, and at most one is linked by e-mail."""
    links = resolve(candidates, present)
    decided = {link for link in present if link.kind in {LinkKind.MANUAL, LinkKind.UNLINKED}}

    assert resolve(candidates, links) == links
    assert decided <= links
    assert len([link for link in links if link.kind is LinkKind.EMAIL]) <= 1
    assert len({link.key for link in links}) == len(links)
    if any(link.kind is LinkKind.MANUAL for link in links):
        assert {link.kind for link in links if link.kind in LINKED} == {LinkKind.MANUAL}


# helpers


def _candidate(
    name: str,
    *,
    active: bool = True,
    livemode: bool = True,
    history: bool | None = True,
    rank: int = 0,
    created: datetime | None = None,
) -> Candidate:
    return Candidate(
        key=_key(name), is_active=active, livemode=livemode, has_history=history, rank=rank, created=created
    )


def _link(name: str, kind: LinkKind) -> Link:
    return Link(key=_key(name), kind=kind)


def _key(name: str) -> CustomerKey:
    return CustomerKey(connection_id=LIVE, customer_id=f"cus_{name}")


def _kinds(links: frozenset[Link]) -> dict[str, str]:
    return {link.key.customer_id.removeprefix("cus_"): link.kind.value for link in links}

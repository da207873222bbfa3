"""The list of conversations: its filters, and what a row shows."""

from urllib.parse import parse_qsl, urlsplit

from hypothesis import given
from hypothesis import strategies as st

from engine.ids import MemberId, TeamId
from engine.workspace.models import Directory, Distribution, Team
from web.screens.inbox_view import Wanted, excerpt, side_links, to_filter

ME = MemberId("mem_1")
BILLING = Team(id=TeamId("team_1"), name="billing & co", distribution=Distribution.NONE, member_ids=frozenset())
DIRECTORY = Directory(teams=(BILLING,))

texts = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=40)


@given(st.builds(Wanted, team=texts, queue=texts, status=texts, tag=texts, q=texts))
def test_an_address_says_the_filters_it_was_made_of(wanted: Wanted) -> None:
    """The address of a list, read again, is the same list."""
    query = dict(parse_qsl(urlsplit(wanted.url()).query))
    assert Wanted.read(query) == Wanted.read({name: getattr(wanted, name) for name in Wanted.names()})


def test_a_name_that_nobody_has_fits_nothing() -> None:
    """An old bookmark of a team that is gone shows an empty list, not everybody's conversations."""
    assert to_filter(Wanted(team="gone"), DIRECTORY, ME) is None


def test_mine_is_the_viewers() -> None:
    """The view `mine` asks for what is assigned to whoever looks."""
    found = to_filter(Wanted(view="mine"), DIRECTORY, ME)
    assert found is not None
    assert found.assignee_id == ME


def test_the_team_looked_at_is_marked_in_the_side_bar() -> None:
    """Exactly one link is the current one."""
    links = side_links(Wanted(team="billing & co"), DIRECTORY)
    assert [link.text for link in links if link.current] == ["billing & co"]


@given(st.text(max_size=2000))
def test_an_excerpt_is_one_short_line(body: str) -> None:
    """Whatever a message holds, its excerpt is one line of bounded length."""
    shown = excerpt(body)
    assert len(shown) <= 160
    assert shown == " ".join(shown.split())

"""API tokens as text, and the rights that roles and scopes give."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.workspace.models import Role
from web.auth import tokens
from web.auth.models import ROLE_SCOPES, Scope, includes, scopes_for


@given(st.text(alphabet="abcXYZ019-_", min_size=1, max_size=60))
def test_every_token_made_is_recognised(secret: str) -> None:
    """A token we make has our prefix and passes its own checksum."""
    token = tokens.make_token(secret)

    assert token.startswith("ochre_")
    assert tokens.is_token(token)


@given(st.text(alphabet="abc019", min_size=20, max_size=40), st.integers(6, 30))
def test_a_mistyped_token_is_not(secret: str, place: int) -> None:
    """Changing one character breaks the checksum."""
    token = tokens.make_token(secret)
    place = min(place, len(token) - 1)
    other = "d" if token[place] != "d" else "e"

    assert not tokens.is_token(token[:place] + other + token[place + 1 :])


@pytest.mark.parametrize(
    "text", ["", "ochre_", "ochre_abcdef", "sk_live_123", "ochre_" + "é" * 30, "ochre_" + "a" * 500]
)
def test_other_text_is_no_token(text: str) -> None:
    """What has not our form is refused without a look-up."""
    assert not tokens.is_token(text)


def test_the_hint_does_not_give_the_token_away() -> None:
    """What is shown in lists is too short to be of use."""
    token = tokens.make_token("x" * 43)

    assert len(tokens.hint(token)) < 20


def test_roles_include_the_lesser_ones() -> None:
    """Owner includes admin, admin includes agent, and never the other way round."""
    order = [Role.AGENT, Role.ADMIN, Role.OWNER]
    for (low, lesser), (high, greater) in itertools.product(enumerate(order), repeat=2):
        assert includes(greater, lesser) is (high >= low)


@given(st.sampled_from(list(Role)), st.lists(st.sampled_from([*Scope, "nonsense"])))
def test_a_token_never_exceeds_its_maker(role: Role, granted: list[str]) -> None:
    """Whatever was granted once, only what the member's role may do now is left."""
    scopes = scopes_for(role, granted)

    assert scopes <= ROLE_SCOPES[role]
    assert scopes <= set(granted)

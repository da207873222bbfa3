"""Slots: which action wins when several rules ask for the same thing."""

import pytest

from engine.core.actions import Actions
from engine.core.decision import Owner
from engine.core.slots import Claim, settle


@pytest.mark.parametrize(
    ("operations", "added", "removed"),
    [
        (["+a", "+b"], ("a", "b"), ()),
        (["+a", "-a"], (), ("a",)),  # the last operation wins
        (["-a", "+a"], ("a",), ()),
        (["+a", "+b", "+a"], ("b", "a"), ()),  # in order of the last operation, not of the first
        (["+a", "-b", "-a", "+b"], ("b",), ("a",)),
    ],
)
def test_per_tag_the_last_operation_wins(
    operations: list[str], added: tuple[str, ...], removed: tuple[str, ...]
) -> None:
    """The lists hold tags by their last operation, in its order."""
    claims = [
        _claim(str(number), **{"add_tags" if operation[0] == "+" else "remove_tags": (operation[1],)})
        for number, operation in enumerate(operations)
    ]

    settled = settle(claims).actions

    assert (added, removed) == (settled.add_tags, settled.remove_tags)


def test_each_attribute_key_is_a_slot() -> None:
    """The first rule that sets a key keeps it, also when it set it to nothing."""
    settled = settle(
        [_claim("a", set_attributes={"x": 1, "n": None}), _claim("b", set_attributes={"x": 2, "n": 5, "y": [3]})]
    )

    assert settled.actions.set_attributes == {"x": 1, "n": None, "y": [3]}
    assert {slot: owner.rule for slot, owner in settled.owners.items()} == {
        'attributes["x"]': "a",
        'attributes["n"]': "a",
        'attributes["y"]': "b",
    }


def test_notes_stay_in_order_and_webhooks_are_called_once() -> None:
    """Equal notes are both kept; an endpoint asked for twice is called once, at its first place."""
    claims = [_claim("a", notes=("n",), webhooks=("x",)), _claim("b", webhooks=("y",))]
    settled = settle([*claims, _claim("c", notes=("n",), webhooks=("x",))]).actions

    assert settled.notes == ("n", "n")
    assert settled.webhooks == ("x", "y")


def test_an_agent_and_a_team_stand_side_by_side() -> None:
    """They are different slots: the agent is assigned and the team stays."""
    settled = settle([_claim("a", assign_team="t"), _claim("b", assign_agent="ada@example.com")]).actions

    assert Actions(assign_team="t", assign_agent="ada@example.com") == settled


def _claim(rule: str, **fields: object) -> Claim:
    return Claim(owner=Owner(rule=rule), actions=Actions(**fields))  # type: ignore[arg-type]

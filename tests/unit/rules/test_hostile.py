"""Hostile texts at the door of the language; `make torture ARGS=hostile` makes them by the hundred thousand."""

from collections import Counter

import pytest
from hypothesis import given, settings

from tests.unit.rules.choices import Choices, SeededChoices, drawn
from tests.unit.rules.hostile import assert_endured, hostile


@pytest.mark.parametrize("seed", range(4))
def test_hostile_texts_are_refused_in_order_or_evaluated(seed: int) -> None:
    """Bent conditions, words in any order, odd characters, giant numbers and deep nesting: findings or a verdict."""
    outcomes: Counter[str] = Counter()
    for number in range(250):
        choices = SeededChoices(seed * 1_000_000 + number)
        outcomes[assert_endured(hostile(choices), choices)] += 1

    assert outcomes["refused"] > 100
    assert outcomes["accepted"] > 10


def _case(choices: Choices) -> tuple[str, int]:
    return hostile(choices), choices.number(0, 1_000_000)


@settings(max_examples=100, deadline=None)
@given(drawn(_case))
def test_hostile_texts_that_can_be_shrunk(case: tuple[str, int]) -> None:
    """The same, with texts that hypothesis makes smaller when one gets through."""
    text, seed = case
    assert_endured(text, SeededChoices(seed))

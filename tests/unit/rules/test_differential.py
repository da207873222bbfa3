"""The interpreter against the library itself: the same wherever the library returns a value and all facts are known.

`make torture` compares a million pairs (tests/torture/library.py); here are a few hundred conditions that hypothesis
chooses and shrinks, and the shrunk counter-examples of earlier runs.
"""

import json
from collections.abc import Mapping
from datetime import UTC
from pathlib import Path

import pytest
from hypothesis import given, settings

from engine.core.facts import Facts, FactType, FactValue
from rules.fact_input import to_facts
from rules.interpret import Evaluation
from rules.values import Unknown
from tests.unit.rules import library
from tests.unit.rules.choices import Choices, SeededChoices, drawn
from tests.unit.rules.differential import Compared, Outcome, Pair, compare, pairs, shrink, tree_of
from tests.unit.rules.facts import NOW, check
from web.facts import CATALOG

_CASES = [
    json.loads(line)
    for line in (Path(__file__).parent / "library_cases.jsonl").read_text(encoding="utf-8").splitlines()
]


def _compared(choices: Choices) -> list[Compared]:
    tree, found = pairs(choices, customers=3)
    is_typed = choices.number(0, 1) == 1
    return [compare(pair, tree, is_typed=is_typed) for pair in found]


@settings(max_examples=200)
@given(drawn(_compared))
def test_the_interpreter_agrees_with_the_library(compared: list[Compared]) -> None:
    """Wherever the library returns a value and every fact is known, the result is the same."""
    for one in compared:
        assert one.outcome is not Outcome.DIFFERENT, one


def test_thousands_of_pairs_agree() -> None:
    """Seeded pairs agree too, and most of them can be compared, or this would prove nothing."""
    outcomes = [one for seed in range(700) for one in _compared(SeededChoices(seed))]

    assert [one for one in outcomes if one.outcome is Outcome.DIFFERENT] == []
    assert sum(one.outcome is Outcome.SAME for one in outcomes) > len(outcomes) * 0.6


@pytest.mark.parametrize("case", _CASES, ids=lambda case: case["text"][:60])
def test_counter_examples_stay_mended(case: Mapping[str, object]) -> None:
    """What once differed gives the value that was agreed; the library's own, unless the contract wants another."""
    text = str(case["text"])
    given_facts = case["facts"]
    assert isinstance(given_facts, dict)
    values = dict(to_facts(given_facts, CATALOG, NOW).facts.values)
    tree = tree_of(text)
    assert tree is not None
    result = Evaluation(Facts(as_of=NOW, values=values), NOW, UTC).value(tree)

    assert (None if isinstance(result, Unknown) else result) == case["result"]
    if "divergence" not in case:
        assert compare(Pair(text=text, values=values), tree).outcome is Outcome.SAME


def test_shrinking_keeps_what_matters() -> None:
    """A pair is cut down to the part and the facts that still show a difference."""
    values: dict[str, FactValue] = {"mrr": 5, "ltv": 7, "plan": "a"}
    found = shrink(
        Pair(text='(mrr > 1 and plan == "a") or not (ltv > 2)', values=values), lambda pair: "mrr" in pair.text
    )

    assert found == Pair(text="mrr", values={"mrr": 5})


@pytest.mark.parametrize(
    "text", ['mrr == "5"', 'delinquent == "yes"', "5 in tags", 'quantity in [1, "a"]', "plan", "mrr and true"]
)
def test_what_the_library_lets_pass_is_refused(text: str) -> None:
    """Comparisons that can never be true, and conditions that are none, are errors here."""
    assert library.rule(text, library.TYPED) is not None
    assert check(text).tree is None


def test_every_type_of_fact_is_known_to_the_library() -> None:
    """The library's context knows each type of the catalog."""
    assert set(library._TYPES) == set(FactType)

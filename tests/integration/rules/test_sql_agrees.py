"""SQL on both databases against the interpreter, over generated conditions and people."""

from collections import Counter

import pytest

from engine.storage import Database
from tests.integration.rules.people import GRAMMARS, HERE, check, gather
from tests.unit.rules.choices import SeededChoices, pick
from tests.unit.rules.generator import condition

PEOPLE = 50
CONDITIONS = 120


def test_sql_agrees_with_the_interpreter(database: Database) -> None:
    """Whatever SQL says exactly has the interpreter's verdict on every row, and every answer is the interpreter's."""
    crowd = gather(database, PEOPLE)
    seen: Counter[str] = Counter()
    with database.workspace(HERE, readonly=True) as session:
        for seed in range(CONDITIONS):
            choices = SeededChoices(seed)
            text = condition(choices, pick(choices, GRAMMARS))
            tree = check(text)
            if tree is not None:
                seen[crowd.agree(session, text, tree)] += 1

    assert seen["sql"] > CONDITIONS / 5
    assert seen["mixed"] > CONDITIONS / 10


@pytest.mark.parametrize(
    "text",
    [
        '((not match == "none") != (t"P99999D" != t"P1D")) == null',  # `NOT x IS NULL` asks of another `x` than meant
        "(delinquent != true) == null",
        "(delinquent == on_trial) != null ?? false",
        "(not (on_trial ? delinquent : cancels)) != null",
    ],
)
def test_sql_agrees_where_it_once_did_not(database: Database, text: str) -> None:
    """Conditions that were once answered otherwise, and their kin."""
    crowd = gather(database, PEOPLE)
    tree = check(text)
    assert tree is not None
    with database.workspace(HERE, readonly=True) as session:
        assert crowd.agree(session, text, tree) == "sql"

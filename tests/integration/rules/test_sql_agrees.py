"""SQL on both databases against the interpreter, over generated conditions and people."""

from collections import Counter

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

"""Thousands of generated conditions, asked of both databases and of the interpreter about the same people."""

import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.storage import Database
from tests.integration.rules.people import GRAMMARS, HERE, Crowd, check, gather
from tests.servers import migrate, start_postgresql
from tests.unit.rules.choices import SeededChoices, pick
from tests.unit.rules.generator import condition

PEOPLE = 100
CONDITIONS = 3_000
ZONES = ("UTC", "UTC", "Europe/Berlin", "Pacific/Apia")


def run(seed: int, scale: float) -> bool:
    """Compare; print the first condition of whose answer the two say different things."""
    return all(_run(name, seed, max(1, round(CONDITIONS * scale))) for name in ("sqlite", "postgresql"))


def _run(name: str, seed: int, conditions: int) -> bool:
    started = time.monotonic()
    seen: Counter[str] = Counter()
    with _database(name) as database:
        crowd = gather(database, PEOPLE, seed)
        for number in range(conditions):
            if not _agree(crowd, seed * 1_000_000 + number, seen):
                return False
    pairs = sum(seen.values()) * PEOPLE
    print(
        f"sql: {name}: {pairs:,} answers of {sum(seen.values()):,} conditions as the interpreter's "
        f"({seen['sql']:,} in SQL alone), {time.monotonic() - started:.0f} s"
    )
    return True


def _agree(crowd: Crowd, seed: int, seen: Counter[str]) -> bool:
    choices = SeededChoices(seed)
    text = condition(choices, pick(choices, GRAMMARS))
    tree = check(text, pick(choices, ZONES))
    if tree is None:
        return True
    with crowd.database.workspace(HERE, readonly=True) as session:
        try:
            seen[crowd.agree(session, text, tree)] += 1
        except AssertionError as difference:
            print(f"sql: condition {seed} differs: {difference}")
            return False
    return True


@contextmanager
def _database(name: str) -> Iterator[Database]:
    with tempfile.TemporaryDirectory() as folder:
        if name == "sqlite":
            url = f"sqlite:///{Path(folder) / 'ochre.db'}"
            migrate(url)
            database = Database(url)
            yield database
            database.dispose()
            return
    with start_postgresql() as server, server.fresh_database() as url:
        database = Database(url)
        yield database
        database.dispose()

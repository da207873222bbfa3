"""Many accounts in one process."""

from engine.storage import Database
from tests.bench import accounts_bench


def test_accounts_do_not_touch_each_other(database: Database) -> None:
    """Mixed events of many accounts with the same ids, taken by several threads, each land in their own workspace."""
    accounts_bench.run(database, accounts=12, events_each=3)

"""The budget: requests to one account are spaced, by all processes together, with and without Redis."""

import pytest

from stripe_sync.budget import Budget
from stripe_sync.settings import StripeConfig


@pytest.mark.parametrize("shared", [True, False])
def test_requests_beyond_the_burst_wait(valkey_url: str, *, shared: bool) -> None:
    """At 20 a second five go at once, and each further one waits a twentieth longer."""
    waits: list[float] = []
    budget = _budget(valkey_url if shared else None, waits)

    for _ in range(10):
        budget.take("acct_1:live")

    assert len(waits) == 5
    assert waits == sorted(waits)
    assert 0.15 < waits[-1] <= 0.26


def test_processes_share_one_bucket(valkey_url: str) -> None:
    """What one process takes another cannot."""
    waits: list[float] = []
    first, second = _budget(valkey_url, []), _budget(valkey_url, waits)

    for _ in range(5):
        first.take("acct_1:live")
    second.take("acct_1:live")

    assert len(waits) == 1


def test_accounts_do_not_share(valkey_url: str) -> None:
    """Another account, and the other mode of one, have buckets of their own."""
    waits: list[float] = []
    budget = _budget(valkey_url, waits)

    for account in ("acct_1:live", "acct_1:test", "acct_2:live"):
        for _ in range(5):
            budget.take(account)

    assert waits == []


@pytest.mark.parametrize("shared", [True, False])
def test_a_429_stops_everybody(valkey_url: str, *, shared: bool) -> None:
    """After a punishment the next request waits as long; several punishments at once do not add up."""
    waits: list[float] = []
    budget = _budget(valkey_url if shared else None, waits)

    for _ in range(4):
        budget.punish("acct_1:live", 2.0)
    budget.take("acct_1:live")

    assert 1.9 < waits[0] < 2.2


def test_redis_that_is_down_is_no_obstacle() -> None:
    """The process's own bucket stands in."""
    waits: list[float] = []
    budget = _budget("redis://127.0.0.1:1/0", waits)

    for _ in range(6):
        budget.take("acct_1:live")

    assert len(waits) == 1


# helpers


def _budget(redis_url: str | None, waits: list[float]) -> Budget:
    config = StripeConfig(public_url="http://ochre", redis_url=redis_url, requests_per_second=20)
    return Budget(config, sleep=waits.append)

"""The budget: requests to one account are spaced, by all processes together, with and without Redis."""

import pytest

from stripe_sync.budget import Account, Budget
from stripe_sync.settings import StripeConfig

LIVE = Account(account_id="acct_1", livemode=True)
TEST = Account(account_id="acct_1", livemode=False)


@pytest.mark.parametrize("shared", [True, False])
def test_requests_beyond_the_burst_wait(valkey_url: str, *, shared: bool) -> None:
    """At 20 a second five go at once, and each further one waits a twentieth longer."""
    waits: list[float] = []
    budget = _budget(valkey_url if shared else None, waits)

    for _ in range(10):
        budget.take(LIVE, "/v1/charges")

    assert len(waits) == 5
    assert waits == sorted(waits)
    assert 0.15 < waits[-1] <= 0.26


def test_processes_share_one_bucket(valkey_url: str) -> None:
    """What one process takes another cannot."""
    waits: list[float] = []
    first, second = _budget(valkey_url, []), _budget(valkey_url, waits)

    for _ in range(5):
        first.take(LIVE, "/v1/charges")
    second.take(LIVE, "/v1/charges")

    assert len(waits) == 1


def test_accounts_do_not_share(valkey_url: str) -> None:
    """Another account, and the other mode of one, have buckets of their own."""
    waits: list[float] = []
    budget = _budget(valkey_url, waits)

    for account in (LIVE, TEST, Account(account_id="acct_2", livemode=True)):
        for _ in range(5):
            budget.take(account, "/v1/charges")

    assert waits == []


@pytest.mark.parametrize("shared", [True, False])
def test_a_429_stops_everybody(valkey_url: str, *, shared: bool) -> None:
    """After a punishment the next request waits as long; several punishments at once do not add up."""
    waits: list[float] = []
    budget = _budget(valkey_url if shared else None, waits)

    for _ in range(4):
        budget.punish(LIVE, "/v1/charges", 2.0)
    budget.take(LIVE, "/v1/charges")

    assert 1.9 < waits[0] < 2.2


def test_redis_that_is_down_is_no_obstacle() -> None:
    """The process's own bucket stands in."""
    waits: list[float] = []
    budget = _budget("redis://127.0.0.1:1/0", waits)

    for _ in range(6):
        budget.take(LIVE, "/v1/charges")

    assert len(waits) == 1


@pytest.mark.parametrize("shared", [True, False])
def test_classes_of_endpoints_have_buckets_of_their_own_under_one_for_all(valkey_url: str, *, shared: bool) -> None:
    """Lists of different kinds don't wait for each other until all together are too many for the account."""
    waits: list[float] = []
    budget = _budget(valkey_url if shared else None, waits)

    for endpoint in ("/v1/charges", "/v1/invoices", "/v1/customers"):
        for _ in range(5):
            budget.take(LIVE, endpoint)

    assert waits == []
    for _ in range(2):
        budget.take(LIVE, "/v1/refunds")
    assert len(waits) == 2


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize(("reason", "slowed"), [("endpoint-rate", False), ("global-rate", True), (None, False)])
def test_a_429_slows_what_it_is_about(valkey_url: str, reason: str | None, *, slowed: bool, shared: bool) -> None:
    """Stripe's reason says whether a class of endpoints or the account gave too much; only that one gives way."""
    waits: list[float] = []
    budget = _budget(valkey_url if shared else None, waits)

    budget.punish(LIVE, "/v1/charges", 1.0, reason)
    budget.take(LIVE, "/v1/invoices")

    assert bool(waits) is slowed


@pytest.mark.parametrize("shared", [True, False])
def test_a_slowed_bucket_gives_less_and_recovers(valkey_url: str, *, shared: bool) -> None:
    """After a 429 requests come at half the rate; many at once halve it once."""
    waits: list[float] = []
    budget = _budget(valkey_url if shared else None, waits)

    for _ in range(5):
        budget.punish(LIVE, "/v1/charges", 0.001)
    for _ in range(6):
        budget.take(LIVE, "/v1/charges")

    between = waits[-1] - waits[-2]
    assert 0.08 < between < 0.11, "ten a second, where twenty are allowed"


@pytest.mark.parametrize("shared", [True, False])
def test_who_waits_does_not_stand_behind_a_backfill(valkey_url: str, *, shared: bool) -> None:
    """A look-up finds its own bucket full however much a backfill has taken."""
    waits: list[float] = []
    budget = _budget(valkey_url if shared else None, waits)
    for _ in range(30):
        budget.take(LIVE, "/v1/customers")
    waits.clear()

    budget.take(Account(account_id="acct_1", livemode=True, is_interactive=True), "/v1/customers")

    assert waits == []


# helpers


def _budget(redis_url: str | None, waits: list[float]) -> Budget:
    config = StripeConfig(public_url="http://ochre", redis_url=redis_url, requests_per_second=20)
    return Budget(config, sleep=waits.append)

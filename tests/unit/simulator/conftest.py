"""A simulated Stripe of a few hundred customers, and ways to ask it."""

from collections.abc import Callable, Iterator

import pytest

from stripe_sync.simulator.accounts import AccountPlan
from stripe_sync.simulator.answers import Answer
from stripe_sync.simulator.records import Record
from stripe_sync.simulator.stripe import SimulatedStripe

NOW = 1_790_000_000

Get = Callable[..., Record]


def make_stripe(customers: int = 40, seed: str = "unit", rate: float | None = None) -> SimulatedStripe:
    """Return a simulated Stripe with one merchant, as of NOW."""
    return SimulatedStripe(seed=seed, now=NOW, plans=[AccountPlan(customers=customers)], rate=rate)


def ask(stripe: SimulatedStripe, path: str, query: str = "", *, now: float = NOW, method: str = "GET") -> Answer:
    """Ask the API with the merchant's own key."""
    key = stripe.default_account.keys[stripe.livemode]
    return stripe.request(method, path, query=query, headers={"authorization": f"Bearer {key}"}, now=now)


def pages(
    stripe: SimulatedStripe, path: str, query: str = "", *, limit: int = 100, now: float = NOW
) -> Iterator[Record]:
    """Yield every object of a list, page by page."""
    cursor = ""
    while True:
        answer = ask(stripe, path, f"limit={limit}&{query}{cursor}", now=now)
        assert answer.status == 200, answer.body
        yield from answer.body["data"]
        if not answer.body["has_more"]:
            return
        cursor = f"&starting_after={answer.body['data'][-1]['id']}"


@pytest.fixture(name="merchant", scope="session")
def _merchant() -> SimulatedStripe:
    """A merchant of 300 customers that no test changes."""
    return make_stripe(300)


@pytest.fixture(name="stripe")
def _stripe() -> SimulatedStripe:
    """A merchant of its own for a test that changes it."""
    return make_stripe()

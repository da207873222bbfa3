"""Reading one account: its token, its budget, its patience with 429s, and Stripe's clock as seen through it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import TypeVar

from stripe_sync.budget import Account, Budget
from stripe_sync.connect.models import Connection
from stripe_sync.gateway import Answer, Gateway, GatewayError, Page, Trouble
from stripe_sync.kinds import Kind, StripeJson

PATIENCE_S = (0.5, 1.0, 2.0, 4.0)
"""How long to hold back after one 429 after another, before giving the work back."""

Said = TypeVar("Said", Answer, Page)


@dataclass(frozen=True, slots=True)
class Contact:
    """What talking to Stripe told us besides the objects."""

    reads: int
    clock_offset: timedelta


class AccountReader:
    """Reads one connection's account for the length of one job."""

    def __init__(
        self,
        gateway: Gateway,
        budget: Budget,
        connection: Connection,
        token: str,
        *,
        is_interactive: bool = False,
    ) -> None:
        """Read with `token`, which the vault gave out for `connection`.

        Where somebody waits (`is_interactive`) requests come out of an allowance of their own, and a 429 is not
        waited out.
        """
        self.connection = connection
        self._gateway = gateway
        self._budget = budget
        self._token = token
        self._account = Account(
            account_id=connection.account_id, livemode=connection.livemode, is_interactive=is_interactive
        )
        self._patience = () if is_interactive else PATIENCE_S
        self._offset = connection.clock_offset
        self._reads = 0
        self._lock = Lock()

    def read(self, ask: Callable[[Gateway, str], Said], endpoint: str = "other") -> Said:
        """Return what `ask(gateway, token)` returns, within the budget; raise GatewayError, after some 429s too.

        `endpoint` names the class of endpoints it asks, each of which has a limit of its own. Several threads may
        read at once.
        """
        for patience in (*self._patience, None):
            self._budget.take(self._account, endpoint)
            with self._lock:
                self._reads += 1
            try:
                said = ask(self._gateway, self._token)
            except GatewayError as error:
                if error.trouble is not Trouble.RATE_LIMITED or patience is None:
                    raise
                self._budget.punish(self._account, endpoint, patience, error.limit_reason)
            else:
                self._settle(said)
                return said
        raise AssertionError("the last attempt returns or raises")

    def stamp(self, sent_at: datetime) -> datetime:
        """Return the moment before a request was sent, in Stripe's time."""
        return sent_at + self._offset

    def take_contact(self) -> Contact:
        """Return what was learnt since the last call."""
        with self._lock:
            contact = Contact(reads=self._reads, clock_offset=self._offset)
            self._reads = 0
        return contact

    def complete(self, kind: Kind, objects: Sequence[StripeJson]) -> list[StripeJson]:
        """Return objects with the items that a subscription embeds only the first of; raise GatewayError."""
        if kind.name != "subscriptions":
            return list(objects)
        return [self._with_all_items(payload) for payload in objects]

    def _with_all_items(self, subscription: StripeJson) -> StripeJson:
        listed = subscription.get("items")
        if not isinstance(listed, dict) or not listed.get("has_more"):
            return subscription
        params = {"subscription": subscription["id"], "expand": ["data.discounts"]}
        found: list[StripeJson] = []
        while True:
            after = found[-1]["id"] if found else None
            page = self.read(
                lambda gateway, token, after=after: gateway.page(  # type: ignore[misc]  # bound in a loop
                    token, "/v1/subscription_items", params, starting_after=after
                ),
                "/v1/subscription_items",
            )
            found.extend(page.objects)
            if not page.has_more:
                return {**subscription, "items": {**listed, "data": found, "has_more": False}}

    def _settle(self, said: Answer | Page) -> None:
        """Take up what an answer says of Stripe's clock, where the offset we go by cannot be right.

        Then the least that can be is taken: a stamp that is too early costs a fetch, one too late would let a page beat
        an event. What may be right stays, so that stamps do not jitter against each other.
        """
        if said.clock_offset is not None and abs(said.clock_offset - self._offset) > said.clock_slack:
            self._offset = said.clock_offset - said.clock_slack

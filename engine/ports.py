"""What the routing of conversations needs of others, declared here and bound in `web.wiring`.

`engine` imports neither `rules` nor `stripe_sync`; they, or small adapters in `web`, satisfy these protocols.
Every call that reads takes the caller's open session, so that one decision is one transaction.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sqlalchemy.orm import Session

from engine.core.facts import Facts
from engine.core.ruleset import Ruleset
from engine.ids import EndUserId, WorkspaceId


class Clock(Protocol):
    """The time and fresh ids, so that nothing else reads the clock or rolls dice."""

    def now(self) -> datetime:
        """Return the present instant, aware and in UTC."""
        ...

    def new_id(self, prefix: str) -> str:
        """Return a fresh id `prefix_…`; later ids sort after earlier ones."""
        ...

    def new_secret(self, bytes_: int = 32) -> str:
        """Return fresh URL-safe randomness of that many bytes, for tokens and states."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ActiveRuleset:
    """The published ruleset that decides, and its number."""

    version: int
    ruleset: Ruleset


class RulesetSource(Protocol):
    """Gives the ruleset that is published now."""

    def active(self, workspace_id: WorkspaceId, session: Session) -> ActiveRuleset | None:
        """Return the published ruleset, compiled, or None if nothing was ever published."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class BillingFacts:
    """The Stripe facts of one end user at one instant."""

    facts: Facts
    match_pending: bool = False
    """True when a look-up in Stripe was postponed and a better match may follow."""


class FactSource(Protocol):
    """Gives what Stripe knows about an end user."""

    def look_up(self, workspace_id: WorkspaceId, email: str) -> None:
        """Prepare for a sender nobody may know yet, outside of any transaction; returns within a second."""
        ...

    def match_and_read(
        self, workspace_id: WorkspaceId, session: Session, end_user_id: EndUserId, now: datetime
    ) -> BillingFacts:
        """Link the end user to a customer if exactly one fits their e-mail, and return their facts at `now`."""
        ...


class Waker(Protocol):
    """Wakes the worker for a topic; never raises, since the scheduler wakes it again if the wake-up is lost."""

    def wake(self, topic: str) -> None:
        """Ask that `topic` (`outbox`, `stripe_events`, `backfill`, …) be drained soon."""
        ...

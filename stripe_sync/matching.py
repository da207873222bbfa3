"""Which Stripe customer an end user is. Pure; the rules stand in `resolve`, in the order in which they apply.

A link says what is between one end user and one customer. What a person decided (`manual`, `unlinked`) is
remembered and always wins; everything else is worked out anew from the customers that share the e-mail address.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from engine.ids import ConnectionId


class LinkKind(StrEnum):
    """What is between an end user and a customer."""

    EMAIL = "email"
    """Linked: the one customer that fits the address (or the customer the end user was made from)."""
    MANUAL = "manual"
    """Linked by a person."""
    CANDIDATE = "candidate"
    """One of several that fit; not linked."""
    DUPLICATE = "duplicate"
    """Fits too, but never paid nor subscribed, and another one did."""
    UNLINKED = "unlinked"
    """A person said it is not them."""


LINKED = frozenset({LinkKind.EMAIL, LinkKind.MANUAL})


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class CustomerKey:
    """A customer in a workspace."""

    connection_id: ConnectionId
    customer_id: str


def by_connection(customers: Iterable[CustomerKey]) -> dict[ConnectionId, list[str]]:
    """Return the ids of customers by connection, each once and in ascending order."""
    found: dict[ConnectionId, list[str]] = {}
    for key in sorted(set(customers)):
        found.setdefault(key.connection_id, []).append(key.customer_id)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """What is between one end user and one customer."""

    key: CustomerKey
    kind: LinkKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A customer with the end user's address."""

    key: CustomerKey
    is_active: bool
    """Its connection may still be read."""
    livemode: bool
    has_history: bool | None
    """It ever had a subscription or a succeeded charge; None while that is not known yet."""
    rank: int
    """Of its best subscription, lower is better; see `SUBSCRIPTION_RANK`."""
    created: datetime | None


SUBSCRIPTION_RANK = {"active": 0, "past_due": 1, "trialing": 2, "unpaid": 3, "paused": 4, "incomplete": 5}
NO_LIVE_SUBSCRIPTION = 9


def resolve(candidates: Iterable[Candidate], present: Iterable[Link]) -> frozenset[Link]:
    """Return the links an end user should have, given who fits the address and the links there are.

    1. What a person unlinked stays unlinked and is no candidate.
    2. Manual links win; nothing else is linked beside them.
    3. Only the best mode counts: connections that can be read before ended ones, live before test.
    4. One candidate: linked. Several, exactly one of them with a history and the others surely without: that one is
       linked, the others are duplicates. Otherwise all of them are candidates and none is linked.
    """
    remembered = {link for link in present if link.kind in {LinkKind.MANUAL, LinkKind.UNLINKED}}
    if any(link.kind is LinkKind.MANUAL for link in remembered):
        return frozenset(remembered)
    refused = {link.key for link in remembered}
    fitting = _best_mode([candidate for candidate in candidates if candidate.key not in refused])
    return frozenset(remembered | _by_email(fitting))


def _best_mode(candidates: Sequence[Candidate]) -> Sequence[Candidate]:
    if not candidates:
        return ()
    best = max((candidate.is_active, candidate.livemode) for candidate in candidates)
    return [candidate for candidate in candidates if (candidate.is_active, candidate.livemode) == best]


def _by_email(fitting: Sequence[Candidate]) -> set[Link]:
    with_history = [candidate for candidate in fitting if candidate.has_history]
    is_certain = all(candidate.has_history is not None for candidate in fitting)
    if len(fitting) == 1:
        chosen = fitting[0]
    elif len(with_history) == 1 and is_certain:
        chosen = with_history[0]
    else:
        return {Link(key=candidate.key, kind=LinkKind.CANDIDATE) for candidate in fitting}
    return {
        Link(key=candidate.key, kind=LinkKind.EMAIL if candidate is chosen else LinkKind.DUPLICATE)
        for candidate in fitting
    }


def best_first(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Return candidates with the best one first: best subscription, then newest, then greatest id."""
    return sorted(
        candidates,
        key=lambda candidate: (
            candidate.rank,
            -candidate.created.timestamp() if candidate.created else 0.0,
            candidate.key,
        ),
    )

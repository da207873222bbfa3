"""Export and erasure of what the sync keeps of one end user, in the caller's transaction.

A customer who is also somebody else's (a company with several people) stays: only the link to this one goes.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from engine.core.facts import JsonValue, format_instant, to_json
from engine.ids import EndUserId, WorkspaceId
from stripe_sync import erased_repository, fact_repository, history_repository, jsontext, links
from stripe_sync.matching import LINKED, CustomerKey, Link, LinkKind
from stripe_sync.privacy import repository

MAX_HISTORY = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasedCustomers:
    """What an erasure took out of the mirror."""

    customers: tuple[CustomerKey, ...]
    objects: int


def export(workspace_id: WorkspaceId, session: Session, end_user_id: EndUserId) -> dict[str, JsonValue]:
    """Return everything the sync keeps of an end user: links, stored facts, Stripe's objects, events."""
    found = links.links_of(workspace_id, session, [end_user_id]).get(end_user_id, frozenset())
    kept = fact_repository.read_many(workspace_id, session, [end_user_id]).get(end_user_id)
    return {
        "links": [_link_json(link) for link in sorted(found, key=lambda link: link.key)],
        "facts": None if kept is None else {name: to_json(value) for name, value in sorted(kept.facts.values.items())},
        "last_values": None if kept is None or kept.last_values is None else dict(kept.last_values),
        "history": [
            {"at": format_instant(each.at), "fact": each.fact, "old": each.old, "new": each.new}
            for each in history_repository.newest(workspace_id, session, end_user_id, MAX_HISTORY)
        ],
        "customers": [
            _customer_json(workspace_id, session, link.key)
            for link in sorted(found, key=lambda link: link.key)
            if link.kind is not LinkKind.UNLINKED
        ],
    }


def erase(
    workspace_id: WorkspaceId,
    session: Session,
    end_user_id: EndUserId,
    email_normalized: str | None,
    *,
    new_key: str,
    now: datetime,
) -> ErasedCustomers:
    """Remove everything the sync keeps of an end user, and remember by hashes not to take it in again."""
    own = _own_customers(workspace_id, session, end_user_id)
    gone: list[tuple[str, str]] = []
    for key in own:
        gone += repository.remove_customer(workspace_id, session, key)
    if gone:
        erased_repository.remember(workspace_id, session, gone, new_key, now)
    repository.forget_end_user(workspace_id, session, end_user_id, email_normalized)
    fact_repository.forget(workspace_id, session, [end_user_id])
    history_repository.forget(workspace_id, session, end_user_id)
    return ErasedCustomers(customers=tuple(own), objects=len(gone))


def _own_customers(workspace_id: WorkspaceId, session: Session, end_user_id: EndUserId) -> list[CustomerKey]:
    """Return the customers that are this end user's and nobody else's."""
    found = links.links_of(workspace_id, session, [end_user_id]).get(end_user_id, frozenset())
    keys = {link.key for link in found if link.kind is not LinkKind.UNLINKED}
    others = links.end_users_of(workspace_id, session, keys)
    shared = {key for key, people in others.items() if _is_others(workspace_id, session, key, people - {end_user_id})}
    return sorted(keys - shared)


def _is_others(workspace_id: WorkspaceId, session: Session, key: CustomerKey, people: set[EndUserId]) -> bool:
    theirs = links.links_of(workspace_id, session, people)
    return any(link.key == key and link.kind in LINKED for each in theirs.values() for link in each)


def _customer_json(workspace_id: WorkspaceId, session: Session, key: CustomerKey) -> dict[str, JsonValue]:
    objects: dict[str, Any] = {
        kind: [payload for _, payload in repository.objects_of(workspace_id, session, key, kind)]
        for kind in repository.OWNED_KINDS
    }
    payloads = [payload for payload in repository.events_about(workspace_id, session, key) if payload]
    return {
        "connection": key.connection_id,
        "id": key.customer_id,
        "objects": objects,
        "events": [jsontext.parse(payload.encode()) for payload in payloads],
    }


def _link_json(link: Link) -> dict[str, JsonValue]:
    return {"connection": link.key.connection_id, "customer": link.key.customer_id, "kind": link.kind.value}

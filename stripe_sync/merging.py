"""A customer who had no address gets one: the nameless end user that stood for them makes way for who has it.

Laws
- Only what the matching made moves. A link that somebody made by hand stays where it is.
- Whoever wrote in, or was given attributes, is never removed; they only lose the customer.
"""

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy.orm import Session

from engine.ids import EndUserId, WorkspaceId
from engine.inbox import end_user_repository as people
from engine.inbox import erasure_repository
from engine.inbox.models import EndUser
from stripe_sync import fact_repository, history_repository, links
from stripe_sync.candidate_repository import CustomerCard
from stripe_sync.matching import CustomerKey, LinkKind


def merge_nameless(
    workspace_id: WorkspaceId,
    session: Session,
    living: Collection[CustomerCard],
    linked: Mapping[CustomerKey, Collection[EndUserId]],
    by_address: Mapping[str, EndUserId],
    now: datetime,
) -> frozenset[EndUserId]:
    """Take customers that have an address now from nameless end users; return those who are gone with it."""
    owners = {card.key: by_address.get(card.email_normalized) for card in living if card.email_normalized}
    suspects = {each for key, owner in owners.items() for each in linked.get(key, ()) if owner and each != owner}
    if not suspects:
        return frozenset()
    known = people.end_users_by_id(workspace_id, session, sorted(suspects))
    nameless = {row_id: person for row_id, person in known.items() if person.email_normalized is None}
    changes = {}
    for row_id, before in links.links_of(workspace_id, session, nameless).items():
        after = frozenset(link for link in before if link.key not in owners or link.kind is LinkKind.MANUAL)
        if after != before:
            changes[row_id] = (before, after)
    links.replace_links(workspace_id, session, changes, now)
    bare = [row_id for row_id, (_, after) in changes.items() if not after]
    return frozenset(row_id for row_id in bare if _remove(workspace_id, session, nameless[row_id]))


def _remove(workspace_id: WorkspaceId, session: Session, person: EndUser) -> bool:
    """Remove a nameless end user of whom nobody knows anything; return whether it is gone."""
    if person.attributes or erasure_repository.conversation_ids_of(workspace_id, session, person.id):
        return False
    fact_repository.forget(workspace_id, session, [person.id])
    history_repository.forget(workspace_id, session, person.id)
    erasure_repository.erase_end_user(workspace_id, session, person.id)
    return True

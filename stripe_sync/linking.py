"""From customers to people: end users are made, linked and unlinked, and their facts follow.

`refresh` is what everything that changes the mirror ends with: a page, an event, a fetch, a fan-out.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from engine.audit import repository as audit
from engine.core.facts import JsonValue
from engine.ids import EndUserId, MemberId, WorkspaceId
from engine.inbox import end_user_repository as people
from engine.ports import Clock
from stripe_sync import candidate_repository, links
from stripe_sync.candidate_repository import CustomerCard
from stripe_sync.connect.repository import connections
from stripe_sync.fact_service import Cause, FactService
from stripe_sync.matching import LINKED, CustomerKey, Link, LinkKind, resolve
from stripe_sync.merging import merge_nameless


@dataclass(frozen=True, slots=True)
class Linking:
    """Keeps links and facts in step with the mirror."""

    facts: FactService
    clock: Clock

    def refresh(
        self,
        workspace_id: WorkspaceId,
        session: Session,
        customers: Collection[CustomerKey],
        now: datetime,
        cause: Cause,
    ) -> int:
        """Make or find the end users of customers, match them anew, derive their facts; return how many end users."""
        affected = self.match_customers(workspace_id, session, customers, now)
        self.facts.recompute(workspace_id, session, affected, now, cause)
        return len(affected)

    def match_customers(
        self, workspace_id: WorkspaceId, session: Session, customers: Collection[CustomerKey], now: datetime
    ) -> set[EndUserId]:
        """Make or find the end users of customers and match them anew; return everybody concerned."""
        if not customers:
            return set()
        cards = candidate_repository.cards(workspace_id, session, customers)
        linked = links.end_users_of(workspace_id, session, customers)
        living = [card for card in cards.values() if not card.is_deleted]
        affected = {end_user_id for end_user_ids in linked.values() for end_user_id in end_user_ids}
        with_email = [(card.email, card.name) for card in living if card.email and card.email_normalized]
        by_address = people.ensure_end_users(workspace_id, session, with_email, now, self.clock.new_id)
        affected.update(by_address.values())
        affected -= merge_nameless(workspace_id, session, living, linked, by_address, now)
        links.forget_customers(workspace_id, session, [card.key for card in cards.values() if card.is_deleted])
        self.rematch(workspace_id, session, affected, now)
        # Only now: whoever lost their address has just lost the link that it made, and is somebody all the same.
        nameless = [card for card in living if not card.email_normalized]
        known = links.end_users_of(workspace_id, session, [card.key for card in nameless])
        affected.update(
            self._make_end_user(workspace_id, session, card, now) for card in nameless if card.key not in known
        )
        return affected

    def _make_end_user(
        self, workspace_id: WorkspaceId, session: Session, card: CustomerCard, now: datetime
    ) -> EndUserId:
        """Make an end user for a customer without an address; the link says which customer they came from."""
        made = people.find_or_create_end_user(workspace_id, session, None, card.name, now, self.clock.new_id)
        links.put_links(workspace_id, session, [(made.id, Link(key=card.key, kind=LinkKind.EMAIL))], now)
        return made.id

    def rematch(
        self, workspace_id: WorkspaceId, session: Session, end_user_ids: Collection[EndUserId], now: datetime
    ) -> frozenset[EndUserId]:
        """Match end users with the customers that share their address; return those whose links changed.

        What people decided stays.
        """
        known = people.end_users_by_id(workspace_id, session, sorted(end_user_ids))
        with_email = {end_user.id: end_user.email_normalized for end_user in known.values()}
        emails = {end_user_id: email for end_user_id, email in with_email.items() if email}
        by_id = {connection.id: connection for connection in connections(workspace_id, session)}
        fitting = candidate_repository.candidates(workspace_id, session, set(emails.values()), by_id)
        present = links.links_of(workspace_id, session, list(emails))
        changes = {}
        for end_user_id, email in emails.items():
            before = present.get(end_user_id, frozenset())
            after = resolve(fitting.get(email, ()), before)
            if after != before:
                changes[end_user_id] = (before, after)
        links.replace_links(workspace_id, session, changes, now)
        return frozenset(changes)

    def link(
        self,
        workspace_id: WorkspaceId,
        session: Session,
        end_user_id: EndUserId,
        card: CustomerCard,
        *,
        member_id: MemberId,
        now: datetime,
    ) -> None:
        """Link by hand."""
        links.put_links(workspace_id, session, [(end_user_id, Link(key=card.key, kind=LinkKind.MANUAL))], now)
        self._after_hand(workspace_id, session, end_user_id, [card.key], member_id, "stripe.customer_linked", now)

    def unlink(
        self, workspace_id: WorkspaceId, session: Session, end_user_id: EndUserId, *, member_id: MemberId, now: datetime
    ) -> int:
        """Undo an end user's links, for good; return how many there were."""
        present = links.links_of(workspace_id, session, [end_user_id]).get(end_user_id, frozenset())
        keys = sorted(link.key for link in present if link.kind in LINKED)
        links.put_links(
            workspace_id, session, [(end_user_id, Link(key=key, kind=LinkKind.UNLINKED)) for key in keys], now
        )
        if keys:
            self._after_hand(workspace_id, session, end_user_id, keys, member_id, "stripe.customer_unlinked", now)
        return len(keys)

    def _after_hand(  # noqa: PLR0917  who did what to whom, and when
        self,
        workspace_id: WorkspaceId,
        session: Session,
        end_user_id: EndUserId,
        keys: Iterable[CustomerKey],
        member_id: MemberId,
        action: str,
        now: datetime,
    ) -> None:
        self.rematch(workspace_id, session, [end_user_id], now)
        self.facts.recompute(workspace_id, session, [end_user_id], now, Cause.LINK)
        detail: dict[str, JsonValue] = {"customers": [key.customer_id for key in keys]}
        audit.record(workspace_id, session, member_id, action, end_user_id, detail, now)

"""The facts of whoever writes in: matched anew, read, and worked out again only where something is another.

Laws of this module
- What comes out is what `Linking.rematch` and `FactService` come to; whatever is not plain is left to them.
- Plain is a sender with at most one customer of that address, whose links are as they should be.
- Facts of somebody without a customer are stored once; a row that somebody else is storing is waited for.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from engine.core.facts import Facts
from engine.ids import ConnectionId, EndUserId, WorkspaceId
from engine.ports import BillingFacts
from engine.workspace.repository import get_workspace
from stripe_sync import fact_repository, links, sender_repository
from stripe_sync.connect.models import Connection
from stripe_sync.connect.repository import connections
from stripe_sync.derive import without_customer
from stripe_sync.fact_changes import StoredFacts
from stripe_sync.fact_service import Cause, FactService, fresh, why_nobody
from stripe_sync.linking import Linking
from stripe_sync.links import Subject
from stripe_sync.lookup.senders import SenderLookup
from stripe_sync.matching import NO_LIVE_SUBSCRIPTION, Candidate, resolve
from stripe_sync.sender_repository import Sender

ByConnection = Mapping[ConnectionId, Connection]


@dataclass(frozen=True, slots=True)
class SenderFacts:
    """Matches and reads one sender."""

    linking: Linking
    facts: FactService
    senders: SenderLookup

    def match_and_read(
        self, workspace_id: WorkspaceId, session: Session, end_user_id: EndUserId, now: datetime
    ) -> BillingFacts:
        """Link the end user to a customer if exactly one fits, and return their facts at `now`."""
        found = connections(workspace_id, session)
        by_id = {connection.id: connection for connection in found}
        sender = sender_repository.find_sender(workspace_id, session, end_user_id)
        subject = None
        if _is_settled(sender, by_id):
            subject = links.subject_of(workspace_id, session, end_user_id, sender.links, found)
        facts = None if subject is None else self._read(workspace_id, session, subject, now)
        if subject is None or facts is None:
            subject, facts = self._match_and_recompute(workspace_id, session, end_user_id, now)
        pending = self.senders.is_pending(workspace_id, session, subject, now, found)
        return BillingFacts(facts=facts, match_pending=pending)

    def _read(self, workspace_id: WorkspaceId, session: Session, subject: Subject, now: datetime) -> Facts | None:
        """Return the facts of a sender whose links are right, or None if they are to be worked out again."""
        kept, awaits_renewal = fact_repository.read_one(workspace_id, session, subject.end_user_id)
        if awaits_renewal or subject.is_stale or subject.candidates:
            return None
        if subject.customers:
            # Every change of theirs brings these up to date.
            return None if kept is None else fresh(kept.facts, subject, now)
        nobody = without_customer(why_nobody(subject), subject.match, now)
        if kept is None:
            currency = get_workspace(workspace_id, session).settings.reporting_currency
            stored = StoredFacts(facts=nobody, reporting_currency=currency)
            if not fact_repository.insert_one(workspace_id, session, subject.end_user_id, stored, now):
                return None
        elif not _is_same(kept, nobody):
            return None
        return fresh(nobody, subject, now)

    def _match_and_recompute(
        self, workspace_id: WorkspaceId, session: Session, end_user_id: EndUserId, now: datetime
    ) -> tuple[Subject, Facts]:
        is_other = bool(self.linking.rematch(workspace_id, session, [end_user_id], now))
        subject = links.subjects(workspace_id, session, [end_user_id])[end_user_id]
        # The reasons of whoever is not linked depend on the workspace's connections.
        if is_other or subject.is_stale or not subject.customers:
            self.facts.recompute(workspace_id, session, [end_user_id], now, Cause.LINK)
        return subject, self.facts.read(workspace_id, session, end_user_id, now)


def _is_settled(sender: Sender, by_id: ByConnection) -> bool:
    """Return whether a sender's links are plain and as they should be."""
    if not sender.has_email:
        return True
    fitting = [one for one in sender.fitting if one.key.connection_id in by_id]
    # Between several, only their pasts can tell.
    return len(fitting) <= 1 and resolve(_candidates(fitting, by_id), sender.links) == sender.links


def _candidates(fitting: Sequence[sender_repository.Fitting], by_id: ByConnection) -> list[Candidate]:
    return [
        Candidate(
            key=one.key,
            is_active=by_id[one.key.connection_id].is_active,
            livemode=by_id[one.key.connection_id].livemode,
            has_history=None,
            rank=NO_LIVE_SUBSCRIPTION,
            created=one.created,
        )
        for one in fitting
    ]


def _is_same(kept: StoredFacts, nobody: Facts) -> bool:
    """Return whether what is kept says of a sender without a customer just what there is to say."""
    return (
        kept.facts.values == nobody.values
        and kept.facts.reasons.items() >= nobody.reasons.items()
        and not (kept.facts.notes or kept.customers or kept.last_values or kept.rates)
    )

"""Facts of end users: derived from the mirror, combined, stored, and told about when they change.

Everything works on many end users at once: a handful of queries per batch, none per customer.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from sqlalchemy.orm import Session

from engine.core.facts import Facts, FactValue, JsonValue, Reason, to_json
from engine.ids import ConnectionId, EndUserId, WorkspaceId
from engine.outbox import repository as outbox
from engine.workspace.models import OnAmbiguous, WorkspaceSettings
from engine.workspace.repository import get_workspace
from stripe_sync import fact_repository, mirror_repository
from stripe_sync.catalog import STORED
from stripe_sync.derive import CustomerFacts, DeriveSettings, RateTable, at, best_of, combine, derive, without_customer
from stripe_sync.fact_repository import FactChange, StoredFacts
from stripe_sync.links import LinkedCustomer, Subject, subjects
from stripe_sync.objects import Bundle

BATCH = 300

Bundles = Mapping[tuple[ConnectionId, str], Bundle]


class Cause(StrEnum):
    """Why facts were worked out again."""

    EVENT = "event"
    BACKFILL = "backfill"
    CLOCK = "clock"
    LINK = "link"
    SETTING = "setting"


@dataclass(frozen=True, slots=True)
class FactService:
    """Derives and keeps the facts of end users, with one source of exchange rates."""

    rates: RateTable

    def recompute(
        self,
        workspace_id: WorkspaceId,
        session: Session,
        end_user_ids: Collection[EndUserId],
        now: datetime,
        cause: Cause,
    ) -> int:
        """Work out the facts of end users again, store them, and emit `fact_changed` for each that is another.

        Return how many changed. The caller's transaction holds both the facts and what is told about them.
        """
        settings = get_workspace(workspace_id, session).settings
        count = 0
        for batch in _batches(end_user_ids):
            news = self._derive_all(workspace_id, session, batch, settings, now)
            changes = fact_repository.write_many(workspace_id, session, news, now)
            for change in changes:
                outbox.emit(workspace_id, session, "fact_changed", _payload(change, cause), now)
            count += len(changes)
        return count

    def read(self, workspace_id: WorkspaceId, session: Session, end_user_id: EndUserId, now: datetime) -> Facts:
        """Return the facts of an end user at `now`; work them out first if that never happened.

        How fresh they are is the connection's latest contact with Stripe, later than when they were worked out.
        """
        stored = fact_repository.read(workspace_id, session, end_user_id)
        if stored is None:
            self.recompute(workspace_id, session, [end_user_id], now, Cause.LINK)
            stored = fact_repository.read(workspace_id, session, end_user_id)
        assert stored is not None
        subject = subjects(workspace_id, session, [end_user_id])[end_user_id]
        fresh = _synced_at(subject.customers) if "synced_at" in stored.values else {}
        return at(replace(stored, values={**stored.values, **fresh}), now)

    def _derive_all(
        self,
        workspace_id: WorkspaceId,
        session: Session,
        end_user_ids: Sequence[EndUserId],
        settings: WorkspaceSettings,
        now: datetime,
    ) -> dict[EndUserId, StoredFacts]:
        found = subjects(workspace_id, session, end_user_ids)
        before = fact_repository.read_many(
            workspace_id, session, [key for key, subject in found.items() if subject.is_stale]
        )
        customers = [customer for subject in found.values() for customer in _speaking(subject, settings)]
        bundles = _load(workspace_id, session, customers)
        return {
            end_user_id: _stale(subject, before.get(end_user_id), settings, now)
            if subject.is_stale
            else self._derive_one(subject, bundles, settings, now)
            for end_user_id, subject in found.items()
        }

    def _derive_one(
        self, subject: Subject, bundles: Bundles, settings: WorkspaceSettings, now: datetime
    ) -> StoredFacts:
        customers = _speaking(subject, settings)
        if not customers:
            facts = without_customer(_why_nobody(subject), subject.match, now)
            return StoredFacts(facts=facts, reporting_currency=settings.reporting_currency)
        each = [self._derive_customer(customer, subject.match, bundles, settings, now) for customer in customers]
        best = None if subject.customers else best_of(each)
        return StoredFacts(
            facts=combine(each, now) if best is None else best,
            reporting_currency=settings.reporting_currency,
            customers=tuple((customer.connection.id, customer.customer_id) for customer in customers),
        )

    def _derive_customer(
        self, customer: LinkedCustomer, match: str, bundles: Bundles, settings: WorkspaceSettings, now: datetime
    ) -> CustomerFacts:
        bundle = bundles.get((customer.connection.id, customer.customer_id), Bundle())
        facts = derive(bundle, now, self._settings(customer, settings))
        # A linked customer that is not here yet is one all the same.
        is_there = bundle.customer is not None or "customers" not in customer.synced_kinds
        known: dict[str, FactValue] = {"customer": is_there, "match": match}
        if is_there:
            known["account"] = customer.connection.account_id
        return facts.with_values({**known, **_synced_at((customer,))})

    def _settings(self, customer: LinkedCustomer, settings: WorkspaceSettings) -> DeriveSettings:
        return DeriveSettings(
            reporting_currency=settings.reporting_currency,
            timezone=settings.timezone,
            subtract_repeating=settings.subtract_repeating,
            subtract_once=settings.subtract_once,
            churn_at=settings.churn_at,
            rates=self.rates,
            complete=customer.synced_kinds,
        )


def _speaking(subject: Subject, settings: WorkspaceSettings) -> tuple[LinkedCustomer, ...]:
    """Return the customers that speak for the end user: the linked ones, else candidates if the workspace says so."""
    chosen = subject.customers
    if not chosen and subject.match == "ambiguous" and settings.on_ambiguous is OnAmbiguous.BEST:
        chosen = subject.candidates
    return tuple(customer for customer in chosen if customer.connection.is_active)


def _synced_at(customers: Collection[LinkedCustomer]) -> dict[str, FactValue]:
    """Return the fact `synced_at`: the oldest of the connections' latest contacts, in whole seconds."""
    contacts = [each.connection.last_contact_at for each in customers if each.connection.is_active]
    known = [contact for contact in contacts if contact is not None]
    return {"synced_at": min(known).replace(microsecond=0)} if known and len(known) == len(contacts) else {}


def _why_nobody(subject: Subject) -> Reason:
    if not subject.is_connected:
        return Reason.NOT_CONNECTED
    return Reason.AMBIGUOUS if subject.match == "ambiguous" else Reason.NO_CUSTOMER


def _stale(subject: Subject, before: StoredFacts | None, settings: WorkspaceSettings, now: datetime) -> StoredFacts:
    """Return facts that have no value any more, with the last ones kept beside them for people to look at."""
    known: dict[str, FactValue] = {"match": subject.match}
    last = None if before is None else before.last_values or fact_repository.json_values(at(before.facts, now))
    return StoredFacts(
        facts=Facts(
            as_of=now,
            values=known,
            reasons={stored.name: Reason.STALE for stored in STORED if stored.name not in known},
        ),
        reporting_currency=settings.reporting_currency,
        customers=tuple((customer.connection.id, customer.customer_id) for customer in subject.customers),
        last_values=last,
    )


def _load(workspace_id: WorkspaceId, session: Session, customers: Sequence[LinkedCustomer]) -> Bundles:
    by_connection = defaultdict(set)
    for customer in customers:
        by_connection[customer.connection.id].add(customer.customer_id)
    return {
        (connection_id, customer_id): bundle
        for connection_id, customer_ids in by_connection.items()
        for customer_id, bundle in mirror_repository.bundles(workspace_id, session, connection_id, customer_ids).items()
    }


def _payload(change: FactChange, cause: Cause) -> dict[str, JsonValue]:
    return {
        "end_user_id": change.end_user_id,
        "fact": change.fact,
        "old": to_json(change.old),
        "new": to_json(change.new),
        "cause": cause.value,
    }


def _batches(end_user_ids: Collection[EndUserId]) -> Iterator[Sequence[EndUserId]]:
    ordered = sorted(set(end_user_ids))
    return (ordered[start : start + BATCH] for start in range(0, len(ordered), BATCH))

"""Facts of end users: derived from the mirror, combined, stored, and told about when they change.

Everything works on many end users at once: a handful of queries per batch, none per customer.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy.orm import Session

from engine.core.facts import Facts, FactValue, JsonValue, Reason, to_json
from engine.ids import ConnectionId, EndUserId, WorkspaceId
from engine.outbox import repository as outbox
from engine.ports import Clock, Waker
from engine.storage import Database
from engine.workspace.models import OnAmbiguous, WorkspaceSettings
from engine.workspace.repository import get_workspace
from stripe_sync import bundle_repository, fact_renewal_repository, fact_repository
from stripe_sync.catalog import STORED
from stripe_sync.derive import (
    CustomerFacts,
    DeriveSettings,
    FirstRate,
    GivenRates,
    NotedRates,
    RateTable,
    at,
    best_of,
    combine,
    derive,
    without_customer,
)
from stripe_sync.fact_changes import FactChange, StoredFacts, changes, is_kept
from stripe_sync.garbage import collected_later
from stripe_sync.links import LinkedCustomer, Subject, subjects
from stripe_sync.objects import Bundle
from stripe_sync.rates import rates_of

BATCH = 500
FACTS_TOPIC = "facts"
JOB_TIME = timedelta(seconds=20)
"""How long one job works before it lets others have a turn."""

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
        count = 0
        for batch in _batches(end_user_ids):
            with collected_later():
                told = [_payload(change, cause) for change in self._renew(workspace_id, session, batch, now)]
            outbox.emit_many(workspace_id, session, "fact_changed", told, now)
            count += len(told)
        return count

    def recompute_due(self, database: Database, now: datetime, *, limit: int = BATCH) -> int:
        """Work out again what the clock alone made another, in all workspaces; return for how many end users.

        Call it until it returns less than `limit`.
        """
        with database.system(readonly=True) as session:
            due = fact_repository.system_due(session, now, limit=limit)
        for workspace_id, end_user_ids in due.items():
            with database.workspace(workspace_id) as session:
                self.recompute(workspace_id, session, end_user_ids, now, Cause.CLOCK)
        return sum(len(end_user_ids) for end_user_ids in due.values())

    def settings_changed(self, workspace_id: WorkspaceId, session: Session, now: datetime) -> None:
        """Ask that everybody's facts be worked out again by the workspace's new settings.

        One row, whatever the number of end users: the work itself waits for `drain_due`, so wake `FACTS_TOPIC` once
        the transaction is over. Until it comes to an end user, whoever reads their facts brings them up to date.
        """
        fact_renewal_repository.request(workspace_id, session, now)

    def drain_due(self, database: Database, clock: Clock, waker: Waker | None = None) -> int:
        """Work out again what the clock or the settings made another by now; return for how many end users.

        What does not fit into one job is left to the next, for which `waker` is asked.
        """
        now = clock.now()
        until, total = now + JOB_TIME, 0
        while clock.now() < until:
            done = self.recompute_due(database, now)
            if done < BATCH:
                done += self.recompute_requested(database, clock)
            total += done
            if not done:
                return total
        if waker is not None:
            waker.wake(FACTS_TOPIC)
        return total

    def recompute_requested(self, database: Database, clock: Clock) -> int:
        """Work out again one batch of each workspace whose settings changed; return for how many end users."""
        with database.system(readonly=True) as session:
            requested = fact_renewal_repository.system_requested(session)
        total = 0
        for workspace_id in requested:
            with database.workspace(workspace_id) as session:
                end_user_ids = fact_renewal_repository.take(workspace_id, session, BATCH)
                self.recompute(workspace_id, session, end_user_ids, clock.now(), Cause.SETTING)
            total += len(end_user_ids)
        return total

    def read(self, workspace_id: WorkspaceId, session: Session, end_user_id: EndUserId, now: datetime) -> Facts:
        """Return the facts of an end user at `now`; work them out first if that never happened.

        They follow the workspace's settings at once, also while a change of those is still being worked through.
        How fresh they are is the connection's latest contact with Stripe, later than when they were worked out.
        """
        stored = fact_repository.read(workspace_id, session, end_user_id)
        if stored is None:
            self.recompute(workspace_id, session, [end_user_id], now, Cause.LINK)
            stored = fact_repository.read(workspace_id, session, end_user_id)
        elif fact_renewal_repository.awaits(workspace_id, session, end_user_id):
            self.recompute(workspace_id, session, [end_user_id], now, Cause.SETTING)
            stored = fact_repository.read(workspace_id, session, end_user_id)
        assert stored is not None
        return fresh(stored, subjects(workspace_id, session, [end_user_id])[end_user_id], now)

    def read_kept(
        self, workspace_id: WorkspaceId, session: Session, end_user_ids: Collection[EndUserId], now: datetime
    ) -> dict[EndUserId, Facts]:
        """Return the facts of many end users at `now` as they are kept, working nothing out.

        Those whose facts were never worked out are left out.
        """
        kept = fact_repository.read_many(workspace_id, session, end_user_ids)
        about = subjects(workspace_id, session, list(kept))
        return {end_user_id: fresh(stored.facts, about[end_user_id], now) for end_user_id, stored in kept.items()}

    def _renew(
        self, workspace_id: WorkspaceId, session: Session, end_user_ids: Sequence[EndUserId], now: datetime
    ) -> Sequence[FactChange]:
        """Derive and store the facts of one batch; return what changed."""
        before = fact_repository.lock_many(workspace_id, session, end_user_ids)
        # Read under the lock: a change of settings that was waited for here must not be written over.
        settings = get_workspace(workspace_id, session).settings
        rates = rates_of(settings, self.rates)
        found = subjects(workspace_id, session, end_user_ids)
        customers = [customer for subject in found.values() for customer in _speaking(subject, settings)]
        bundles = _load(workspace_id, session, customers)
        news: dict[EndUserId, StoredFacts] = {}
        at_old_rates: dict[EndUserId, Facts] = {}
        for end_user_id, subject in found.items():
            old = before.get(end_user_id)
            if subject.is_stale:
                news[end_user_id] = _stale(subject, old, settings, now)
                continue
            new = _derive(subject, bundles, settings, rates, now)
            news[end_user_id] = new
            if old is not None and _rates_moved(old, new):
                given = GivenRates(
                    into=old.reporting_currency, rates={code: rate.value for code, rate in old.rates.items()}
                )
                at_old_rates[end_user_id] = _derive(subject, bundles, settings, FirstRate((given, rates)), now).facts
        kept = {key for key, old in before.items() if is_kept(old, news[key], now)}
        contacts = {key: news[key].facts.values.get("synced_at") for key in kept}
        fact_repository.keep_many(workspace_id, session, contacts, now)
        others = {key: new for key, new in news.items() if key not in kept}
        fact_repository.store_many(workspace_id, session, others, now)
        return [
            change
            for key in sorted(others.keys() & before.keys())
            for change in changes(key, before[key].facts, news[key].facts, now, at_old_rates.get(key))
        ]


def _rates_moved(old: StoredFacts, new: StoredFacts) -> bool:
    same_currency = old.reporting_currency == new.reporting_currency
    return same_currency and any(old.rates.get(code, rate).value != rate.value for code, rate in new.rates.items())


def _derive(
    subject: Subject, bundles: Bundles, settings: WorkspaceSettings, rates: RateTable, now: datetime
) -> StoredFacts:
    """Return the facts of an end user from the objects of their customers."""
    currency = settings.reporting_currency
    customers = _speaking(subject, settings)
    if not customers:
        return StoredFacts(facts=without_customer(why_nobody(subject), subject.match, now), reporting_currency=currency)
    noted = NotedRates(rates)
    each = [_derive_customer(customer, subject.match, bundles, settings, noted, now) for customer in customers]
    best = None if subject.customers else best_of(each)
    return StoredFacts(
        facts=combine(each, now) if best is None else best,
        reporting_currency=currency,
        rates=noted.noted,
        customers=tuple((customer.connection.id, customer.customer_id) for customer in customers),
    )


def _derive_customer(
    customer: LinkedCustomer,
    match: str,
    bundles: Bundles,
    settings: WorkspaceSettings,
    rates: RateTable,
    now: datetime,
) -> CustomerFacts:
    bundle = bundles.get((customer.connection.id, customer.customer_id), Bundle())
    chosen = DeriveSettings(
        reporting_currency=settings.reporting_currency,
        timezone=settings.timezone,
        subtract_repeating=settings.subtract_repeating,
        subtract_once=settings.subtract_once,
        churn_at=settings.churn_at,
        rates=rates,
        complete=customer.synced_kinds,
    )
    # A linked customer that is not here yet is one all the same.
    is_there = bundle.customer is not None or "customers" not in customer.synced_kinds
    known: dict[str, FactValue] = {"customer": is_there, "match": match}
    if is_there:
        known["account"] = customer.connection.account_id
    return derive(bundle, now, chosen).with_values({**known, **_synced_at((customer,))})


def _speaking(subject: Subject, settings: WorkspaceSettings) -> tuple[LinkedCustomer, ...]:
    """Return the customers that speak for the end user: the linked ones, else candidates if the workspace says so."""
    chosen = subject.customers
    if not chosen and subject.match == "ambiguous" and settings.on_ambiguous is OnAmbiguous.BEST:
        chosen = subject.candidates
    return tuple(customer for customer in chosen if customer.connection.is_active)


def fresh(stored: Facts, subject: Subject, now: datetime) -> Facts:
    """Return stored facts at `now`, and when the connection was last in contact, which is later than the facts."""
    fresh = _synced_at(subject.customers) if "synced_at" in stored.values else {}
    return at(replace(stored, values={**stored.values, **fresh}), now)


def _synced_at(customers: Collection[LinkedCustomer]) -> dict[str, FactValue]:
    """Return the fact `synced_at`: the oldest of the connections' latest contacts, in whole seconds."""
    contacts = [each.connection.last_contact_at for each in customers if each.connection.is_active]
    known = [contact for contact in contacts if contact is not None]
    return {"synced_at": min(known).replace(microsecond=0)} if known and len(known) == len(contacts) else {}


def why_nobody(subject: Subject) -> Reason:
    """Return why an end user without a customer has no facts."""
    if not subject.is_connected:
        return Reason.NOT_CONNECTED
    return Reason.AMBIGUOUS if subject.match == "ambiguous" else Reason.NO_CUSTOMER


def _stale(subject: Subject, before: StoredFacts | None, settings: WorkspaceSettings, now: datetime) -> StoredFacts:
    """Return facts that have no value any more, with the last ones kept beside them for people to look at."""
    known: dict[str, FactValue] = {"match": subject.match}
    last = None if before is None else before.last_values or _as_json(at(before.facts, now))
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


def _as_json(facts: Facts) -> dict[str, JsonValue]:
    return {name: to_json(value) for name, value in facts.values.items()}


def _load(workspace_id: WorkspaceId, session: Session, customers: Sequence[LinkedCustomer]) -> Bundles:
    by_connection = defaultdict(set)
    for customer in customers:
        by_connection[customer.connection.id].add(customer.customer_id)
    return {
        (connection_id, customer_id): bundle
        for connection_id, customer_ids in by_connection.items()
        for customer_id, bundle in bundle_repository.bundles(workspace_id, session, connection_id, customer_ids).items()
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

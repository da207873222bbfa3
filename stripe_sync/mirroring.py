"""Taking news into the mirror: pages, events' snapshots and fetches, each by the rules of `stripe_sync.apply`.

Each function works in the caller's transaction and returns whose facts may have changed; what must be fetched again
is queued in the same transaction.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.orm import Session

from engine.ids import ConnectionId, WorkspaceId
from stripe_sync import drift, drift_repository, mirror_repository, mirror_write_repository, queue_repository
from stripe_sync.apply import Known, News, Source, complete, judge, stamp_of_fetch
from stripe_sync.connect import repository as connect_repository
from stripe_sync.kinds import KINDS, SHARED_KINDS, Kind, StripeJson, nested_objects, reference, uses
from stripe_sync.matching import CustomerKey
from stripe_sync.mirror_repository import MirrorRow

_OWNERS = (
    # Where an object's customer is found, if not on the object itself: field, kind of the owner.
    ("customer", "customers"),
    ("charge", "charges"),
    ("invoice", "invoices"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What an event says of one object."""

    kind: Kind
    payload: StripeJson
    created: datetime
    """Of the event."""
    is_deleted: bool = False


@dataclass(slots=True)
class _Pending:
    """One object while a batch of events is worked through."""

    known: Known | None
    payload: StripeJson | None
    is_written: bool = False
    refetch: bool = False


@dataclass(frozen=True, slots=True)
class Mirroring:
    """Takes news of one connection into the mirror."""

    workspace_id: WorkspaceId
    session: Session = field(repr=False)
    connection_id: ConnectionId
    now: datetime

    def take_page(
        self, kind: Kind, objects: Sequence[StripeJson], stamp: datetime, run_id: str | None
    ) -> frozenset[CustomerKey]:
        """Take one page of a list that was asked for at `stamp`, and whole objects that stand inside it.

        `run_id` is the run that reads the whole account, None for a list of one customer's objects.
        A run is told of customers alone: it derives everybody's facts once its lists are read.
        """
        news = News(stamp=stamp, source=Source.PAGE)
        before = self._rows_to_measure(kind, objects, run_id)
        written = self._write(kind, objects, news, run_id)
        if before is not None:
            self._measure(kind, [payload for payload in objects if payload["id"] in written], before, stamp)
        self._take_nested(kind, objects, news, run_id)
        is_told = kind.name not in SHARED_KINDS if run_id is None else kind.name == "customers"
        return self._touched(kind, written) if is_told else frozenset()

    def _rows_to_measure(
        self, kind: Kind, objects: Sequence[StripeJson], run_id: str | None
    ) -> Mapping[str, MirrorRow] | None:
        """Return what is there before a sweep's page is written; None where there is nothing to measure yet."""
        if run_id is None:
            return None
        connection = connect_repository.find_connection(self.workspace_id, self.session, self.connection_id)
        if connection is None or kind.name not in connection.synced_kinds:
            return None
        ids = [payload["id"] for payload in objects]
        return mirror_repository.find_rows(self.workspace_id, self.session, self.connection_id, kind, ids)

    def _measure(
        self, kind: Kind, written: Sequence[StripeJson], before: Mapping[str, MirrorRow], stamp: datetime
    ) -> None:
        """Note what a page of a sweep showed to be another than we had it."""
        missing = [(payload["id"], None) for payload in written if payload["id"] not in before]
        different = [
            (row.id, row.known.stamp)
            for payload in written
            if (row := before.get(payload["id"])) is not None
            and row.known.source is not Source.EVENT
            and drift.differs(kind, row.payload, payload)
        ]
        for what, found in (("missing", missing), ("different", different)):
            drift_repository.suspect(self.workspace_id, self.session, self.connection_id, kind.name, what, found, stamp)

    def note_gone(self, kind: Kind, object_id: str, known: Known | None, sent: datetime) -> None:
        """Note that Stripe no longer has an object that a sweep missed and the mirror still had."""
        if known is not None and not known.is_deleted:
            drift_repository.suspect(
                self.workspace_id,
                self.session,
                self.connection_id,
                kind.name,
                "gone",
                [(object_id, known.stamp)],
                sent,
            )

    def _take_nested(self, kind: Kind, objects: Sequence[StripeJson], news: News, run_id: str | None) -> None:
        """Take whole objects inside others as a page shows them; a tie is left alone, they have events of their own."""
        by_kind: dict[str, list[StripeJson]] = defaultdict(list)
        for payload in objects:
            for inner, inner_payload in nested_objects(kind, payload):
                by_kind[inner.name].append(inner_payload)
        for name, inside in sorted(by_kind.items()):
            mirror_write_repository.write(
                self.workspace_id, self.session, self.connection_id, KINDS[name], inside, news, run_id=run_id
            )

    def _write(self, kind: Kind, objects: Sequence[StripeJson], news: News, run_id: str | None) -> frozenset[str]:
        written = mirror_write_repository.write(
            self.workspace_id, self.session, self.connection_id, kind, objects, news, run_id=run_id
        )
        left = {payload["id"] for payload in objects} - written
        if left:
            self._want_where_tied(kind, left, news, "page")
        return written

    def _want_where_tied(self, kind: Kind, ids: Collection[str], news: News, cause: str) -> None:
        """Queue those of the objects that were not written and of which nobody can tell what is newer."""
        rows = mirror_repository.find_rows(self.workspace_id, self.session, self.connection_id, kind, ids)
        self.want_refetch([(kind, row.id) for row in rows.values() if judge(row.known, news).refetch], cause)

    def take_fetch(
        self, kind: Kind, payload: StripeJson, sent: datetime, known: Known | None, *, is_deleted: bool
    ) -> frozenset[CustomerKey]:
        """Take one object that was fetched, or that Stripe no longer has.

        `sent` is the moment before the request, in Stripe's time; `known` what the mirror had then.
        """
        stamp = stamp_of_fetch(sent, known)
        news = News(stamp=stamp, source=Source.FETCH, is_deleted=is_deleted, confirms=known)
        # A card may have been taken off its customer, who is no longer to be found afterwards.
        before = self._touched(kind, frozenset({payload["id"]})) if kind.name == "payment_methods" else frozenset()
        written = mirror_write_repository.write(
            self.workspace_id, self.session, self.connection_id, kind, [payload], news
        )
        if not written:
            self._want_where_tied(kind, {payload["id"]}, news, "meanwhile")
        elif not is_deleted:
            self._take_nested(kind, [payload], News(stamp=sent, source=Source.PAGE), None)
            self._want_missing(kind, [payload])
        return before | self._touched(kind, written)

    def take_events(self, snapshots: Iterable[Snapshot], cause: str) -> frozenset[CustomerKey]:
        """Take what a batch of events shows, oldest first, and queue its confirmation."""
        by_kind: dict[str, list[Snapshot]] = defaultdict(list)
        for snapshot in sorted(snapshots, key=lambda each: each.created):
            by_kind[snapshot.kind.name].append(snapshot)
        touched: frozenset[CustomerKey] = frozenset()
        for name, batch in sorted(by_kind.items()):
            touched |= self._take_events_of(KINDS[name], batch, cause)
        return touched

    def _take_events_of(self, kind: Kind, batch: Sequence[Snapshot], cause: str) -> frozenset[CustomerKey]:
        ids = {snapshot.payload["id"] for snapshot in batch}
        rows = mirror_repository.find_rows(self.workspace_id, self.session, self.connection_id, kind, ids)
        pending = {
            object_id: _Pending(
                known=rows[object_id].known if object_id in rows else None,
                payload=rows[object_id].payload if object_id in rows else None,
            )
            for object_id in ids
        }
        for snapshot in batch:
            _settle(pending[snapshot.payload["id"]], snapshot)
        self.want_refetch([(kind, object_id) for object_id, each in pending.items() if each.refetch], cause)
        # Before the write: once it is gone nobody can tell whose it was.
        touched = self._touched(kind, frozenset(object_id for object_id, each in pending.items() if each.is_written))
        self._write_events(kind, [each for each in pending.values() if each.is_written])
        living = [each.payload for each in pending.values() if each.is_written and each.payload is not None]
        self._want_missing(kind, living)
        return touched | self._touched(kind, frozenset(payload["id"] for payload in living))

    def _write_events(self, kind: Kind, written: Sequence[_Pending]) -> None:
        living = {each.payload["id"]: each for each in written if each.payload is not None and not _is_gone(each)}
        stamps = {object_id: each.known.stamp for object_id, each in living.items() if each.known is not None}
        if living:
            news = News(stamp=max(stamps.values()), source=Source.EVENT)
            payloads = [each.payload for each in living.values() if each.payload is not None]
            mirror_write_repository.write(
                self.workspace_id, self.session, self.connection_id, kind, payloads, news, stamps=stamps
            )
        for each in written:
            if each.payload is not None and each.known is not None and _is_gone(each):
                gone = News(stamp=each.known.stamp, source=Source.EVENT, is_deleted=True)
                mirror_write_repository.write(
                    self.workspace_id, self.session, self.connection_id, kind, [each.payload], gone
                )

    def want_refetch(self, wanted: Collection[tuple[Kind, str]], cause: str) -> None:
        """Queue objects to be fetched again."""
        if wanted:
            queue_repository.want_refetch(self.workspace_id, self.session, self.connection_id, wanted, cause, self.now)

    def _want_missing(self, kind: Kind, payloads: Sequence[StripeJson]) -> None:
        """Queue what these objects refer to and the mirror never had: an event about it was lost, or comes later."""
        used = {use for payload in payloads for use in uses(kind, payload)}
        missing = mirror_repository.missing_of(self.workspace_id, self.session, self.connection_id, used)
        wanted = {(KINDS[use.kind], use.id) for use in missing}
        for name, owner in _OWNERS:
            ids = {found for payload in payloads if (found := reference(payload, name))}
            if ids and owner != kind.name:
                known = mirror_repository.find_ids(
                    self.workspace_id, self.session, self.connection_id, KINDS[owner], ids
                )
                wanted.update((KINDS[owner], object_id) for object_id in ids - known)
        self.want_refetch(wanted, "reference")

    def _touched(self, kind: Kind, ids: frozenset[str]) -> frozenset[CustomerKey]:
        """Return the customers these objects belong to; for shared ones queue all who use them."""
        if not ids:
            return frozenset()
        if kind.name in SHARED_KINDS:
            users = mirror_repository.users_of(self.workspace_id, self.connection_id, kind, ids)
            queue_repository.mark_dirty(self.workspace_id, self.session, self.connection_id, users, kind.name, self.now)
            return frozenset()
        customers = mirror_repository.customers_of(self.workspace_id, self.session, self.connection_id, kind, ids)
        return frozenset(CustomerKey(connection_id=self.connection_id, customer_id=each) for each in customers)


def _settle(pending: _Pending, snapshot: Snapshot) -> None:
    """Work one snapshot into what is known of its object so far."""
    news = News(stamp=snapshot.created, source=Source.EVENT, is_deleted=snapshot.is_deleted)
    verdict = judge(pending.known, news)
    pending.refetch |= verdict.refetch
    if not verdict.write:
        return
    payload: StripeJson | None = snapshot.payload
    if not snapshot.is_deleted:
        payload = complete(snapshot.kind, pending.payload, snapshot.payload)
    elif pending.payload is not None:
        payload = pending.payload
    if payload is None:
        return  # too little to show; the fetch that is queued brings the rest
    pending.known = Known(stamp=snapshot.created, source=Source.EVENT, is_deleted=snapshot.is_deleted)
    pending.payload = payload
    pending.is_written = True


def _is_gone(pending: _Pending) -> bool:
    return pending.known is not None and pending.known.is_deleted

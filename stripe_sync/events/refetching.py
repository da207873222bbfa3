"""Objects are fetched again: what an event showed is confirmed, ties are settled, missing references are filled in.

Coalesced per object: however many events an object had, it is read once after the last of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from engine.ids import ConnectionId, WorkspaceId
from engine.ports import Clock
from engine.storage import Database
from stripe_sync import mirror_repository, queue_repository
from stripe_sync.access import Access
from stripe_sync.apply import Known
from stripe_sync.connect.models import Connection
from stripe_sync.connect.vault import VaultRefusedError
from stripe_sync.fact_service import Cause
from stripe_sync.gateway import GatewayError, Trouble
from stripe_sync.kinds import KINDS, StripeJson
from stripe_sync.linking import Linking
from stripe_sync.matching import CustomerKey
from stripe_sync.mirroring import Mirroring
from stripe_sync.queue_repository import Refetch
from stripe_sync.reader import AccountReader

BATCH = 10

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Fetched:
    """An object as Stripe has it now."""

    refetch: Refetch
    payload: StripeJson
    sent: datetime
    """In Stripe's time."""
    known: Known | None
    """What the mirror had then."""
    is_deleted: bool


@dataclass(frozen=True, slots=True)
class _Failed:
    """A fetch that brought nothing."""

    refetch: Refetch
    error: GatewayError


@dataclass(frozen=True, slots=True)
class Refetching:
    """Works off the wishes for fetching again."""

    database: Database
    clock: Clock
    access: Access
    linking: Linking

    def is_due(self) -> bool:
        """Return whether there is anything to fetch now."""
        with self.database.system(readonly=True) as session:
            return bool(queue_repository.system_due_refetches(session, self.clock.now()))

    def drain(self, until: datetime | None = None) -> int:
        """Fetch everything that is due, connection by connection, beginning nothing after `until`; return how many."""
        with self.database.system(readonly=True) as session:
            due = queue_repository.system_due_refetches(session, self.clock.now())
        return sum(self.drain_connection(workspace_id, connection_id, until) for workspace_id, connection_id in due)

    def drain_connection(
        self, workspace_id: WorkspaceId, connection_id: ConnectionId, until: datetime | None = None
    ) -> int:
        """Fetch everything of one connection that is due; stops early when Stripe does not answer."""
        connection = self.access.find(workspace_id, connection_id)
        if connection is None:
            with self.database.workspace(workspace_id) as session:
                queue_repository.forget_refetches(workspace_id, session, connection_id)
            return 0
        try:
            reader = self.access.open(connection, "refetch")
        except VaultRefusedError as error:
            self.access.note_failure(connection, error)
            return 0
        total = 0
        while True:
            count, is_over = self._batch(reader, connection)
            total += count
            if is_over or (until is not None and self.clock.now() >= until):
                return total

    def _batch(self, reader: AccountReader, connection: Connection) -> tuple[int, bool]:
        workspace_id = connection.workspace_id
        with self.database.workspace(workspace_id, readonly=True) as session:
            due = queue_repository.due_refetches(workspace_id, session, connection.id, self.clock.now(), BATCH)
            known = {
                (kind_name, row.id): row.known
                for kind_name in {refetch.kind.name for refetch in due}
                for row in mirror_repository.find_rows(
                    workspace_id,
                    session,
                    connection.id,
                    KINDS[kind_name],
                    [refetch.object_id for refetch in due if refetch.kind.name == kind_name],
                ).values()
            }
        results: list[_Fetched | _Failed] = []
        for refetch in due:
            results.append(_fetch(reader, refetch, known.get((refetch.kind.name, refetch.object_id))))
            if isinstance(results[-1], _Failed) and _stops(results[-1].error):
                break
        troubles = [result.error for result in results if isinstance(result, _Failed) and _stops(result.error)]
        self._store(reader, connection, results, is_healthy=not troubles)
        for error in troubles:
            self.access.note_failure(connection, error)
        return len(results), bool(troubles) or len(due) < BATCH

    def _store(
        self,
        reader: AccountReader,
        connection: Connection,
        results: Sequence[_Fetched | _Failed],
        *,
        is_healthy: bool,
    ) -> None:
        workspace_id, now = connection.workspace_id, self.clock.now()
        with self.database.workspace(workspace_id) as session:
            self.access.note_contact(reader, session, is_healthy=is_healthy)
            touched: frozenset[CustomerKey] = frozenset()
            mirroring = Mirroring(workspace_id, session, connection.id, now)
            for result in results:
                refetch = result.refetch
                if isinstance(result, _Failed) and _stops(result.error):
                    queue_repository.refetch_failed(
                        workspace_id, session, connection.id, refetch, str(result.error), now
                    )
                elif isinstance(result, _Failed):
                    # Stripe will never show us this one: a key without the permission, a kind without an address.
                    log.warning("stripe_refetch_refused", kind=refetch.kind.name, error=str(result.error))
                    queue_repository.refetch_answered(workspace_id, session, connection.id, refetch)
                else:
                    if result.is_deleted and refetch.cause == "sweep":
                        mirroring.note_gone(refetch.kind, refetch.object_id, result.known, result.sent)
                    touched |= mirroring.take_fetch(
                        refetch.kind, result.payload, result.sent, result.known, is_deleted=result.is_deleted
                    )
                    queue_repository.refetch_answered(workspace_id, session, connection.id, refetch)
            self.linking.refresh(workspace_id, session, touched, now, Cause.EVENT)


def _fetch(reader: AccountReader, refetch: Refetch, known: Known | None) -> _Fetched | _Failed:
    try:
        answer = reader.read(
            lambda gateway, token: gateway.fetch(token, refetch.kind, refetch.object_id), f"{refetch.kind.path}/id"
        )
        (payload,) = reader.complete(refetch.kind, [answer.body])
        sent_at = answer.sent_at
    except GatewayError as error:
        if error.trouble is not Trouble.NOT_FOUND or error.sent_at is None:
            return _Failed(refetch, error)
        payload, sent_at = {"id": refetch.object_id, "deleted": True}, error.sent_at
    sent = reader.stamp(sent_at)
    return _Fetched(refetch, payload, sent, known, is_deleted=payload.get("deleted") is True)


def _stops(error: GatewayError) -> bool:
    """Return whether an error concerns the account and not the one object."""
    return error.trouble is Trouble.UNAUTHORIZED or not error.is_permanent

"""A workspace with a connected account, whose mirror a test fills by hand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction

from engine.core.facts import Facts, JsonValue
from engine.ids import ConnectionId, EndUserId, MemberId, WorkspaceId
from engine.outbox import repository as outbox
from engine.storage import Database
from engine.workspace import repository as workspaces
from engine.workspace.models import Workspace, WorkspaceSettings
from stripe_sync import links, mirror_write_repository
from stripe_sync.apply import News, Source
from stripe_sync.connect import repository as connections
from stripe_sync.connect.models import Connection, ConnectionStatus, CredentialKind
from stripe_sync.connect.repository import SealedSecrets
from stripe_sync.derive import GivenRates
from stripe_sync.fact_service import Cause, FactService
from stripe_sync.kinds import KINDS
from stripe_sync.matching import CustomerKey, Link, LinkKind
from tests.clock import FrozenClock
from tests.unit.derive.build import Json

HERE = WorkspaceId("ws_here")
ADA = EndUserId("eu_ada")
SERVICE = FactService(GivenRates(into="usd", rates={"eur": Fraction("1.10")}))


@dataclass(frozen=True, slots=True)
class World:
    """One workspace in one database."""

    database: Database
    clock: FrozenClock

    def open(self, settings: WorkspaceSettings | None = None) -> None:
        """Make the workspace."""
        made = Workspace(id=HERE, name="Here", settings=settings or WorkspaceSettings(), created_at=self.clock.now())
        with self.database.workspace(HERE) as session:
            workspaces.insert_workspace(HERE, session, made)

    def change_settings(self, settings: WorkspaceSettings) -> None:
        """Change what the workspace chose, and ask that facts follow."""
        with self.database.workspace(HERE) as session:
            workspaces.update_settings(HERE, session, settings)
            SERVICE.settings_changed(HERE, session, self.clock.now())

    def connect(
        self, name: str = "a", *, livemode: bool = True, complete: frozenset[str] = frozenset(KINDS)
    ) -> ConnectionId:
        """Connect an account whose lists were read to the end."""
        connection = Connection(
            id=ConnectionId(f"con_{name}"),
            workspace_id=HERE,
            kind=CredentialKind.OAUTH,
            account_id=f"acct_{name}",
            livemode=livemode,
            status=ConnectionStatus.ACTIVE,
            connected_by=MemberId("mem_1"),
            connected_at=self.clock.now(),
            ended_at=None,
            last_contact_at=self.clock.now(),
            last_event_at=None,
            last_error=None,
            clock_offset=timedelta(0),
            events_until=None,
            caught_up_at=None,
            synced_kinds=frozenset(),
            reads=0,
        )
        with self.database.workspace(HERE) as session:
            connections.save_connected(HERE, session, connection, SealedSecrets())
            connections.add_synced_kinds(HERE, session, connection.id, complete)
        return connection.id

    def disconnect(self, connection_id: ConnectionId) -> None:
        """End a connection."""
        with self.database.workspace(HERE) as session:
            connections.end_connection(HERE, session, connection_id, ConnectionStatus.INACTIVE, self.clock.now())

    def mirror(self, connection_id: ConnectionId, **objects: Sequence[Json]) -> None:
        """Put objects into the mirror, newer than what is there."""
        news = News(stamp=self.clock.advance(timedelta(seconds=1)), source=Source.PAGE)
        with self.database.workspace(HERE) as session:
            for kind, payloads in objects.items():
                mirror_write_repository.write(HERE, session, connection_id, KINDS[kind], list(payloads), news)

    def link(
        self,
        connection_id: ConnectionId,
        customer_id: str,
        end_user_id: EndUserId = ADA,
        kind: LinkKind = LinkKind.EMAIL,
    ) -> None:
        """Put something between an end user and a customer."""
        link = Link(key=CustomerKey(connection_id=connection_id, customer_id=customer_id), kind=kind)
        with self.database.workspace(HERE) as session:
            links.put_links(HERE, session, [(end_user_id, link)], self.clock.now())

    def recompute(self, *end_user_ids: EndUserId, cause: Cause = Cause.EVENT) -> int:
        """Work out facts again."""
        with self.database.workspace(HERE) as session:
            return SERVICE.recompute(HERE, session, end_user_ids or (ADA,), self.clock.now(), cause)

    def read(self, end_user_id: EndUserId = ADA) -> Facts:
        """Return facts as they are now."""
        with self.database.workspace(HERE) as session:
            return SERVICE.read(HERE, session, end_user_id, self.clock.now())

    def told(self) -> list[dict[str, JsonValue]]:
        """Return what was told of changes since the last call, oldest first."""
        with self.database.system() as session:
            entries = outbox.system_pending(session, self.clock.now() + timedelta(days=9999), limit=10_000)
            outbox.system_mark_done(session, [entry.id for entry in entries], self.clock.now())
        return [dict(entry.payload) for entry in entries if entry.kind == "fact_changed"]


def changes(told: Sequence[Mapping[str, JsonValue]]) -> dict[str, tuple[JsonValue, JsonValue]]:
    """Return old and new value by fact; one fact told twice is a fault."""
    found = {str(each["fact"]): (each["old"], each["new"]) for each in told}
    assert len(found) == len(told)
    return found

"""One customer read whole, ahead of the lists of the account: the customer, what is theirs, and what that refers to.

What plan, status and MRR are made of is read and stored first, then what was paid. A list longer than `MAX_PAGES` is
left to the backfill: its kind stays incomplete, so that no sum over a part of it ever shows.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from engine.ids import ConnectionId, WorkspaceId
from engine.ports import Clock
from engine.storage import Database
from stripe_sync import mirror_repository, own_kinds_repository
from stripe_sync.fact_service import Cause
from stripe_sync.gateway import GatewayError, Page, Trouble
from stripe_sync.kinds import KINDS, SHARED_KINDS, Kind, StripeJson, uses
from stripe_sync.linking import Linking
from stripe_sync.matching import CustomerKey
from stripe_sync.mirroring import Mirroring
from stripe_sync.reader import AccountReader

MAX_PAGES = 5
MAX_CUSTOMERS = 10
"""More customers than this under one address are nobody's to choose from by machine."""
MAX_ASIDE = 20
"""How many charges of a customer have their refunds and disputes asked for, one request each."""
_CONTRACT = frozenset({"customers", "subscriptions", "payment_methods"}) | SHARED_KINDS


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """Objects of one kind from one answer, with the moment before it was asked for, in Stripe's time."""

    kind: Kind
    objects: Sequence[StripeJson]
    stamp: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class _Listed:
    """What a list brought, and whether that is all of it."""

    parts: Sequence[_Part]
    is_whole: bool

    @property
    def objects(self) -> Iterator[StripeJson]:
        """Return the objects of all parts."""
        return (payload for part in self.parts for payload in part.objects)


@dataclass(frozen=True, slots=True)
class CustomerReading:
    """Reads customers on their own."""

    database: Database
    clock: Clock
    linking: Linking

    def by_email(self, reader: AccountReader, spellings: Collection[str]) -> frozenset[CustomerKey]:
        """Read the customers that have one of the spellings as their address, whole; raise GatewayError.

        Stripe compares addresses letter by letter, so each spelling is a request.
        """
        kind = KINDS["customers"]
        parts = [part for email in sorted(spellings) for part in _listed(reader, kind, {"email": email}).parts]
        found = sorted({payload["id"] for part in parts for payload in part.objects})[:MAX_CUSTOMERS]
        self._read(reader, parts, found)
        return frozenset(CustomerKey(connection_id=reader.connection.id, customer_id=each) for each in found)

    def by_id(self, reader: AccountReader, customer_id: str) -> bool:
        """Read a customer whole; return False if Stripe has none with that id; raise GatewayError."""
        kind = KINDS["customers"]
        try:
            answer = reader.read(lambda gateway, token: gateway.fetch(token, kind, customer_id), f"{kind.path}/id")
        except GatewayError as error:
            if error.trouble is not Trouble.NOT_FOUND:
                raise
            return False
        if answer.body.get("deleted") is True:
            return False
        self._read(
            reader,
            [_Part(kind=kind, objects=[answer.body], stamp=reader.stamp(answer.sent_at))],
            [customer_id],
        )
        return True

    def _read(self, reader: AccountReader, customers: Sequence[_Part], customer_ids: Sequence[str]) -> None:
        """Read what belongs to customers that were found, and store it in two strides."""
        if not customer_ids:
            return
        keys = [CustomerKey(connection_id=reader.connection.id, customer_id=each) for each in customer_ids]
        contracts = {
            key: _listed(reader, KINDS["subscriptions"], {"customer": key.customer_id, "status": "all"}) for key in keys
        }
        subscriptions = [part for listed in contracts.values() for part in listed.parts]
        shared = self._shared(reader, [*customers, *subscriptions])
        complete = {key: _CONTRACT if listed.is_whole else frozenset[str]() for key, listed in contracts.items()}
        self._store(reader, [*customers, *shared, *subscriptions], complete)
        paid = {key: _paid(reader, key.customer_id) for key in keys}
        complete = {key: complete[key] | kinds for key, (_, kinds) in paid.items()}
        self._store(reader, [part for parts, _ in paid.values() for part in parts], complete)

    def _shared(self, reader: AccountReader, parts: Sequence[_Part]) -> list[_Part]:
        """Fetch the products, prices and coupons that are used here and that the mirror never had."""
        used = {use for part in parts for payload in part.objects for use in uses(part.kind, payload)}
        connection = reader.connection
        with self.database.workspace(connection.workspace_id, readonly=True) as session:
            missing = mirror_repository.missing_of(connection.workspace_id, session, connection.id, used)
        found = []
        for use in sorted(missing, key=lambda use: (use.kind, use.id)):
            kind = KINDS[use.kind]
            try:
                answer = reader.read(
                    lambda gateway, token, kind=kind, use=use: gateway.fetch(token, kind, use.id),  # type: ignore[misc]  # bound in a loop
                    f"{kind.path}/id",
                )
            except GatewayError as error:
                if error.trouble is not Trouble.NOT_FOUND:
                    raise
                continue
            if answer.body.get("deleted") is not True:
                found.append(_Part(kind=kind, objects=[answer.body], stamp=reader.stamp(answer.sent_at)))
        return found

    def _store(
        self, reader: AccountReader, parts: Sequence[_Part], complete: Mapping[CustomerKey, frozenset[str]]
    ) -> None:
        connection, now = reader.connection, self.clock.now()
        workspace_id: WorkspaceId = connection.workspace_id
        connection_id: ConnectionId = connection.id
        with self.database.workspace(workspace_id) as session:
            mirroring = Mirroring(workspace_id, session, connection_id, now)
            touched = set(complete)
            for part in parts:
                touched |= mirroring.take_page(part.kind, part.objects, part.stamp, None)
            for key, kinds in complete.items():
                own_kinds_repository.note_read(workspace_id, session, key, kinds, now)
            self.linking.refresh(workspace_id, session, touched, now, Cause.LINK)


def _paid(reader: AccountReader, customer_id: str) -> tuple[list[_Part], frozenset[str]]:
    """Return a customer's invoices and charges with their refunds and disputes, and the kinds that are complete."""
    of_customer = {"customer": customer_id}
    invoices = _listed(reader, KINDS["invoices"], of_customer)
    notes = _listed(reader, KINDS["credit_notes"], of_customer)
    charges = _listed(reader, KINDS["charges"], of_customer)
    parts = [*invoices.parts, *notes.parts, *charges.parts]
    done = {name for name, listed in (("invoices", invoices), ("credit_notes", notes)) if listed.is_whole}
    if charges.is_whole:
        done.add("charges")
        for name, concerned in (
            ("refunds", [charge["id"] for charge in charges.objects if charge.get("amount_refunded")]),
            ("disputes", [charge["id"] for charge in charges.objects if charge.get("disputed")]),
        ):
            found = [_listed(reader, KINDS[name], {"charge": charge_id}) for charge_id in concerned[:MAX_ASIDE]]
            parts += [part for listed in found for part in listed.parts]
            if len(concerned) <= MAX_ASIDE and all(listed.is_whole for listed in found):
                done.add(name)
    return parts, frozenset(done)


def _listed(reader: AccountReader, kind: Kind, params: Mapping[str, Any]) -> _Listed:
    """Read a list to its end, or to `MAX_PAGES`."""
    parts: list[_Part] = []
    after: str | None = None
    while True:
        page: Page = reader.read(
            lambda gateway, token, after=after: gateway.list_kind(token, kind, params, starting_after=after),  # type: ignore[misc]  # bound in a loop
            kind.path,
        )
        objects = reader.complete(kind, page.objects)
        parts.append(_Part(kind=kind, objects=objects, stamp=reader.stamp(page.sent_at)))
        if not page.has_more or len(parts) == MAX_PAGES:
            return _Listed(parts=parts, is_whole=not page.has_more)
        after = page.objects[-1]["id"]
